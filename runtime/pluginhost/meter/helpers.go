package meter

// helperKind names a function that is appended to the module. Only those that are used are.
type helperKind int

const (
	helpRefill helperKind = iota // buys fuel from the host
	helpBytes                    // charges a count of bytes and returns it
	helpItems                    // charges a count of table elements and returns it
	helpFill                     // memory.fill
	helpCopy                     // memory.copy
	helpGrow                     // memory.grow
)

const (
	// bytesShift: 8 bytes moved or cleared cost one unit.
	bytesShift = 3
	// pageShift: a page is 2^16 bytes.
	pageShift = 16 - bytesShift
	// bulkChunk is how many bytes are moved between two checks, so that a copy of the whole memory
	// does not hold up the garbage collector or a stop.
	bulkChunk = 1 << 20
)

type helper struct {
	name string
	typ  uint32
	body code
}

// helper returns the index of an injected function.
func (j *injector) helper(kind helperKind) uint32 {
	if i, ok := j.helperIdx[kind]; ok {
		return i
	}
	i := uint32(len(j.m.funcs) + 1 + len(j.helpers))
	j.helperIdx[kind] = i
	j.helpers = append(j.helpers, helper{})
	j.helpers[len(j.helpers)-1] = j.makeHelper(kind)
	return i
}

// importType is the type of the imported function.
func (j *injector) importType() uint32 { return j.funcType([]byte{0x60, 1, 0x7e, 1, 0x7e}) }

func (j *injector) makeHelper(kind helperKind) helper {
	void := []byte{0x60, 0, 0}
	pass := []byte{0x60, 1, 0x7f, 1, 0x7f}
	three := []byte{0x60, 3, 0x7f, 0x7f, 0x7f, 0}
	n := code(nil).get(0).op(0xad) // i64.extend_i32_u of the first parameter
	switch kind {
	case helpRefill:
		return helper{ImportModule + ".check", j.funcType(void), j.refill()}
	case helpBytes:
		c := j.take(code{0}, n.i64(bytesShift).op(0x88), true)
		return helper{ImportModule + ".bytes", j.funcType(pass), c.get(0).op(0x0b)}
	case helpItems:
		c := j.take(code{0}, n, true)
		return helper{ImportModule + ".items", j.funcType(pass), c.get(0).op(0x0b)}
	case helpFill:
		return helper{ImportModule + ".memory.fill", j.funcType(three), j.fill()}
	case helpCopy:
		return helper{ImportModule + ".memory.copy", j.funcType(three), j.copy()}
	default:
		return helper{ImportModule + ".memory.grow", j.funcType(pass), j.grow()}
	}
}

// take writes: fuel -= amount, and if asked: if (fuel >= 0) {} else refill().
//
// The empty branch comes first on purpose: wazero's register allocator lets the code behind a join begin with the
// registers of the first branch, so the values that the call would spill are reloaded on the rare branch only.
// The other way round costs a Go guest 5 % more.
func (j *injector) take(c, amount code, check bool) code {
	c = append(c.globalGet(j.fuel()), amount...)
	c = c.op(0x7d).globalSet(j.fuel()) // i64.sub
	if check {
		c = c.globalGet(j.fuel()).i64(0).op(0x59) // i64.ge_s
		c = c.op(0x04, 0x40, 0x05).call(j.helper(helpRefill)).op(0x0b)
	}
	return c
}

// refill adds what the host grants until the debt is paid; a grant of nothing ends the guest.
func (j *injector) refill() code {
	c := code{1, 1, 0x7e}.op(0x03, 0x40) // (local i64) loop
	c = c.globalGet(j.fuel()).call(j.importIndex())
	c = c.at(0x22, 0).i64(0).op(0x57, 0x04, 0x40, 0x00, 0x0b) // local.tee, i64.le_s, if unreachable end
	c = c.globalGet(j.fuel()).get(0).op(0x7c).globalSet(j.fuel())
	c = c.globalGet(j.fuel()).i64(0).op(0x53).at(0x0d, 0) // i64.lt_s br_if loop
	return c.op(0x0b, 0x0b)
}

// grow charges the pages after they were given, since only the engine knows whether they can be.
func (j *injector) grow() code {
	c := code{1, 1, 0x7f}.get(0).op(0x40, 0).set(1)
	c = c.get(1).i32(-1).op(0x47, 0x04, 0x40) // if result != -1
	c = j.take(c, code(nil).get(0).op(0xad).i64(pageShift).op(0x86), true)
	return c.op(0x0b).get(1).op(0x0b)
}

// Locals of fill and copy.
const (
	locDst = 0
	locSrc = 1 // the byte value in fill
	locLen = 2
)

// chunks writes a loop that runs step while more than one chunk is left and the whole range lies in memory. What
// remains, or traps, is left to the instruction itself, so that nothing is written before a trap.
func (j *injector) chunks(c code, starts []uint32, step code) code {
	c = c.op(0x02, 0x40, 0x03, 0x40) // block loop
	c = c.get(locLen).i32(bulkChunk).op(0x4d).at(0x0d, 1)
	for _, s := range starts {
		c = c.get(s).op(0xad).get(locLen).op(0xad, 0x7c)           // start + len
		c = c.op(0x3f, 0, 0xad).i64(16).op(0x86, 0x56).at(0x0d, 1) // > memory.size << 16
	}
	c = j.take(c, code(nil).i64(bulkChunk>>bytesShift), true)
	c = c.get(locLen).i32(bulkChunk).op(0x6b).set(locLen)
	c = append(c, step...)
	c = c.at(0x0c, 0).op(0x0b, 0x0b)
	return j.take(c, code(nil).get(locLen).op(0xad).i64(bytesShift).op(0x88), true)
}

func (j *injector) fill() code {
	fill := []byte{0xfc, 0x0b, 0}
	step := code(nil).get(locDst).get(locSrc).i32(bulkChunk).op(fill...)
	step = step.get(locDst).i32(bulkChunk).op(0x6a).set(locDst)
	c := j.chunks(code{0}, []uint32{locDst}, step)
	return c.get(locDst).get(locSrc).get(locLen).op(fill...).op(0x0b)
}

// copy moves upwards from the first chunk or, where the destination lies higher, from the last.
func (j *injector) copy() code {
	move := []byte{0xfc, 0x0a, 0, 0}
	step := code(nil).get(locDst).get(locSrc).op(0x4d, 0x04, 0x40) // if dst <= src
	step = step.get(locDst).get(locSrc).i32(bulkChunk).op(move...)
	step = step.get(locDst).i32(bulkChunk).op(0x6a).set(locDst)
	step = step.get(locSrc).i32(bulkChunk).op(0x6a).set(locSrc)
	step = step.op(0x05)
	step = step.get(locDst).get(locLen).op(0x6a).get(locSrc).get(locLen).op(0x6a).i32(bulkChunk).op(move...)
	step = step.op(0x0b)
	c := j.chunks(code{0}, []uint32{locDst, locSrc}, step)
	return c.get(locDst).get(locSrc).get(locLen).op(move...).op(0x0b)
}
