package meter

import (
	"fmt"
	"math"
	"strings"

	"github.com/wendflow/wend/runtime/wasm"
)

// reader walks a part of the module; meter knows more things to read.
type reader struct{ wasm.Reader }

func readerOf(s wasm.Section) reader { return reader{s.Reader()} }

// sub yields a reader of the next n bytes.
func (r *reader) sub(n int) reader { return reader{r.Sub(n)} }

// limits reads the size of a table or memory, which must be the module's own.
func (r *reader) limits() (low uint32, high *uint32) {
	at := r.Pos
	low, high, shared := r.Limits()
	if shared {
		r.Fail(at, "shared memory (threads) is refused")
	}
	return low, high
}

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
	sections      []wasm.Section
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

// parse splits the module and reads what later steps need. Function bodies, exports and segments are only counted.
func parse(file []byte, cfg Config) (*module, error) {
	sections, err := wasm.Split(file)
	if err != nil {
		return nil, err
	}
	m := &module{sections: sections}
	for _, s := range m.sections {
		r := readerOf(s)
		switch s.ID {
		case wasm.SectionType:
			m.readTypes(&r)
		case wasm.SectionImport:
			m.readImports(&r, cfg)
		case wasm.SectionFunction:
			for range r.Count("functions") {
				m.funcs = append(m.funcs, r.Index("type", len(m.types)))
			}
		case wasm.SectionTable:
			m.tables += r.Count("tables")
			continue
		case wasm.SectionMemory:
			n := r.Count("memories")
			m.memories += n
			for range n {
				r.limits()
			}
		case wasm.SectionTag:
			for range r.Count("tags") {
				m.readTag(&r)
			}
		case wasm.SectionGlobal:
			m.readGlobals(&r)
		case wasm.SectionElement:
			m.elements = r.Count("element segments")
			continue
		case wasm.SectionData:
			m.datas = r.Count("data segments")
			continue
		default:
			continue
		}
		r.Done(fmt.Sprintf("section %d", s.ID))
		if r.Err != nil {
			return nil, r.Err
		}
	}
	return m, nil
}

func (m *module) find(id byte) (wasm.Section, bool) {
	for _, s := range m.sections {
		if s.ID == id {
			return s, true
		}
	}
	return wasm.Section{}, false
}

func (m *module) readTypes(r *reader) {
	m.typeEntries = r.Count("types")
	for range m.typeEntries {
		n := 1
		if r.More() && r.Bytes[r.Pos] == 0x4e { // recursion group
			r.Byte()
			n = r.Count("types of a group")
		}
		for range n {
			m.readFuncType(r)
		}
	}
}

func (m *module) readFuncType(r *reader) {
	at := r.Pos
	if form := r.Byte(); form != 0x60 {
		r.Fail(at, "type form %#02x is not a function type", form)
	}
	var t funcType
	t.params = r.Count("parameters")
	for range t.params {
		r.ValType(math.MaxInt) // the engine checks that types come before their use
	}
	t.results = r.Count("results")
	start := r.Pos
	for range t.results {
		r.ValType(math.MaxInt)
	}
	if t.params > maxArity || t.results > maxArity {
		r.Fail(at, "function type has over %d parameters or results", maxArity)
	}
	if r.Err == nil {
		t.resultBytes = r.Bytes[start:r.Pos]
	}
	m.types = append(m.types, t)
}

func (m *module) readTag(r *reader) {
	at := r.Pos
	if attr := r.Byte(); attr != 0 {
		r.Fail(at, "tag attribute %#02x is not known", attr)
	}
	m.tags = append(m.tags, r.Index("type", len(m.types)))
}

func (m *module) readImports(r *reader, cfg Config) {
	for range r.Count("imports") {
		at := r.Pos
		mod, name := r.Name(), r.Name()
		if mod == ImportModule {
			r.Fail(at, "import %q.%q: the module name is reserved", mod, name)
		}
		switch at, kind := r.Pos, r.Byte(); kind {
		case wasm.KindFunction:
			m.funcs = append(m.funcs, r.Index("type", len(m.types)))
			m.importedFuncs++
		case wasm.KindTable:
			r.tableType(cfg, len(m.types))
			m.tables++
			m.importedTabs++
		case wasm.KindMemory:
			r.limits()
			m.memories++
			m.importedMems++
		case wasm.KindGlobal:
			m.globals = append(m.globals, r.globalType(len(m.types)))
			m.importedGlobs++
		case wasm.KindTag:
			m.readTag(r)
		default:
			r.Fail(at, "import kind %#02x is not known", kind)
		}
	}
}

func (r *reader) globalType(types int) globalType {
	val := r.ValType(types)
	at := r.Pos
	mutable := r.Byte()
	if mutable > 1 {
		r.Fail(at, "mutability %#02x is not known", mutable)
	}
	if r.Err != nil {
		return globalType{}
	}
	return globalType{val: val[0], mutable: mutable == 1}
}

// readGlobals reads the types only; the initialisers are checked when the section is rewritten.
func (m *module) readGlobals(r *reader) {
	for range r.Count("globals") {
		t := r.globalType(len(m.types))
		r.constExpr(nil, r.U32, math.MaxInt, len(m.types))
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
func customName(s wasm.Section) (string, reader, error) {
	r := readerOf(s)
	name := r.Name()
	return name, r, r.Err
}

// offsetsCode tells whether a custom section points into the code section by offset. Such sections are dropped:
// after the rewrite they would point at the wrong places.
func offsetsCode(name string) bool {
	return strings.HasPrefix(name, ".debug_") || strings.HasPrefix(name, "reloc.") ||
		strings.HasPrefix(name, "metadata.code.") || name == "linking"
}
