// Package wasm reads the sections of a WebAssembly module, and names the module
// by its content. It neither looks at code nor judges what it reads.
package wasm

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// Module is what can be known of a file without compiling it. It points into
// the file's bytes. It is safe for concurrent use as long as nobody changes it.
type Module struct {
	File      []byte
	Types     []Signature
	Imports   []Import
	Exports   []Export
	Functions []uint32 // type index of each function, imported ones first
	Memory    *Memory  // nil if it has none of its own
	Start     bool     // has a start function
	DataCount bool     // has a data count section, so code may name segments
	Custom    []Custom
	Data      *Section // nil if there is none

	once   sync.Once
	digest string
}

// Signature is the type of a function: a letter of the binary format per value.
type Signature struct{ Params, Results string }

// Import is what the module wants of its host.
type Import struct {
	Module, Name string
	Kind         byte
	Type         uint32 // of a function
}

// Export is what the module offers.
type Export struct {
	Name  string
	Kind  byte
	Index uint32
}

// Memory is the size of a memory.
type Memory struct {
	Min, Max uint32 // pages; Max is MaxPages if the module names none
	Shared   bool
}

// Section is a section: where it stands in the file, header included, and what
// is in it.
type Section struct {
	Start, End int
	Content    []byte
}

// Custom is a section that is known by its name. Its Content is what follows
// the name.
type Custom struct {
	Name string
	Section
}

// Kinds of imports and exports.
const (
	KindFunction = 0
	KindMemory   = 2
)

// SectionCustom is the id of sections known by their names.
const SectionCustom = 0

// Sizes of a memory.
const (
	PageSize = 65536 // bytes
	MaxPages = 65536
)

// Digest names the file by its content. It is computed once.
func (m *Module) Digest() string {
	m.once.Do(func() { m.digest = Digest(m.File) })
	return m.digest
}

// Digest names a wasm file by its content.
func Digest(file []byte) string {
	sum := sha256.Sum256(file)
	return "sha256:" + hex.EncodeToString(sum[:])
}

var magic = []byte("\x00asm\x01\x00\x00\x00")

// Parse reads the sections of a file.
func Parse(file []byte) (*Module, error) {
	if !bytes.HasPrefix(file, []byte("\x00asm")) {
		return nil, errors.New("not a WebAssembly file: expected it to begin with \"\\0asm\"")
	}
	if !bytes.HasPrefix(file, magic) {
		return nil, errors.New("not a WebAssembly 1.0 module; components are not supported")
	}
	m := &Module{File: file}
	r := &reader{rest: file[len(magic):]}
	for len(r.rest) > 0 && r.err == nil {
		start := len(file) - len(r.rest)
		id := r.byte()
		body := &reader{rest: r.take(r.u32())}
		if r.err != nil {
			break
		}
		m.section(id, body, Section{start, len(file) - len(r.rest), body.rest})
		if body.err != nil {
			return nil, fmt.Errorf("section %d at byte %d: %w", id, start, body.err)
		}
	}
	if r.err != nil {
		return nil, fmt.Errorf("truncated at byte %d of %d", len(file)-len(r.rest), len(file))
	}
	return m, nil
}

const (
	sectionType      = 1
	sectionImport    = 2
	sectionFunction  = 3
	sectionMemory    = 5
	sectionExport    = 7
	sectionStart     = 8
	sectionData      = 11
	sectionDataCount = 12
)

func (m *Module) section(id byte, r *reader, at Section) {
	switch id {
	case SectionCustom:
		name := r.name()
		at.Content = r.rest
		m.Custom = append(m.Custom, Custom{name, at})
	case sectionType:
		r.vector(func() { m.Types = append(m.Types, r.signature()) })
	case sectionImport:
		r.vector(func() { m.addImport(r) })
	case sectionFunction:
		r.vector(func() { m.Functions = append(m.Functions, r.u32()) })
	case sectionMemory:
		r.vector(func() { mem := r.memory(); m.Memory = &mem })
	case sectionExport:
		r.vector(func() { m.Exports = append(m.Exports, Export{r.name(), r.byte(), r.u32()}) })
	case sectionStart:
		m.Start = true
	case sectionData:
		m.Data = &at
	case sectionDataCount:
		m.DataCount = true
	}
}

func (m *Module) addImport(r *reader) {
	i := Import{Module: r.name(), Name: r.name(), Kind: r.byte()}
	switch i.Kind {
	case KindFunction:
		i.Type = r.u32()
		m.Functions = append(m.Functions, i.Type)
	case 1: // table
		r.byte()
		r.limits()
	case KindMemory:
		r.limits()
	case 3: // global
		r.byte()
		r.byte()
	case 4: // tag
		r.byte()
		r.u32()
	default:
		r.fail(fmt.Errorf("import %s.%s is of an unknown kind %d", i.Module, i.Name, i.Kind))
	}
	m.Imports = append(m.Imports, i)
}

// Export returns the export of that name and kind.
func (m *Module) Export(name string, kind byte) (Export, bool) {
	for _, e := range m.Exports {
		if e.Name == name && e.Kind == kind {
			return e, true
		}
	}
	return Export{}, false
}

// SignatureOf returns the signature of a function by its index.
func (m *Module) SignatureOf(function uint32) (Signature, bool) {
	if int(function) >= len(m.Functions) || int(m.Functions[function]) >= len(m.Types) {
		return Signature{}, false
	}
	return m.Types[m.Functions[function]], true
}

// String writes a signature as WebAssembly's text format does: "(i32, i32) i64".
func (s Signature) String() string {
	text := "(" + valueTypes(s.Params) + ")"
	if s.Results != "" {
		text += " " + valueTypes(s.Results)
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

// Segment is a piece of a module's initial memory.
type Segment struct {
	Offset uint32
	Bytes  []byte
}

// Segments returns the initial memory, or false if not all of it is written to
// fixed places of the first memory.
func (m *Module) Segments() ([]Segment, bool) {
	if m.Data == nil {
		return nil, true
	}
	r := &reader{rest: m.Data.Content}
	var segments []Segment
	r.vector(func() { segments = append(segments, r.segment()) })
	return segments, r.err == nil
}

func (r *reader) segment() Segment {
	const i32Const, end = 0x41, 0x0b
	flags, op := r.u32(), r.byte()
	offset := uint32(r.s32())
	if flags != 0 || op != i32Const || r.byte() != end {
		r.fail(errors.New("a data segment that is not written to a fixed place"))
	}
	return Segment{offset, r.take(r.u32())}
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

func (r *reader) signature() Signature {
	if form := r.byte(); form != 0x60 && r.err == nil {
		r.fail(fmt.Errorf("a type of the unknown form %#x", form))
	}
	params := r.take(r.u32())
	return Signature{string(params), string(r.take(r.u32()))}
}

func (r *reader) memory() Memory {
	flags, lo, hi := r.limits()
	return Memory{lo, hi, flags&2 != 0}
}

func (r *reader) limits() (flags byte, lo, hi uint32) {
	flags, lo, hi = r.byte(), r.u32(), MaxPages
	if flags&1 != 0 {
		hi = r.u32()
	}
	return flags, lo, hi
}
