// Package catalog finds flows: those that are live, read from files and checked
// against each other, by name and by the path of a webhook; those that runs began
// with, in the journal; and their versions. It runs no flow and serves nothing.
package catalog

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/node"
)

// Set is a set of flows that fit together. Immutable and safe for concurrent
// use.
type Set struct {
	flows map[string]*flow.Flow // by name
	hooks []Hook
	// near are the webhooks that could take the same requests, by what their
	// paths have in common.
	near  map[string][]Hook
	filed map[string]*flow.Flow // by name, as the file has it now, if that is in order

	listeners map[string][]Listener // by name of the event
	waited    map[string]bool       // names of events that flows wait for
	waitsAny  bool                  // a flow makes such a name of a template
}

// Listener is an event's place in a flow that it starts.
type Listener struct {
	*node.Event
	Flow *flow.Flow
	Node *flow.Node
}

// Hook is a webhook's place in a flow.
type Hook struct {
	*node.Hook
	Flow *flow.Flow
	Node *flow.Node
}

// Flows returns the flows by name.
func (s *Set) Flows() []*flow.Flow {
	var all []*flow.Flow
	for _, name := range slices.Sorted(maps.Keys(s.flows)) {
		all = append(all, s.flows[name])
	}
	return all
}

// Flow returns a flow by name, or nil.
func (s *Set) Flow(name string) *flow.Flow { return s.flows[name] }

// Hooks returns all webhooks by path.
func (s *Set) Hooks() []Hook {
	all := slices.Clone(s.hooks)
	slices.SortFunc(all, func(a, b Hook) int {
		return cmp.Or(cmp.Compare(a.Path.String(), b.Path.String()), slices.Compare(a.Methods, b.Methods))
	})
	return all
}

// Listeners returns those whom an event of that name and key starts, by flow.
func (s *Set) Listeners(name, key string) []Listener {
	var all []Listener
	for _, l := range s.listeners[name] {
		if l.Takes(name, key) {
			all = append(all, l)
		}
	}
	slices.SortStableFunc(all, func(a, b Listener) int { return cmp.Compare(a.Flow.Name, b.Flow.Name) })
	return all
}

// Waits tells whether a flow may come to wait for an event of that name.
func (s *Set) Waits(name string) bool { return s.waitsAny || s.waited[name] }

// Events are the names of events that flows listen or wait for, as far as they
// are known.
func (s *Set) Events() []string {
	names := maps.Clone(s.waited)
	for name := range s.listeners {
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Find returns the flow files under paths, sorted. A folder is searched for
// *.yaml and *.yml, leaving out hidden folders, tests (*.test.yaml) and wend.yaml; a
// file is taken as it is.
func Find(paths []string) ([]string, error) { return infile.Find(paths, isFlowFile) }

func isFlowFile(name string) bool {
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	return (ext == ".yaml" || ext == ".yml") && !strings.HasSuffix(stem, ".test") && stem != "wend" && !strings.HasPrefix(name, ".")
}

// Load reads and checks files. It returns every mistake in all of them; the
// Set holds the flows without errors. Of flows that cannot live together it
// holds the first. Flows that they call are looked for beside them too, and are
// then in the Set.
func Load(files []string, cfg flow.Config) (*Set, diag.List) {
	return load(files, cfg, nil, says{
		check:  func(*flow.Flow) diag.List { return nil },
		before: func(string) *flow.Flow { return nil },
		serve:  func(f *flow.Flow) *flow.Flow { return f },
		source: source,
		beside: true,
	})
}

// says are those who have a say in what becomes of a file.
type says struct {
	check  func(*flow.Flow) diag.List    // what else is wrong with a flow that was read
	before func(file string) *flow.Flow  // the last good version of a file, or nil
	serve  func(f *flow.Flow) *flow.Flow // what is served of a flow in order, or nil
	source func(file string) ([]byte, diag.List)
	beside bool // flows that others call are looked for beside those too
	partly bool // there are more flows than are looked for
}

// load prefers what is live: its flows keep their names and paths, and a file
// that is wrong now keeps its flow as it was.
func load(files []string, cfg flow.Config, live *Set, say says) (*Set, diag.List) {
	set := newSet()
	held := map[string]bool{}
	say.before = once(say.before)
	var l *loader
	var misfits diag.List
	early := readAhead(files, cfg)
	for again := true; again; {
		l = &loader{cfg: cfg, files: files, say: say, held: held, room: newRoom(cfg, files, live), ahead: early, read: map[string]*loaded{}}
		for _, file := range files {
			l.one(file)
		}
		l.checkCycles()
		why := l.hold()
		misfits, again = append(misfits, why...), len(why) > 0
	}
	l.list = append(l.list, misfits...)
	var changed, newcomers, stored []entry
	for _, file := range slices.Concat(files, l.beside) {
		e := l.read[file].entry
		switch {
		case e.flow == nil:
		case live != nil && live.flows[e.flow.Name] != nil && live.flows[e.flow.Name].File == file:
			if live.flows[e.flow.Name].Digest != e.flow.Digest {
				changed = append(changed, e)
				continue
			}
			set.add(e, &l.list)
		case e.filed != nil:
			newcomers = append(newcomers, e)
		default:
			stored = append(stored, e)
		}
	}
	for _, e := range changed {
		if !set.add(e, &l.list) { // it took another's path: as it was
			set.add(entry{flow: live.flows[e.flow.Name]}, &l.list)
		}
	}
	for _, e := range newcomers {
		set.add(e, &l.list)
	}
	var told diag.List // of files that are wrong, which was told already
	for _, e := range stored {
		set.add(e, &told)
	}
	return set, l.list.Sorted()
}

// once asks find about each file once.
func once(find func(string) *flow.Flow) func(string) *flow.Flow {
	found := map[string]*flow.Flow{}
	return func(file string) *flow.Flow {
		f, asked := found[file]
		if !asked {
			f = find(file)
			found[file] = f
		}
		return f
	}
}

// entry is a flow that is to be served, and the one that its file has, nil if that
// is not in order.
type entry struct{ flow, filed *flow.Flow }

func newSet() *Set {
	return &Set{flows: map[string]*flow.Flow{}, near: map[string][]Hook{}, filed: map[string]*flow.Flow{}, listeners: map[string][]Listener{}, waited: map[string]bool{}}
}

// One is a set of a single flow.
func One(f *flow.Flow) *Set {
	set := newSet()
	var mistakes diag.List
	set.add(entry{f, f}, &mistakes)
	return set
}

// Bounds of all flow files together.
const (
	defaultNodes = 10_000
	bytesANode   = 400 // of a file; of flows that people write a node has half of it
	maxMistakes  = 20_000
)

// room is what there still is for flows.
type room struct {
	most  int // nodes
	nodes int
	bytes int
	live  map[string]*flow.Flow // whose room is theirs, by file, until they are read
}

func newRoom(cfg flow.Config, files []string, live *Set) *room {
	most := cmp.Or(cfg.Nodes, defaultNodes)
	r := &room{most: most, nodes: most, bytes: most * bytesANode, live: map[string]*flow.Flow{}}
	if live == nil {
		return r
	}
	for _, f := range live.flows {
		if _, there := slices.BinarySearch(files, f.File); there {
			r.live[f.File] = f
			r.take(f)
		}
	}
	return r
}

// take makes room less. It may be too little for what is live already.
func (r *room) take(f *flow.Flow) {
	if f != nil {
		r.nodes -= f.Size()
		r.bytes -= len(f.Source)
	}
}

// release gives back what is live of a file, before that is read again.
func (r *room) release(file string) {
	if f := r.live[file]; f != nil {
		r.nodes += f.Size()
		r.bytes += len(f.Source)
	}
}

// read reads and checks a file for which there is room, unless that was done ahead.
func (r *room) read(file string, source func(string) ([]byte, diag.List), cfg flow.Config, early ahead) (*flow.Flow, diag.List) {
	size, load := early.size, func() (*flow.Flow, diag.List) { return early.flow, early.list }
	if size == 0 {
		src, list := source(file)
		if list != nil {
			return nil, list
		}
		size, load = len(src), func() (*flow.Flow, diag.List) { return flow.Load(file, src, cfg) }
	}
	if size > max(r.bytes, 0) {
		var list diag.List
		list.Errorf(diag.Pos{File: file}, diag.TooManyFlows, "the file is %d bytes long, and of the %d that all flow files may have together %d are left",
			size, r.most*bytesANode, max(r.bytes, 0)).Hint = roomHint
		return nil, list
	}
	f, list := load()
	if f != nil && f.Size() > max(r.nodes, 0) {
		list.Errorf(f.Pos, diag.TooManyFlows, "flow %q has %d nodes, and of the %d that all flows may have together %d are left",
			f.Name, f.Size(), r.most, max(r.nodes, 0)).Hint = roomHint
		return nil, list
	}
	return f, list
}

const roomHint = "`limits.nodes` in wend.yaml says how many nodes there may be"

func source(file string) ([]byte, diag.List) {
	src, err := infile.Read(file, infile.MostText)
	if err != nil {
		var list diag.List
		if inner := new(fs.PathError); errors.As(err, &inner) {
			err = inner.Err // the place says which file
		}
		list.Errorf(diag.Pos{File: file}, diag.Unreadable, "%s", err)
		return nil, list
	}
	return src, nil
}

// add reports whether a flow fits to the flows before it. One that does not is left
// out.
func (s *Set) add(e entry, list *diag.List) bool {
	f := e.flow
	if other := s.flows[f.Name]; other != nil {
		list.Errorf(f.Pos, diag.FlowNameTaken, "flow %q is in %s already", f.Name, other.File)
		return false
	}
	hooks, fits := s.place(f, list)
	if fits {
		s.flows[f.Name] = f
		s.serve(hooks)
		s.addEvents(f)
		if e.filed != nil {
			s.filed[f.Name] = e.filed
		}
	}
	return fits
}

// Clashes are the mistakes because of which a flow could not be in the set in the
// place of the one of its name.
func (s *Set) Clashes(f *flow.Flow) (list diag.List) {
	s.place(f, &list)
	return list
}

// place finds the webhooks of a flow, and whether their paths are free: those of a
// flow of its name are.
func (s *Set) place(f *flow.Flow, list *diag.List) (hooks []Hook, fits bool) {
	fits = true
	for _, n := range f.Triggers {
		hook, ok := n.Trigger.(*node.Hook)
		if !ok {
			continue
		}
		h := Hook{Hook: hook, Flow: f, Node: n}
		if mistake := s.clash(h, hooks); mistake != "" {
			list.Errorf(n.Pos, diag.PathTaken, "%s", mistake)
			fits = false
			continue
		}
		hooks = append(hooks, h)
	}
	return hooks, fits
}

// addEvents notes which events a flow is concerned with.
func (s *Set) addEvents(f *flow.Flow) {
	for _, n := range f.Triggers {
		if e, ok := n.Trigger.(*node.Event); ok {
			s.listeners[e.Name] = append(s.listeners[e.Name], Listener{Event: e, Flow: f, Node: n})
		}
	}
	for n := range f.All() {
		switch {
		case strings.Contains(n.Event, "$("):
			s.waitsAny = true
		case n.Event != "":
			s.waited[n.Event] = true
		}
	}
}
