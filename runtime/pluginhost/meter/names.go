package meter

import (
	"cmp"

	"github.com/wendflow/wend/runtime/wasm"
)

// Subsections of the name section that hold function indices.
const (
	namesFuncs  = 1
	namesLocals = 2
	namesLabels = 3
)

// readFuncNames returns the names of functions, as far as they can be read.
func readFuncNames(sections []wasm.Section) map[uint32]string {
	names := map[uint32]string{}
	for _, s := range sections {
		if name, r, err := customName(s); s.ID == wasm.SectionCustom && err == nil && name == "name" {
			r.funcNames(names)
		}
	}
	return names
}

func (r *reader) funcNames(names map[uint32]string) {
	for r.More() {
		id := r.Byte()
		sub := r.sub(r.Count("bytes of a subsection"))
		if id != namesFuncs {
			continue
		}
		for range sub.Count("names") {
			i, name := sub.U32(), sub.Name()
			names[i] = cmp.Or(names[i], name)
		}
	}
}

// rewriteNames renumbers the functions of the name section and adds the injected ones. Label names are dropped: the
// wrapping blocks have shifted them, and nothing at hand reads them.
func (j *injector) rewriteNames(r *reader) code {
	out := code(nil).name("name")
	wrote := false
	for r.More() {
		id := r.Byte()
		sub := r.sub(r.Count("bytes of a subsection"))
		if id > namesFuncs && !wrote {
			out, wrote = out.section(namesFuncs, j.funcNames(nil)), true
		}
		switch id {
		case namesFuncs:
			out, wrote = out.section(id, j.funcNames(&sub)), true
		case namesLocals:
			out = out.section(id, j.localNames(&sub))
		case namesLabels:
		default:
			out = out.section(id, sub.Bytes)
		}
		r.Err = cmp.Or(r.Err, sub.Err)
	}
	if !wrote {
		out = out.section(namesFuncs, j.funcNames(nil))
	}
	return out
}

// funcNames keeps the map in ascending order: the import comes before the module's own functions, the helpers after.
func (j *injector) funcNames(r *reader) code {
	var out code
	n, imported := 0, false
	add := func(index uint32, name string) {
		out = out.u32(index).name(name)
		n++
	}
	if r != nil {
		for range r.Count("names") {
			i, name := r.Index("function", len(j.m.funcs)), r.Name()
			if !imported && int(i) >= j.m.importedFuncs {
				add(j.importIndex(), ImportModule+"."+ImportFunc)
				imported = true
			}
			add(j.fn(i), name)
		}
	}
	if !imported {
		add(j.importIndex(), ImportModule+"."+ImportFunc)
	}
	for i, h := range j.helpers {
		add(uint32(len(j.m.funcs)+1+i), h.name)
	}
	return append(code(nil).u32(uint32(n)), out...)
}

func (j *injector) localNames(r *reader) code {
	n := r.Count("functions")
	out := code(nil).u32(uint32(n))
	for range n {
		out = out.u32(j.fn(r.Index("function", len(j.m.funcs))))
		locals := r.Count("locals")
		out = out.u32(uint32(locals))
		for range locals {
			out = out.u32(r.U32()).name(r.Name())
		}
	}
	return out
}
