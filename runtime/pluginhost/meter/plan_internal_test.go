package meter

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/wendflow/wend/runtime/wasm"
)

// TestPlanNeverUndercharges walks random functions at random and checks that at each step no more was done than was
// paid for, but for the few units before a leading loop, which the loop pays for.
func TestPlanNeverUndercharges(t *testing.T) {
	t.Parallel()
	m := &module{types: []funcType{{}}, funcs: []uint32{0}}
	for seed := range uint64(3000) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		g := codeMaker{rnd: rnd}
		g.block(0)
		r := reader{wasm.Reader{Bytes: g.code.op(0x0b)}}
		var b body
		b.decode(&r, m)
		if r.Err != nil {
			t.Fatalf("seed %d: %v", seed, r.Err)
		}
		var p planner
		if err := p.run(m, &b, funcType{}, 1); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for range 10 {
			credit := int64(0)
			if b.startsWithLoop() {
				credit = regionGrain
			}
			if paid, done := walk(&b, &p.plan, credit, rnd); done > paid+credit {
				t.Fatalf("seed %d: did %d for %d\n%x", seed, done, paid, b.raw)
			}
		}
	}
}

// codeMaker writes random code of blocks, branches and local.set, whose price is 1.
type codeMaker struct {
	rnd  *rand.Rand
	code code
	open int
}

func (g *codeMaker) block(nest int) {
	for range g.rnd.IntN(7) {
		kind := g.rnd.IntN(9)
		switch {
		case kind < 4 || nest > 5:
			for range g.rnd.IntN(30) {
				g.code = g.code.i32(0).set(0)
			}
		case kind < 6:
			g.nested(byte(2+g.rnd.IntN(2)), nest)
		case kind < 7:
			g.code = g.code.i32(0)
			g.nested(4, nest)
		case kind < 8:
			g.code = g.code.i32(0).at(0x0d, g.label())
		default:
			g.leave()
		}
	}
}

func (g *codeMaker) nested(op byte, nest int) {
	g.code = g.code.op(op, 0x40)
	g.open++
	g.block(nest + 1)
	if op == 4 && g.rnd.IntN(2) == 0 {
		g.code = g.code.op(0x05)
		g.block(nest + 1)
	}
	g.open--
	g.code = g.code.op(0x0b)
}

func (g *codeMaker) label() uint32 { return uint32(g.rnd.IntN(g.open + 1)) }

func (g *codeMaker) leave() {
	switch g.rnd.IntN(4) {
	case 0:
		g.code = g.code.op(0x0f)
	case 1:
		g.code = g.code.at(0x0c, g.label())
	case 2:
		g.code = g.code.i32(0).at(0x0e, 2).u32(g.label()).u32(g.label()).u32(g.label())
	case 3: // as Go does: straight on to another part of the function
		g.code = g.code.i32(0).at(0x0d, g.label())
	}
}

// walk runs the function with random outcomes of its branches for some hundred instructions.
func walk(b *body, p *plan, credit int64, rnd *rand.Rand) (paid, done int64) {
	price := map[int]int64{}
	for _, pt := range p.points {
		price[pt.at] += pt.price
	}
	var open []int // instructions that opened the blocks around pc
	for pc, steps := 0, 0; pc < len(b.instrs) && steps < 400; steps++ {
		in := &b.instrs[pc]
		paid += price[in.start]
		done += int64(in.op.info().price)
		if done > paid+credit {
			return paid, done
		}
		labels := []uint32{in.x}
		switch in.op {
		case opBlock, opLoop:
			open = append(open, pc)
		case opIf:
			open = append(open, pc)
			if rnd.IntN(2) == 0 {
				pc = skip(b, pc+1, true)
				continue
			}
		case opElse: // the then-branch is done
			pc = skip(b, pc+1, false)
			continue
		case opEnd:
			if len(open) == 0 {
				return paid, done
			}
			open = open[:len(open)-1]
		case opReturn:
			return paid, done
		case opBrTable:
			labels = b.labels[in.x:in.y]
			fallthrough
		case opBr, opBrIf:
			if in.op == opBrIf && rnd.IntN(2) == 0 {
				break
			}
			to := len(open) - 1 - int(labels[rnd.IntN(len(labels))])
			if to < 0 {
				return paid, done
			}
			pc = open[to]
			open = open[:to+1]
			if b.instrs[pc].op != opLoop {
				pc = skip(b, pc+1, false)
			} else {
				pc++
			}
			continue
		}
		pc++
	}
	return paid, done
}

// skip returns the end of the block that pc lies in, or what follows its else if that comes first and is asked for.
func skip(b *body, pc int, toElse bool) int {
	for depth := 0; ; pc++ {
		switch b.instrs[pc].op {
		case opBlock, opLoop, opIf:
			depth++
		case opElse:
			if toElse && depth == 0 {
				return pc + 1
			}
		case opEnd:
			if depth == 0 {
				return pc
			}
			depth--
		}
	}
}

// TestPlanIsLinear has functions that would take forever if the planner looked at each pair of branches.
func TestPlanIsLinear(t *testing.T) {
	t.Parallel()
	m := &module{types: []funcType{{}}, funcs: []uint32{0}}
	const n = 100_000
	deep := code(nil)
	for range maxNesting - 2 {
		deep = deep.op(0x03, 0x40)
	}
	deep = deep.i32(0).at(0x0e, n)
	for i := range uint32(n + 1) {
		deep = deep.u32(i % maxNesting / 2)
	}
	deep = append(deep, bytes.Repeat([]byte{0x0b}, maxNesting-1)...)
	long := code{0x02, 0x40}
	for range n {
		for range regionGrain + 1 {
			long = long.i32(0).set(0)
		}
		long = long.i32(0).at(0x0d, 0)
	}
	long = long.op(0x0b, 0x0b)
	for name, c := range map[string]code{"nested table": deep, "many branches": long} {
		r := reader{wasm.Reader{Bytes: c}}
		var b body
		b.decode(&r, m)
		var p planner
		if err := p.run(m, &b, funcType{}, 1); err != nil || r.Err != nil {
			t.Errorf("%s: %v, %v", name, err, r.Err)
		}
	}
}
