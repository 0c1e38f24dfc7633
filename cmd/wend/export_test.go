package main

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"strings"

	"github.com/wendflow/wend/emulator"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/diag"
)

// Program is main, for the stories that run it as a process of its own.
var Program = main

// Vendors are the names of the emulators that are wired.
func Vendors() []string {
	var names []string
	for _, v := range vendors() {
		names = append(names, v.name)
	}
	return names
}

// OpenEmulator opens the emulator of a vendor.
func OpenEmulator(name string, cfg emulator.Config) (*emulator.Vendor, error) {
	chosen, err := chooseVendors([]string{name})
	if err != nil {
		return nil, err
	}
	return chosen[0].open(cfg)
}

// Harmless is what all output goes through.
func Harmless(w io.Writer) io.Writer { return &harmless{w: w} }

// Behind is what the server's handlers are behind.
var Behind = behind

// Served is a server in this process.
type Served struct {
	Addr   string
	Ended  <-chan error // gets what Run returned
	Reload func()       // is what a hangup does
}

// Serve serves flows by a configuration, all in memory, until ctx ends.
func Serve(ctx context.Context, configFile string, paths []string, log *slog.Logger) (*Served, error) {
	cfg, mistakes := config.Load(configFile)
	if err := mistakes.Err(); err != nil {
		return nil, err
	}
	quiet := &streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}
	k, err := openKit(ctx, cfg, defaultPlugins, 0, log)
	if err != nil {
		return nil, err
	}
	if err := k.connectLate(quiet); err != nil {
		return nil, err
	}
	s, err := newServer(ctx, k, serverConfig{
		paths: paths, addr: "127.0.0.1:0", readConfig: func(*config.Config) (*config.Config, diag.List) { return config.Load(configFile) },
	}, quiet, log)
	if err != nil {
		return nil, err
	}
	if err := s.live.Mistakes().Err(); err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() {
		err := s.Run(ctx)
		s.Close()
		k.Close(context.WithoutCancel(ctx))
		done <- err
	}()
	select {
	case addr := <-s.ready:
		return &Served{Addr: addr, Ended: done, Reload: func() { s.reloadAll(ctx) }}, nil
	case err := <-done:
		return nil, err
	}
}

// NeedRestart names what a server that began with one configuration would have to
// be restarted for to be as another has it.
func NeedRestart(began, next *config.Config) ([]string, error) {
	none := &safe{}
	token, err := apiToken(began, none.sources())
	s := &server{
		kit: &kit{config: began, safe: none}, addr: cmp.Or(began.Server.Addr, defaultAddr), token: token, log: slog.New(slog.DiscardHandler),
	}
	return s.needRestart(next), err
}
