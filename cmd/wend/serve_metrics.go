package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/wendflow/wend/runtime/api"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/journal/sqlite"
	"github.com/wendflow/wend/runtime/telemetry"
)

// observe begins to watch: for the log, for metrics and for traces. What goes
// wrong with sending the log is told by the one on stderr only.
func (s *server) observe() *fact.Observers {
	s.metrics = telemetry.New(version())
	to, only, instance := s.kit.config.Telemetry, s.log, uuid.NewString()
	receiver := func(endpoint string) telemetry.Receiver {
		return telemetry.Receiver{Endpoint: endpoint, Version: version(), Instance: instance, Log: only}
	}
	var sample float64
	if to.Traces.Endpoint != "" {
		sample = cmp.Or(to.Traces.Sample, 1)
		s.traces = telemetry.NewTraces(receiver(to.Traces.Endpoint), sample, s.metrics)
		s.exports = append(s.exports, s.traces.Run)
	}
	if to.Metrics.Endpoint != "" {
		s.exports = append(s.exports, func(ctx context.Context) { s.metrics.Push(ctx, receiver(to.Metrics.Endpoint)) })
	}
	if to.Logs.Endpoint != "" {
		logs := telemetry.NewLogs(receiver(to.Logs.Endpoint), sample, s.metrics)
		s.exports = append(s.exports, logs.Run)
		s.log = slog.New(slog.NewMultiHandler(s.log.Handler(), logs.Handler(s.log.Handler())))
	}
	watching := []fact.Observer{fact.Log(s.log, s.clock), s.metrics.Observe}
	if s.traces != nil {
		watching = append(watching, s.traces.Observe)
	}
	return fact.Observe(watching...)
}

// export sends telemetry to OTLP receivers until stop is called, which sends what
// is left.
func (s *server) export(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // runs go on for a while after it
	var group sync.WaitGroup
	for _, run := range s.exports {
		group.Go(func() { run(ctx) })
	}
	return func() {
		cancel()
		group.Wait()
	}
}

// tellCommit tells observers of what the journal put on disk.
func (s *server) tellCommit(c sqlite.Commit) {
	fact.Tell(s.observers, fact.Committed{At: fact.At{At: s.clock.Now()}, Writes: c.Writes, Waited: c.Waited, Took: c.Took, Err: c.Err})
}

// figures are what the metrics say of now.
func (s *server) figures(a *api.Server) telemetry.Sources {
	from := telemetry.Sources{Ready: s.isReady, Limits: a.Limits, Backlog: s.backlog, Plugins: s.loadedPlugins, Connections: s.callsOfConnections}
	if db, ok := s.journal.(*sqlite.Store); ok {
		from.Journal = func() telemetry.Journal {
			f := db.Figures()
			return telemetry.Journal{Waiting: f.Waiting, Oldest: f.Oldest, Bytes: f.Bytes}
		}
	}
	return from
}

func (s *server) backlog(ctx context.Context) (telemetry.Backlog, error) {
	b, err := s.engine.Backlog(ctx)
	return telemetry.Backlog{Driven: b.Driven, Oldest: s.since(b.Oldest), Overdue: s.since(b.Due)}, err
}

// since is how long a time is over; 0 for none, and for one to come.
func (s *server) since(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(0, s.clock.Now().Sub(t))
}

func (s *server) loadedPlugins() []telemetry.Plugin {
	var list []telemetry.Plugin
	for _, p := range s.kit.plugins.Status() {
		list = append(list, telemetry.Plugin{Name: p.Plugin, Idle: p.Idle, Running: p.Running, Most: p.Most})
	}
	return list
}

func (s *server) callsOfConnections() []telemetry.Connection {
	var list []telemetry.Connection
	for _, c := range s.kit.outbound.Statuses() {
		list = append(list, telemetry.Connection{
			Name: c.Name, Breaker: string(c.Breaker), UnderWay: c.UnderWay, Waiting: c.Waiting, Waited: c.Waited, KeptBack: c.KeptBack,
		})
	}
	return list
}

// probing is how long a journal that failed has to show that it does no more.
const probing = 2 * time.Second

// isReady tells what is missing before requests can be served.
func (s *server) isReady() error {
	if err := s.engine.Ready(); err != nil && (s.past != nil || errors.Is(err, engine.ErrStopped)) {
		return err
	}
	db, ok := s.journal.(*sqlite.Store)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), probing)
	defer cancel()
	if err := db.Ready(ctx); err != nil {
		return fmt.Errorf("the journal cannot be written: %w", err)
	}
	return nil
}
