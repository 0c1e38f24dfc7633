// Package yamldoc reads YAML for everything in Wend that is written in it: a
// tree whose every text knows its place, and a Reader that takes Go values out
// of the tree and collects what is wrong. It tells of what YAML refuses and of
// what it silently misreads, holds the limits of a file, and is the only
// package that imports the YAML library. What a file has to say, its users
// know.
package yamldoc

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/wendflow/wend/runtime/diag"
)

// Limits of one file, so that no stage need fear for its time, its memory or its
// stack. The largest files that people write have some hundredths of them.
const (
	MaxBytes   = 1 << 20
	MaxValues  = 100_000 // keys, items and what stands for an alias included
	MaxEntries = 5000    // of one mapping or list: nodes, variables, properties
	MaxDepth   = 100
)

// Format is a kind of file.
type Format struct {
	Name    string // of what a file holds, such as "flow"
	Many    bool   // a file may hold several, each a document
	Aliases bool   // anchors, aliases and merge keys are understood
	// Share is what to do instead of sharing a value by anchor and alias.
	Share string
	// Keys are those at the top by which a file of this kind is told from other
	// files, the surest first; a file with none of them, nor one that is
	// misspelt, is something else, and so is one with the keys of something
	// that is known. Without any a file may be anything.
	Keys []string
	// Begins is how such a file begins, for who gave something else.
	Begins string
}

// Document is a file as it was read. It is not changed once it is made.
type Document struct {
	File string
	// Roots are the values of the file's documents: none if it is empty or not
	// YAML, never more than one unless the format has many.
	Roots []Value

	src    *source
	nodes  []*yaml.Node
	broken bool // not YAML
}

// Root returns the first root, or nil.
func (d *Document) Root() Value {
	if len(d.Roots) == 0 {
		return nil
	}
	return d.Roots[0]
}

// Parse reads a file and collects its mistakes, those of YAML itself: the file
// is not YAML, a key stands twice, an anchor, a tag, a template that YAML cuts
// short. Numbers and words that YAML may change are left to the Reader, which
// knows what is due. A file of another kind altogether is one mistake, and has
// no roots. The Document is never nil.
func (f Format) Parse(file string, src []byte) (*Document, diag.List) {
	doc, mistakes := f.parse(file, src)
	mistakes, other := f.otherFile(doc, mistakes)
	if other {
		doc.Roots = nil
	}
	return doc, mistakes
}

func (f Format) parse(file string, src []byte) (*Document, diag.List) {
	p := f.parser(file, src)
	p.doc.broken = true
	if !p.small() || !p.characters() {
		return p.doc, p.list
	}
	nodes, err := decodeAll(p.src.text)
	if err != nil {
		p.syntaxError(err)
		return p.doc, p.list
	}
	p.doc.broken = false
	p.documents(nodes)
	return p.doc, p.list
}

func (f Format) parser(file string, src []byte) *parser {
	s := newSource(file, strings.TrimPrefix(string(src), "\ufeff"))
	return &parser{format: f, src: s, doc: &Document{File: file, src: s}}
}

// parser turns the library's nodes into the tree.
type parser struct {
	format Format
	src    *source
	doc    *Document
	list   diag.List
	depth  int
	values int
	flow   bool // within { } or [ ]
	full   bool // there are too many values, which was told
}

// small holds the file to its size.
func (p *parser) small() bool {
	if n := len(p.src.text); n > MaxBytes {
		p.list.Errorf(p.src.pos(0), diag.InvalidYAML, "the file is %d bytes long, expected %d at most", n, MaxBytes)
		return false
	}
	return true
}

func (p *parser) documents(nodes []*yaml.Node) {
	for i, n := range nodes {
		if i > 0 && !p.format.Many {
			p.list.Errorf(p.pos(n), diag.YAMLDocuments, "a file holds one %s, and a second document begins here", p.format.Name)
			return
		}
		p.doc.nodes = append(p.doc.nodes, n)
		p.doc.Roots = append(p.doc.Roots, p.value(n.Content[0]))
	}
}

// decodeAll returns the documents of a file.
func decodeAll(text string) ([]*yaml.Node, error) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	var nodes []*yaml.Node
	for {
		n := new(yaml.Node)
		switch err := decode(dec, n); {
		case errors.Is(err, io.EOF):
			return nodes, nil
		case err != nil:
			return nil, err
		}
		nodes = append(nodes, n)
	}
}

// decode keeps the library's panics from the caller; it lets some escape.
func decode(dec *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	return dec.Decode(n)
}
