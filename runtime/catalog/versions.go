package catalog

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
)

// VersionsConfig says where versions are kept.
type VersionsConfig struct {
	// Journal keeps them.
	Journal interface {
		journal.Versions
		journal.Blobs
	}
	// Log says which version is served from now on. Defaults to none.
	Log *slog.Logger
}

// Versions knows which versions of flows were served, and how it stands with each
// flow: whether it is rolled back, or has its new runs wait. It is safe for
// concurrent use.
type Versions struct {
	cfg VersionsConfig

	mu        sync.Mutex
	standings map[string]journal.Standing
	known     map[string][]journal.Version // by flow, the one that was deployed last first
}

// OpenVersions reads how it stands with all flows.
func OpenVersions(ctx context.Context, c VersionsConfig) (*Versions, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	v := &Versions{cfg: c, known: map[string][]journal.Version{}}
	if _, err := v.Refresh(ctx); err != nil {
		return nil, err
	}
	return v, nil
}

// Refresh reads how it stands with all flows anew, for another server may have
// changed that. It tells whether anything has changed.
func (v *Versions) Refresh(ctx context.Context) (changed bool, err error) {
	all, err := v.cfg.Journal.Standings(ctx)
	if err != nil {
		return false, err
	}
	standings := make(map[string]journal.Standing, len(all))
	for _, s := range all {
		standings[s.Flow] = s
		if old, ok := v.Standing(s.Flow); ok && same(old, s) {
			continue
		}
		changed = true
		versions, err := v.cfg.Journal.Versions(ctx, s.Flow)
		if err != nil {
			return false, err
		}
		v.mu.Lock()
		v.known[s.Flow] = versions
		v.mu.Unlock()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.standings = standings
	return changed, nil
}

func same(a, b journal.Standing) bool {
	return a.Current == b.Current && (a.Rollback == nil) == (b.Rollback == nil) && (a.Pause == nil) == (b.Pause == nil) &&
		(a.Rollback == nil || *a.Rollback == *b.Rollback) && (a.Pause == nil || *a.Pause == *b.Pause)
}

// Standing returns how it stands with a flow; false if no version of it was served.
func (v *Versions) Standing(name string) (journal.Standing, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.standings[name]
	return s, ok
}

// Stand has change say how it stands with a flow from now on. The rest is as with Stand of
// package journal.
func (v *Versions) Stand(ctx context.Context, name string, change func(*journal.Standing)) error {
	if err := v.cfg.Journal.Stand(ctx, name, change); err != nil {
		return err
	}
	_, err := v.Refresh(ctx)
	return err
}

// Deploy notes that a flow is what its file has from now on.
func (v *Versions) Deploy(ctx context.Context, f *flow.Flow) error {
	was, _ := v.Standing(f.Name)
	plugins := f.Plugins()
	if n := v.find(f.Name, func(one journal.Version) bool { return one.Is(f.Digest, plugins) && one.File == f.File }); n != nil && n.Number == was.Current {
		return nil
	}
	if err := v.cfg.Journal.PutBlob(ctx, f.Digest, f.Source); err != nil {
		return err
	}
	now, err := v.cfg.Journal.Deploy(ctx, journal.Version{Flow: f.Name, Digest: f.Digest, Plugins: plugins, File: f.File})
	if err != nil {
		return err
	}
	if _, err := v.Of(ctx, f.Name); err != nil {
		return err
	}
	v.mu.Lock()
	is := v.standings[f.Name]
	is.Flow = f.Name
	is.Deploy(now.Number)
	v.standings[f.Name] = is
	v.mu.Unlock()
	if was.Rollback != nil && was.Rollback.Over != now.Number {
		v.cfg.Log.Warn("a rollback has ended: the file has another version now",
			"flow", f.Name, "was", was.Rollback.Version, "version", now.Number)
	}
	if was.Current != 0 && was.Current != now.Number {
		v.cfg.Log.Info("a flow has another version", "flow", f.Name, "was", was.Current, "version", now.Number, "digest", journal.Short(f.Digest), "file", f.File)
	}
	return nil
}

// Of returns the versions of a flow that are kept by now, the one that was deployed
// last first.
func (v *Versions) Of(ctx context.Context, name string) ([]journal.Version, error) {
	all, err := v.cfg.Journal.Versions(ctx, name)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known[name] = all
	return slices.Clone(all), nil
}

// find returns the version that is wanted, if there is one.
func (v *Versions) find(name string, want func(journal.Version) bool) *journal.Version {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := v.known[name]
	if i := slices.IndexFunc(all, want); i >= 0 {
		return &all[i]
	}
	return nil
}

// Number is the number of the version of a flow that has a digest and plugins, 0
// if none has.
func (v *Versions) Number(name, digest string, plugins map[string]string) int {
	if one := v.find(name, func(one journal.Version) bool { return one.Is(digest, plugins) }); one != nil {
		return one.Number
	}
	return 0
}

// Version returns a version by its number; false if it was not kept when somebody
// looked last, see Of.
func (v *Versions) Version(name string, number int) (journal.Version, bool) {
	if one := v.find(name, func(one journal.Version) bool { return one.Number == number }); one != nil {
		return *one, true
	}
	return journal.Version{}, false
}

// Source returns the source of a version.
func (v *Versions) Source(ctx context.Context, one journal.Version) ([]byte, error) {
	return v.cfg.Journal.Blob(ctx, one.Digest)
}

// RolledBack returns the version that a flow is rolled back to.
func (v *Versions) RolledBack(name string) (journal.Version, bool) {
	s, _ := v.Standing(name)
	if s.Rollback == nil {
		return journal.Version{}, false
	}
	return v.Version(name, s.Rollback.Version)
}

// Instead returns the version that is to be served in the place of a flow that a
// file has: the one that the flow is rolled back to, as long as the file has the
// version that it was rolled back from.
func (v *Versions) Instead(f *flow.Flow) (journal.Version, bool) {
	s, _ := v.Standing(f.Name)
	if s.Rollback == nil {
		return journal.Version{}, false
	}
	if v.Number(f.Name, f.Digest, f.Plugins()) != s.Rollback.Over {
		return journal.Version{}, false
	}
	return v.RolledBack(f.Name)
}
