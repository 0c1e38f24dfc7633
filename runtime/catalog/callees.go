package catalog

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
)

// loader reads files, each once: in their order, or when a flow calls the one that
// is in it.
type loader struct {
	cfg    flow.Config
	files  []string
	say    says
	held   map[string]bool // files that stay as they were, so that those who call their flows fit
	room   *room
	ahead  map[string]ahead // files that were read already
	list   diag.List
	enough bool // that have mistakes
	read   map[string]*loaded
	named  map[string]string // files by the flow that is in them; nil until it is asked for
	looked map[string]bool   // folders
	beside []string          // files that were found there and are called
}

// loaded is what came of a file. It has no flow while the file is being read, and
// if that is wrong and has no version that was right.
type loaded struct {
	entry
}

// one reads a file.
func (l *loader) one(file string) *loaded {
	if done := l.read[file]; done != nil {
		return done
	}
	this := &loaded{}
	l.read[file] = this
	l.room.release(file)
	if !l.enough && !l.held[file] {
		cfg := l.cfg
		cfg.Callee = func(name string) (*flow.Signature, *diag.Error) { return l.callee(file, name) }
		f, mistakes := l.room.read(file, l.say.source, cfg, l.ahead[file])
		if f != nil {
			refused := l.say.check(f)
			mistakes = append(mistakes, refused...)
			if refused.HasErrors() {
				f = nil
			}
		}
		l.list = append(l.list, mistakes...)
		this.filed = f
	}
	if len(l.list) >= maxMistakes && !l.enough {
		l.enough = true
		l.list.Errorf(diag.Pos{File: file}, diag.TooManyFlows, "the files behind this one are not read, %d mistakes are enough", len(l.list))
	}
	if this.filed == nil {
		this.flow = l.say.before(file)
	} else {
		this.flow = l.say.serve(this.filed)
	}
	l.room.take(this.flow)
	return this
}

// callee finds a flow for another that calls it. What cannot be known of it, as it
// is wrong itself or calls the other, is not told here.
func (l *loader) callee(from, name string) (*flow.Signature, *diag.Error) {
	file := l.find(from, name)
	if file == "" && l.say.partly {
		return nil, nil
	}
	if file == "" {
		return nil, &diag.Error{
			Code: diag.UnknownFlow, Msg: fmt.Sprintf("there is no flow %q to call", name),
			Hint: diag.Suggest(name, slices.Sorted(maps.Keys(l.named))),
		}
	}
	if _, given := slices.BinarySearch(l.files, file); !given && !slices.Contains(l.beside, file) {
		l.beside = append(l.beside, file)
	}
	called := l.one(file)
	if called.flow == nil {
		return nil, nil
	}
	sig := called.flow.Signature()
	if sig == nil {
		return nil, notCallable(name)
	}
	return sig, nil
}

func notCallable(name string) *diag.Error {
	return &diag.Error{
		Code: diag.NotCallable, Msg: fmt.Sprintf("flow %q cannot be called: it has no trigger of type \"called\"", name),
		Hint: `add a node of type "called" to it, from which its nodes go on`,
	}
}

// find returns the file that has a flow of that name, or "".
func (l *loader) find(from, name string) string {
	if l.named == nil {
		l.named, l.looked = map[string]string{}, map[string]bool{}
		for _, file := range l.files {
			l.note(file)
		}
	}
	if file := l.named[name]; file != "" || !l.say.beside {
		return file
	}
	folder := filepath.Dir(from)
	if !l.looked[folder] {
		l.looked[folder] = true
		entries, _ := os.ReadDir(folder) // what cannot be read has no flow
		for _, e := range entries {
			if e.Type().IsRegular() && isFlowFile(e.Name()) {
				l.note(filepath.Join(folder, e.Name()))
			}
		}
	}
	return l.named[name]
}

func (l *loader) note(file string) {
	src, _ := l.say.source(file) // one that cannot be read has no flow
	if name := nameIn(src); name != "" && l.named[name] == "" {
		l.named[name] = file
	}
}

// checkCycles takes back what is fresh and calls itself without end, or calls
// itself and cannot be called: that shows only when all are read.
func (l *loader) checkCycles() {
	flows := map[string]*flow.Flow{}
	for _, done := range l.read {
		if done.flow != nil {
			flows[done.flow.Name] = done.flow
		}
	}
	wrong := flow.EndlessCalls(flows)
	for file, done := range l.read {
		if done.filed == nil || done.filed != done.flow {
			continue
		}
		mistakes := slices.Concat(wrong[done.flow.Name], callsItself(done.flow))
		if mistakes.HasErrors() {
			l.list = append(l.list, mistakes...)
			done.filed, done.flow = nil, l.say.before(file)
		}
	}
}

// callsItself are the mistakes of a flow that calls itself and cannot be called.
func callsItself(f *flow.Flow) (list diag.List) {
	if f.Called() != nil {
		return nil
	}
	for n := range f.All() {
		for _, callee := range n.Callees {
			if callee.Flow == f.Name {
				mistake := notCallable(f.Name)
				mistake.Pos = n.Pos
				list = append(list, mistake)
			}
		}
	}
	return list
}

// hold holds back what does not fit to flows that were served before and call it, if
// their files are as they were: so the flows that are served always fit to each other.
// It returns what does not fit.
func (l *loader) hold() (why diag.List) {
	for _, from := range slices.Sorted(maps.Keys(l.read)) {
		was := l.read[from].flow
		if was == nil || l.read[from].filed != nil || l.held[from] || !asRead(was) {
			continue
		}
		for _, name := range Calls(was) {
			file := l.named[name]
			callee := l.read[file]
			if callee == nil || callee.filed == nil {
				continue
			}
			if old := l.say.before(file); old == nil || old.Digest == callee.filed.Digest {
				continue
			}
			l.held[file] = true
			for _, e := range l.list {
				if e.Pos.File == from && e.Severity == diag.SeverityError {
					told := *e
					told.Hint = strings.TrimPrefix(fmt.Sprintf("%s; flow %q stays as it was until this fits", e.Hint, name), "; ")
					why = append(why, &told)
				}
			}
		}
	}
	return why
}

// asRead tells whether the file of a flow is as it was when that was read.
func asRead(f *flow.Flow) bool {
	src, list := source(f.File)
	return list == nil && bytes.Equal(src, f.Source)
}

// Calls returns the names of the flows that a flow calls, each once.
func Calls(f *flow.Flow) []string {
	var names []string
	for n := range f.All() {
		for _, callee := range n.Callees {
			names = append(names, callee.Flow)
		}
	}
	slices.SortFunc(names, strings.Compare)
	return slices.Compact(names)
}
