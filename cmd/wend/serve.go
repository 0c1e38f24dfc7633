package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/labstack/echo/v4"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wendflow/wend/runtime/api"
	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/secret"
	"github.com/wendflow/wend/runtime/webhook"
)

const (
	defaultAddr  = "127.0.0.1:8080"
	defaultFlows = "flows"
	// drain is how long runs in progress may take to end when the server stops.
	drain = 15 * time.Second
)

func serveCommand(std *streams) *cobra.Command {
	var env environment
	var log logFlag
	var (
		addr, data string
		acceptLoss bool
	)
	cmd := &cobra.Command{
		Use:   "serve [PATH...]",
		Short: "Serve the flows under PATH (default flows), and reload them when they change",
		Long: `Serve the webhooks of all flows under PATH, and the API.

A flow that is wrong at the start keeps the server from starting. One that becomes wrong
later goes on as it was. The first interrupt stops in an orderly way, the second at once.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{defaultFlows}
			}
			logger, err := log.logger(std)
			if err != nil {
				return err
			}
			w, err := env.open(cmd.Context(), std, logger, nil)
			if err != nil {
				return err
			}
			defer w.Close(context.WithoutCancel(cmd.Context()))
			s, err := newServer(cmd.Context(), w, serverConfig{paths: paths, addr: addr, data: data, acceptLoss: acceptLoss}, std, logger)
			if err != nil {
				return err
			}
			defer s.Close()
			return s.Run(cmd.Context())
		},
	}
	env.flags(cmd)
	log.flags(cmd, "info")
	cmd.Flags().StringVar(&addr, "addr", "", "where to listen (default "+defaultAddr+", or server.addr of the configuration)")
	cmd.Flags().StringVar(&data, "data", defaultData, "folder of the journal")
	cmd.Flags().BoolVar(&acceptLoss, "accept-loss", false, "go on with a journal that lacks what was committed")
	return cmd
}

type serverConfig struct {
	paths []string
	addr  string
	data  string // empty keeps all runs in memory
	// acceptLoss goes on with a journal that lost commits.
	acceptLoss bool
}

// server is the process that operators run.
type server struct {
	std    *streams
	log    *slog.Logger
	world  *world
	live   *live
	store  *store // nil if all runs are kept in memory
	engine *engine.Engine
	// observers are told what the engine and the webhooks do.
	observers *fact.Observers
	echo      *echo.Echo
	addr      string
	ready     chan string // gets the address once it listens
}

// newServer is ready to Run. Close it in any case.
func newServer(ctx context.Context, w *world, cfg serverConfig, std *streams, log *slog.Logger) (*server, error) {
	shelf := newShelf(w.host, w.pluginDir, w.plugins, w.clock, log)
	flows, err := openLive(cfg.paths, w, shelf, std, log)
	if err != nil {
		return nil, err
	}
	s := &server{std: std, log: log, world: w, live: flows, ready: make(chan string, 1)}
	s.addr = cmp.Or(cfg.addr, w.config.Server.Addr, defaultAddr)
	token, err := apiToken(w.config)
	if err != nil {
		return nil, err
	}
	if token == "" && !auth.Loopback(hostOf(s.addr)) {
		return nil, wrongf("%s can be reached from outside, so the API needs a token: set server.token to env:NAME or file:PATH in %s",
			s.addr, cmp.Or(w.config.File, defaultConfig))
	}
	s.observers = fact.Observe(fact.Log(log))
	ec := engine.Config{Caller: w.outbound, Clock: w.clock, Version: version(), Observers: s.observers}
	if cfg.data != "" {
		if s.store, err = openStore(ctx, cfg.data, cfg.acceptLoss, w.clock, shelf, func(name string) *flow.Flow { return flows.Set().Flow(name) }); err != nil {
			return nil, err
		}
		ec.Journal, ec.Flow = s.store.Driver, s.store.Flow
	}
	s.engine = engine.New(ec)
	if err := s.routes(token); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close closes the journal. The server must not be running.
func (s *server) Close() {
	if s.store == nil {
		return
	}
	if err := s.store.Close(); err != nil {
		s.log.Error("close the journal", "error", err)
	}
}

// routes mounts all that is served.
func (s *server) routes(token string) error {
	w, flows, log := s.world, s.live, s.log
	s.echo = echo.New()
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.HTTPErrorHandler = problem.Handler(log)
	s.echo.Use(auth.Pages(token == ""))
	webhook.New(webhook.Config{
		Flows: flows.Set, Engine: s.engine, Verifier: w.outbound, Clock: w.clock, Observers: s.observers, Log: log,
		MaxBody: w.config.Limits.Body, Rate: w.config.Server.Requests.PerSecond, Burst: w.config.Server.Requests.Burst,
	}).Mount(s.echo)
	ac := api.Config{
		Flows: flows.Set, Engine: s.engine, Types: flows.Types, Token: token,
		MaxBody: w.config.Limits.Body, Version: version(), Clock: w.clock, Log: log,
	}
	if s.store != nil {
		ac.Flow = s.store.Flow
		ac.Ready = s.engine.Ready
	}
	a, err := api.New(ac)
	if err != nil {
		return err
	}
	a.Mount(s.echo)
	return nil
}

// apiToken reads the token that server.token refers to; "" if there is none.
func apiToken(cfg *config.Config) (string, error) {
	if cfg.Server.Token == "" {
		return "", nil
	}
	token, err := secret.Read(cfg.Server.Token, os.LookupEnv)
	if err != nil {
		return "", wrongf("server.token: %w", err)
	}
	if err := auth.CheckToken(string(token)); err != nil {
		return "", wrongf("server.token: %s: %w", cfg.Server.Token, err)
	}
	return string(token), nil
}

func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	return host
}

// Run serves until ctx ends, then takes no new work, lets runs in progress end
// for a while, and returns.
func (s *server) Run(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.addr)
	if err != nil {
		return wrong(err)
	}
	srv := &http.Server{
		Handler:           behind(s.world.config.Server.Proxies, s.echo),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	changes, err := s.live.watcher() // before anybody is told that a change counts
	if err != nil {
		_ = l.Close()
		return wrong(err)
	}
	s.announce(l.Addr().String())
	s.tellSystemd(daemon.SdNotifyReady)
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error { return s.live.watch(gctx, changes) })
	group.Go(func() error { return s.engine.Run(gctx) })
	group.Go(func() error {
		// Loading plugins leaves garbage of several times their size, which an
		// idle server would keep for long.
		debug.FreeOSMemory()
		return nil
	})
	group.Go(func() error {
		s.trim(gctx)
		return nil
	})
	group.Go(func() error {
		s.live.shelf.run(gctx)
		return nil
	})
	group.Go(func() error {
		<-gctx.Done()
		return s.stop(context.WithoutCancel(ctx), srv)
	})
	return wrong(group.Wait())
}

// stop lets callers who wait get their answer: the listener closes first, the
// runs end, and then the last connections are idle.
func (s *server) stop(ctx context.Context, srv *http.Server) error {
	ctx, cancel := s.world.clock.WithTimeout(ctx, drain, fmt.Errorf("still running after %s", drain))
	defer cancel()
	s.log.Info("stopping")
	s.tellSystemd(daemon.SdNotifyStopping)
	var group errgroup.Group
	group.Go(func() error {
		// That a vendor is slow is no failure of who stops the server: durable
		// runs go on after the next start.
		if err := s.engine.Shutdown(ctx); err != nil {
			s.log.Warn("stopped before all runs had ended", "error", err)
		}
		return nil
	})
	group.Go(func() error {
		if err := srv.Shutdown(ctx); err != nil {
			return srv.Close()
		}
		return nil
	})
	return group.Wait()
}

// tellSystemd says how far the server is to a unit of Type=notify. Elsewhere
// nobody listens.
func (s *server) tellSystemd(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("tell systemd", "state", state, "error", err)
	}
}

const (
	// keepRuns is how long ended runs are kept where the configuration says
	// nothing.
	keepRuns  = 30 * 24 * time.Hour
	trimEvery = 10 * time.Minute
)

// trim removes old runs now and then, until ctx ends.
func (s *server) trim(ctx context.Context) {
	if s.store == nil {
		return
	}
	keep := s.world.config.Server.Retention
	retention := journal.Retention{Age: cmp.Or(keep.Age, keepRuns), Bytes: keep.Size}
	tick := s.world.clock.NewTicker(trimEvery)
	defer tick.Stop()
	for {
		removed, err := s.store.Trim(ctx, retention)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.Error("remove old runs", "error", err)
		case removed > 0:
			s.log.Info("old runs removed", "runs", removed)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// announce prints what is served and how to try it.
func (s *server) announce(addr string) {
	base := "http://" + addr
	fmt.Fprintf(s.std.out, "listening on %s\n", base)
	hooks := s.live.Set().Hooks()
	for _, h := range hooks {
		fmt.Fprintf(s.std.out, "  POST %s%s%s  → %s\n", base, webhook.Prefix, h.Path, h.Flow.Name)
	}
	if len(hooks) > 0 {
		fmt.Fprintf(s.std.out, "try: %s\n", curlLine(base, hooks[0]))
	}
	s.ready <- addr
}
