package sdk

import "unsafe"

// document is a JSON document as a table: Values are places in it. A host can
// hand over its own table, see docs/abi.md, and then a guest has nothing to
// parse, which would cost it a fifth of an invoke.
type document struct {
	entries []entry
	// text and decoded are what the entries' places lie in, one behind the
	// other: the source, and what Parse has decoded because it had escapes.
	text, decoded string
	unique        bool // no object has a name twice
}

// entry is a value, in the order of the document: what a list or an object
// holds stands right behind it. Its layout is part of ABI 1.
type entry struct {
	kind uint32
	// name is that of a field of an object.
	name, nameSize uint32
	// text is the decoded text of a string, the source text of a number, "true"
	// or "false". The textSize of a list or an object is how many values it
	// holds.
	text, textSize uint32
	next           uint32 // the value beside this one, 0 if it is the last
}

const entrySize = uint32(unsafe.Sizeof(entry{})) //nolint:unused // for openTable

// at is the part of the texts that an entry names.
func (d *document) at(from, size uint32) string {
	if n := uint32(len(d.text)); from >= n && size > 0 {
		return d.decoded[from-n : from-n+size]
	}
	return d.text[from : from+size]
}

func (d *document) textOf(e *entry) string { return d.at(e.text, e.textSize) }

func (d *document) nameOf(e *entry) string { return d.at(e.name, e.nameSize) }

// first is the place of the first value in the list or object at a place, 0 if
// there is none.
func (d *document) first(of uint32) uint32 {
	if d.entries[of].textSize == 0 {
		return 0
	}
	return of + 1
}

// field is the place of a field of the object at a place, 0 if there is none.
// Of names that are there twice the last counts.
func (d *document) field(of uint32, name string) (found uint32) {
	entries, size := d.entries, uint32(len(name))
	for i := d.first(of); i != 0; i = entries[i].next {
		for entries[i].nameSize != size {
			if i = entries[i].next; i == 0 {
				return found
			}
		}
		if same(d.nameOf(&entries[i]), name) {
			if found = i; d.unique {
				return found
			}
		}
	}
	return found
}

// openTable reads a document that the host has made.
func openTable(table []byte) document { //nolint:unused // export_wasip1.go reads by it what the host wrote
	base := unsafe.Pointer(unsafe.SliceData(table))
	n := *(*uint32)(base)
	texts := 4 + n*entrySize
	if n == 0 || uint64(n) > uint64(len(table))/uint64(entrySize) || uint64(texts) > uint64(len(table)) {
		panic(fault("the table of an invoke does not hold the entries that it says"))
	}
	return document{
		entries: unsafe.Slice((*entry)(unsafe.Add(base, 4)), n),
		text:    unsafe.String((*byte)(unsafe.Add(base, min(texts, uint32(len(table)-1)))), uint32(len(table))-texts),
		unique:  true,
	}
}
