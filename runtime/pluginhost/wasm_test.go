package pluginhost_test

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
)

// asm assembles small modules by hand. Functions come in the order imports,
// wend_alloc, wend_invoke, extra.
type asm struct {
	imports []wasmImport
	memory  []byte // limits; one page if nil
	table   []byte // table section, whole
	globals []byte // global section, whole
	start   bool   // makes the first extra function the start function
	data    map[uint32]string
	alloc   []byte // body with its local declarations; returns 1024 if nil
	invoke  []byte
	extra   []wasmFunc
	rename  map[string]string // the two functions' exports; "" for none
}

type wasmImport struct {
	module, name string
	params, res  string
}

type wasmFunc struct {
	export      string
	params, res string
	body        []byte
}

const (
	i32 = "\x7f"
	i64 = "\x7e"
)

// Opcodes with their immediates.
var (
	opUnreachable = []byte{0x00}
	opEnd         = []byte{0x0b}
	opDrop        = []byte{0x1a}
	opLoop        = []byte{0x03, 0x40}
	opBr0         = []byte{0x0c, 0}
	opDiv         = []byte{0x6d}
	opGrow        = []byte{0x40, 0}
	opFill        = []byte{0xfc, 0x0b, 0}
	opStore8      = []byte{0x3a, 0, 0}
	opLoad8       = []byte{0x2d, 0, 0}
	opStore32     = []byte{0x36, 2, 0}
	opLoad32      = []byte{0x28, 2, 0}
	opAdd         = []byte{0x6a}
	opExtend      = []byte{0xad} // i64.extend_i32_u
	opOr64        = []byte{0x84}
	noLocals      = []byte{0}
)

func code(parts ...[]byte) []byte { return slices.Concat(parts...) }

// body is a function's body without locals.
func body(parts ...[]byte) []byte { return code(noLocals, code(parts...), opEnd) }

func get(local byte) []byte   { return []byte{0x20, local} }
func call(f byte) []byte      { return []byte{0x10, f} }
func const32(v int32) []byte  { return append([]byte{0x41}, sleb(int64(v))...) }
func const64(v int64) []byte  { return append([]byte{0x42}, sleb(v)...) }
func loop(b ...[]byte) []byte { return code(opLoop, code(b...), opBr0, opEnd) }

func sleb(v int64) []byte {
	var b []byte
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func uleb(v int) []byte {
	var b []byte
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func text(s string) []byte { return append(uleb(len(s)), s...) }

func vector(items ...[]byte) []byte { return append(uleb(len(items)), code(items...)...) }

func section(id byte, content []byte) []byte {
	if content == nil {
		return nil
	}
	return code([]byte{id}, uleb(len(content)), content)
}

func funcType(params, res string) []byte { return code([]byte{0x60}, text(params), text(res)) }

// module writes the binary.
func (a asm) module() []byte {
	funcs := append([]wasmFunc{
		{"wend_alloc", i32, i32, a.alloc},
		{"wend_invoke", i32 + i32, i64, a.invoke},
	}, a.extra...)
	for n, f := range funcs[:2] {
		if name, ok := a.rename[f.export]; ok {
			funcs[n].export = name
		}
	}
	if a.alloc == nil {
		funcs[0].body = body(const32(1024))
	}
	var types, imports, decls, exports, bodies, data [][]byte
	for _, i := range a.imports {
		imports = append(imports, code(text(i.module), text(i.name), []byte{0}, uleb(len(types))))
		types = append(types, funcType(i.params, i.res))
	}
	exports = append(exports, code(text("memory"), []byte{2, 0}))
	for n, f := range funcs {
		decls = append(decls, uleb(len(types)))
		types = append(types, funcType(f.params, f.res))
		if f.export != "" {
			exports = append(exports, code(text(f.export), []byte{0}, uleb(len(a.imports)+n)))
		}
		bodies = append(bodies, text(string(f.body)))
	}
	for _, at := range slices.Sorted(maps.Keys(a.data)) {
		data = append(data, code([]byte{0}, const32(int32(at)), opEnd, text(a.data[at])))
	}
	memory := a.memory
	if memory == nil {
		memory = []byte{0, 1}
	}
	var start []byte
	if a.start {
		start = uleb(len(a.imports) + 2)
	}
	return code([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, vector(types...)),
		section(2, vector(imports...)),
		section(3, vector(decls...)),
		section(4, a.table),
		section(5, vector(memory)),
		section(6, a.globals),
		section(7, vector(exports...)),
		section(8, start),
		section(10, vector(bodies...)),
		section(11, vector(data...)),
	)
}

// answer is an invoke that returns a fixed document, and its data.
func answer(doc string) asm {
	return asm{invoke: body(answerAt(8192, len(doc))), data: map[uint32]string{8192: doc}}
}

func answerAt(at, n int) []byte { return const64(int64(at)<<32 | int64(n)) }

const done = `{"outcome":"Success","outputs":{"n":1}}`

// after runs some code in the invoke, then answers.
func after(parts ...[]byte) asm {
	a := answer(done)
	a.invoke = body(append(parts, answerAt(8192, len(done)))...)
	return a
}

// withManifest makes a plugin of a module: one method "go" with the outcomes
// Success and onError, and one integer output "n".
func withManifest(tb testing.TB, module []byte, limits manifest.Limits) []byte {
	tb.Helper()
	limits.Wall = cmp.Or(limits.Wall, 10*time.Second) // who has the machine to himself needs a tenth
	object := map[string]any{"type": "object"}
	wasm, err := manifest.Append(module, &manifest.Manifest{
		Plugin: "bad", Version: "1.0.0", ABI: 1, Limits: limits,
		Methods: []manifest.Method{{
			Name: "go", Inputs: object,
			Outputs: map[string]any{
				"type": "object", "additionalProperties": false,
				"properties": map[string]any{"n": map[string]any{"type": "integer"}},
			},
			Outcomes: node.Outcomes{Success: "Success", Fault: "onError", All: []node.Outcome{{Name: "Success"}, {Name: "onError"}}},
		}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return wasm
}

// wasi is an import of the functions that guests may have.
func wasi(name, params, res string) wasmImport {
	return wasmImport{"wasi_snapshot_preview1", name, params, res}
}
