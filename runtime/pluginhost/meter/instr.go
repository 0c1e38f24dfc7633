package meter

// instr is one decoded instruction of a function body.
type instr struct {
	op         opcode
	start, end int    // bytes in the body, immediates included
	x, y       uint32 // indices; for br_table and try_table the range in body.labels
	block      blockType
}

type blockType struct{ params, results int }

// body is a decoded function body. The slices are reused from function to function.
type body struct {
	raw     []byte // the code without local declarations
	base    int    // offset of raw in the file
	instrs  []instr
	labels  []uint32
	calls   bool // runs other functions
	loops   bool
	catches bool // has a try_table
}

// decode splits the code into instructions and checks every index against the original module.
func (b *body) decode(r *reader, m *module) {
	b.instrs, b.labels = b.instrs[:0], b.labels[:0]
	b.calls, b.loops, b.catches = false, false, false
	b.base = r.Base + r.Pos
	b.raw = r.Bytes[r.Pos:]
	off := r.Pos
	depth := 1
	for r.Err == nil && depth > 0 {
		in := instr{start: r.Pos - off}
		in.op = r.opcode()
		b.immediates(r, m, &in)
		in.end = r.Pos - off
		switch in.op {
		case opLoop:
			b.loops = true
			depth++
		case opTryTable:
			b.catches = true
			depth++
		case opBlock, opIf:
			depth++
		case opEnd:
			depth--
		}
		if depth > maxNesting {
			r.Fail(off+in.start, "blocks nest deeper than %d", maxNesting)
		}
		b.calls = b.calls || in.op.calls()
		b.instrs = append(b.instrs, in)
	}
	r.Done("the function's end")
}

// startsWithLoop tells whether control runs straight from the entry into a loop.
func (b *body) startsWithLoop() bool {
	for _, in := range b.instrs {
		switch {
		case in.op == opLoop:
			return true
		case in.op.diverts():
			return false
		}
	}
	return false
}

func (r *reader) opcode() opcode {
	at := r.Pos
	op := opcode(r.Byte())
	switch op {
	case 0xfc, 0xfd:
		start := r.Pos
		sub := r.U32()
		// wazero reads vector opcodes as one byte: in a longer encoding it would see other instructions than we do.
		long := op == 0xfd && r.Pos-start != len(code(nil).u32(sub))
		if r.Err == nil && (sub > 0xff || long) {
			r.Fail(at, "instruction %#02x %#02x is not known", uint8(op), sub)
			return 0
		}
		op = op<<8 | opcode(sub)
	case 0xfe:
		r.Fail(at, "atomic instruction %#02x %#02x (threads) is refused", uint8(op), r.Byte())
		return 0
	case 0x06, 0x07, 0x09, 0x18, 0x19:
		r.Fail(at, "instruction %s of the legacy exception handling is refused; use try_table", op)
		return 0
	}
	if r.Err == nil && op.info().imm == immUnknown {
		r.Fail(at, "instruction %s is not known", op)
		return 0
	}
	return op
}

func (b *body) immediates(r *reader, m *module, in *instr) {
	switch in.op.info().imm {
	case immNone, immUnknown:
	case immBlock:
		in.block = r.blockType(m)
	case immTry:
		in.block = r.blockType(m)
		b.catchClauses(r, m, in)
	case immLabel, immLocal:
		in.x = r.U32()
	case immLabels:
		in.x = uint32(len(b.labels))
		for range r.Count("labels") + 1 {
			b.labels = append(b.labels, r.U32())
		}
		in.y = uint32(len(b.labels))
	case immFunc:
		in.x = r.Index("function", len(m.funcs))
	case immIndirect:
		in.x = r.Index("type", len(m.types))
		in.y = r.Index("table", m.tables)
	case immType:
		in.x = r.Index("type", len(m.types))
	case immGlobal:
		in.x = r.Index("global", len(m.globals))
	case immTable:
		in.x = r.Index("table", m.tables)
	case immTables:
		in.x, in.y = r.Index("table", m.tables), r.Index("table", m.tables)
	case immElem:
		in.x = r.Index("element segment", m.elements)
	case immElemTab:
		in.x, in.y = r.Index("element segment", m.elements), r.Index("table", m.tables)
	case immData:
		in.x = r.Index("data segment", m.datas)
	case immDataMem:
		in.x = r.Index("data segment", m.datas)
		r.memory(m)
	case immMem:
		r.memory(m)
	case immMems:
		r.memory(m)
		r.memory(m)
	case immMemArg:
		r.U32()
		r.U32()
	case immMemLane:
		r.U32()
		r.U32()
		r.Byte()
	case immLane:
		r.Byte()
	case immTag:
		in.x = r.Index("tag", len(m.tags))
	case immTypes:
		// wazero 1.12 validates longer types, but its compilers skip exactly two bytes.
		at := r.Pos
		if r.U32() != 1 || len(r.ValType(len(m.types))) != 1 || r.Pos != at+2 {
			r.Fail(at, "select takes one type of one byte")
		}
	case immHeap:
		r.HeapType(len(m.types))
	case immI32:
		r.Signed(32)
	case immI64:
		r.Signed(64)
	case immF32:
		r.Take(4)
	case immF64:
		r.Take(8)
	case immV128:
		r.Take(16)
	}
}

// memory reads the index of the only memory, which is one zero byte.
func (r *reader) memory(m *module) {
	at := r.Pos
	if i := r.Byte(); i != 0 || m.memories == 0 {
		r.Fail(at, "memory %d does not exist", i)
	}
}

func (r *reader) blockType(m *module) blockType {
	at := r.Pos
	v := r.Signed(33)
	switch v {
	case -64: // no result
		return blockType{}
	case -29, -28: // (ref null? heaptype)
		r.HeapType(len(m.types))
		return blockType{results: 1}
	}
	if v < 0 {
		return blockType{results: 1}
	}
	if v >= int64(len(m.types)) {
		r.Fail(at, "type %d does not exist, there are %d", v, len(m.types))
		return blockType{}
	}
	t := m.types[v]
	return blockType{params: t.params, results: t.results}
}

func (b *body) catchClauses(r *reader, m *module, in *instr) {
	in.x = uint32(len(b.labels))
	for range r.Count("catch clauses") {
		at := r.Pos
		switch kind := r.Byte(); kind {
		case 0, 1: // catch, catch_ref
			r.Index("tag", len(m.tags))
		case 2, 3: // catch_all, catch_all_ref
		default:
			r.Fail(at, "catch kind %#02x is not known", kind)
		}
		b.labels = append(b.labels, r.U32())
	}
	in.y = uint32(len(b.labels))
}
