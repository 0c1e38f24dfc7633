package pluginhost

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// module is what the host needs to know of a wasm file before compiling it.
// Code is not looked at; wazero validates it.
type module struct {
	types     []signature
	imports   []imported
	exports   []exported
	functions []uint32 // type index of each function, imported ones first
	memory    *memoryType
	start     bool // has a start function
	dataCount bool // has a data count section, so code may name segments
	custom    []customSection
	data      *span // the data section
}

type signature struct{ params, results string } // one letter of the binary format per value

type imported struct {
	module, name string
	kind         byte
	typ          uint32 // of a function
}

type exported struct {
	name  string
	kind  byte
	index uint32
}

type memoryType struct {
	min, max uint32 // pages; max is the format's 65536 if the module names none
	shared   bool
}

// span is a section: where it stands in the file, header included, and what
// is in it.
type span struct {
	start, end int
	content    []byte
}

type customSection struct {
	name string
	span
}

const (
	kindFunction = 0
	kindMemory   = 2

	pageSize = 65536
	maxPages = 65536
)

var magic = []byte("\x00asm\x01\x00\x00\x00")

// parseModule reads the sections of a wasm file. The result points into wasm.
func parseModule(wasm []byte) (*module, error) {
	if !bytes.HasPrefix(wasm, []byte("\x00asm")) {
		return nil, errors.New("not a WebAssembly file: expected it to begin with \"\\0asm\"")
	}
	if !bytes.HasPrefix(wasm, magic) {
		return nil, errors.New("not a WebAssembly 1.0 module; components are not supported")
	}
	m := &module{}
	r := &reader{rest: wasm[len(magic):]}
	for len(r.rest) > 0 && r.err == nil {
		start := len(wasm) - len(r.rest)
		id := r.byte()
		body := &reader{rest: r.take(r.u32())}
		if r.err != nil {
			break
		}
		m.section(id, body, span{start, len(wasm) - len(r.rest), body.rest})
		if body.err != nil {
			return nil, fmt.Errorf("section %d at byte %d: %w", id, start, body.err)
		}
	}
	if r.err != nil {
		return nil, fmt.Errorf("truncated at byte %d of %d", len(wasm)-len(r.rest), len(wasm))
	}
	return m, nil
}

const (
	sectionCustom    = 0
	sectionType      = 1
	sectionImport    = 2
	sectionFunction  = 3
	sectionMemory    = 5
	sectionExport    = 7
	sectionStart     = 8
	sectionData      = 11
	sectionDataCount = 12
)

func (m *module) section(id byte, r *reader, at span) {
	switch id {
	case sectionCustom:
		name := r.name()
		at.content = r.rest
		m.custom = append(m.custom, customSection{name, at})
	case sectionType:
		r.vector(func() { m.types = append(m.types, r.signature()) })
	case sectionImport:
		r.vector(func() { m.addImport(r) })
	case sectionFunction:
		r.vector(func() { m.functions = append(m.functions, r.u32()) })
	case sectionMemory:
		r.vector(func() { mem := r.memory(); m.memory = &mem })
	case sectionExport:
		r.vector(func() { m.exports = append(m.exports, exported{r.name(), r.byte(), r.u32()}) })
	case sectionStart:
		m.start = true
	case sectionData:
		m.data = &at
	case sectionDataCount:
		m.dataCount = true
	}
}

func (m *module) addImport(r *reader) {
	i := imported{module: r.name(), name: r.name(), kind: r.byte()}
	switch i.kind {
	case kindFunction:
		i.typ = r.u32()
		m.functions = append(m.functions, i.typ)
	case 1: // table
		r.byte()
		r.limits()
	case kindMemory:
		r.limits()
	case 3: // global
		r.byte()
		r.byte()
	case 4: // tag
		r.byte()
		r.u32()
	default:
		r.fail(fmt.Errorf("import %s.%s is of an unknown kind %d", i.module, i.name, i.kind))
	}
	m.imports = append(m.imports, i)
}

// export returns the export of that name and kind.
func (m *module) export(name string, kind byte) (exported, bool) {
	for _, e := range m.exports {
		if e.name == name && e.kind == kind {
			return e, true
		}
	}
	return exported{}, false
}

// signatureOf returns the signature of a function by its index.
func (m *module) signatureOf(function uint32) (signature, bool) {
	if int(function) >= len(m.functions) || int(m.functions[function]) >= len(m.types) {
		return signature{}, false
	}
	return m.types[m.functions[function]], true
}

// String writes a signature as WebAssembly's text format does: "(i32, i32) i64".
func (s signature) String() string {
	text := "(" + valueTypes(s.params) + ")"
	if s.results != "" {
		text += " " + valueTypes(s.results)
	}
	return text
}

func valueTypes(types string) string {
	names := make([]string, 0, len(types))
	for i := range len(types) {
		switch types[i] {
		case 0x7f:
			names = append(names, "i32")
		case 0x7e:
			names = append(names, "i64")
		case 0x7d:
			names = append(names, "f32")
		case 0x7c:
			names = append(names, "f64")
		case 0x7b:
			names = append(names, "v128")
		default:
			names = append(names, "ref")
		}
	}
	return strings.Join(names, ", ")
}

// reader takes the wasm binary format apart. After the first error it yields
// zero values, so callers check err once.
type reader struct {
	rest []byte
	err  error
}

var errShort = errors.New("ends too early")

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

func (r *reader) take(n uint32) []byte {
	if uint64(n) > uint64(len(r.rest)) {
		r.fail(errShort)
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) byte() byte {
	b := r.take(1)
	if b == nil {
		return 0
	}
	return b[0]
}

func (r *reader) u32() uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			if v > 1<<32-1 {
				break
			}
			return uint32(v)
		}
	}
	r.fail(errors.New("a number is longer than 32 bits"))
	return 0
}

// s32 reads a signed number.
func (r *reader) s32() int32 {
	var v int64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		v |= int64(b&0x7f) << shift
		if b&0x80 == 0 {
			if b&0x40 != 0 {
				v |= -1 << (shift + 7)
			}
			return int32(v)
		}
	}
	r.fail(errors.New("a number is longer than 32 bits"))
	return 0
}

func (r *reader) name() string {
	b := r.take(r.u32())
	if !utf8.Valid(b) {
		r.fail(errors.New("a name is not valid UTF-8"))
	}
	return string(b)
}

// vector calls read for each element, and stops at the first error, so a
// forged count costs nothing.
func (r *reader) vector(read func()) {
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		read()
	}
}

func (r *reader) signature() signature {
	if form := r.byte(); form != 0x60 && r.err == nil {
		r.fail(fmt.Errorf("a type of the unknown form %#x", form))
	}
	params := r.take(r.u32())
	return signature{string(params), string(r.take(r.u32()))}
}

func (r *reader) memory() memoryType {
	flags, lo, hi := r.limits()
	return memoryType{lo, hi, flags&2 != 0}
}

func (r *reader) limits() (flags byte, lo, hi uint32) {
	flags, lo, hi = r.byte(), r.u32(), maxPages
	if flags&1 != 0 {
		hi = r.u32()
	}
	return flags, lo, hi
}
