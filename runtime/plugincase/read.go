package plugincase

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/sdk/wire"
)

// Parse reads the cases of a file: one in each YAML document. It finds all
// mistakes, not only the first; there are no cases if there are any.
func Parse(file string, src []byte) ([]*Case, diag.List) {
	r := &reader{file: file}
	var cases []*Case
	decoder := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var doc yaml.Node
		if err := decoder.Decode(&doc); err != nil {
			if !errors.Is(err, io.EOF) {
				r.syntax(err)
			}
			break
		}
		cases = append(cases, r.readCase(doc.Content[0]))
	}
	if len(cases) == 0 && !r.mistakes.HasErrors() {
		_ = r.mistakes.Errorf(diag.Pos{File: file, Line: 1, Col: 1}, CodeSyntax, "empty, expected a case with method, calls and want")
	}
	if r.mistakes.HasErrors() {
		return nil, r.mistakes
	}
	return cases, r.mistakes
}

// reader turns documents into cases and collects their mistakes.
type reader struct {
	file     string
	mistakes diag.List
	depth    int // of the value that plain is in
	values   int // that plain has made
}

// An alias may stand for what it is in, or for what holds ten others like it.
const (
	maxDepth  = 100
	maxValues = 1_000_000
)

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

func (r *reader) syntax(err error) {
	pos, msg := diag.Pos{File: r.file, Line: 1, Col: 1}, err.Error()
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil {
			pos.Line = line
		}
		msg = m[2]
	}
	_ = r.mistakes.Errorf(pos, CodeSyntax, "not YAML: %s", msg)
}

func (r *reader) pos(n *yaml.Node) diag.Pos {
	return diag.Pos{File: r.file, Line: n.Line, Col: n.Column}
}

func (r *reader) errorf(n *yaml.Node, code diag.Code, format string, a ...any) {
	_ = r.mistakes.Errorf(r.pos(n), code, format, a...)
}

// What a conversation begins with where its file says nothing. Package sdktest
// has the same.
var (
	defaultNow = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	defaults   = node.Visit{
		Run: "0199f3a0-0000-7000-8000-000000000001", Flow: "case", Node: "node", Visit: 1, Attempt: 1,
		Now: defaultNow, Key: "key",
	}
)

func (r *reader) readCase(n *yaml.Node) *Case {
	c := &Case{Pos: r.pos(n), Visit: defaults}
	r.object("the case", n,
		key{"name", false, r.text(&c.Name)},
		key{"method", true, r.text(&c.Method)},
		key{"inputs", false, r.data(&c.Visit.Inputs)},
		key{"settings", false, r.data(&c.Visit.Settings)},
		key{"context", false, func(_ string, n *yaml.Node) { r.context(n, &c.Visit) }},
		key{"calls", false, func(_ string, n *yaml.Node) { c.Calls = r.exchanges(n) }},
		key{"want", true, func(_ string, n *yaml.Node) { c.want = r.want(n) }},
	)
	if c.Name == "" {
		base := filepath.Base(r.file)
		c.Name = strings.TrimSuffix(base, filepath.Ext(base))
	}
	if c.Visit.Inputs == nil {
		c.Visit.Inputs = map[string]any{}
	}
	return c
}

func (r *reader) context(n *yaml.Node, v *node.Visit) {
	r.object("context", n,
		key{"run", false, r.text(&v.Run)},
		key{"node", false, r.text(&v.Node)},
		key{"visit", false, r.number(&v.Visit)},
		key{"attempt", false, r.number(&v.Attempt)},
		key{"now", false, func(_ string, n *yaml.Node) {
			now, err := time.Parse(time.RFC3339, n.Value)
			if err != nil {
				r.errorf(n, CodeValue, "now is %s, expected a time as \"2026-11-20T08:00:00.000Z\"", describe(n))
				return
			}
			v.Now = now
		}},
		key{"seed", false, r.text(&v.Seed)},
		key{"key", false, r.text(&v.Key)},
	)
}

func (r *reader) exchanges(n *yaml.Node) []Exchange {
	if n.Kind != yaml.SequenceNode {
		r.errorf(n, CodeValue, "calls is %s, expected a list", describe(n))
		return nil
	}
	list := make([]Exchange, len(n.Content))
	for i, item := range n.Content {
		item = resolve(item)
		x := &list[i]
		x.node = item
		r.object(fmt.Sprintf("call %d", i+1), item,
			key{"expect", false, func(_ string, n *yaml.Node) { x.expect = r.expectation(n) }},
			key{"reply", true, func(_ string, n *yaml.Node) { x.Reply = r.reply(n) }},
		)
	}
	return list
}

func (r *reader) expectation(n *yaml.Node) expectation {
	var e expectation
	r.object("expect", n,
		key{"method", false, r.scalar(&e.method)},
		key{"url", false, r.scalar(&e.url)},
		key{"headers", false, r.mapping(&e.headers)},
		key{"body", false, keep(&e.body)},
		key{"bodyBase64", false, r.scalar(&e.bodyBase64)},
	)
	return e
}

func (r *reader) want(n *yaml.Node) want {
	var w want
	r.object("want", n,
		key{"outcome", true, r.scalar(&w.outcome)},
		key{"outputs", false, r.mapping(&w.outputs)},
		key{"message", false, r.scalar(&w.message)},
		key{"code", false, r.scalar(&w.code)},
	)
	return w
}

var failures = []string{
	string(wire.Timeout), string(wire.Unreachable), string(wire.Refused), string(wire.Unauthorized), string(wire.Interrupted),
}

func (r *reader) reply(n *yaml.Node) wire.Reply {
	var reply wire.Reply
	var failure string
	r.object("reply", n,
		key{"status", false, r.number(&reply.Status)},
		key{"headers", false, func(_ string, n *yaml.Node) { reply.Headers = r.replyHeaders(n) }},
		key{"body", false, func(_ string, n *yaml.Node) { reply.Body = r.body(n) }},
		key{"bodyBase64", false, func(_ string, n *yaml.Node) { reply.Body = r.base64(n) }},
		key{"failure", false, r.text(&failure)},
		key{"message", false, r.text(&reply.Message)},
	)
	reply.Failure = wire.Failure(failure)
	switch {
	case failure != "" && reply.Status != 0:
		r.errorf(n, CodeValue, "reply has a status and a failure, expected one of them")
	case failure == "" && reply.Status == 0:
		r.errorf(n, CodeKey, "reply has neither a status nor a failure")
	case failure != "" && !slices.Contains(failures, failure):
		_ = r.mistakes.Errorf(r.pos(n), CodeValue, "no failure %q; %s", failure, diag.Suggest(failure, failures))
	}
	return reply
}

// replyHeaders reads {name: value} and {name: [value, …]}.
func (r *reader) replyHeaders(n *yaml.Node) map[string][]string {
	headers := map[string][]string{}
	r.entries("headers", n, func(name, value *yaml.Node) {
		values := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			values = value.Content
		}
		for _, v := range values {
			var text string
			r.text(&text)(fmt.Sprintf("header %q", name.Value), resolve(v))
			lower := strings.ToLower(name.Value)
			headers[lower] = append(headers[lower], text)
		}
	})
	return headers
}

// body is a text as it stands; an object or a list is its JSON.
func (r *reader) body(n *yaml.Node) []byte {
	if n.Kind == yaml.ScalarNode {
		return []byte(n.Value)
	}
	return encode(r.plain(n))
}

func (r *reader) base64(n *yaml.Node) []byte {
	body, err := base64.StdEncoding.DecodeString(n.Value)
	if err != nil {
		r.errorf(n, CodeValue, "bodyBase64 is no base64: %v", err)
	}
	return body
}

// key is one name of an object and what to do with its value.
type key struct {
	name     string
	required bool
	read     func(what string, n *yaml.Node)
}

func (r *reader) object(what string, n *yaml.Node, keys ...key) {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	seen := map[string]bool{}
	ok := r.entries(what, n, func(name, value *yaml.Node) {
		i := slices.Index(names, name.Value)
		if i < 0 {
			e := r.mistakes.Errorf(r.pos(name), CodeKey, "unknown key %q in %s", name.Value, what)
			e.Hint = diag.Suggest(name.Value, names)
			return
		}
		seen[name.Value] = true
		keys[i].read(name.Value, value)
	})
	for _, k := range keys {
		if ok && k.required && !seen[k.name] {
			r.errorf(n, CodeKey, "missing %q in %s", k.name, what)
		}
	}
}

// entries calls read for each entry of a mapping, in order.
func (r *reader) entries(what string, n *yaml.Node, read func(name, value *yaml.Node)) bool {
	if n.Kind != yaml.MappingNode {
		r.errorf(n, CodeValue, "%s is %s, expected an object", what, describe(n))
		return false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		switch {
		case name.Kind != yaml.ScalarNode || name.Tag == "!!merge":
			r.errorf(name, CodeSyntax, "expected a plain key in %s", what)
		case seen[name.Value]:
			r.errorf(name, CodeSyntax, "%q stands twice in %s", name.Value, what)
		default:
			seen[name.Value] = true
			read(name, resolve(n.Content[i+1]))
		}
	}
	return true
}

func keep(into **yaml.Node) func(string, *yaml.Node) {
	return func(what string, n *yaml.Node) { *into = n }
}

func (r *reader) scalar(into **yaml.Node) func(string, *yaml.Node) {
	return func(what string, n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
			r.errorf(n, CodeValue, "%s is %s, expected a text", what, describe(n))
			return
		}
		*into = n
	}
}

func (r *reader) mapping(into **yaml.Node) func(string, *yaml.Node) {
	return func(what string, n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			r.errorf(n, CodeValue, "%s is %s, expected an object", what, describe(n))
			return
		}
		*into = n
	}
}

func (r *reader) text(into *string) func(string, *yaml.Node) {
	return func(what string, n *yaml.Node) {
		var found *yaml.Node
		if r.scalar(&found)(what, n); found != nil {
			*into = found.Value
		}
	}
}

func (r *reader) number(into *int) func(string, *yaml.Node) {
	return func(what string, n *yaml.Node) {
		if err := n.Decode(into); err != nil || n.ShortTag() != "!!int" {
			r.errorf(n, CodeValue, "%s is %s, expected a whole number", what, describe(n))
		}
	}
}

// data reads an object of any content.
func (r *reader) data(into *map[string]any) func(string, *yaml.Node) {
	return func(what string, n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			r.errorf(n, CodeValue, "%s is %s, expected an object", what, describe(n))
			return
		}
		*into, _ = r.plain(n).(map[string]any)
	}
}

// plain gives a value as flows see it: what looks like a time or a binary is
// text, as it would be in JSON.
func (r *reader) plain(n *yaml.Node) any {
	n = resolve(n)
	r.depth++
	r.values++
	defer func() { r.depth-- }()
	if r.depth > maxDepth || r.values > maxValues {
		if r.values <= maxValues {
			r.errorf(n, CodeValue, "nested deeper than %d", maxDepth)
		} else if r.values == maxValues+1 {
			r.errorf(n, CodeValue, "more than %d values", maxValues)
		}
		return nil
	}
	if n.Kind == yaml.MappingNode {
		m := map[string]any{}
		r.entries("the object", n, func(name, value *yaml.Node) { m[name.Value] = r.plain(value) })
		return m
	}
	if n.Kind == yaml.SequenceNode {
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = r.plain(item)
		}
		return list
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool", "!!int", "!!float":
		return r.decoded(n)
	default:
		return n.Value
	}
}

func (r *reader) decoded(n *yaml.Node) any {
	var v any
	if err := n.Decode(&v); err != nil {
		r.errorf(n, CodeValue, "%v", err)
		return nil
	}
	switch v := v.(type) {
	case uint64:
		return float64(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			r.errorf(n, CodeValue, "%q is no number of JSON", n.Value)
			return nil
		}
	}
	return v
}

func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
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
