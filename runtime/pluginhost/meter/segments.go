package meter

import (
	"fmt"
	"strings"

	"github.com/wendflow/wend/runtime/wasm"
)

// exports renumbers the exported functions and adds the injected globals and the module's own mutable ones.
func (w *rewriter) exports(r *reader) code {
	var out code
	n := r.Count("exports")
	for range n {
		at := r.Pos
		name := r.Name()
		if strings.HasPrefix(name, ImportModule+".") {
			r.Fail(at, "export %q: the prefix %q is reserved", name, ImportModule+".")
		}
		kind := r.Byte()
		out = out.name(name).at(kind, w.exported(r, kind))
	}
	r.Done("the export section")
	out = out.name(FuelGlobal).at(wasm.KindGlobal, w.fuel())
	out = out.name(DepthGlobal).at(wasm.KindGlobal, w.depth())
	for i := w.m.importedGlobs; i < len(w.m.globals); i++ {
		if g := w.m.globals[i]; g.mutable && g.val != typeV128 {
			name := fmt.Sprintf("%s.global.%d", ImportModule, i)
			out = out.name(name).at(wasm.KindGlobal, uint32(i))
			w.mutable = append(w.mutable, name)
		}
	}
	return append(code(nil).u32(uint32(n+2+len(w.mutable))), out...)
}

func (w *rewriter) exported(r *reader, kind byte) uint32 {
	switch kind {
	case wasm.KindFunction:
		return w.index(r)
	case wasm.KindTable:
		return r.Index("table", w.m.tables)
	case wasm.KindMemory:
		return r.Index("memory", w.m.memories)
	case wasm.KindGlobal:
		return r.Index("global", len(w.m.globals))
	case wasm.KindTag:
		return r.Index("tag", len(w.m.tags))
	}
	r.Fail(r.Pos-1, "export kind %#02x is not known", kind)
	return 0
}

// Flags of element segments.
const (
	elemNotActive = 1 // passive or declarative
	elemTable     = 2 // of an active one: the table is named; of the others: declarative
	elemExprs     = 4 // the elements are expressions
)

// elements renumbers the functions in the segments.
func (w *rewriter) elements(r *reader) code {
	n := r.Count("element segments")
	out := code(nil).u32(uint32(n))
	for range n {
		out = w.element(r, out)
	}
	r.Done("the element section")
	return out
}

func (w *rewriter) element(r *reader, out code) code {
	at := r.Pos
	flags := r.U32()
	if flags > elemNotActive|elemTable|elemExprs {
		r.Fail(at, "element segment flags %#x are not known", flags)
	}
	out = out.u32(flags)
	if flags&elemNotActive == 0 {
		if flags&elemTable != 0 {
			out = out.u32(r.Index("table", w.m.tables))
		}
		out = w.constExpr(r, out)
	}
	if flags&(elemNotActive|elemTable) != 0 {
		if flags&elemExprs != 0 {
			out = append(out, r.ValType(len(w.m.types))...)
		} else {
			out = out.op(r.Byte()) // the kind; the engine checks it
		}
	}
	n := r.Count("elements")
	out = out.u32(uint32(n))
	for range n {
		if flags&elemExprs != 0 {
			out = w.constExpr(r, out)
		} else {
			out = out.u32(w.index(r))
		}
	}
	return out
}

// checkData checks the segments, which stay as they are: an offset must not read an injected global.
func (w *rewriter) checkData(r *reader) {
	for range r.Count("data segments") {
		at := r.Pos
		switch flags := r.U32(); flags {
		case 0:
			w.constExpr(r, nil)
		case 1:
		case 2:
			r.Index("memory", w.m.memories)
			w.constExpr(r, nil)
		default:
			r.Fail(at, "data segment flags %#x are not known", flags)
		}
		r.Take(r.Count("bytes of data"))
	}
	r.Done("the data section")
}
