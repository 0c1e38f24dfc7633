package meter

import (
	"slices"

	"github.com/wendflow/wend/runtime/wasm"
)

// rewriter puts the new module together, section by section.
type rewriter struct {
	*injector
	codes   []code   // rewritten entries of the code section
	mutable []string // export names of the mutable globals
}

// replaced are the sections that every rewritten module has, so they are made if the original lacks them.
var replaced = []byte{wasm.SectionType, wasm.SectionImport, wasm.SectionFunction, wasm.SectionGlobal, wasm.SectionExport, wasm.SectionCode}

func rewrite(m *module, cfg Config) (*rewriter, []byte, error) {
	w := &rewriter{injector: newInjector(m, cfg)}
	w.importType()
	w.helper(helpRefill)
	if err := w.functions(); err != nil {
		return nil, nil, err
	}
	out := code(wasm.Header)
	for _, s := range withMissing(m.sections) {
		body, keep, err := w.section(s)
		if err != nil {
			return nil, nil, err
		}
		if keep {
			out = out.section(s.ID, body)
		}
	}
	return w, out, nil
}

// withMissing adds the sections to be made, each where it belongs, and a name section at the end.
func withMissing(sections []wasm.Section) []wasm.Section {
	sections = slices.Clone(sections)
	empty := []byte{0}
	for _, id := range replaced {
		if slices.ContainsFunc(sections, func(s wasm.Section) bool { return s.ID == id }) {
			continue
		}
		at := slices.IndexFunc(sections, func(s wasm.Section) bool { return wasm.Before(id, s.ID) })
		if at < 0 {
			at = len(sections)
		}
		sections = slices.Insert(sections, at, wasm.Section{ID: id, Content: empty})
	}
	for _, s := range sections {
		if s.ID != wasm.SectionCustom {
			continue
		}
		if name, _, err := customName(s); err == nil && name == "name" {
			return sections
		}
	}
	return append(sections, wasm.Section{ID: wasm.SectionCustom, Content: code(nil).name("name")})
}

// functions rewrites all bodies first, because they decide which types and helpers the module needs.
func (w *rewriter) functions() error {
	own := len(w.m.funcs) - w.m.importedFuncs
	r, n := reader{}, 0
	if s, ok := w.m.find(wasm.SectionCode); ok {
		r = readerOf(s)
		n = r.Count("function bodies")
	}
	if r.Err == nil && n != own {
		r.Fail(0, "%d function bodies for %d functions", n, own)
	}
	for i := range n {
		if r.Err != nil {
			break
		}
		fr := r.sub(r.Count("bytes of a function"))
		index := uint32(w.m.importedFuncs + i)
		c, err := w.function(&fr, w.m.types[w.m.funcs[index]])
		if err != nil {
			return inFunction(err, w.m.funcName(index))
		}
		w.codes = append(w.codes, c)
	}
	r.Done("the code section")
	return r.Err
}

// section returns the new body of a section, and whether it is kept.
func (w *rewriter) section(s wasm.Section) (body []byte, keep bool, err error) {
	r := readerOf(s)
	switch s.ID {
	case wasm.SectionCustom:
		return w.custom(s)
	case wasm.SectionType:
		r.Count("types")
		body = append(code(nil).u32(uint32(w.m.typeEntries+len(w.newTypes))), s.Content[r.Pos:]...)
		for _, t := range w.newTypes {
			body = append(body, t...)
		}
	case wasm.SectionImport:
		n := r.Count("imports")
		c := append(code(nil).u32(uint32(n+1)), s.Content[r.Pos:]...)
		body = c.name(ImportModule).name(ImportFunc).at(wasm.KindFunction, w.importType())
	case wasm.SectionFunction:
		n := r.Count("functions")
		c := append(code(nil).u32(uint32(n+len(w.helpers))), s.Content[r.Pos:]...)
		for _, h := range w.helpers {
			c = c.u32(h.typ)
		}
		body = c
	case wasm.SectionTable:
		body = w.tables(&r)
	case wasm.SectionGlobal:
		body = w.globals(&r)
	case wasm.SectionExport:
		body = w.exports(&r)
	case wasm.SectionStart:
		body = code(nil).u32(w.index(&r))
		r.Done("the start section")
	case wasm.SectionElement:
		body = w.elements(&r)
	case wasm.SectionCode:
		c := code(nil).u32(uint32(len(w.codes) + len(w.helpers)))
		for _, f := range w.codes {
			c = c.sized(f)
		}
		for _, h := range w.helpers {
			c = c.sized(h.body)
		}
		body = c
	case wasm.SectionData:
		w.checkData(&r)
		body = s.Content
	default:
		body = s.Content
	}
	return body, true, r.Err
}

func (w *rewriter) custom(s wasm.Section) (body []byte, keep bool, err error) {
	name, r, err := customName(s)
	switch {
	case err != nil:
		return nil, false, err
	case name == "name":
		body = w.rewriteNames(&r)
		return body, true, r.Err
	}
	return s.Content, !offsetsCode(name), nil
}

// tableType reads the type of a table and returns it with the limit on its size.
func (r *reader) tableType(cfg Config, types int) code {
	at := r.Pos
	typ := r.ValType(types)
	low, high := r.limits()
	limit := uint32(cfg.TableItems)
	if low > limit {
		r.Fail(at, "table of %d elements, at most %d are accepted", low, limit)
	}
	if high != nil {
		if *high < low {
			r.Fail(at, "table has more elements than its maximum")
		}
		limit = min(limit, *high)
	}
	return append(code(nil), typ...).op(1).u32(low).u32(limit)
}

func (w *rewriter) tables(r *reader) code {
	n := r.Count("tables")
	out := code(nil).u32(uint32(n))
	for range n {
		if r.More() && r.Bytes[r.Pos] == 0x40 { // with an initialiser
			out = out.op(r.Byte(), r.Byte())
			out = append(out, r.tableType(w.cfg, len(w.m.types))...)
			out = w.constExpr(r, out)
		} else {
			out = append(out, r.tableType(w.cfg, len(w.m.types))...)
		}
	}
	r.Done("the table section")
	return out
}

func (w *rewriter) globals(r *reader) code {
	n := r.Count("globals")
	out := code(nil).u32(uint32(n + 2))
	for range n {
		at := r.Pos
		r.globalType(len(w.m.types))
		out = append(out, r.Bytes[at:r.Pos]...)
		out = w.constExpr(r, out)
	}
	r.Done("the global section")
	out = out.op(0x7e, 1).i64(0).op(0x0b)
	return out.op(0x7f, 1).i32(w.cfg.Depth).op(0x0b)
}

// constExpr copies an initialiser, with the functions in it renumbered.
func (w *rewriter) constExpr(r *reader, out code) code {
	return r.constExpr(out, func() uint32 { return w.index(r) }, len(w.m.globals), len(w.m.types))
}

// index reads the index of a function and returns the new one.
func (w *rewriter) index(r *reader) uint32 { return w.fn(r.Index("function", len(w.m.funcs))) }

// constExpr copies a constant expression; function yields what stands for a function's index.
func (r *reader) constExpr(out code, function func() uint32, globals, types int) code {
	for r.Err == nil {
		at := r.Pos
		switch op := r.opcode(); op {
		case opEnd:
			return append(out, byte(op))
		case opRefFunc:
			out = out.at(byte(op), function())
			continue
		case opGlobalGet:
			r.Index("global", globals)
		case opI32Const:
			r.Signed(32)
		case opI64Const:
			r.Signed(64)
		case opF32Const:
			r.Take(4)
		case opF64Const:
			r.Take(8)
		case opV128Const:
			r.Take(16)
		case opRefNull:
			r.HeapType(types)
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // add, sub, mul
		default:
			r.Fail(at, "instruction %s is not constant", op)
			return out
		}
		out = append(out, r.Bytes[at:r.Pos]...)
	}
	return out
}
