package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/wendflow/wend/runtime/api"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/environment"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
)

// rollBack has new runs of a flow begin with an earlier version from now on, or
// with the one in its file if number is 0 or that one's.
func (s *server) rollBack(ctx context.Context, name string, number int) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	standing, ok := s.versions.Standing(name)
	live := s.live.Set().Flow(name)
	if !ok || live == nil {
		return &api.RefusedError{Reason: fmt.Sprintf("no version of flow %q is served", name)}
	}
	var back *journal.Rollback
	if number != 0 && number != standing.Current {
		v, ok := s.versions.Version(name, number)
		if !ok {
			return &api.RefusedError{Reason: fmt.Sprintf("version %d of flow %q is not kept any more", number, name)}
		}
		if err := s.fits(ctx, live.File, v); err != nil {
			return err
		}
		back = &journal.Rollback{Version: number, Over: standing.Current, Since: s.clock.Now()}
	}
	if err := s.versions.Stand(ctx, name, func(st *journal.Standing) { st.Rollback = back }); err != nil {
		return err
	}
	if back != nil {
		s.log.Warn("a flow is rolled back", "flow", name, "version", back.Version, "over", back.Over)
	} else {
		s.log.Warn("a flow is as its file has it, by an operator", "flow", name, "version", standing.Current)
	}
	s.reloadFlows(ctx)
	want := standing.Current
	if back != nil {
		want = back.Version
	}
	if f := s.live.Set().Flow(name); f == nil || s.versions.Number(name, f.Digest, f.Plugins()) != want {
		return &api.RefusedError{Reason: fmt.Sprintf("flow %q is to be served as version %d, and is not yet; the log says why", name, want)}
	}
	return nil
}

// fits holds a version against the connections and the other flows of now, as a
// file is held that is to go live.
func (s *server) fits(ctx context.Context, file string, v journal.Version) error {
	refused := &api.RefusedError{Reason: fmt.Sprintf("version %d of flow %q does not fit to what is there now", v.Number, v.Flow)}
	src, types, err := s.partsOf(ctx, v)
	if errors.Is(err, journal.ErrNotFound) {
		return &api.RefusedError{Reason: fmt.Sprintf("version %d of flow %q, or a plugin of it, is not kept any more", v.Number, v.Flow)}
	}
	if err != nil {
		refused.Mistakes = []string{err.Error()}
		return refused
	}
	f, mistakes := flow.Load(file, src, environment.Flows(types, s.config.Load()))
	if f != nil {
		mistakes = append(mistakes, environment.Check(types, catalog.One(f), s.config.Load())...)
		mistakes = append(mistakes, s.live.Set().Clashes(f)...)
	}
	if !mistakes.HasErrors() {
		return nil
	}
	for _, m := range mistakes.Sorted() {
		refused.Mistakes = append(refused.Mistakes, m.Error())
	}
	return refused
}
