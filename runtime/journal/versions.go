package journal

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Version is a flow with its plugins as they were served.
type Version struct {
	Flow    string
	Number  int // from 1, in the order in which they came; never given twice
	Digest  string
	Plugins map[string]string // node type to digest
	File    string            // that it was read from last
	First   time.Time         // when it was served first
	Last    time.Time         // when it came to be served last
}

// Is tells whether the version is that of a source and of plugins.
func (v *Version) Is(digest string, plugins map[string]string) bool {
	return v.Digest == digest && maps.Equal(v.Plugins, plugins)
}

// Standing is how it stands with a flow on all servers of the journal, whatever
// version of it they serve.
type Standing struct {
	Flow     string
	Current  int       // number of the version that was deployed last; 0: none
	Rollback *Rollback // nil: the current version is served
	Pause    *Pause    // nil: its runs begin as they come
}

// Rollback has new runs begin with an earlier version.
type Rollback struct {
	Version int       `json:"version"`
	Over    int       `json:"over"` // the version that was current; another one ends the rollback
	Since   time.Time `json:"since"`
}

// Pause has new runs wait before their first node.
type Pause struct {
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"`
}

// Deploy makes a version of that number the current one. A rollback that was
// made over another ends. For drivers.
func (s *Standing) Deploy(number int) {
	s.Current = number
	if s.Rollback != nil && s.Rollback.Over != number {
		s.Rollback = nil
	}
}

// Needs tells whether a version must be kept, whoever else wants it. For drivers.
func (s *Standing) Needs(number int) bool {
	return number == s.Current || s.Rollback != nil && (number == s.Rollback.Version || number == s.Rollback.Over)
}

// versions are those of one flow in Memory.
type versions struct {
	all      []Version // by number
	numbers  int       // the last that was given
	standing Standing
}

func (f *versions) deploy(v Version, now time.Time) Version {
	i := slices.IndexFunc(f.all, func(old Version) bool { return old.Is(v.Digest, v.Plugins) })
	if i < 0 {
		f.numbers++
		v.Number, v.First = f.numbers, now
		v.Plugins = maps.Clone(v.Plugins)
		f.all, i = append(f.all, v), len(f.all)
	}
	f.all[i].File = v.File
	if f.standing.Current != f.all[i].Number {
		f.all[i].Last = now
	}
	f.standing.Deploy(f.all[i].Number)
	return f.all[i]
}

// newest are the versions, the one that was deployed last first.
func (f *versions) newest() []Version {
	all := slices.Clone(f.all)
	slices.SortFunc(all, func(a, b Version) int { return cmp.Or(b.Last.Compare(a.Last), b.Number-a.Number) })
	return all
}

// trim forgets all versions but the newest and those that are needed.
func (f *versions) trim(keep int, needed func(Version) bool) {
	old := f.newest()
	for _, v := range old[min(keep, len(old)):] {
		if !f.standing.Needs(v.Number) && !needed(v) {
			f.all = slices.DeleteFunc(f.all, func(one Version) bool { return one.Number == v.Number })
		}
	}
}

// Short is how people are shown a digest: enough of it to tell versions apart.
func Short(digest string) string { return digest[:min(len(digest), 12)] }
