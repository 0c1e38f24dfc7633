// Package graphviz lays out graphs: Graphviz itself, as a
// WebAssembly module that does no I/O. What is drawn there, its users know.
package graphviz

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed" // the module
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// compressed is Graphviz 16.1.0 with Expat, built by @viz-js/viz 3.31.0; see
// extract.mjs for how it gets here.
//
//go:embed graphviz.wasm.gz
var compressed []byte

// The module's names are short ones that its build gave; these are theirs in
// the source.
const (
	start         = "A"
	setYInvert    = "B"
	malloc        = "F"
	readGraph     = "I"
	createContext = "V"
	layout        = "X"
	render        = "_"
)

// Engine is Graphviz, ready to be used. It is safe for concurrent use.
type Engine struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
}

// maxPages is how much memory one layout may take: 256 MB. A process that had
// placed a flow of 1,000 nodes had 101 MB in all.
const maxPages = 256 << 20 / 65536

// New compiles Graphviz, which takes about half a second of one core. It is not
// cached on disk: only who draws needs it, and a cache of machine code has to be
// guarded. The Engine has to be closed.
func New(ctx context.Context) (*Engine, error) {
	cfg := wazero.NewRuntimeConfig().WithMemoryLimitPages(maxPages)
	e := &Engine{runtime: wazero.NewRuntimeWithConfig(ctx, cfg)}
	code, err := unpack()
	if err == nil {
		e.module, err = e.runtime.CompileModule(ctx, code)
	}
	if err == nil {
		err = e.imports(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("load graphviz: %w", err), e.Close(ctx))
	}
	return e, nil
}

func unpack() ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Close frees the memory.
func (e *Engine) Close(ctx context.Context) error { return e.runtime.Close(ctx) }

// imports gives the module what it asks for. It gets memory, and may say what is
// wrong; all else, such as files and the time, is not there.
func (e *Engine) imports(ctx context.Context) error {
	host := e.runtime.NewHostModuleBuilder("a")
	for _, f := range e.module.ImportedFunctions() {
		_, name, _ := f.Import()
		do := absent
		switch name {
		case "k": // emscripten_resize_heap
			do = grow
		case "p": // viz_errorf
			do = complain
		case "d": // fd_write
			do = write
		case "a", "b", "c", "h": // __assert_fail, __cxa_throw, exit, _abort_js
			do = abort
		}
		host = host.NewFunctionBuilder().WithGoModuleFunction(do, f.ParamTypes(), f.ResultTypes()).Export(name)
	}
	_, err := host.Instantiate(ctx)
	return err
}

// Layout places a graph in the DOT language and returns it as Graphviz writes
// it in a format of its own, such as "json0" or "plain". The same graph is
// always placed in the same way.
func (e *Engine) Layout(ctx context.Context, dot, format string) (string, error) {
	said := new(strings.Builder)
	ctx = context.WithValue(ctx, saidKey{}, said)
	m, err := e.runtime.InstantiateModule(ctx, e.module, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return "", fmt.Errorf("start graphviz: %w", err)
	}
	defer m.Close(ctx)
	g := guest{module: m, invoke: func(name string, args []uint64) ([]uint64, error) { return m.ExportedFunction(name).Call(ctx, args...) }}
	g.call(start)
	g.call(setYInvert, 1) // y grows downwards, as in SVG
	renderer, graph := g.call(createContext), g.call(readGraph, g.text(dot))
	if g.err == nil && graph == 0 {
		g.err = errors.New("the graph is not in the DOT language")
	}
	if failed := g.call(layout, renderer, graph, g.text("dot")); g.err == nil && failed != 0 {
		g.err = errors.New("no layout")
	}
	out := g.call(render, renderer, graph, g.text(format))
	if g.err == nil && out == 0 {
		g.err = fmt.Errorf("nothing was written as %q", format)
	}
	if g.err != nil {
		return "", fmt.Errorf("place the graph: %w", errors.Join(g.err, asError(said.String())))
	}
	return textAt(m.Memory(), uint32(out)), nil
}

// guest calls a module until a call fails.
type guest struct {
	module api.Module
	invoke func(name string, args []uint64) ([]uint64, error)
	err    error
}

func (g *guest) call(name string, args ...uint64) uint64 {
	if g.err != nil {
		return 0
	}
	results, err := g.invoke(name, args)
	if g.err = err; err != nil || len(results) == 0 {
		return 0
	}
	return results[0]
}

// text puts a text into the module's memory.
func (g *guest) text(s string) uint64 {
	at := g.call(malloc, uint64(len(s)+1))
	if g.err == nil && !g.module.Memory().Write(uint32(at), append([]byte(s), 0)) {
		g.err = errors.New("out of memory")
	}
	return at
}

// textAt reads a text up to its zero.
func textAt(m api.Memory, at uint32) string {
	all, ok := m.Read(at, m.Size()-min(at, m.Size()))
	if !ok {
		return ""
	}
	text, _, _ := bytes.Cut(all, []byte{0})
	return string(text)
}

// saidKey is where in a context what Graphviz says goes.
type saidKey struct{}

func say(ctx context.Context, text string) {
	if said, ok := ctx.Value(saidKey{}).(*strings.Builder); ok && said.Len() < 4<<10 {
		said.WriteString(text)
	}
}

func asError(said string) error {
	if said = strings.TrimSpace(said); said == "" {
		return nil
	}
	return errors.New(said)
}

// What the module imports, by its names in Emscripten. The stack has the
// arguments, and takes the result.

var complain = api.GoModuleFunc(func(ctx context.Context, m api.Module, stack []uint64) {
	say(ctx, textAt(m.Memory(), uint32(stack[0])))
	stack[0] = 0
})

// write is fd_write: what goes to stderr is said, and all of it is taken.
var write = api.GoModuleFunc(func(ctx context.Context, m api.Module, stack []uint64) {
	memory, taken := m.Memory(), uint32(0)
	for i := range uint32(stack[2]) {
		at, _ := memory.ReadUint32Le(uint32(stack[1]) + 8*i)
		size, _ := memory.ReadUint32Le(uint32(stack[1]) + 8*i + 4)
		if text, ok := memory.Read(at, size); ok {
			say(ctx, string(text))
			taken += size
		}
	}
	memory.WriteUint32Le(uint32(stack[3]), taken)
	stack[0] = 0
})

// grow is emscripten_resize_heap.
var grow = api.GoModuleFunc(func(_ context.Context, m api.Module, stack []uint64) {
	const page = 65536
	memory, want := m.Memory(), uint32(stack[0])
	stack[0] = 1
	if have := memory.Size(); want > have {
		more := (max(want-have, have/4) + page - 1) / page
		if _, ok := memory.Grow(more); !ok {
			stack[0] = 0
		}
	}
})

// abort ends the module, which says why before.
var abort = api.GoModuleFunc(func(context.Context, api.Module, []uint64) {
	panic(errAborted)
})

var errAborted = errors.New("graphviz gave up")

// absent is what there is nothing of: the call fails.
var absent = api.GoModuleFunc(func(_ context.Context, _ api.Module, stack []uint64) {
	const noSuchCall = 52
	if len(stack) > 0 {
		stack[0] = noSuchCall
	}
})
