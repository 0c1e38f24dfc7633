package plugincase

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/sdk/wire"
)

// Compare says where a method did something else than the case expects, each
// difference at the place in the file of what was expected.
func (c *Case) Compare(said Transcript) diag.List {
	d := &differ{reader{file: c.Pos.File}}
	for i, x := range c.Calls {
		if i >= len(said.Calls) {
			d.differs(x.node, "call %d was not asked for: the method left by %q%s", i+1, said.Outcome, why(said))
			return d.mistakes
		}
		d.call(fmt.Sprintf("call %d", i+1), x.expect, said.Calls[i])
	}
	if said.Unanswered {
		next := said.Calls[len(c.Calls)]
		_ = d.mistakes.Errorf(c.Pos, CodeDiffers, "the method asks for call %d, %s %s, and the case has %d", len(c.Calls)+1, next.Method, next.URL, len(c.Calls))
		return d.mistakes
	}
	d.end(c.want, said)
	return d.mistakes
}

// why is the message of an outcome, for the end of a line.
func why(said Transcript) string {
	if said.Message == "" {
		return ""
	}
	return ": " + said.Message
}

// differ collects differences.
type differ struct{ reader }

func (d *differ) differs(at *yaml.Node, format string, a ...any) {
	d.errorf(at, CodeDiffers, format, a...)
}

func (d *differ) call(what string, want expectation, got wire.Call) {
	d.text(what+": method", want.method, got.Method)
	d.text(what+": url", want.url, got.URL)
	d.headers(what, want.headers, got.Headers)
	switch {
	case want.body != nil:
		d.body(what+": body", want.body, got.Body)
	case want.bodyBase64 != nil:
		d.text(what+": bodyBase64", want.bodyBase64, base64.StdEncoding.EncodeToString(got.Body))
	}
}

func (d *differ) text(what string, want *yaml.Node, got string) {
	if want != nil && want.Value != got {
		d.differs(want, "%s is %q, expected %q", what, got, want.Value)
	}
}

// headers compares all of them, by names in any case.
func (d *differ) headers(what string, want *yaml.Node, got map[string]string) {
	if want == nil {
		return
	}
	left := map[string]string{}
	for name, value := range got {
		left[strings.ToLower(name)] = value
	}
	d.entries("headers", want, func(name, value *yaml.Node) {
		lower := strings.ToLower(name.Value)
		sent, ok := left[lower]
		delete(left, lower)
		if !ok {
			d.differs(name, "%s: header %q is not sent", what, name.Value)
			return
		}
		d.text(fmt.Sprintf("%s: header %q", what, name.Value), value, sent)
	})
	for _, name := range slices.Sorted(maps.Keys(left)) {
		d.differs(want, "%s: header %q is sent, with %q", what, name, left[name])
	}
}

// body compares a text byte by byte, an object or a list as JSON.
func (d *differ) body(what string, want *yaml.Node, got []byte) {
	if want.Kind == yaml.ScalarNode {
		d.textBody(what, want, got)
		return
	}
	v, err := data.DecodeJSON(got)
	if err != nil {
		d.differs(want, "%s is no JSON (%v): %s", what, err, show(string(got)))
		return
	}
	d.data(what, want, v)
}

// textBody tells what differs inside of JSON, which as two long lines nobody
// would find.
func (d *differ) textBody(what string, want *yaml.Node, got []byte) {
	if want.Value == string(got) {
		return
	}
	expected, err := data.DecodeJSON([]byte(want.Value))
	if err == nil {
		if v, err := data.DecodeJSON(got); err == nil && !reflect.DeepEqual(v, expected) {
			tree := &yaml.Node{}
			if tree.Encode(expected) == nil {
				place(tree, want)
				d.data(what, tree, v)
				return
			}
		}
	}
	if !utf8.Valid(got) {
		d.differs(want, "%s is not text, %d bytes; expected %s", what, len(got), show(want.Value))
		return
	}
	d.differs(want, "%s is %s, expected %s", what, show(string(got)), show(want.Value))
}

// place puts a tree that stands in no file where another node stands.
func place(tree, at *yaml.Node) {
	tree.Line, tree.Column = at.Line, at.Column
	for _, child := range tree.Content {
		place(child, at)
	}
}

// data compares a value that the file has with one of flows.
func (d *differ) data(path string, want *yaml.Node, got any) {
	want = resolve(want)
	switch v := got.(type) {
	case map[string]any:
		if want.Kind == yaml.MappingNode {
			d.object(path, want, v)
			return
		}
	case []any:
		if want.Kind == yaml.SequenceNode {
			d.list(path, want, v)
			return
		}
	default:
		if want.Kind == yaml.ScalarNode && same(d.plain(want), got) {
			return
		}
	}
	d.differs(want, "%s is %s, expected %s", path, show(got), show(d.plain(want)))
}

func (d *differ) object(path string, want *yaml.Node, got map[string]any) {
	left := maps.Clone(got)
	d.entries(path, want, func(name, value *yaml.Node) {
		v, ok := got[name.Value]
		delete(left, name.Value)
		if !ok {
			d.differs(name, "%s has no %q, expected %s", path, name.Value, show(d.plain(value)))
			return
		}
		d.data(path+"."+name.Value, value, v)
	})
	for _, name := range slices.Sorted(maps.Keys(left)) {
		d.differs(want, "%s has %q, which is not expected: %s", path, name, show(left[name]))
	}
}

func (d *differ) list(path string, want *yaml.Node, got []any) {
	if len(want.Content) != len(got) {
		d.differs(want, "%s has %d entries, expected %d", path, len(got), len(want.Content))
		return
	}
	for i, v := range got {
		d.data(path+"["+strconv.Itoa(i)+"]", want.Content[i], v)
	}
}

// end compares how the method left. A fault is never what was expected, unless
// the case names its code.
func (d *differ) end(w want, said Transcript) {
	switch {
	case w.code == nil && said.Code != "":
		e := d.mistakes.Errorf(d.pos(w.outcome), CodeDiffers, "the method ended in the fault %q: %s", said.Code, said.Message)
		e.Hint = "if that is meant, want it with code: " + said.Code
		return
	case w.code != nil && w.code.Value != said.Code:
		d.differs(w.code, "code is %q, expected %q; outcome %q%s", said.Code, w.code.Value, said.Outcome, why(said))
	}
	if w.outcome.Value != said.Outcome {
		d.differs(w.outcome, "outcome is %q, expected %q%s", said.Outcome, w.outcome.Value, why(said))
	}
	d.text("message", w.message, said.Message)
	if w.outputs != nil {
		d.object("outputs", w.outputs, said.Outputs)
	}
}

// same compares scalars; a number is one, however it is written.
func same(want, got any) bool {
	a, aOK := float(want)
	b, bOK := float(got)
	if aOK && bOK {
		return a == b && (want == got || !whole(want) || !whole(got))
	}
	return want == got
}

func whole(v any) bool {
	_, ok := v.(int)
	return ok
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	default:
		return 0, false
	}
}

const shown = 300

// show writes a value as JSON, shortened.
func show(v any) string {
	text := string(encode(v))
	if len(text) <= shown {
		return text
	}
	return strings.ToValidUTF8(text[:shown], "") + fmt.Sprintf("… (%d bytes)", len(text))
}

// encode writes JSON as people write it, with < and & as they are.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Appendf(nil, "%v", v)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
