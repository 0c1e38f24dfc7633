package meter

import (
	"slices"

	"github.com/wendflow/wend/runtime/wasm"
)

// regionGrain is how much a region has to cost to be worth a charge of its own. A smaller grain makes fuel more exact
// and the guest slower: on Go's encoding/json, charging every branch (grain 0) costs 20 % and is exact, 16 costs 13 %
// and takes 1.9 times the exact fuel, charging function entries and loop heads alone costs no less and takes 6 times.
const regionGrain = 16

// A function is divided into regions. A region begins at a point where fuel is taken, and its price is that of
// the dearest path from there to the next point, so what runs never costs more than what was paid. Points stand
//
//   - at the function's entry and at each loop head: without these a cycle would be free;
//   - wherever a path has run up regionGrain units since its last point and branches or joins: without these a loop with
//     one long and one short way through (every loop that Go emits) would always pay for the long one;
//   - where paths join that last paid at different points.
//
// A region too short to be worth a charge of its own is paid at the points before it instead.
//
// Only the first kind checks whether the fuel is used up. Between two checks runs straight-line code only, whose
// length the module's size bounds.

// point is a place where fuel is taken.
type point struct {
	at    int // byte in the body before which the charge is inserted
	price int64
	check bool
}

// plan is what has to be inserted into one function.
type plan struct {
	points []point
	// frame is the height of the function's frame in values: parameters, locals and the operand stack at its highest.
	frame int
	// caught holds the indices of the instructions that end a block which an exception handler branches to.
	caught []int
}

// edge says that a path comes to a point having spent so much since the point before.
type edge struct {
	to   int
	from path
}

// path is the state of a walk: the last point passed and what was spent since. A dead path has point -1.
type path struct {
	point int
	spent int64
}

var dead = path{point: -1}

func (p path) live() bool { return p.point >= 0 }

// frame is an open block.
type frame struct {
	op     opcode
	block  blockType
	height int    // operands below the block's parameters
	joins  []path // what branches bring to the block's end, one for each point they come from
	entry  path   // where the block was entered
	fixed  bool   // its end begins a region that is not folded
	caught bool   // an exception handler branches to it
}

// maxJoins is how many points the paths to one join may come from. With more the join begins a region of its own
// once for all, so that a forged function cannot make the planner slow.
const maxJoins = 8

// planner walks one function. Its slices are reused.
type planner struct {
	plan
	m      *module
	body   *body
	frames []frame
	loops  []int // indices of the frames that are loops
	edges  []edge
	cur    path
	height int
	high   int
}

func (p *planner) run(m *module, b *body, t funcType, locals int) error {
	p.m, p.body = m, b
	p.points, p.caught, p.frames = p.points[:0], p.caught[:0], p.frames[:0]
	p.loops, p.edges = p.loops[:0], p.edges[:0]
	p.height, p.high = 0, 0
	p.cur = dead
	p.push(opBlock, blockType{results: t.results})
	p.mark(0, b.calls)
	p.spend(int64(t.params+locals) / 4)
	for i := range b.instrs {
		if err := p.step(i, &b.instrs[i]); err != nil {
			return err
		}
	}
	p.frame = t.params + locals + p.high
	p.foldRegions()
	p.foldEntry()
	return nil
}

// foldEntry drops the entry's check, and where it is cheap the entry's point too, if control runs straight into a
// loop head, which checks anyway. All of Go's functions with a loop begin like this.
func (p *planner) foldEntry() {
	if !p.body.startsWithLoop() {
		return
	}
	p.points[0].check = false
	if p.points[0].price <= regionGrain {
		p.points[1].price += p.points[0].price
		p.points[0].price = 0
	}
}

// foldRegions lets the points before a short region pay for it. The last ones come first, so that what is folded
// into a point counts when it is that point's turn.
func (p *planner) foldRegions() {
	for len(p.edges) > 0 {
		last := len(p.edges) - 1
		to := p.edges[last].to
		pt := &p.points[to]
		fold := pt.price <= regionGrain
		for ; last >= 0 && p.edges[last].to == to; last-- {
			if from := p.edges[last].from; fold {
				before := &p.points[from.point]
				before.price = max(before.price, from.spent+pt.price)
			}
		}
		if fold {
			pt.price = 0
		}
		p.edges = p.edges[:last+1]
	}
}

// mark begins a region at a byte of the body.
func (p *planner) mark(at int, check bool) {
	p.points = append(p.points, point{at: at, check: check})
	p.cur = path{point: len(p.points) - 1}
}

// spend adds to the current path, and to the price of its point if this is the dearest path so far.
func (p *planner) spend(units int64) {
	p.cur.spent += units
	if pt := &p.points[p.cur.point]; p.cur.spent > pt.price {
		pt.price = p.cur.spent
	}
}

// join begins a new region where the paths meet, which all last paid elsewhere.
func (p *planner) join(at int, paths []path) {
	p.mark(at, false)
	for _, from := range paths {
		p.edges = append(p.edges, edge{to: p.cur.point, from: from})
	}
}

// branched begins a new region behind a branch or join if the path has become long enough.
func (p *planner) branched(at int) {
	if p.cur.live() && p.cur.spent >= regionGrain {
		p.join(at, []path{p.cur})
	}
}

func (p *planner) push(op opcode, bt blockType) {
	if op == opLoop {
		p.loops = append(p.loops, len(p.frames))
	}
	p.frames = append(p.frames, frame{op: op, block: bt, height: p.height - bt.params, entry: p.cur})
}

func (p *planner) top() *frame { return &p.frames[len(p.frames)-1] }

// branch brings the current path to a label.
func (p *planner) branch(in *instr, label uint32) error {
	if int64(label) >= int64(len(p.frames)) {
		return &wasm.Error{Offset: p.body.base + in.start, Msg: "label does not exist"}
	}
	target := len(p.frames) - 1 - int(label)
	p.spend(int64(p.frames[target].arity()))
	from := p.cur
	// A path that leaves loops goes on where it was when it entered the outermost of them: the loop paid for the rest.
	if i, _ := slices.BinarySearch(p.loops, target+1); i < len(p.loops) {
		from = p.frames[p.loops[i]].entry
	}
	if f := &p.frames[target]; f.op != opLoop {
		f.merge(from)
	}
	return nil
}

// arity is the number of values that a branch to the frame's label carries.
func (f *frame) arity() int {
	if f.op == opLoop {
		return f.block.params
	}
	return f.block.results
}

func (f *frame) merge(from path) {
	if !from.live() {
		return
	}
	for i := range f.joins {
		if j := &f.joins[i]; j.point == from.point {
			j.spent = max(j.spent, from.spent)
			return
		}
	}
	if len(f.joins) == maxJoins {
		f.fixed = true
		return
	}
	f.joins = append(f.joins, from)
}

func (p *planner) kill() {
	p.cur = dead
	p.height = p.top().height
}

func (p *planner) step(i int, in *instr) error {
	switch in.op {
	case opElse:
		return p.elseBranch(in)
	case opEnd:
		return p.end(i, in)
	}
	if !p.cur.live() {
		switch in.op {
		case opBlock, opLoop, opIf, opTryTable:
			p.push(in.op, blockType{})
		}
		return nil
	}
	info := in.op.info()
	p.spend(int64(info.price))
	p.height -= int(info.pop)
	p.operands(in)
	p.height += int(info.push)
	p.high = max(p.high, p.height)
	return p.control(in)
}

// operands moves the height by what the instruction's type says.
func (p *planner) operands(in *instr) {
	var t funcType
	switch in.op {
	case opCall, opReturnCall:
		t = p.m.types[p.m.funcs[in.x]]
		if int(in.x) < p.m.importedFuncs {
			p.spend(priceExit)
		}
	case opCallIndirect, opReturnCallIndirect, opCallRef, opReturnCallRef:
		t = p.m.types[in.x]
	default:
		return
	}
	p.spend(int64(t.params + t.results))
	p.height += t.results - t.params
}

func (p *planner) control(in *instr) error {
	switch in.op {
	case opBlock:
		p.push(in.op, in.block)
	case opLoop:
		p.push(in.op, in.block)
		p.mark(in.end, true)
	case opIf:
		p.push(in.op, in.block)
		p.branched(in.end)
	case opTryTable:
		if err := p.handlers(in); err != nil {
			return err
		}
		p.push(in.op, in.block)
	case opBr:
		if err := p.branch(in, in.x); err != nil {
			return err
		}
		p.kill()
	case opBrIf, opBrOnNull, opBrOnNonNull:
		if err := p.branch(in, in.x); err != nil {
			return err
		}
		p.branched(in.end)
	case opBrTable:
		for _, label := range p.body.labels[in.x:in.y] {
			if err := p.branch(in, label); err != nil {
				return err
			}
		}
		p.kill()
	case opReturn, opUnreachable, opThrow, opThrowRef, opReturnCall, opReturnCallIndirect, opReturnCallRef:
		p.kill()
	}
	return nil
}

// handlers notes the blocks that a try_table branches to. It can do so from anywhere inside, so such a block's end
// always begins a region.
func (p *planner) handlers(in *instr) error {
	for _, label := range p.body.labels[in.x:in.y] {
		if err := p.branch(in, label); err != nil {
			return err
		}
		f := &p.frames[len(p.frames)-1-int(label)]
		f.fixed, f.caught = true, true
	}
	return nil
}

func (p *planner) elseBranch(in *instr) error {
	f := p.top()
	if f.op != opIf {
		return &wasm.Error{Offset: p.body.base + in.start, Msg: "else without if"}
	}
	f.merge(p.cur)
	f.op = opElse
	p.cur = f.entry
	p.height = f.height + f.block.params
	p.branched(in.end)
	return nil
}

func (p *planner) end(i int, in *instr) error {
	f := *p.top()
	p.frames = p.frames[:len(p.frames)-1]
	if f.caught {
		p.caught = append(p.caught, i)
	}
	p.height = f.height + f.block.results
	p.high = max(p.high, p.height)
	if f.op == opLoop {
		p.loops = p.loops[:len(p.loops)-1]
		if p.cur.live() {
			p.cur = f.entry
		}
		return nil
	}
	f.merge(p.cur)
	if f.op == opIf {
		f.merge(f.entry)
	}
	switch {
	case len(p.frames) == 0 || len(f.joins) == 0:
		p.cur = dead
	case f.fixed:
		p.mark(in.end, false)
	case len(f.joins) > 1:
		p.join(in.end, f.joins)
	default:
		p.cur = f.joins[0]
		p.branched(in.end)
	}
	return nil
}
