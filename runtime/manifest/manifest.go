// Package manifest is what a plugin says of itself: plugin.yaml, read with its
// mistakes, and the section of a wasm file that carries it. It neither compiles
// nor runs a plugin.
package manifest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/wasm"
)

// Section is the custom section of a wasm file that holds the manifest.
const Section = "wend.plugin"

// Manifest is what a plugin says of itself: plugin.yaml, carried inside the
// wasm file as JSON of the same shape.
type Manifest struct {
	Plugin   string // kebab-case
	Version  string // as "1.2.0"
	ABI      int
	Summary  string
	Settings map[string]any // JSON Schema of a connection's settings; nil if there are none
	Methods  []Method       // in the order of the file
	Limits   Limits         // what the plugin asks for
}

// Method is one node type of a plugin.
type Method struct {
	Name       string   // kebab-case
	Aliases    []string // other names of the same node type
	Title      string
	Doc        string
	Idempotent bool
	Inputs     map[string]any // JSON Schema of an object
	Outputs    map[string]any // JSON Schema of an object
	Outcomes   node.Outcomes
}

// Read returns the manifest of a wasm file.
func Read(file []byte) (*Manifest, error) {
	m, err := wasm.Parse(file)
	if err != nil {
		return nil, err
	}
	return Of(m)
}

// Of returns the manifest of a module.
func Of(m *wasm.Module) (*Manifest, error) {
	var found *wasm.Custom
	for i := range m.Custom {
		if m.Custom[i].Name != Section {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("has more than one custom section %q", Section)
		}
		found = &m.Custom[i]
	}
	if found == nil {
		return nil, fmt.Errorf("has no custom section %q: not a plugin, or not built by `wend plugin build`", Section)
	}
	return decode(found.Content)
}

func decode(section []byte) (*Manifest, error) {
	if !utf8.Valid(section) {
		return nil, fmt.Errorf("section %q is not valid UTF-8", Section)
	}
	doc, err := readJSON(section)
	if err != nil {
		return nil, fmt.Errorf("section %q is not JSON: %w", Section, err)
	}
	r := &reader{}
	m := r.manifest(doc)
	if err := r.Mistakes.Err(); err != nil {
		return nil, fmt.Errorf("section %q: %w", Section, err)
	}
	return m, nil
}

// Append returns a wasm file with m as its manifest, in place of the one it had.
func Append(file []byte, m *Manifest) ([]byte, error) {
	mod, err := wasm.Parse(file)
	if err != nil {
		return nil, err
	}
	content, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write the manifest: %w", err)
	}
	if _, err := decode(content); err != nil {
		return nil, err
	}
	if _, err := m.Types(""); err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(file)+len(content)+32)
	kept := 0
	for _, c := range mod.Custom {
		if c.Name == Section {
			out = append(out, file[kept:c.Start]...)
			kept = c.End
		}
	}
	out = append(out, file[kept:]...)
	body := binary.AppendUvarint(nil, uint64(len(Section)))
	body = append(append(body, Section...), content...)
	out = binary.AppendUvarint(append(out, wasm.SectionCustom), uint64(len(body)))
	return append(out, body...), nil
}

// MarshalJSON writes the form that the section holds: the shape of plugin.yaml,
// in its order.
func (m *Manifest) MarshalJSON() ([]byte, error) {
	w := &objectWriter{}
	w.field("plugin", m.Plugin)
	w.field("version", m.Version)
	w.field("abi", m.ABI)
	w.optional("summary", m.Summary, m.Summary == "")
	w.optional("settings", m.Settings, m.Settings == nil)
	methods := &objectWriter{}
	for _, method := range m.Methods {
		methods.field(method.Name, method)
	}
	w.field("methods", methods)
	limits := &objectWriter{}
	for _, k := range limitKeys {
		v := k.get(&m.Limits)
		limits.optional(k.name, k.unit.show(v), v == 0)
	}
	w.optional("limits", limits, limits.buf.Len() == 0)
	return w.MarshalJSON()
}

// MarshalJSON writes what stands under the method's name.
func (m Method) MarshalJSON() ([]byte, error) {
	w := &objectWriter{}
	w.optional("title", m.Title, m.Title == "")
	w.optional("doc", m.Doc, m.Doc == "")
	w.optional("aliases", m.Aliases, len(m.Aliases) == 0)
	w.optional("idempotent", m.Idempotent, !m.Idempotent)
	w.field("inputs", m.Inputs)
	w.field("outputs", m.Outputs)
	w.field("outcomes", outcomesJSON(m.Outcomes))
	return w.MarshalJSON()
}

func outcomesJSON(o node.Outcomes) *objectWriter {
	w := &objectWriter{}
	w.field("success", o.Success)
	w.field("fault", o.Fault)
	w.optional("invalid", o.Invalid, o.Invalid == "")
	w.optional("default", o.Default, o.Default == "")
	others := &objectWriter{}
	for _, out := range o.All {
		others.field(out.Name, out.Doc)
	}
	w.field("others", others)
	return w
}

// objectWriter writes a JSON object whose names keep their order.
type objectWriter struct {
	buf bytes.Buffer
	err error
}

func (w *objectWriter) field(name string, v any) {
	key, _ := json.Marshal(name) // a string always encodes
	value, err := json.Marshal(v)
	w.err = errors.Join(w.err, err)
	if w.buf.Len() > 0 {
		w.buf.WriteByte(',')
	}
	w.buf.Write(key)
	w.buf.WriteByte(':')
	w.buf.Write(value)
}

func (w *objectWriter) optional(name string, v any, absent bool) {
	if !absent {
		w.field(name, v)
	}
}

// MarshalJSON writes the object.
func (w *objectWriter) MarshalJSON() ([]byte, error) {
	return append(append([]byte{'{'}, w.buf.Bytes()...), '}'), w.err
}

// Types makes the node types of the plugin, in the order of its methods, each
// followed by its aliases. They can be checked against and not be run: their
// Step is nil.
func (m *Manifest) Types(digest string) ([]*node.Type, error) {
	var settings *node.Schema
	if m.Settings != nil {
		s, err := node.NewSchema(m.Settings)
		if err != nil {
			return nil, fmt.Errorf("settings: %w", err)
		}
		settings = s
	}
	var types []*node.Type
	for _, method := range m.Methods {
		t, err := method.typ()
		if err != nil {
			return nil, fmt.Errorf("method %q: %w", method.Name, err)
		}
		t.Version = m.Version
		t.Settings = settings
		t.Digest = digest
		for _, name := range append([]string{method.Name}, method.Aliases...) {
			named := *t
			named.Name = m.Plugin + "/" + name
			types = append(types, &named)
		}
	}
	return types, nil
}

func (m Method) typ() (*node.Type, error) {
	inputs, err := node.NewSchema(m.Inputs)
	if err != nil {
		return nil, fmt.Errorf("inputs: %w", err)
	}
	outputs, err := node.NewSchema(m.Outputs)
	if err != nil {
		return nil, fmt.Errorf("outputs: %w", err)
	}
	return &node.Type{
		Title:      m.Title,
		Doc:        m.Doc,
		Connects:   true,
		Idempotent: m.Idempotent,
		Inputs:     inputs,
		Outputs:    outputs,
		Outcomes:   m.Outcomes,
	}, nil
}
