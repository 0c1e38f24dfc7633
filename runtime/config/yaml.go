package config

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/wendflow/wend/runtime/diag"
)

// reader walks a document and collects its mistakes.
type reader struct {
	file   string
	list   diag.List
	places map[string]diag.Pos // of every value that has a path
	// misread counts the values that could not be read.
	misread int
}

// value is a node of the document and the path to it.
type value struct {
	path string
	node *yaml.Node
}

// document returns the top of the only document, nil if it is empty.
func (r *reader) document(src []byte) (root *value, ok bool) {
	decoder := yaml.NewDecoder(bytes.NewReader(src))
	var doc yaml.Node
	if err := decoder.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, true
		}
		r.syntax(err)
		return nil, false
	}
	r.onlyOne(decoder)
	top := resolve(doc.Content[0])
	if top.Tag == "!!null" {
		return nil, true
	}
	r.places[""] = r.pos(top)
	return &value{"", top}, true
}

func (r *reader) onlyOne(decoder *yaml.Decoder) {
	var second yaml.Node
	switch err := decoder.Decode(&second); {
	case err == nil:
		r.list.Errorf(r.pos(&second), diag.YAMLDocuments, "a second document: expected one, without ---")
	case !errors.Is(err, io.EOF):
		r.syntax(err)
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

func (r *reader) syntax(err error) {
	pos, msg := diag.Pos{File: r.file, Line: 1, Col: 1}, err.Error()
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil {
			pos.Line = line
		}
		msg = m[2]
	}
	r.list.Errorf(pos, diag.InvalidYAML, "not YAML: %s", msg)
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func (r *reader) pos(n *yaml.Node) diag.Pos {
	return diag.Pos{File: r.file, Line: max(n.Line, 1), Col: max(n.Column, 1)}
}

// nearest returns the place of path, or of the nearest thing around it.
func nearest(places map[string]diag.Pos, file, path string) diag.Pos {
	for path != "" {
		if pos, ok := places[path]; ok {
			return pos
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	if pos, ok := places[""]; ok {
		return pos
	}
	return diag.Pos{File: file}
}

// field is a key that a mapping may have, and how its value is read.
type field struct {
	key  string
	read func(value)
}

// fields reads a mapping whose keys are known.
func (r *reader) fields(v value, fields ...field) {
	var known []string
	for _, f := range fields {
		known = append(known, f.key)
	}
	for _, e := range r.entries(v) {
		i := slices.Index(known, e.key.Value)
		if i < 0 {
			r.list.Errorf(r.pos(e.key), diag.UnknownKey, "unknown key %q%s", e.key.Value, within(v.path)).Hint = diag.Suggest(e.key.Value, known)
			continue
		}
		if e.value.node.Tag != "!!null" { // a key without a value is as good as not there
			fields[i].read(e.value)
		}
	}
}

func within(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

type entry struct {
	key   *yaml.Node
	value value
}

// entries returns what a mapping holds, each key once and in order, and notes
// the places.
func (r *reader) entries(v value) []entry {
	if v.node.Kind != yaml.MappingNode {
		r.expected(v, "a mapping")
		return nil
	}
	seen := map[string]bool{}
	var entries []entry
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key, content := v.node.Content[i], resolve(v.node.Content[i+1])
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			r.list.Errorf(r.pos(key), diag.InvalidKey, "expected a plain key%s", within(v.path))
			r.misread++
			continue
		}
		if seen[key.Value] {
			r.list.Errorf(r.pos(key), diag.DuplicateKey, "key %q stands twice%s", key.Value, within(v.path))
			continue
		}
		seen[key.Value] = true
		e := entry{key, value{join(v.path, key.Value), content}}
		r.places[e.value.path] = r.placeOf(key, v.node.Content[i+1])
		entries = append(entries, e)
	}
	return entries
}

// placeOf returns where a person looks for an entry: a scalar itself, but the
// key of what goes on over several lines.
func (r *reader) placeOf(key, content *yaml.Node) diag.Pos {
	if content.Kind == yaml.ScalarNode && content.Tag != "!!null" {
		return r.pos(content)
	}
	return r.pos(key)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// items returns what a list holds.
func (r *reader) items(v value) []value {
	if v.node.Kind != yaml.SequenceNode {
		r.expected(v, "a list")
		return nil
	}
	var items []value
	for i, n := range v.node.Content {
		item := value{v.path + "[" + strconv.Itoa(i) + "]", resolve(n)}
		r.places[item.path] = r.pos(n)
		items = append(items, item)
	}
	return items
}

func (r *reader) expected(v value, what string) {
	r.misfit(v, InvalidValue, "expected "+what+", not "+shown(v.node), "")
}

// misfit reports a value that cannot be read, and so will look as if it were
// missing.
func (r *reader) misfit(v value, code diag.Code, msg, hint string) {
	r.misread++
	r.list.Errorf(r.pos(v.node), code, "%s: %s", cmp.Or(v.path, "the file"), msg).Hint = hint
}

// shown describes a value in a message.
func shown(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	default:
		return strconv.Quote(n.Value)
	}
}
