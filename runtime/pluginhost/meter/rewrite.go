package meter

import "slices"

// rewriter puts the new module together, section by section.
type rewriter struct {
	*injector
	codes   []code   // rewritten entries of the code section
	mutable []string // export names of the mutable globals
}

// replaced are the sections that every rewritten module has, so they are made if the original lacks them.
var replaced = []byte{secType, secImport, secFunction, secGlobal, secExport, secCode}

func rewrite(m *module, cfg Config) (*rewriter, []byte, error) {
	w := &rewriter{injector: newInjector(m, cfg)}
	w.importType()
	w.helper(helpRefill)
	if err := w.functions(); err != nil {
		return nil, nil, err
	}
	out := code(append([]byte(nil), magic...))
	for _, s := range withMissing(m.sections) {
		body, keep, err := w.section(s)
		if err != nil {
			return nil, nil, err
		}
		if keep {
			out = out.section(s.id, body)
		}
	}
	return w, out, nil
}

// withMissing adds the sections to be made, each where it belongs, and a name section at the end.
func withMissing(sections []section) []section {
	sections = slices.Clone(sections)
	empty := []byte{0}
	for _, id := range replaced {
		if slices.ContainsFunc(sections, func(s section) bool { return s.id == id }) {
			continue
		}
		at := slices.IndexFunc(sections, func(s section) bool { return sectionRank[s.id] > sectionRank[id] })
		if at < 0 {
			at = len(sections)
		}
		sections = slices.Insert(sections, at, section{id: id, body: empty})
	}
	for _, s := range sections {
		if s.id != secCustom {
			continue
		}
		if name, _, err := s.customName(); err == nil && name == "name" {
			return sections
		}
	}
	return append(sections, section{id: secCustom, body: code(nil).name("name")})
}

// functions rewrites all bodies first, because they decide which types and helpers the module needs.
func (w *rewriter) functions() error {
	own := len(w.m.funcs) - w.m.importedFuncs
	r, n := reader{}, 0
	if s, ok := w.m.find(secCode); ok {
		r = s.reader()
		n = r.count("function bodies")
	}
	if r.err == nil && n != own {
		r.fail(0, "%d function bodies for %d functions", n, own)
	}
	for i := range n {
		if r.err != nil {
			break
		}
		fr := r.sub(r.count("bytes of a function"))
		index := uint32(w.m.importedFuncs + i)
		c, err := w.function(&fr, w.m.types[w.m.funcs[index]])
		if err != nil {
			return inFunction(err, w.m.funcName(index))
		}
		w.codes = append(w.codes, c)
	}
	r.done("the code section")
	return r.err
}

// section returns the new body of a section, and whether it is kept.
func (w *rewriter) section(s section) (body []byte, keep bool, err error) {
	r := s.reader()
	switch s.id {
	case secCustom:
		return w.custom(s)
	case secType:
		r.count("types")
		body = append(code(nil).u32(uint32(w.m.typeEntries+len(w.newTypes))), s.body[r.pos:]...)
		for _, t := range w.newTypes {
			body = append(body, t...)
		}
	case secImport:
		n := r.count("imports")
		c := append(code(nil).u32(uint32(n+1)), s.body[r.pos:]...)
		body = c.name(ImportModule).name(ImportFunc).at(kindFunc, w.importType())
	case secFunction:
		n := r.count("functions")
		c := append(code(nil).u32(uint32(n+len(w.helpers))), s.body[r.pos:]...)
		for _, h := range w.helpers {
			c = c.u32(h.typ)
		}
		body = c
	case secTable:
		body = w.tables(&r)
	case secGlobal:
		body = w.globals(&r)
	case secExport:
		body = w.exports(&r)
	case secStart:
		body = code(nil).u32(w.index(&r))
		r.done("the start section")
	case secElement:
		body = w.elements(&r)
	case secCode:
		c := code(nil).u32(uint32(len(w.codes) + len(w.helpers)))
		for _, f := range w.codes {
			c = c.sized(f)
		}
		for _, h := range w.helpers {
			c = c.sized(h.body)
		}
		body = c
	case secData:
		w.checkData(&r)
		body = s.body
	default:
		body = s.body
	}
	return body, true, r.err
}

func (w *rewriter) custom(s section) (body []byte, keep bool, err error) {
	name, r, err := s.customName()
	switch {
	case err != nil:
		return nil, false, err
	case name == "name":
		body = w.rewriteNames(&r)
		return body, true, r.err
	}
	return s.body, !offsetsCode(name), nil
}

// tableType reads the type of a table and returns it with the limit on its size.
func (r *reader) tableType(cfg Config, types int) code {
	at := r.pos
	typ := r.valType(types)
	low, high := r.limits()
	limit := uint32(cfg.TableItems)
	if low > limit {
		r.fail(at, "table of %d elements, at most %d are accepted", low, limit)
	}
	if high != nil {
		if *high < low {
			r.fail(at, "table has more elements than its maximum")
		}
		limit = min(limit, *high)
	}
	return append(code(nil), typ...).op(1).u32(low).u32(limit)
}

func (w *rewriter) tables(r *reader) code {
	n := r.count("tables")
	out := code(nil).u32(uint32(n))
	for range n {
		if r.more() && r.b[r.pos] == 0x40 { // with an initialiser
			out = out.op(r.byte(), r.byte())
			out = append(out, r.tableType(w.cfg, len(w.m.types))...)
			out = w.constExpr(r, out)
		} else {
			out = append(out, r.tableType(w.cfg, len(w.m.types))...)
		}
	}
	r.done("the table section")
	return out
}

func (w *rewriter) globals(r *reader) code {
	n := r.count("globals")
	out := code(nil).u32(uint32(n + 2))
	for range n {
		at := r.pos
		r.globalType(len(w.m.types))
		out = append(out, r.b[at:r.pos]...)
		out = w.constExpr(r, out)
	}
	r.done("the global section")
	out = out.op(0x7e, 1).i64(0).op(0x0b)
	return out.op(0x7f, 1).i32(w.cfg.Depth).op(0x0b)
}

// constExpr copies an initialiser, with the functions in it renumbered.
func (w *rewriter) constExpr(r *reader, out code) code {
	return r.constExpr(out, func() uint32 { return w.index(r) }, len(w.m.globals), len(w.m.types))
}

// index reads the index of a function and returns the new one.
func (w *rewriter) index(r *reader) uint32 { return w.fn(r.index("function", len(w.m.funcs))) }

// constExpr copies a constant expression; function yields what stands for a function's index.
func (r *reader) constExpr(out code, function func() uint32, globals, types int) code {
	for r.err == nil {
		at := r.pos
		switch op := r.opcode(); op {
		case opEnd:
			return append(out, byte(op))
		case opRefFunc:
			out = out.at(byte(op), function())
			continue
		case opGlobalGet:
			r.index("global", globals)
		case opI32Const:
			r.signed(32)
		case opI64Const:
			r.signed(64)
		case opF32Const:
			r.take(4)
		case opF64Const:
			r.take(8)
		case opV128Const:
			r.take(16)
		case opRefNull:
			r.heapType(types)
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // add, sub, mul
		default:
			r.fail(at, "instruction %s is not constant", op)
			return out
		}
		out = append(out, r.b[at:r.pos]...)
	}
	return out
}
