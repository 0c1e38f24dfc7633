package meter

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

// Section ids of the binary format.
const (
	secCustom    = 0
	secType      = 1
	secImport    = 2
	secFunction  = 3
	secTable     = 4
	secMemory    = 5
	secGlobal    = 6
	secExport    = 7
	secStart     = 8
	secElement   = 9
	secCode      = 10
	secData      = 11
	secDataCount = 12
	secTag       = 13
)

// Kinds of imports and exports.
const (
	kindFunc   = 0
	kindTable  = 1
	kindMemory = 2
	kindGlobal = 3
	kindTag    = 4
)

// sectionRank is the order in which sections have to come.
var sectionRank = [...]int{
	secType: 1, secImport: 2, secFunction: 3, secTable: 4, secMemory: 5, secTag: 6, secGlobal: 7,
	secExport: 8, secStart: 9, secElement: 10, secDataCount: 11, secCode: 12, secData: 13,
}

// section is one section as it lies in the file.
type section struct {
	id   byte
	off  int // of body in the file
	body []byte
}

func (s section) reader() reader { return reader{b: s.body, base: s.off} }

type funcType struct {
	params, results int
	resultBytes     []byte // the encoded result types
}

type globalType struct {
	val     byte // first byte of the value type
	mutable bool
}

// module holds what has to be known of the whole module before its functions are rewritten.
type module struct {
	sections      []section
	types         []funcType
	typeEntries   int      // entries of the type section; a recursion group is one entry
	funcs         []uint32 // type of each function, the imported ones first
	importedFuncs int
	globals       []globalType // the imported ones first
	importedGlobs int
	tables        int
	importedTabs  int
	memories      int
	importedMems  int
	tags          []uint32 // type of each tag
	elements      int
	datas         int
	names         map[uint32]string // of functions, from the name section
}

var magic = []byte("\x00asm\x01\x00\x00\x00")

// parse splits the module and reads what later steps need. Function bodies, exports and segments are only counted.
func parse(file []byte, cfg Config) (*module, error) {
	if !bytes.HasPrefix(file, magic) {
		return nil, &Error{Msg: "not a WebAssembly module of version 1"}
	}
	m := &module{}
	if err := m.split(file); err != nil {
		return nil, err
	}
	for _, s := range m.sections {
		r := s.reader()
		switch s.id {
		case secType:
			m.readTypes(&r)
		case secImport:
			m.readImports(&r, cfg)
		case secFunction:
			for range r.count("functions") {
				m.funcs = append(m.funcs, r.index("type", len(m.types)))
			}
		case secTable:
			m.tables += r.count("tables")
			continue
		case secMemory:
			n := r.count("memories")
			m.memories += n
			for range n {
				r.limits()
			}
		case secTag:
			for range r.count("tags") {
				m.readTag(&r)
			}
		case secGlobal:
			m.readGlobals(&r)
		case secElement:
			m.elements = r.count("element segments")
			continue
		case secData:
			m.datas = r.count("data segments")
			continue
		default:
			continue
		}
		r.done(fmt.Sprintf("section %d", s.id))
		if r.err != nil {
			return nil, r.err
		}
	}
	return m, nil
}

func (m *module) split(file []byte) error {
	r := reader{b: file, pos: len(magic)}
	last := 0
	for r.more() {
		at := r.pos
		id := r.byte()
		n := int(r.u32())
		s := section{id: id, off: r.pos, body: r.take(n)}
		if int(id) >= len(sectionRank) {
			r.fail(at, "section %d is not known", id)
		} else if rank := sectionRank[id]; id != secCustom {
			if rank <= last {
				r.fail(at, "section %d is out of order", id)
			}
			last = rank
		}
		m.sections = append(m.sections, s)
	}
	return r.err
}

func (m *module) find(id byte) (section, bool) {
	for _, s := range m.sections {
		if s.id == id {
			return s, true
		}
	}
	return section{}, false
}

func (m *module) readTypes(r *reader) {
	m.typeEntries = r.count("types")
	for range m.typeEntries {
		n := 1
		if r.more() && r.b[r.pos] == 0x4e { // recursion group
			r.byte()
			n = r.count("types of a group")
		}
		for range n {
			m.readFuncType(r)
		}
	}
}

func (m *module) readFuncType(r *reader) {
	at := r.pos
	if form := r.byte(); form != 0x60 {
		r.fail(at, "type form %#02x is not a function type", form)
	}
	var t funcType
	t.params = r.count("parameters")
	for range t.params {
		r.valType(math.MaxInt) // the engine checks that types come before their use
	}
	t.results = r.count("results")
	start := r.pos
	for range t.results {
		r.valType(math.MaxInt)
	}
	if t.params > maxArity || t.results > maxArity {
		r.fail(at, "function type has over %d parameters or results", maxArity)
	}
	if r.err == nil {
		t.resultBytes = r.b[start:r.pos]
	}
	m.types = append(m.types, t)
}

func (m *module) readTag(r *reader) {
	at := r.pos
	if attr := r.byte(); attr != 0 {
		r.fail(at, "tag attribute %#02x is not known", attr)
	}
	m.tags = append(m.tags, r.index("type", len(m.types)))
}

func (m *module) readImports(r *reader, cfg Config) {
	for range r.count("imports") {
		at := r.pos
		mod, name := r.name(), r.name()
		if mod == ImportModule {
			r.fail(at, "import %q.%q: the module name is reserved", mod, name)
		}
		switch at, kind := r.pos, r.byte(); kind {
		case kindFunc:
			m.funcs = append(m.funcs, r.index("type", len(m.types)))
			m.importedFuncs++
		case kindTable:
			r.tableType(cfg, len(m.types))
			m.tables++
			m.importedTabs++
		case kindMemory:
			r.limits()
			m.memories++
			m.importedMems++
		case kindGlobal:
			m.globals = append(m.globals, r.globalType(len(m.types)))
			m.importedGlobs++
		case kindTag:
			m.readTag(r)
		default:
			r.fail(at, "import kind %#02x is not known", kind)
		}
	}
}

func (r *reader) globalType(types int) globalType {
	val := r.valType(types)
	at := r.pos
	mutable := r.byte()
	if mutable > 1 {
		r.fail(at, "mutability %#02x is not known", mutable)
	}
	if r.err != nil {
		return globalType{}
	}
	return globalType{val: val[0], mutable: mutable == 1}
}

// readGlobals reads the types only; the initialisers are checked when the section is rewritten.
func (m *module) readGlobals(r *reader) {
	for range r.count("globals") {
		t := r.globalType(len(m.types))
		r.constExpr(nil, r.u32, math.MaxInt, len(m.types))
		m.globals = append(m.globals, t)
	}
}

// funcName names a function of the original module for messages.
func (m *module) funcName(index uint32) string {
	if m.names == nil {
		m.names = readFuncNames(m.sections)
	}
	if name := m.names[index]; name != "" {
		return name
	}
	return fmt.Sprintf("$%d", index)
}

// customName returns the name of a custom section and what follows it.
func (s section) customName() (string, reader, error) {
	r := s.reader()
	name := r.name()
	return name, r, r.err
}

// offsetsCode tells whether a custom section points into the code section by offset. Such sections are dropped:
// after the rewrite they would point at the wrong places.
func offsetsCode(name string) bool {
	return strings.HasPrefix(name, ".debug_") || strings.HasPrefix(name, "reloc.") ||
		strings.HasPrefix(name, "metadata.code.") || name == "linking"
}
