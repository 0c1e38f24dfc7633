package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/labstack/echo/v4"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wendflow/wend/runtime/api"
	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/environment"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/sqlite"
	"github.com/wendflow/wend/runtime/mcp"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/quota"
	"github.com/wendflow/wend/runtime/retention"
	"github.com/wendflow/wend/runtime/schedule"
	"github.com/wendflow/wend/runtime/secret"
	"github.com/wendflow/wend/runtime/telemetry"
	"github.com/wendflow/wend/runtime/watch"
	"github.com/wendflow/wend/runtime/webhook"
)

const (
	defaultAddr  = "127.0.0.1:8080"
	defaultFlows = "flows"
	defaultData  = ".wend"
	// drain is how long runs in progress may take to end when the server stops.
	drain = 15 * time.Second
)

func serveCommand(std *streams) *cobra.Command {
	var env envFlags
	var log logFlag
	var (
		addr, data string
		acceptLoss bool
		trustClock bool
		debugging  bool
	)
	cmd := &cobra.Command{
		Use:   "serve [PATH...]",
		Short: "Serve the flows under PATH (default flows), and reload them when they change",
		Long: `Serve the webhooks of all flows under PATH, and the API.

A flow that is wrong goes on as it was, at the start as it was served last; one that has
no such version is left out. All others are served. The first interrupt stops in an orderly way, the second at once.
A hangup (SIGHUP) reads flows, plugins, wend.yaml and its secrets anew.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			hangups := make(chan os.Signal, 1)
			signal.Notify(hangups, syscall.SIGHUP) // from now on, since it would end us
			defer signal.Stop(hangups)
			if len(paths) == 0 {
				paths = []string{defaultFlows}
			}
			logger, err := log.logger(std)
			if err != nil {
				return err
			}
			k, err := env.open(cmd.Context(), std, logger)
			if err != nil {
				return err
			}
			defer k.Close(context.WithoutCancel(cmd.Context()))
			if err := k.connectLate(std); err != nil {
				return err
			}
			s, err := newServer(cmd.Context(), k, serverConfig{
				paths: paths, addr: addr, data: data, acceptLoss: acceptLoss, trustClock: trustClock, debug: debugging, hangups: hangups, readConfig: env.reload, curlFlags: env.line(),
			}, std, logger)
			if err != nil {
				return err
			}
			defer s.Close()
			return s.Run(cmd.Context())
		},
	}
	env.flags(cmd)
	log.flags(cmd, "info")
	log.formats(cmd)
	cmd.Flags().StringVar(&addr, "addr", "", "where to listen (default "+defaultAddr+", or server.addr of the configuration)")
	cmd.Flags().StringVar(&data, "data", defaultData, "folder of the journal")
	cmd.Flags().BoolVar(&acceptLoss, "accept-loss", false, "go on with a journal that lacks what was committed")
	cmd.Flags().BoolVar(&trustClock, "trust-clock", false, "remove ended runs though the clock is far ahead of where it was before")
	cmd.Flags().BoolVar(&debugging, "debug", false, "serve profiles of the process (pprof) on a port of this machine that the log says")
	return cmd
}

type serverConfig struct {
	paths []string
	addr  string
	data  string // empty keeps all runs in memory
	// acceptLoss goes on with a journal that lost commits.
	acceptLoss bool
	// hangups ask for all to be read again, the configuration by readConfig.
	hangups    <-chan os.Signal
	readConfig func(now *config.Config) (*config.Config, diag.List)
	// curlFlags are those that `wend curl` needs to see what we see.
	curlFlags string
	// trustClock says that a time is right by which runs could be too old.
	trustClock bool
	// debug serves profiles of the process.
	debug bool
}

// server is the process that operators run.
type server struct {
	std     *streams
	log     *slog.Logger
	kit     *kit
	paths   []string
	live    *catalog.Live
	journal journal.Driver
	// versions of flows are in the journal. The journal is one in memory, and what
	// is below nil, if all runs are kept there.
	versions *catalog.Versions
	past     *catalog.Past
	keeper   *retention.Keeper
	// clock is that of runs, and of all that is kept for them. Signatures and
	// credentials go by that of the machine, as those do who made them.
	clock  *clock.Steady
	engine *engine.Engine
	// observers are told what the engine and the webhooks do.
	observers *fact.Observers
	metrics   *telemetry.Metrics
	traces    *telemetry.Traces       // nil: none are sent
	exports   []func(context.Context) // send telemetry until their context ends
	schedules *schedule.Scheduler
	echo      *echo.Echo
	webhooks  *webhook.Handler
	gate      quota.Gate
	turns     quota.Turns
	streams   *quota.Quota
	addr      string
	tls       atomic.Pointer[tls.Config] // nil: plain HTTP
	ready     chan string                // gets the address once it listens

	given     serverConfig
	token     string // server.token
	guard     *auth.Guard
	reloading sync.Mutex
	config    atomic.Pointer[config.Config] // what is in force; kit.config is that of the start
	// untaken is what of wend.yaml was wrong when it was read last, unread what of
	// secrets and certificates: there the old is in force.
	untaken, unread atomic.Pointer[diag.List]
}

// newServer is ready to Run. Close it in any case.
func newServer(ctx context.Context, k *kit, cfg serverConfig, std *streams, log *slog.Logger) (*server, error) {
	s := &server{std: std, log: log, kit: k, paths: cfg.paths, clock: clock.NewSteady(k.clock, nil), ready: make(chan string, 1), given: cfg}
	s.config.Store(k.config)
	if _, err := catalog.Find(s.paths); err != nil { // before anything is written
		return nil, wrong(err)
	}
	s.addr = cmp.Or(cfg.addr, k.config.Server.Addr, defaultAddr)
	token, err := apiToken(k.config, k.safe.sources())
	if err != nil {
		return nil, err
	}
	if err := s.openGuard(cfg.data, token); err != nil {
		return nil, err
	}
	secure, err := serverTLS(k.config.Server.TLS)
	if err != nil {
		return nil, wrong(err)
	}
	s.tls.Store(secure)
	if err := k.plugins.Prove(ctx); err != nil {
		return nil, wrong(err)
	}
	s.observers = s.observe() //nolint:contextcheck // facts are told without one
	s.tellWrongPlugins()
	ec := engine.Config{
		Bounds: runBounds(k.config.Limits), Store: storeBounds(k.config.Limits),
		Caller: k.outbound, Clock: s.clock, Version: version(), Observers: s.observers, Depth: k.config.Limits.Depth,
		Callee: func(name string) *flow.Flow { return s.live.Set().Flow(name) },
		Paused: func(name string) *journal.Pause {
			standing, _ := s.versions.Standing(name)
			return standing.Pause
		},
	}
	if s.traces != nil {
		ec.Trace = s.traces.Trace
	}
	if cfg.data == "" {
		memory := journal.NewMemory(1000)
		memory.Now = s.clock.Now
		s.journal, ec.Memory = memory, memory
	} else {
		if err := s.openJournal(ctx, cfg); err != nil {
			s.Close()
			return nil, err
		}
		ec.Journal, ec.Flow = s.journal, s.past.Flow
	}
	if s.versions, err = catalog.OpenVersions(ctx, catalog.VersionsConfig{Journal: s.journal, Log: s.log}); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.openFlows(ctx); err != nil {
		s.Close()
		return nil, err
	}
	ec.Audience = s.audience
	s.engine = engine.New(ec)
	s.schedules = s.newScheduler()
	if err := s.routes(); err != nil { //nolint:contextcheck // each request has its own
		s.Close()
		return nil, err
	}
	return s, nil
}

// audience finds whom an event concerns.
func (s *server) audience(name, key string) engine.Audience {
	set := s.live.Set()
	a := engine.Audience{Waits: set.Waits(name)}
	for _, l := range set.Listeners(name, key) {
		a.Listeners = append(a.Listeners, engine.Listener{Flow: l.Flow, Node: l.Node})
	}
	return a
}

func (s *server) newScheduler() *schedule.Scheduler {
	ticks := s.journal
	if ticks == nil {
		ticks = journal.NewMemory(0)
	}
	return schedule.New(schedule.Config{
		Flows: s.live.Set, Engine: s.engine, Journal: ticks, Clock: s.clock, Observers: s.observers, Log: s.log,
	})
}

// stored finds the last good version of a flow: the one that was deployed last, or
// the one that its newest run began with where an earlier Wend kept no versions. It
// has this environment's variables.
func (s *server) stored(ctx context.Context, file, name string) *flow.Flow {
	last := journal.Version{Flow: name}
	if standing, ok := s.versions.Standing(name); ok {
		last, _ = s.versions.Version(name, standing.Current)
	} else {
		page, err := s.journal.Runs(ctx, journal.Filter{Flow: name, Limit: 1})
		if err != nil || len(page.Runs) == 0 {
			return nil
		}
		last.Digest, last.Plugins = page.Runs[0].FlowDigest, page.Runs[0].Plugins
	}
	f, err := s.version(ctx, file, last)
	if err != nil {
		s.log.Error("the last good version of a flow cannot be had", "flow", name, "error", err)
		return nil
	}
	return f
}

// version is a flow as it was, with this environment's variables.
func (s *server) version(ctx context.Context, file string, v journal.Version) (*flow.Flow, error) {
	src, types, err := s.partsOf(ctx, v)
	if err != nil {
		return nil, err
	}
	f, mistakes := flow.LoadStored(file, src, environment.Flows(types, s.config.Load()))
	if f == nil {
		return nil, mistakes.Err()
	}
	return f, nil
}

// partsOf are the source of a version and the node types that it had.
func (s *server) partsOf(ctx context.Context, v journal.Version) ([]byte, *node.Set, error) {
	src, err := s.journal.Blob(ctx, v.Digest)
	if err != nil {
		return nil, nil, err
	}
	types, err := s.kit.plugins.TypesOf(ctx, v.Plugins)
	if err == nil {
		err = s.kit.plugins.Usable(ctx, slices.Sorted(maps.Values(v.Plugins)))
	}
	return src, types, err
}

// openFlows reads the flows and loads the plugins that they use. A flow that is
// wrong keeps no other from being served, but settings that a flow's plugin
// refuses keep the server from starting, as anything wrong with them does.
func (s *server) openFlows(ctx context.Context) error {
	live, mistakes, err := catalog.OpenLive(ctx, catalog.LiveConfig{
		Paths: s.paths,
		Flows: func() flow.Config { return environment.Flows(s.kit.plugins.Types(), s.config.Load()) },
		Check: func(set *catalog.Set) diag.List {
			return environment.Check(s.kit.plugins.Types(), set, s.config.Load())
		},
		Stored:   s.stored,
		Versions: s.versions,
		Version:  s.version,
		Prepare:  func(ctx context.Context, set *catalog.Set) error { return s.kit.plugins.Want(ctx, set.Plugins()) },
		Tell:     s.std.tell,
		Log:      s.log,
	})
	s.std.tell(mistakes)
	if err != nil {
		return wrong(err)
	}
	if s.kit.inConfig(slices.Clone(mistakes)).HasErrors() {
		return errSaid
	}
	s.live = live
	if wrong := live.Mistakes(); len(wrong) > 0 {
		s.log.Error("flow files are wrong: their flows are as they were, or left out", "mistakes", len(wrong), "error", wrong.Err())
	}
	if len(live.Set().Flows()) == 0 {
		s.log.Warn("no flow is served; put a flow file, NAME.yaml, into the folder and it is taken up", "paths", s.paths)
	}
	s.tellLacking()
	return nil
}

// tellLacking tells which flows need a secret that cannot be had. They are
// served all the same: what calls with that connection fails.
func (s *server) tellLacking() {
	said := map[string]bool{}
	for _, f := range s.live.Set().Flows() {
		for _, name := range catalog.Connections(f) {
			err := s.kit.outbound.Lacks(name)
			if err == nil {
				continue
			}
			if !said[name] {
				said[name] = true
				s.std.tell(environment.Placed(s.config.Load(), err))
			}
			s.log.Error("a flow lacks a credential; its calls with the connection fail until it is there",
				"flow", f.Name, "connection", name, "error", err)
		}
	}
}

// openJournal opens the data folder and puts the plugins into it.
func (s *server) openJournal(ctx context.Context, cfg serverConfig) error {
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: cfg.data, Now: s.clock.Now, AcceptLoss: cfg.acceptLoss, Committed: s.tellCommit})
	if errors.Is(err, sqlite.ErrLacking) {
		return wrongf("%w\nrestore what is missing in data folder %q, or go on with what is left by --accept-loss", err, cfg.data)
	}
	if err != nil {
		return wrong(err)
	}
	s.journal = db
	s.keeper, err = retention.New(retention.Config{
		Journal: db, Keep: s.keep,
		Clock: s.clock, Folder: cfg.data, TrustClock: cfg.trustClock, Log: s.log,
	})
	if err != nil {
		return wrong(err)
	}
	s.past = catalog.NewPast(catalog.PastConfig{
		Live:  func(name string) *flow.Flow { return s.live.Set().Flow(name) },
		Blobs: db,
		Types: s.kit.plugins.TypesOf,
	})
	return wrong(s.kit.plugins.KeepIn(ctx, db))
}

// tellWrongPlugins logs which plugin files are wrong, and what becomes of them.
func (s *server) tellWrongPlugins() {
	for _, e := range s.kit.plugins.Wrong() {
		if e.Kept != "" {
			s.log.Error("a plugin file is wrong, it stays what it was", "file", e.File, "plugin", e.Kept, "error", e.Err)
			continue
		}
		s.log.Error("a plugin file is wrong and left out", "file", e.File, "error", e.Err)
	}
}

// mistakes are those of wend.yaml as it was read last, of plugin files and of
// flow files.
func (s *server) mistakes() diag.List {
	var list diag.List
	for _, wrong := range []*atomic.Pointer[diag.List]{&s.untaken, &s.unread} {
		if l := wrong.Load(); l != nil {
			list = append(list, *l...)
		}
	}
	for _, e := range s.kit.plugins.Wrong() {
		list.Errorf(diag.Pos{File: e.File}, diag.Unreadable, "%s", e.Err)
	}
	return append(list, s.live.Mistakes()...)
}

// Close closes the journal. The server must not be running.
func (s *server) Close() {
	if s.journal == nil {
		return
	}
	if err := s.journal.Close(); err != nil {
		s.log.Error("close the journal", "error", err)
	}
}

// What all callers together may use where the configuration does not say.
const (
	mostRequests = 10_000
	mostBodies   = 32 << 20
	mostStreams  = 500
	mostQueued   = 100
)

// routes mounts all that is served.
func (s *server) routes() error {
	k, flows, log := s.kit, s.live, s.log
	s.echo = echo.New()
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.HTTPErrorHandler = problem.Handler(log)
	s.echo.Use(auth.Harden(func(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, webhook.Prefix) }))
	s.echo.Use(auth.Pages(s.guard.Open, func(r *http.Request) bool { return s.webhooks.TakesPage(r) }))
	limits := k.config.Limits
	s.gate = quota.Gate{
		Requests: quota.New("requests", 0), Bodies: quota.New("bodies", 0),
		MaxBody: cmp.Or(limits.Body, webhook.MaxBody),
	}
	s.streams = quota.New("streams", 0)
	s.webhooks = webhook.New(webhook.Config{
		Flows: flows.Set, Engine: s.engine, Verifier: k.outbound, Clock: s.clock, Observers: s.observers, Log: log,
		Gate: s.gate, Turns: &s.turns, MaxBody: limits.Body,
	})
	s.webhooks.Mount(s.echo)
	s.apply(k.config)
	ac := api.Config{
		Flows: flows.Set, Engine: s.engine, Types: k.plugins.Types, Guard: s.guard,
		Gate: s.gate, Streams: s.streams,
		MaxBody: limits.Body, Version: version(), Clock: s.clock, Log: log, Lacks: k.outbound.Lacks, Connections: k.outbound.Statuses, Mistakes: s.mistakes,
		Versions: s.versions, Rollback: s.rollBack, Ready: s.isReady, Metrics: s.metrics.Handler(log),
	}
	if s.past != nil {
		ac.Flow = s.past.Flow
	}
	a, err := api.New(ac)
	if err != nil {
		return err
	}
	s.metrics.Read(s.figures(a))
	a.Mount(s.echo)
	mcp.New(mcp.Config{
		Flows: flows.Set, Engine: s.engine, Guard: s.guard, Gate: s.gate, MaxBody: limits.Body, Version: version(), Clock: s.clock, Log: log,
	}).Mount(s.echo)
	return nil
}

// apiToken reads the token that server.token refers to; "" if there is none.
func apiToken(cfg *config.Config, from secret.Sources) (string, error) {
	if cfg.Server.Token == "" {
		return "", nil
	}
	token, err := from.Read(cfg.Server.Token)
	if err != nil {
		return "", wrongf("server.token: %w", err)
	}
	if err := auth.CheckToken(string(token)); err != nil {
		return "", wrongf("server.token: %s: %w", cfg.Server.Token, err)
	}
	return string(token), nil
}

// openGuard reads who may ask the API.
func (s *server) openGuard(data, token string) error {
	s.token = token
	var tokens *auth.Tokens
	if data != "" {
		tokens = auth.NewTokens(data, s.log)
		if _, _, err := tokens.List(); err != nil {
			return wrong(err)
		}
	}
	s.guard = auth.NewGuard(token, tokens, s.kit.clock.Now)
	if s.guard.Open() && !auth.Loopback(hostOf(s.addr)) {
		return wrongf("%s can be reached from outside, so the API needs a token: make one with \"wend token create\", or set server.token to env:NAME or file:PATH in %s",
			s.addr, cmp.Or(s.kit.config.File, defaultConfig))
	}
	return nil
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
	// The collector runs when the heap has doubled, and that of an idle server
	// is so small that it would run all the time under load. These bytes count
	// as heap and take no memory, since nobody ever touches them.
	room := make([]byte, 16<<20)
	defer runtime.KeepAlive(room)
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.addr)
	if err != nil {
		return wrongf("%w; say with --addr where else to listen", err)
	}
	srv := &http.Server{
		Handler:           behind(func() []netip.Prefix { return s.config.Load().Server.Proxies }, s.echo),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		// From the end of the header: for the body, the wait for a response, and
		// for a client to take it. Streams have deadlines of their own.
		WriteTimeout:   90 * time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	if s.tls.Load() != nil {
		srv.TLSConfig = s.tlsNow()
	}
	changes, err := s.watch() // before anybody is told that a change counts
	if err != nil {
		_ = l.Close()
		return wrong(err)
	}
	defer s.export(ctx)()
	if s.given.debug {
		stop, err := s.serveProfiles(ctx)
		if err != nil {
			_ = l.Close()
			return wrong(err)
		}
		defer stop()
	}
	s.announce(l.Addr().String())
	s.tellSystemd(daemon.SdNotifyReady)
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		serve := srv.Serve
		if srv.TLSConfig != nil {
			serve = func(l net.Listener) error { return srv.ServeTLS(l, "", "") }
		}
		if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error { return changes.Run(gctx, func(names []string) { s.filesChanged(gctx, names) }) })
	group.Go(func() error {
		s.reloadOnHangup(gctx)
		return nil
	})
	group.Go(func() error { return s.engine.Run(gctx) })
	group.Go(func() error {
		s.schedules.Run(gctx)
		return nil
	})
	group.Go(func() error {
		// Loading plugins leaves garbage of several times their size, which an
		// idle server would keep for long.
		debug.FreeOSMemory()
		return nil
	})
	group.Go(func() error {
		s.clock.Watch(gctx, func(j clock.Jump) {
			fact.Tell(s.observers, fact.ClockJumped{At: fact.At{At: s.clock.Now()}, Jump: j})
		})
		return nil
	})
	group.Go(func() error {
		if s.keeper != nil {
			s.keeper.Run(gctx)
		}
		return nil
	})
	group.Go(func() error {
		s.kit.plugins.Run(gctx)
		return nil
	})
	group.Go(func() error {
		s.kit.safe.keep(gctx)
		return nil
	})
	group.Go(func() error {
		s.rereadSecrets(gctx)
		return nil
	})
	group.Go(func() error {
		<-gctx.Done()
		return s.stop(context.WithoutCancel(ctx), srv)
	})
	return wrong(group.Wait())
}

// watch notes from now on what changes of flows and plugins.
func (s *server) watch() (*watch.Watcher, error) {
	return watch.New(watch.Config{
		Folders: func() ([]string, error) {
			folders, err := catalog.Folders(s.paths)
			return append(folders, s.kit.plugins.Watched()), err
		},
		Extensions: []string{".yaml", ".yml", ".wasm"},
		Log:        s.log,
	})
}

// stop lets callers who wait get their answer: the listener closes first, the
// runs end, and then the last connections are idle.
func (s *server) stop(ctx context.Context, srv *http.Server) error {
	ctx, cancel := s.kit.clock.WithTimeout(ctx, drain, fmt.Errorf("still running after %s", drain))
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

// How long ended runs are kept, and how many versions of a flow, where the
// configuration says nothing.
const (
	keepRuns     = 30 * 24 * time.Hour
	keepVersions = 20
)

// keep is what is kept by the configuration of now.
func (s *server) keep() journal.Retention {
	r := s.config.Load().Server.Retention
	return journal.Retention{Age: cmp.Or(r.Age, keepRuns), Bytes: r.Size, Versions: cmp.Or(r.Versions, keepVersions)}
}

// announceTry prints a command that calls a webhook. What proves a caller is
// printed to nobody who has not asked for it, and would soon be too old.
func (s *server) announceTry(base string, h catalog.Hook) {
	if h.Verify != "" {
		fmt.Fprintf(s.std.out, "try: wend curl %s%s --url %s | sh\n  (it takes only what connection %q proves; `wend curl` signs with its secret)\n",
			quoted(h.Flow.File), s.given.curlFlags, base, h.Verify)
		return
	}
	line, missing, err := curlLine(base, h, "", nil)
	if err != nil {
		missing = err.Error()
	}
	if missing != "" {
		missing = "\n  (" + missing + ")"
	}
	fmt.Fprintf(s.std.out, "try: %s%s\n", line, missing)
}

// announce prints what is served and how to try it.
func (s *server) announce(addr string) {
	base := schemeOf(s.kit.config) + addr
	fmt.Fprintf(s.std.out, "listening on %s\n", base)
	hooks := s.live.Set().Hooks()
	for _, h := range hooks {
		fmt.Fprintf(s.std.out, "  %s %s%s%s  → %s\n", strings.Join(h.Methods, ","), base, webhook.Prefix, h.Path, h.Flow.Name)
	}
	for _, f := range s.live.Set().Flows() {
		for _, t := range f.Triggers {
			if sched, ok := t.Trigger.(*node.Schedule); ok {
				fmt.Fprintf(s.std.out, "  %s, next %s  → %s\n", sched.Plan, sched.Plan.Next(s.clock.Now()).Format(time.RFC3339), f.Name)
			}
		}
	}
	if len(hooks) > 0 {
		s.announceTry(base, hooks[0])
	}
	s.log.Info("serving", "addr", addr, "flows", len(s.live.Set().Flows()), "plugins", len(s.live.Set().Plugins()), "version", version())
	s.ready <- addr
}
