package meter

// frameUnit is the number of values that one level of depth pays for. A function with a larger frame costs
// several levels, so that Config.Depth bounds the bytes of stack too.
const frameUnit = 64

// injector rewrites function bodies. It collects what they turn out to need: types for the wrapping blocks
// and the injected functions.
type injector struct {
	m       *module
	cfg     Config
	body    body
	planner planner

	newTypes  [][]byte          // encoded types behind those of the module
	typeIndex map[string]uint32 // by encoding
	helpers   []helper
	helperIdx map[helperKind]uint32

	wroteTables, grewTables, dropped bool
}

func newInjector(m *module, cfg Config) *injector {
	return &injector{
		m: m, cfg: cfg,
		typeIndex: map[string]uint32{}, helperIdx: map[helperKind]uint32{},
	}
}

// Indices in the rewritten module.

func (j *injector) importIndex() uint32 { return uint32(j.m.importedFuncs) }

func (j *injector) fn(old uint32) uint32 {
	if int(old) < j.m.importedFuncs {
		return old
	}
	return old + 1
}

func (j *injector) fuel() uint32 { return uint32(len(j.m.globals)) }

func (j *injector) depth() uint32 { return uint32(len(j.m.globals)) + 1 }

// funcType returns the index of a function type, added at its first use.
func (j *injector) funcType(encoded []byte) uint32 {
	if i, ok := j.typeIndex[string(encoded)]; ok {
		return i
	}
	i := uint32(len(j.m.types) + len(j.newTypes))
	j.newTypes = append(j.newTypes, encoded)
	j.typeIndex[string(encoded)] = i
	return i
}

// blockType encodes the type of a block that yields what the function yields.
func (j *injector) blockType(c code, t funcType) code {
	switch {
	case t.results == 0:
		return c.op(0x40)
	case len(t.resultBytes) == 1:
		return c.op(t.resultBytes...)
	}
	enc := append(code{0x60, 0}.u32(uint32(t.results)), t.resultBytes...)
	return c.s64(int64(j.funcType(enc)))
}

// function rewrites one entry of the code section: r holds its local declarations and its code.
func (j *injector) function(r *reader, t funcType) (code, error) {
	start := r.Pos
	groups := r.Count("groups of locals")
	groupsAt := r.Pos
	locals := uint64(0)
	for range groups {
		locals += uint64(r.U32())
		r.ValType(len(j.m.types))
	}
	if locals > maxLocals {
		r.Fail(start, "%d locals, at most %d are accepted", locals, maxLocals)
	}
	declared := r.Pos
	j.body.decode(r, j.m)
	if r.Err != nil {
		return nil, r.Err
	}
	if err := j.planner.run(j.m, &j.body, t, int(locals)); err != nil {
		return nil, err
	}
	f := funcWriter{injector: j, t: t, plan: &j.planner.plan, out: make(code, 0, len(r.Bytes)+len(r.Bytes)/4+32)}
	f.levels = int32(1 + max(f.plan.frame-1, 0)/frameUnit)
	f.deep = j.body.calls || f.levels > 1
	if f.deep && j.body.catches {
		f.saved, f.restores = uint32(t.params)+uint32(locals), true
		groups++
	}
	f.out = append(f.out.u32(uint32(groups)), r.Bytes[groupsAt:declared]...)
	if f.restores {
		f.out = f.out.op(1, 0x7f)
	}
	f.write()
	return f.out, nil
}

// funcWriter writes the new code of one function: the original bytes, with changes where there are any.
type funcWriter struct {
	*injector
	t      funcType
	plan   *plan
	out    code
	from   int   // first byte of the original code that is not written yet
	open   int   // blocks open in the original code
	levels int32 // of depth that a call of the function takes
	deep   bool  // the function counts its depth

	// A function that catches exceptions keeps its depth in a local, because the frames that an exception unwinds
	// do not give theirs back.
	restores bool
	saved    uint32
}

func (f *funcWriter) write() {
	points, caught := f.plan.points, f.plan.caught
	if f.deep {
		f.enter()
	}
	f.charge(points[0])
	if f.deep {
		// Branches to the function's own label now leave this block and pass the code behind it.
		f.out = f.blockType(f.out.op(0x02), f.t)
	}
	points = points[1:]
	last := len(f.body.instrs) - 1
	for i := range f.body.instrs[:last] {
		in := &f.body.instrs[i]
		if len(points) > 0 && points[0].at == in.start {
			f.copyTo(in.start)
			f.charge(points[0])
			points = points[1:]
		}
		f.instruction(in)
		if len(caught) > 0 && caught[0] == i {
			caught = caught[1:]
			f.restore(in)
		}
	}
	if f.deep {
		f.copyTo(f.body.instrs[last].start)
		f.out = f.out.op(0x0b)
		f.leave()
	}
	f.copyTo(len(f.body.raw))
}

func (f *funcWriter) copyTo(end int) {
	f.out = append(f.out, f.body.raw[f.from:end]...)
	f.from = end
}

// instead writes the instruction up to here and lets the caller append what replaces it.
func (f *funcWriter) instead(in *instr) {
	f.copyTo(in.start)
	f.from = in.end
}

func (f *funcWriter) instruction(in *instr) {
	switch in.op {
	case opBlock, opIf, opTryTable:
		f.open++
	case opLoop:
		f.open++
		f.restore(in)
	case opEnd:
		f.open--
	case opReturn:
		if f.deep {
			f.instead(in)
			f.out = f.out.at(0x0c, uint32(f.open)) // br to the block around the code
		}
	case opCall, opRefFunc:
		f.instead(in)
		f.out = f.out.at(byte(in.op), f.fn(in.x))
	case opReturnCall:
		f.instead(in)
		f.leave()
		f.out = f.out.at(byte(in.op), f.fn(in.x))
	case opReturnCallIndirect, opReturnCallRef:
		f.copyTo(in.start)
		f.leave()
	case opTableSet:
		f.wroteTables = true
	default:
		f.bulk(in)
	}
}

// bulk charges instructions whose work depends on a count, which is always the topmost operand.
func (f *funcWriter) bulk(in *instr) {
	switch in.op {
	case opMemoryFill:
		f.instead(in)
		f.out = f.out.call(f.helper(helpFill))
	case opMemoryCopy:
		f.instead(in)
		f.out = f.out.call(f.helper(helpCopy))
	case opMemoryGrow:
		f.instead(in)
		f.out = f.out.call(f.helper(helpGrow))
	case opMemoryInit:
		f.copyTo(in.start)
		f.out = f.out.call(f.helper(helpBytes))
	case opTableFill, opTableCopy, opTableInit, opTableGrow:
		f.wroteTables = true
		f.grewTables = f.grewTables || in.op == opTableGrow
		f.copyTo(in.start)
		f.out = f.out.call(f.helper(helpItems))
	case opDataDrop, opElemDrop:
		f.dropped = true
	}
}

// charge writes the code of a point.
func (f *funcWriter) charge(p point) {
	if p.price > 0 || p.check {
		f.out = f.take(f.out, code(nil).i64(p.price), p.check)
	}
}

func (f *funcWriter) enter() {
	d := f.depth()
	f.out = f.out.globalGet(d).i32(f.levels).op(0x6b).globalSet(d) // i32.sub
	f.out = f.out.globalGet(d).i32(0).op(0x48, 0x04, 0x40, 0x00, 0x0b)
	if f.restores {
		f.out = f.out.globalGet(d).set(f.saved)
	}
}

func (f *funcWriter) leave() {
	if f.restores {
		f.out = f.out.get(f.saved)
	} else {
		f.out = f.out.globalGet(f.depth())
	}
	f.out = f.out.i32(f.levels).op(0x6a).globalSet(f.depth()) // i32.add
}

// restore sets the depth right behind an instruction where an exception may have come in.
func (f *funcWriter) restore(in *instr) {
	if f.restores {
		f.copyTo(in.end)
		f.out = f.out.get(f.saved).globalSet(f.depth())
	}
}
