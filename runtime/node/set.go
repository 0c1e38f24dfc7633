package node

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// Set is the catalogue of node types that flows may use. Immutable and safe
// for concurrent use.
type Set struct {
	types  []*Type            // by name, newest version first
	byName map[string][]*Type // newest first
	source Source
}

// Source is where plugins were looked for, for messages about types that are
// not there.
type Source struct {
	Folder  string // empty if nowhere
	Missing bool   // there is no such folder
}

// From returns the same catalogue, which says where its plugins come from.
func (s *Set) From(source Source) *Set {
	named := *s
	named.source = source
	return &named
}

// Source returns what From was given.
func (s *Set) Source() Source { return s.source }

// NewSet fails when two types share name and version.
func NewSet(types ...*Type) (*Set, error) {
	s := &Set{types: slices.Clone(types), byName: map[string][]*Type{}}
	slices.SortStableFunc(s.types, func(a, b *Type) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), compareVersions(b.Version, a.Version))
	})
	for _, t := range s.types {
		known := s.byName[t.Name]
		if len(known) > 0 && compareVersions(known[len(known)-1].Version, t.Version) == 0 {
			return nil, fmt.Errorf("node type %q stands twice in the catalogue, version %q", t.Name, t.Version)
		}
		s.byName[t.Name] = append(known, t)
	}
	return s, nil
}

// All returns every type, by name and then newest version first.
func (s *Set) All() []*Type { return s.types }

// Find resolves what a flow has under `type`: "http", "vendor/method",
// "vendor/method@1", "vendor/method@1.2". Without a version the newest is
// taken, with one the newest that begins so. It returns nil if there is none.
func (s *Set) Find(ref string) *Type {
	name, version, pinned := strings.Cut(ref, "@")
	for _, t := range s.byName[name] {
		if !pinned || t.Version == version || strings.HasPrefix(t.Version, version+".") {
			return t
		}
	}
	return nil
}

// Names returns the names that Find knows, sorted, each once.
func (s *Set) Names() []string {
	names := make([]string, 0, len(s.byName))
	for name := range s.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Versions returns the versions of a name, newest first.
func (s *Set) Versions(name string) []string {
	var versions []string
	for _, t := range s.byName[name] {
		versions = append(versions, t.Version)
	}
	return versions
}

// Vendors returns the plugins whose methods are here, sorted, each once.
func (s *Set) Vendors() []string {
	var vendors []string
	for name := range s.byName {
		if vendor, _, ok := strings.Cut(name, "/"); ok {
			vendors = append(vendors, vendor)
		}
	}
	slices.Sort(vendors)
	return slices.Compact(vendors)
}

// Of returns the types of one plugin, by name and then newest version first.
func (s *Set) Of(plugin string) []*Type {
	var types []*Type
	for _, t := range s.types {
		if strings.HasPrefix(t.Name, plugin+"/") {
			types = append(types, t)
		}
	}
	return types
}

func compareVersions(a, b string) int { return semver.Compare("v"+a, "v"+b) }

func major(version string) string { return strings.TrimPrefix(semver.Major("v"+version), "v") }
