package catalog

import (
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
)

// Neighbours are the flows that one which somebody is writing calls, and those
// call in turn. They are looked for in its folder, and then in other folders, when
// they are asked for, and read once. Safe for concurrent use.
type Neighbours struct {
	file  string
	asked atomic.Bool

	mu      sync.Mutex
	folders []string // that are not searched yet
	loader  *loader
}

// NeighboursOf are those of a file. folders are searched as Find does it, as far
// as that is done soon; of flows that are not found then nothing is known, and
// nothing said. source gives the text of a file in place of the one on disk, nil if
// that is to be read.
func NeighboursOf(file string, folders []string, cfg flow.Config, source func(file string) []byte) *Neighbours {
	say := says{
		check:  func(*flow.Flow) diag.List { return nil },
		before: func(string) *flow.Flow { return nil },
		serve:  func(f *flow.Flow) *flow.Flow { return f },
		source: overlaid(source),
		beside: true,
	}
	n := &Neighbours{file: file, folders: folders}
	// The file itself is as if it was being read: somebody has it.
	n.loader = &loader{cfg: cfg, say: say, room: newRoom(cfg, nil, nil), read: map[string]*loaded{file: {}}}
	return n
}

func overlaid(shown func(file string) []byte) func(file string) ([]byte, diag.List) {
	return func(file string) ([]byte, diag.List) {
		if src := shown(file); src != nil {
			return src, nil
		}
		return source(file)
	}
}

// Callee is a flow.Config's, for the file.
func (n *Neighbours) Callee(name string) (*flow.Signature, *diag.Error) {
	n.asked.Store(true)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.loader.find(n.file, name) == "" {
		n.search()
	}
	return n.loader.callee(n.file, name)
}

// Asked tells whether the file calls flows, as far as it has been checked.
func (n *Neighbours) Asked() bool { return n.asked.Load() }

// mostEntries is how many files and folders are looked at: it is done while
// somebody types.
const mostEntries = 5000

// search goes through the other folders, once.
func (n *Neighbours) search() {
	left := mostEntries
	for _, folder := range n.folders {
		_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if left--; left < 0 {
				n.loader.say.partly = true
				return filepath.SkipAll
			}
			switch {
			case err != nil:
			case d.IsDir() && path != folder && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
				return filepath.SkipDir
			case d.Type().IsRegular() && isFlowFile(d.Name()):
				n.loader.note(path)
			}
			return nil //nolint:nilerr // what cannot be read has no flow
		})
	}
	n.folders = nil
}

// With returns the set of a flow that is in the file now with those that it calls,
// and what is wrong with it among them.
func (n *Neighbours) With(f *flow.Flow) (*Set, diag.List) {
	n.mu.Lock()
	defer n.mu.Unlock()
	flows := map[string]*flow.Flow{}
	for _, done := range n.loader.read {
		if done.flow != nil {
			flows[done.flow.Name] = done.flow
		}
	}
	flows[f.Name] = f
	list := slices.Concat(flow.EndlessCalls(flows)[f.Name], callsItself(f))
	set := One(f)
	var told diag.List // of other files
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		if other := flows[name]; other != f {
			set.add(entry{other, other}, &told)
		}
	}
	return set, list
}
