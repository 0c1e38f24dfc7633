package main

import (
	"context"
	"time"

	"github.com/wendflow/wend/runtime/api"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/journal/sqlite"
	"github.com/wendflow/wend/runtime/telemetry"
)

// tellCommit tells observers of what the journal put on disk.
func (s *server) tellCommit(c sqlite.Commit) {
	fact.Tell(s.observers, fact.Committed{At: fact.At{At: s.clock.Now()}, Writes: c.Writes, Waited: c.Waited, Took: c.Took, Err: c.Err})
}

// figures are what the metrics say of now.
func (s *server) figures(a *api.Server) telemetry.Sources {
	from := telemetry.Sources{Ready: s.isReady, Limits: a.Limits, Backlog: s.backlog, Plugins: s.loadedPlugins}
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

// isReady tells what is missing before requests can be served.
func (s *server) isReady() error {
	if s.past == nil {
		return nil
	}
	return s.engine.Ready()
}
