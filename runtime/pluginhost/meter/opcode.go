package meter

import "fmt"

// opcode is an instruction's code: the byte itself, or prefix<<8 | code for the prefixed ones.
type opcode uint16

const (
	opUnreachable        opcode = 0x00
	opNop                opcode = 0x01
	opBlock              opcode = 0x02
	opLoop               opcode = 0x03
	opIf                 opcode = 0x04
	opElse               opcode = 0x05
	opThrow              opcode = 0x08
	opThrowRef           opcode = 0x0a
	opEnd                opcode = 0x0b
	opBr                 opcode = 0x0c
	opBrIf               opcode = 0x0d
	opBrTable            opcode = 0x0e
	opReturn             opcode = 0x0f
	opCall               opcode = 0x10
	opCallIndirect       opcode = 0x11
	opReturnCall         opcode = 0x12
	opReturnCallIndirect opcode = 0x13
	opCallRef            opcode = 0x14
	opReturnCallRef      opcode = 0x15
	opTryTable           opcode = 0x1f
	opGlobalGet          opcode = 0x23
	opTableSet           opcode = 0x26
	opMemoryGrow         opcode = 0x40
	opI32Const           opcode = 0x41
	opI64Const           opcode = 0x42
	opF32Const           opcode = 0x43
	opF64Const           opcode = 0x44
	opRefNull            opcode = 0xd0
	opRefFunc            opcode = 0xd2
	opBrOnNull           opcode = 0xd5
	opBrOnNonNull        opcode = 0xd6
	opMemoryInit         opcode = 0xfc08
	opDataDrop           opcode = 0xfc09
	opMemoryCopy         opcode = 0xfc0a
	opMemoryFill         opcode = 0xfc0b
	opTableInit          opcode = 0xfc0c
	opElemDrop           opcode = 0xfc0d
	opTableCopy          opcode = 0xfc0e
	opTableGrow          opcode = 0xfc0f
	opTableFill          opcode = 0xfc11
	opV128Const          opcode = 0xfd0c
)

const typeV128 = 0x7b

// immediate says what follows an opcode.
type immediate uint8

const (
	immUnknown  immediate = iota // the zero value marks opcodes that are refused
	immNone                      //
	immBlock                     // block type
	immTry                       // block type, catch clauses
	immLabel                     // label
	immLabels                    // labels, default label
	immFunc                      // function
	immIndirect                  // type, table
	immType                      // type
	immLocal                     // local
	immGlobal                    // global
	immTable                     // table
	immTables                    // table, table
	immElem                      // element segment
	immElemTab                   // element segment, table
	immData                      // data segment
	immDataMem                   // data segment, memory
	immMem                       // memory
	immMems                      // memory, memory
	immMemArg                    // alignment, offset
	immMemLane                   // alignment, offset, lane
	immLane                      // lane
	immTag                       // exception tag
	immTypes                     // value types of a select
	immHeap                      // heap type
	immI32                       //
	immI64                       //
	immF32                       //
	immF64                       //
	immV128                      // 16 bytes
)

// opInfo is what the rewriter knows of an instruction: its immediates, its effect on the height of the
// operand stack (calls and blocks: by their type) and its price in fuel.
type opInfo struct {
	imm       immediate
	pop, push uint8
	price     uint16
}

type opRange struct {
	from, to  opcode
	imm       immediate
	pop, push uint8
}

// opRanges lists every instruction that wazero 1.12 accepts with all its features but threads.
var opRanges = []opRange{
	{opUnreachable, opNop, immNone, 0, 0},
	{opBlock, opLoop, immBlock, 0, 0},
	{opIf, opIf, immBlock, 1, 0},
	{opElse, opElse, immNone, 0, 0},
	{opThrow, opThrow, immTag, 0, 0},
	{opThrowRef, opThrowRef, immNone, 1, 0},
	{opEnd, opEnd, immNone, 0, 0},
	{opBr, opBr, immLabel, 0, 0},
	{opBrIf, opBrIf, immLabel, 1, 0},
	{opBrTable, opBrTable, immLabels, 1, 0},
	{opReturn, opReturn, immNone, 0, 0},
	{opCall, opCall, immFunc, 0, 0},
	{opCallIndirect, opCallIndirect, immIndirect, 1, 0},
	{opReturnCall, opReturnCall, immFunc, 0, 0},
	{opReturnCallIndirect, opReturnCallIndirect, immIndirect, 1, 0},
	{opCallRef, opReturnCallRef, immType, 1, 0},
	{0x1a, 0x1a, immNone, 1, 0},  // drop
	{0x1b, 0x1b, immNone, 3, 1},  // select
	{0x1c, 0x1c, immTypes, 3, 1}, // select t
	{opTryTable, opTryTable, immTry, 0, 0},
	{0x20, 0x20, immLocal, 0, 1}, // local.get
	{0x21, 0x21, immLocal, 1, 0}, // local.set
	{0x22, 0x22, immLocal, 1, 1}, // local.tee
	{opGlobalGet, opGlobalGet, immGlobal, 0, 1},
	{0x24, 0x24, immGlobal, 1, 0}, // global.set
	{0x25, 0x25, immTable, 1, 1},  // table.get
	{opTableSet, opTableSet, immTable, 2, 0},
	{0x28, 0x35, immMemArg, 1, 1}, // loads
	{0x36, 0x3e, immMemArg, 2, 0}, // stores
	{0x3f, 0x3f, immMem, 0, 1},    // memory.size
	{opMemoryGrow, opMemoryGrow, immMem, 1, 1},
	{opI32Const, opI32Const, immI32, 0, 1},
	{opI64Const, opI64Const, immI64, 0, 1},
	{opF32Const, opF32Const, immF32, 0, 1},
	{opF64Const, opF64Const, immF64, 0, 1},
	{0x45, 0x45, immNone, 1, 1}, // i32.eqz
	{0x46, 0x4f, immNone, 2, 1}, // i32 comparisons
	{0x50, 0x50, immNone, 1, 1}, // i64.eqz
	{0x51, 0x66, immNone, 2, 1}, // comparisons
	{0x67, 0x69, immNone, 1, 1}, // i32 clz ctz popcnt
	{0x6a, 0x78, immNone, 2, 1}, // i32 arithmetic
	{0x79, 0x7b, immNone, 1, 1}, // i64 clz ctz popcnt
	{0x7c, 0x8a, immNone, 2, 1}, // i64 arithmetic
	{0x8b, 0x91, immNone, 1, 1}, // f32 abs … sqrt
	{0x92, 0x98, immNone, 2, 1}, // f32 arithmetic
	{0x99, 0x9f, immNone, 1, 1}, // f64 abs … sqrt
	{0xa0, 0xa6, immNone, 2, 1}, // f64 arithmetic
	{0xa7, 0xc4, immNone, 1, 1}, // conversions, sign extension
	{opRefNull, opRefNull, immHeap, 0, 1},
	{0xd1, 0xd1, immNone, 1, 1}, // ref.is_null
	{opRefFunc, opRefFunc, immFunc, 0, 1},
	{0xd4, 0xd4, immNone, 1, 1}, // ref.as_non_null
	{opBrOnNull, opBrOnNull, immLabel, 1, 1},
	{opBrOnNonNull, opBrOnNonNull, immLabel, 1, 0},

	{0xfc00, 0xfc07, immNone, 1, 1}, // saturating conversions
	{opMemoryInit, opMemoryInit, immDataMem, 3, 0},
	{opDataDrop, opDataDrop, immData, 0, 0},
	{opMemoryCopy, opMemoryCopy, immMems, 3, 0},
	{opMemoryFill, opMemoryFill, immMem, 3, 0},
	{opTableInit, opTableInit, immElemTab, 3, 0},
	{opElemDrop, opElemDrop, immElem, 0, 0},
	{opTableCopy, opTableCopy, immTables, 3, 0},
	{opTableGrow, opTableGrow, immTable, 2, 1},
	{0xfc10, 0xfc10, immTable, 0, 1}, // table.size
	{opTableFill, opTableFill, immTable, 3, 0},

	{0xfd00, 0xfd0a, immMemArg, 1, 1}, // v128 loads
	{0xfd0b, 0xfd0b, immMemArg, 2, 0}, // v128.store
	{opV128Const, opV128Const, immV128, 0, 1},
	{0xfd0d, 0xfd0d, immV128, 2, 1},    // i8x16.shuffle
	{0xfd0e, 0xfd0e, immNone, 2, 1},    // i8x16.swizzle
	{0xfd0f, 0xfd14, immNone, 1, 1},    // splats
	{0xfd15, 0xfd16, immLane, 1, 1},    // i8x16.extract_lane
	{0xfd17, 0xfd17, immLane, 2, 1},    // i8x16.replace_lane
	{0xfd18, 0xfd19, immLane, 1, 1},    // i16x8.extract_lane
	{0xfd1a, 0xfd1a, immLane, 2, 1},    // i16x8.replace_lane
	{0xfd1b, 0xfd1b, immLane, 1, 1},    // i32x4.extract_lane
	{0xfd1c, 0xfd1c, immLane, 2, 1},    // i32x4.replace_lane
	{0xfd1d, 0xfd1d, immLane, 1, 1},    // i64x2.extract_lane
	{0xfd1e, 0xfd1e, immLane, 2, 1},    // i64x2.replace_lane
	{0xfd1f, 0xfd1f, immLane, 1, 1},    // f32x4.extract_lane
	{0xfd20, 0xfd20, immLane, 2, 1},    // f32x4.replace_lane
	{0xfd21, 0xfd21, immLane, 1, 1},    // f64x2.extract_lane
	{0xfd22, 0xfd22, immLane, 2, 1},    // f64x2.replace_lane
	{0xfd23, 0xfd4c, immNone, 2, 1},    // comparisons
	{0xfd4d, 0xfd4d, immNone, 1, 1},    // v128.not
	{0xfd4e, 0xfd51, immNone, 2, 1},    // and andnot or xor
	{0xfd52, 0xfd52, immNone, 3, 1},    // bitselect
	{0xfd53, 0xfd53, immNone, 1, 1},    // any_true
	{0xfd54, 0xfd57, immMemLane, 2, 1}, // load lane
	{0xfd58, 0xfd5b, immMemLane, 2, 0}, // store lane
	{0xfd5c, 0xfd5d, immMemArg, 1, 1},  // load zero

	// i8x16, and what is mixed among it
	{0xfd5e, 0xfd64, immNone, 1, 1},
	{0xfd65, 0xfd66, immNone, 2, 1},
	{0xfd67, 0xfd6a, immNone, 1, 1},
	{0xfd6b, 0xfd73, immNone, 2, 1},
	{0xfd74, 0xfd75, immNone, 1, 1},
	{0xfd76, 0xfd79, immNone, 2, 1},
	{0xfd7a, 0xfd7a, immNone, 1, 1},
	{0xfd7b, 0xfd7b, immNone, 2, 1},

	// i16x8
	{0xfd7c, 0xfd81, immNone, 1, 1},
	{0xfd82, 0xfd82, immNone, 2, 1},
	{0xfd83, 0xfd84, immNone, 1, 1},
	{0xfd85, 0xfd86, immNone, 2, 1},
	{0xfd87, 0xfd8a, immNone, 1, 1},
	{0xfd8b, 0xfd93, immNone, 2, 1},
	{0xfd94, 0xfd94, immNone, 1, 1},
	{0xfd95, 0xfd99, immNone, 2, 1},
	{0xfd9b, 0xfd9f, immNone, 2, 1},

	// i32x4
	{0xfda0, 0xfda1, immNone, 1, 1},
	{0xfda3, 0xfda4, immNone, 1, 1},
	{0xfda7, 0xfdaa, immNone, 1, 1},
	{0xfdab, 0xfdae, immNone, 2, 1},
	{0xfdb1, 0xfdb1, immNone, 2, 1},
	{0xfdb5, 0xfdba, immNone, 2, 1},
	{0xfdbc, 0xfdbf, immNone, 2, 1},

	// i64x2
	{0xfdc0, 0xfdc1, immNone, 1, 1},
	{0xfdc3, 0xfdc4, immNone, 1, 1},
	{0xfdc7, 0xfdca, immNone, 1, 1},
	{0xfdcb, 0xfdce, immNone, 2, 1},
	{0xfdd1, 0xfdd1, immNone, 2, 1},
	{0xfdd5, 0xfddf, immNone, 2, 1},

	// f32x4
	{0xfde0, 0xfde1, immNone, 1, 1},
	{0xfde3, 0xfde3, immNone, 1, 1},
	{0xfde4, 0xfdeb, immNone, 2, 1},

	// f64x2
	{0xfdec, 0xfded, immNone, 1, 1},
	{0xfdef, 0xfdef, immNone, 1, 1},
	{0xfdf0, 0xfdf7, immNone, 2, 1},
	{0xfdf8, 0xfdff, immNone, 1, 1}, // conversions
}

// opPrices lists the instructions that do not cost one unit of fuel. A unit stands for one simple machine
// instruction; the dear ones are priced by measurement, so that a slice takes about as long whatever it is spent on.
var opPrices = []struct {
	from, to opcode
	price    uint16
}{
	{opNop, opLoop, 0}, // structure and operands: no machine code of their own
	{opElse, opElse, 0},
	{opEnd, opEnd, 0},
	{0x1a, 0x1a, 0}, // drop
	{0x20, 0x20, 0}, // local.get
	{opI32Const, opF64Const, 0},
	{opThrow, opThrowRef, priceExit}, // handlers are looked up in Go
	{opTryTable, opTryTable, 5000},   // wazero copies the guest's whole stack
	{opCall, opCall, 4},
	{opCallIndirect, opReturnCallRef, 8},
	{opMemoryGrow, opMemoryGrow, priceExit},
	{0x6d, 0x70, 8}, // i32 div rem
	{0x7f, 0x82, 8}, // i64 div rem
	{0x91, 0x91, 8}, // f32.sqrt
	{0x95, 0x95, 8}, // f32.div
	{0x9f, 0x9f, 8}, // f64.sqrt
	{0xa3, 0xa3, 8}, // f64.div
	{opRefFunc, opRefFunc, priceExit},
	{opMemoryInit, opTableCopy, 8},
	{opTableGrow, opTableGrow, priceExit},
	{opTableFill, opTableFill, 8},
	{0xfde3, 0xfde3, 16}, // f32x4.sqrt
	{0xfde7, 0xfde7, 16}, // f32x4.div
	{0xfdef, 0xfdef, 16}, // f64x2.sqrt
	{0xfdf3, 0xfdf3, 16}, // f64x2.div
}

// priceExit is the price of leaving the compiled code: calls of imports and what the engine does in Go.
const priceExit = 64

var opTable = makeOpTable()

// makeOpTable spreads the ranges over three pages: plain, 0xfc, 0xfd.
func makeOpTable() (t [3][256]opInfo) {
	for _, r := range opRanges {
		for op := r.from; op <= r.to; op++ {
			t[op.page()][op&0xff] = opInfo{imm: r.imm, pop: r.pop, push: r.push, price: 1}
		}
	}
	for _, p := range opPrices {
		for op := p.from; op <= p.to; op++ {
			t[op.page()][op&0xff].price = p.price
		}
	}
	return t
}

func (op opcode) page() int {
	switch op >> 8 {
	case 0xfc:
		return 1
	case 0xfd:
		return 2
	}
	return 0
}

func (op opcode) info() opInfo { return opTable[op.page()][op&0xff] }

// calls tells whether the instruction may run another function of the guest or the host.
func (op opcode) calls() bool { return op >= opCall && op <= opReturnCallRef }

// diverts tells whether control may go on elsewhere than at the next instruction.
func (op opcode) diverts() bool {
	return op <= opReturnCallRef && op != opNop && op != opBlock && op != opLoop ||
		op == opTryTable || op == opBrOnNull || op == opBrOnNonNull
}

func (op opcode) String() string {
	if op > 0xff {
		return fmt.Sprintf("%#02x %#02x", uint8(op>>8), uint8(op))
	}
	return fmt.Sprintf("%#02x", uint8(op))
}
