package meter_test

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// wasmModule builds small modules for the tests. Types of values are written as letters: i I f F v for i32 i64 f32
// f64 v128, r for funcref; a signature is "params:results".
type wasmModule struct {
	imports []wasmImport
	funcs   []wasmFunc
	tables  [][2]int // least, most
	pages   int      // of memory; none if 0
	tags    []string // parameters
	globals []wasmGlobal
	start   string
	elems   []string // functions put into table 0 from 0 on
	passive []string // functions of a passive element segment
	data    string   // passive
	custom  map[string]string
	names   bool
}

type wasmImport struct{ module, name, sig string }

type wasmFunc struct {
	name, sig, locals string
	code              []byte // without the last end
}

type wasmGlobal struct {
	typ     byte
	mutable bool
	init    []byte
}

var letters = strings.NewReplacer("i", "\x7f", "I", "\x7e", "f", "\x7d", "F", "\x7c", "v", "\x7b", "r", "\x70")

func uleb(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

func vec(items ...[]byte) []byte {
	return append(uleb(len(items)), bytes.Join(items, nil)...)
}

func str(s string) []byte { return append(uleb(len(s)), s...) }

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func sig(s string) []byte {
	params, results, _ := strings.Cut(s, ":")
	return cat([]byte{0x60}, str(letters.Replace(params)), str(letters.Replace(results)))
}

func (m wasmModule) index(name string) int {
	for i, f := range m.funcs {
		if f.name == name {
			return len(m.imports) + i
		}
	}
	panic("no function " + name)
}

func (m wasmModule) indices(names []string) []byte {
	var items [][]byte
	for _, n := range names {
		items = append(items, uleb(m.index(n)))
	}
	return vec(items...)
}

func (m wasmModule) build() []byte {
	var types, imports, funcs, exports, codes, globals, tables, tags [][]byte
	typ := func(s string) []byte {
		types = append(types, sig(s))
		return uleb(len(types) - 1)
	}
	for _, i := range m.imports {
		imports = append(imports, cat(str(i.module), str(i.name), []byte{0}, typ(i.sig)))
	}
	for i, f := range m.funcs {
		funcs = append(funcs, typ(f.sig))
		exports = append(exports, cat(str(f.name), []byte{0}, uleb(len(m.imports)+i)))
		var locals [][]byte
		for _, l := range []byte(letters.Replace(f.locals)) {
			locals = append(locals, []byte{1, l})
		}
		body := cat(vec(locals...), f.code, []byte{0x0b})
		codes = append(codes, append(uleb(len(body)), body...))
	}
	for _, t := range m.tables {
		tables = append(tables, cat([]byte{0x70, 1}, uleb(t[0]), uleb(t[1])))
	}
	for _, t := range m.tags {
		tags = append(tags, cat([]byte{0}, typ(t+":")))
	}
	for _, g := range m.globals {
		mutable := byte(0)
		if g.mutable {
			mutable = 1
		}
		globals = append(globals, cat([]byte{g.typ, mutable}, g.init, []byte{0x0b}))
	}
	out := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, used bool, body []byte) {
		if used {
			out = cat(out, []byte{id}, uleb(len(body)), body)
		}
	}
	section(1, true, vec(types...))
	section(2, len(imports) > 0, vec(imports...))
	section(3, true, vec(funcs...))
	section(4, len(tables) > 0, vec(tables...))
	section(5, m.pages > 0, cat([]byte{1, 0}, uleb(m.pages)))
	if m.pages > 0 {
		exports = append(exports, cat(str("memory"), []byte{2, 0}))
	}
	section(13, len(tags) > 0, vec(tags...))
	section(6, len(globals) > 0, vec(globals...))
	section(7, true, vec(exports...))
	if m.start != "" {
		section(8, true, uleb(m.index(m.start)))
	}
	var elems [][]byte
	if len(m.elems) > 0 {
		elems = append(elems, cat([]byte{0, 0x41, 0, 0x0b}, m.indices(m.elems)))
	}
	if len(m.passive) > 0 {
		elems = append(elems, cat([]byte{1, 0}, m.indices(m.passive)))
	}
	section(9, len(elems) > 0, vec(elems...))
	section(12, m.data != "", []byte{1})
	section(10, true, vec(codes...))
	section(11, m.data != "", vec(cat([]byte{1}, str(m.data))))
	for name, body := range m.custom {
		section(0, true, cat(str(name), []byte(body)))
	}
	if m.names {
		section(0, true, cat(str("name"), m.nameSection()))
	}
	return out
}

func (m wasmModule) nameSection() []byte {
	var names, locals [][]byte
	for i, f := range m.funcs {
		index := uleb(len(m.imports) + i)
		names = append(names, cat(index, str("named_"+f.name)))
		locals = append(locals, cat(index, vec(cat([]byte{0}, str("first")))))
	}
	sub := func(id byte, body []byte) []byte { return cat([]byte{id}, uleb(len(body)), body) }
	return cat(sub(0, str("themodule")), sub(1, vec(names...)), sub(2, vec(locals...)))
}

// Fragments of code.

func i32(n int32) []byte { return append([]byte{0x41}, sleb(int64(n))...) }

func sleb(v int64) (out []byte) {
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && b&0x40 == 0) || (v == -1 && b&0x40 != 0) {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

func op(code ...byte) []byte { return code }

func get(local byte) []byte { return []byte{0x20, local} }

func set(local byte) []byte { return []byte{0x21, local} }

func call(f int) []byte { return append([]byte{0x10}, uleb(f)...) }

// while runs body as long as it leaves something other than 0.
func while(body ...[]byte) []byte {
	return cat(op(0x03, 0x40), cat(body...), op(0x0d, 0, 0x0b))
}

// forever runs body again and again.
func forever(body ...[]byte) []byte {
	return cat(op(0x03, 0x40), cat(body...), op(0x0c, 0, 0x0b))
}
