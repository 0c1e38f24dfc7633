// Package wasm reads WebAssembly modules: their sections, and with a Reader what
// is in them. It names a module by its content, and does not judge it.
package wasm

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
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
	ID         byte
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
	KindTable    = 1
	KindMemory   = 2
	KindGlobal   = 3
	KindTag      = 4
)

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

// Header is what a module begins with.
const Header = "\x00asm\x01\x00\x00\x00"

// Ids of sections.
const (
	SectionCustom    = 0
	SectionType      = 1
	SectionImport    = 2
	SectionFunction  = 3
	SectionTable     = 4
	SectionMemory    = 5
	SectionGlobal    = 6
	SectionExport    = 7
	SectionStart     = 8
	SectionElement   = 9
	SectionCode      = 10
	SectionData      = 11
	SectionDataCount = 12
	SectionTag       = 13
)

// rank is the order in which sections have to come.
var rank = [...]int{
	SectionType: 1, SectionImport: 2, SectionFunction: 3, SectionTable: 4, SectionMemory: 5, SectionTag: 6, SectionGlobal: 7,
	SectionExport: 8, SectionStart: 9, SectionElement: 10, SectionDataCount: 11, SectionCode: 12, SectionData: 13,
}

// Before tells whether a section comes before another, by their ids.
func Before(id, other byte) bool { return rank[id] < rank[other] }

// Split returns the sections of a file as they lie in it.
func Split(file []byte) ([]Section, error) {
	if !bytes.HasPrefix(file, []byte("\x00asm")) {
		return nil, &Error{Msg: `not a WebAssembly file: expected it to begin with "\0asm"`}
	}
	if !bytes.HasPrefix(file, []byte(Header)) {
		return nil, &Error{Msg: "not a WebAssembly 1.0 module; components are not supported"}
	}
	var sections []Section
	r := Reader{Bytes: file, Pos: len(Header)}
	last := 0
	for r.More() {
		start := r.Pos
		id := r.Byte()
		content := r.Take(int(r.U32()))
		if int(id) >= len(rank) {
			r.Fail(start, "section %d is not known", id)
		} else if id != SectionCustom {
			if rank[id] <= last {
				r.Fail(start, "section %d is out of order", id)
			}
			last = rank[id]
		}
		sections = append(sections, Section{id, start, r.Pos, content})
	}
	return sections, r.Err
}

// Reader walks the content.
func (s Section) Reader() Reader {
	return Reader{Bytes: s.Content, Base: s.End - len(s.Content)}
}

// Parse reads the sections of a file.
func Parse(file []byte) (*Module, error) {
	sections, err := Split(file)
	if err != nil {
		return nil, err
	}
	m := &Module{File: file}
	for _, s := range sections {
		r := s.Reader()
		m.section(s, &r)
		if r.Err != nil {
			return nil, r.Err
		}
	}
	return m, nil
}

func (m *Module) section(s Section, r *Reader) {
	switch s.ID {
	case SectionCustom:
		name := r.Name()
		s.Content = s.Content[r.Pos:]
		m.Custom = append(m.Custom, Custom{name, s})
		return
	case SectionType:
		for range r.Count("types") {
			m.Types = append(m.Types, r.signature())
		}
	case SectionImport:
		for range r.Count("imports") {
			m.addImport(r)
		}
	case SectionFunction:
		for range r.Count("functions") {
			m.Functions = append(m.Functions, r.U32())
		}
	case SectionMemory:
		for range r.Count("memories") {
			m.Memory = r.memory()
		}
	case SectionExport:
		for range r.Count("exports") {
			m.Exports = append(m.Exports, Export{r.Name(), r.Byte(), r.U32()})
		}
	case SectionStart:
		m.Start = true
		return
	case SectionData:
		m.Data = &s
		return
	case SectionDataCount:
		m.DataCount = true
		return
	default:
		return
	}
	r.Done(fmt.Sprintf("section %d", s.ID))
}

func (m *Module) addImport(r *Reader) {
	i := Import{Module: r.Name(), Name: r.Name(), Kind: r.Byte()}
	switch i.Kind {
	case KindFunction:
		i.Type = r.U32()
		m.Functions = append(m.Functions, i.Type)
	case KindTable:
		r.Byte()
		r.Limits()
	case KindMemory:
		r.Limits()
	case KindGlobal:
		r.Byte()
		r.Byte()
	case KindTag:
		r.Byte()
		r.U32()
	default:
		r.Fail(r.Pos-1, "import %s.%s is of an unknown kind %d", i.Module, i.Name, i.Kind)
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
	r := m.Data.Reader()
	segments := make([]Segment, 0, r.Count("data segments"))
	for range cap(segments) {
		segments = append(segments, r.segment())
	}
	return segments, r.Err == nil
}

func (r *Reader) segment() Segment {
	const i32Const, end = 0x41, 0x0b
	at := r.Pos
	flags, op := r.U32(), r.Byte()
	offset := uint32(r.Signed(32))
	if flags != 0 || op != i32Const || r.Byte() != end {
		r.Fail(at, "data segment is not written to a fixed place")
	}
	return Segment{offset, r.Take(r.Count("bytes of data"))}
}

func (r *Reader) signature() Signature {
	if form := r.Byte(); form != 0x60 {
		r.Fail(r.Pos-1, "type form %#02x is not a function type", form)
	}
	params := r.Take(r.Count("parameters"))
	return Signature{string(params), string(r.Take(r.Count("results")))}
}

func (r *Reader) memory() *Memory {
	low, high, shared := r.Limits()
	m := &Memory{low, MaxPages, shared}
	if high != nil {
		m.Max = *high
	}
	return m
}
