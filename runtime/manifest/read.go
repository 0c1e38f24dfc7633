package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"
	"gopkg.in/yaml.v3"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/sdk/wire"
)

// Codes of the mistakes in a plugin.yaml.
const (
	CodeSyntax  diag.Code = "manifest-syntax"  // not YAML, or a name written twice
	CodeKey     diag.Code = "manifest-key"     // a key that is missing or unknown
	CodeValue   diag.Code = "manifest-value"   // a value of the wrong kind or form
	CodeSchema  diag.Code = "manifest-schema"  // a schema that is none
	CodeOutcome diag.Code = "manifest-outcome" // outcomes that contradict each other
)

// Parse reads a plugin.yaml; file is its name, for positions. It finds
// all mistakes, not only the first; the manifest is nil if there are any.
func Parse(file string, src []byte) (*Manifest, diag.List) {
	r := &reader{file: file, compile: true}
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		_ = r.mistakes.Errorf(yamlPos(file, err), CodeSyntax, "%s", yamlLine.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), ""))
		return nil, r.mistakes
	}
	if len(doc.Content) == 0 {
		_ = r.mistakes.Errorf(diag.Pos{File: file, Line: 1, Col: 1}, CodeSyntax, "empty, expected a manifest with plugin, version, abi and methods")
		return nil, r.mistakes
	}
	m := r.manifest(doc.Content[0])
	if r.mistakes.HasErrors() {
		return nil, r.mistakes
	}
	return m, r.mistakes
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

func yamlPos(file string, err error) diag.Pos {
	pos := diag.Pos{File: file, Line: 1, Col: 1}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		pos.Line, _ = strconv.Atoi(m[1]) // digits by the pattern
	}
	return pos
}

// jsonNode reads JSON into the form in which YAML is read, without positions.
// It takes a tenth of what the YAML parser takes for the same text.
func jsonNode(text []byte) (*yaml.Node, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	n, err := nextNode(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one document")
	}
	return n, nil
}

func nextNode(dec *json.Decoder, depth int) (*yaml.Node, error) {
	if depth > 100 {
		return nil, errors.New("nested deeper than 100")
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.MappingNode}
		if t == '[' {
			n.Kind = yaml.SequenceNode
		}
		for dec.More() {
			child, err := nextNode(dec, depth+1)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		_, err := dec.Token()
		return n, err
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: t}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(t)}, nil
	case json.Number:
		tag := "!!float"
		if _, err := t.Int64(); err == nil {
			tag = "!!int"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: t.String()}, nil
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	}
}

// reader turns a document into a Manifest and collects its mistakes.
// Paths, as methods.end-task.outcomes, stand in messages since a section of a
// wasm file has no lines.
type reader struct {
	file     string
	compile  bool // try every schema; a load does so anyway
	mistakes diag.List
}

// key is one name of an object and what to do with its value.
type key struct {
	name     string
	required bool
	read     func(path string, n *yaml.Node)
}

func (r *reader) pos(n *yaml.Node) diag.Pos {
	return diag.Pos{File: r.file, Line: n.Line, Col: n.Column}
}

func (r *reader) errorf(n *yaml.Node, code diag.Code, format string, a ...any) {
	_ = r.mistakes.Errorf(r.pos(n), code, format, a...)
}

// unexpected reports a key that is none of known.
func (r *reader) unexpected(path string, name *yaml.Node, known []string) {
	e := r.mistakes.Errorf(r.pos(name), CodeKey, "unexpected key %q%s", name.Value, in(path))
	e.Hint = diag.Suggest(name.Value, known)
}

// object reads a mapping with fixed keys.
func (r *reader) object(path string, n *yaml.Node, keys ...key) {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	seen := map[string]bool{}
	ok := r.entries(path, n, func(name, value *yaml.Node) {
		i := slices.Index(names, name.Value)
		if i < 0 {
			r.unexpected(path, name, names)
			return
		}
		seen[name.Value] = true
		keys[i].read(join(path, name.Value), value)
	})
	for _, k := range keys {
		if ok && k.required && !seen[k.name] {
			r.errorf(n, CodeKey, "missing %q%s", k.name, in(path))
		}
	}
}

// entries calls read for each entry of a mapping, in order.
func (r *reader) entries(path string, n *yaml.Node, read func(name, value *yaml.Node)) bool {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		r.errorf(n, CodeValue, "%s is %s, expected an object", subject(path), describe(n))
		return false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		if seen[name.Value] {
			r.errorf(name, CodeSyntax, "%q stands twice%s", name.Value, in(path))
			continue
		}
		seen[name.Value] = true
		read(name, n.Content[i+1])
	}
	return true
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func subject(path string) string {
	if path == "" {
		return "the manifest"
	}
	return path
}

func in(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "an object"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null":
		return "empty"
	default:
		return strconv.Quote(n.Value)
	}
}

func (r *reader) text(into *string) func(string, *yaml.Node) {
	return func(path string, n *yaml.Node) {
		n = resolve(n)
		if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
			r.errorf(n, CodeValue, "%s is %s, expected a text", path, describe(n))
			return
		}
		*into = strings.TrimSpace(n.Value)
	}
}

func (r *reader) boolean(into *bool) func(string, *yaml.Node) {
	return func(path string, n *yaml.Node) {
		if err := resolve(n).Decode(into); err != nil {
			r.errorf(n, CodeValue, "%s is %s, expected true or false", path, describe(n))
		}
	}
}

// schema reads the JSON Schema of an object.
func (r *reader) schema(into *map[string]any) func(string, *yaml.Node) {
	return func(path string, n *yaml.Node) {
		n = resolve(n)
		if n.Kind != yaml.MappingNode {
			r.errorf(n, CodeSchema, "%s is %s, expected a JSON Schema", path, describe(n))
			return
		}
		raw, err := plain(n)
		if err != nil {
			r.errorf(n, CodeSchema, "%s: %v", path, err)
			return
		}
		if raw["type"] != "object" {
			r.errorf(n, CodeSchema, "%s must be a JSON Schema with type: object", path)
			return
		}
		if r.compile {
			if _, err := node.NewSchema(raw); err != nil {
				r.errorf(n, CodeSchema, "%s: %v", path, err)
				return
			}
		}
		*into = raw
	}
}

// plain gives a mapping as JSON would decode it.
func plain(n *yaml.Node) (map[string]any, error) {
	var v map[string]any
	if err := n.Decode(&v); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return v, nil
}

func (r *reader) manifest(n *yaml.Node) *Manifest {
	m := &Manifest{}
	r.object("", n,
		key{"plugin", true, r.kebab(&m.Plugin)},
		key{"version", true, r.version(&m.Version)},
		key{"abi", true, r.abi(&m.ABI)},
		key{"summary", false, r.text(&m.Summary)},
		key{"settings", false, r.schema(&m.Settings)},
		key{"methods", true, func(path string, n *yaml.Node) { m.Methods = r.methods(path, n) }},
		key{"limits", false, func(path string, n *yaml.Node) { r.limits(path, n, &m.Limits) }},
	)
	return m
}

var kebab = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// IsName tells whether name may be that of a plugin or of a method:
// lower-case words joined by "-".
func IsName(name string) bool { return kebab.MatchString(name) }

func (r *reader) kebab(into *string) func(string, *yaml.Node) {
	return func(path string, n *yaml.Node) {
		r.text(into)(path, n)
		r.checkKebab(path, n, *into)
	}
}

func (r *reader) checkKebab(path string, n *yaml.Node, name string) {
	if name != "" && !IsName(name) {
		r.errorf(n, CodeValue, "%s: %q is not a name, expected lower-case words joined by \"-\", as \"end-task\"", path, name)
	}
}

func (r *reader) version(into *string) func(string, *yaml.Node) {
	return func(path string, n *yaml.Node) {
		r.text(into)(path, n)
		if v := "v" + *into; *into != "" && (!semver.IsValid(v) || strings.Count(semver.Canonical(v), ".") != strings.Count(v, ".")) {
			r.errorf(n, CodeValue, "%s is %q, expected a version as \"1.0.0\"", path, *into)
		}
	}
}

func (r *reader) abi(into *int) func(string, *yaml.Node) {
	return func(path string, n *yaml.Node) {
		if err := resolve(n).Decode(into); err != nil {
			r.errorf(n, CodeValue, "%s is %s, expected the number %d", path, describe(n), wire.ABI)
			return
		}
		if *into != wire.ABI {
			r.errorf(n, CodeValue, "ABI %d is not supported, only ABI %d is", *into, wire.ABI)
		}
	}
}

func (r *reader) methods(path string, n *yaml.Node) []Method {
	var methods []Method
	taken := map[string]bool{}
	take := func(n *yaml.Node, name string) {
		r.checkKebab(path, n, name)
		if taken[name] {
			r.errorf(n, CodeValue, "%s: the name %q is taken by another method", path, name)
		}
		taken[name] = true
	}
	ok := r.entries(path, n, func(name, value *yaml.Node) {
		m := r.method(join(path, name.Value), value)
		m.Name = name.Value
		take(name, m.Name)
		for _, alias := range m.Aliases {
			take(value, alias)
		}
		methods = append(methods, m)
	})
	if ok && len(methods) == 0 {
		r.errorf(n, CodeValue, "%s is empty, expected at least one method", path)
	}
	return methods
}

func (r *reader) method(path string, n *yaml.Node) Method {
	var m Method
	r.object(path, n,
		key{"title", false, r.text(&m.Title)},
		key{"doc", false, r.text(&m.Doc)},
		key{"aliases", false, r.texts(&m.Aliases)},
		key{"idempotent", false, r.boolean(&m.Idempotent)},
		key{"inputs", true, r.schema(&m.Inputs)},
		key{"outputs", true, r.schema(&m.Outputs)},
		key{"outcomes", true, func(path string, n *yaml.Node) { m.Outcomes = r.outcomes(path, n) }},
	)
	return m
}

func (r *reader) texts(into *[]string) func(string, *yaml.Node) {
	return func(path string, n *yaml.Node) {
		n = resolve(n)
		if n.Kind != yaml.SequenceNode {
			r.errorf(n, CodeValue, "%s is %s, expected a list", path, describe(n))
			return
		}
		for i, item := range n.Content {
			var s string
			r.text(&s)(join(path, strconv.Itoa(i)), item)
			*into = append(*into, s)
		}
	}
}

func (r *reader) outcomes(path string, n *yaml.Node) node.Outcomes {
	var o node.Outcomes
	var others []node.Outcome
	r.object(path, n,
		key{"success", true, r.text(&o.Success)},
		key{"fault", true, r.text(&o.Fault)},
		key{"invalid", false, r.text(&o.Invalid)},
		key{"default", false, r.text(&o.Default)},
		key{"others", false, func(path string, n *yaml.Node) { others = r.others(path, n) }},
	)
	if o.Success != "" && o.Success == o.Fault {
		r.errorf(n, CodeOutcome, "%s: success and fault are both %q; a fault never leaves by the success outcome", path, o.Success)
	}
	for _, name := range []string{o.Success, o.Fault, o.Invalid, o.Default} {
		if name != "" && !(node.Outcomes{All: others}).Has(name) {
			others = insertNamed(others, name, o)
		}
	}
	o.All = others
	return o
}

// insertNamed adds an outcome that `others` does not describe: success first,
// the rest last.
func insertNamed(all []node.Outcome, name string, o node.Outcomes) []node.Outcome {
	out := node.Outcome{Name: name}
	if name == o.Success {
		out.Doc = "It worked."
		return slices.Insert(all, 0, out)
	}
	if name == o.Fault {
		out.Doc = "The plugin itself failed."
	}
	return append(all, out)
}

func (r *reader) others(path string, n *yaml.Node) []node.Outcome {
	var outs []node.Outcome
	r.entries(path, n, func(name, value *yaml.Node) {
		o := node.Outcome{Name: name.Value}
		r.text(&o.Doc)(join(path, name.Value), value)
		outs = append(outs, o)
	})
	return outs
}

func (r *reader) limits(path string, n *yaml.Node, into *Limits) {
	r.entries(path, n, func(name, value *yaml.Node) {
		if !slices.Contains(LimitNames(), name.Value) {
			r.unexpected(path, name, LimitNames())
			return
		}
		var text string
		r.text(&text)(join(path, name.Value), value)
		if text == "" {
			return
		}
		if err := into.Set(name.Value, text); err != nil {
			r.errorf(value, CodeValue, "%v", err)
		}
	})
}
