package main

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/environment"
)

// filesChanged takes what has changed. A new version of a plugin may make a flow
// wrong or right, so flows are read again in any case.
func (s *server) filesChanged(ctx context.Context, names []string) {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	if slices.ContainsFunc(names, s.kit.plugins.Holds) {
		s.reloadPlugins(ctx)
	}
	s.reloadFlows(ctx)
}

func (s *server) reloadFlows(ctx context.Context) {
	s.live.Reload(ctx)
	s.schedules.Reload()
	s.tellLacking()
}

func (s *server) reloadPlugins(ctx context.Context) {
	if err := s.kit.plugins.Reload(ctx); err != nil {
		s.log.Error("plugins are not reloaded, all stay as they were", "error", err)
		return
	}
	s.tellWrongPlugins()
	s.log.Info("plugins reloaded")
}

// reloadOnHangup reads everything anew whenever it is asked to, until ctx ends.
func (s *server) reloadOnHangup(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.given.hangups:
			s.reloadAll(ctx)
		}
	}
}

// reloadAll reads plugins, configuration and flows anew. Requests and runs that
// are under way go on with what they began with.
func (s *server) reloadAll(ctx context.Context) {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	s.log.Info("reloading")
	s.tellSystemd(daemon.SdNotifyReloading)
	defer s.tellSystemd(daemon.SdNotifyReady)
	s.reloadPlugins(ctx)
	s.reloadConfig() //nolint:contextcheck // it logs, and that needs none
	s.reloadFlows(ctx)
}

// reloadConfig takes wend.yaml and its secrets as they are now. One that is
// wrong leaves the old one in force.
func (s *server) reloadConfig() {
	now := s.config.Load()
	next, mistakes := s.given.readConfig(now)
	if !mistakes.HasErrors() {
		mistakes = append(mistakes, s.unfit(next)...)
	}
	var stale error
	if !mistakes.HasErrors() {
		var wrong diag.List
		stale, wrong = s.reconnect(next)
		mistakes = append(mistakes, wrong...)
	}
	logMistakes(s.log, mistakes)
	if mistakes.HasErrors() {
		s.untaken.Store(&mistakes)
		s.log.Error("the configuration is not reloaded, the old one stays in force")
		s.reread(now)
		return
	}
	s.untaken.Store(nil)
	s.tellStale(next, stale)
	s.config.Store(next)
	s.apply(next)
	s.reloadTLS(next.Server.TLS)
	if names := s.needRestart(next); len(names) > 0 {
		s.log.Warn("settings have changed that count after a restart", "settings", strings.Join(names, ", "))
	}
	s.log.Info("configuration reloaded", "connections", len(next.Connections))
}

// reconnect has connections be what a configuration says, with the secrets as they
// are now, those in a vault too. If anything of it is wrong, nothing changes.
func (s *server) reconnect(next *config.Config) (stale error, wrong diag.List) { //nolint:staticcheck // it is a finding, not a failure
	safe := s.kit.safe
	store, err := safe.vault(next)
	if err != nil {
		wrong.Errorf(next.Pos("vault.tls"), config.InvalidConnection, "%s", err)
		return nil, wrong
	}
	before := safe.take(store)
	stale, err = s.kit.outbound.Reload(next.Connections, next.Outbound.Allow, next.Limits.Reply)
	if err != nil {
		safe.take(before)
		return nil, environment.Placed(next, err)
	}
	return stale, nil
}

// tellStale tells which secrets and certificates cannot be read now.
func (s *server) tellStale(c *config.Config, stale error) {
	var unread diag.List
	if stale != nil {
		unread = environment.Placed(c, stale)
		for _, m := range unread {
			s.log.Error("a secret or certificate cannot be read, the old one stays in force", "mistake", m)
		}
	}
	s.unread.Store(&unread)
}

// lookEvery is how often files of secrets and certificates are looked at.
const lookEvery = 2 * time.Second

// rereadSecrets takes the files of secrets and certificates that have changed, until
// ctx ends. They are looked at, since what mounts them (Kubernetes, a network) does
// not always tell.
func (s *server) rereadSecrets(ctx context.Context) {
	ticker := s.kit.clock.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.rereadChanged()
		}
	}
}

func (s *server) rereadChanged() {
	if !s.kit.outbound.FilesChanged() {
		return
	}
	s.reloading.Lock()
	defer s.reloading.Unlock()
	s.reread(s.config.Load())
	s.log.Info("secrets and certificates read again, since their files have changed")
}

// reread takes the secrets and certificates of the configuration in force as they are
// now, those in a vault as they were read last.
func (s *server) reread(c *config.Config) {
	stale, err := s.kit.outbound.Reload(c.Connections, c.Outbound.Allow, c.Limits.Reply)
	if err != nil { // it was right when it was taken
		s.log.Error("secrets and certificates are not read again", "error", err)
		return
	}
	s.tellStale(c, stale)
}

// unfit are the mistakes in a configuration that only the flows show: what
// their plugins want to be set.
func (s *server) unfit(next *config.Config) diag.List {
	return slices.DeleteFunc(environment.Check(s.kit.plugins.Types(), s.live.Set(), next), func(m *diag.Error) bool {
		return m.Pos.File != next.File // the flow's own, as whose it is told
	})
}

// apply sets the limits that can change while we run. Those of connections,
// flows, proxies and of what is kept are asked for when they are needed.
func (s *server) apply(c *config.Config) {
	s.gate.Requests.Set(cmp.Or(int64(c.Limits.Requests), mostRequests))
	s.gate.Bodies.Set(cmp.Or(c.Limits.Bodies, mostBodies))
	s.streams.Set(cmp.Or(int64(c.Limits.Streams), mostStreams))
	s.webhooks.Limit(c.Server.Requests.PerSecond, c.Server.Requests.Burst, c.Server.Requests.PerCaller)
	s.turns.Set(c.Limits.Runs, cmp.Or(c.Limits.Queue, mostQueued))
	s.engine.KeepAtMost(c.Limits.Events)
}

// needRestart names the settings that are not as they were at the start and
// count at a start only.
func (s *server) needRestart(c *config.Config) []string {
	began := s.kit.config
	var names []string
	add := func(name string, changed bool) {
		if changed {
			names = append(names, name)
		}
	}
	add("server.addr", s.given.addr == "" && cmp.Or(c.Server.Addr, defaultAddr) != s.addr)
	token, err := apiToken(c, s.kit.safe.sources())
	if err != nil {
		s.log.Error("the API's token cannot be read, the old one stays in force", "error", err)
	}
	add("server.token", err == nil && token != s.token)
	add("server.tls", (c.Server.TLS.CertFile == "") != (began.Server.TLS.CertFile == ""))
	add("telemetry.traces", c.Telemetry.Traces != began.Telemetry.Traces)
	add("telemetry.metrics", c.Telemetry.Metrics != began.Telemetry.Metrics)
	add("telemetry.logs", c.Telemetry.Logs != began.Telemetry.Logs)
	now, then := reflect.ValueOf(started(c.Limits)), reflect.ValueOf(started(began.Limits))
	for i := range now.NumField() {
		add("limits."+strings.ToLower(now.Type().Field(i).Name), !now.Field(i).Equal(then.Field(i)))
	}
	return names
}

// started are those limits that count from a start on: all but those that are
// applied while we run.
func started(l config.Limits) config.Limits {
	l.Reply, l.Nodes, l.Runs, l.Queue = 0, 0, 0, 0
	l.Requests, l.Bodies, l.Streams, l.Events = 0, 0, 0, 0
	return l
}
