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

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
	"github.com/wendflow/wend/sdk/wire"
)

// Compare says where a method did something else than the case expects, each
// difference at the place in the file of what was expected.
func (c *Case) Compare(said Transcript) diag.List {
	var d differ
	for i, x := range c.Calls {
		if i >= len(said.Calls) {
			d.differs(x.pos, "call %d was not asked for: the method left by %q%s", i+1, said.Outcome, why(said))
			return d.mistakes
		}
		d.call(fmt.Sprintf("call %d", i+1), x.expect, said.Calls[i])
	}
	if said.Unanswered {
		next := said.Calls[len(c.Calls)]
		d.differs(c.Pos, "the method asks for call %d, %s %s, and the case has %d", len(c.Calls)+1, next.Method, next.URL, len(c.Calls))
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
type differ struct{ mistakes diag.List }

func (d *differ) differs(at diag.Pos, format string, a ...any) {
	d.mistakes.Errorf(at, CodeDiffers, format, a...)
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

func (d *differ) text(what string, want *yamldoc.Scalar, got string) {
	if want != nil && want.Value != got {
		d.differs(want.Pos(), "%s is %q, expected %q", what, got, want.Value)
	}
}

// headers compares all of them, by names in any case.
func (d *differ) headers(what string, want *yamldoc.Map, got map[string]string) {
	if want == nil {
		return
	}
	left := map[string]string{}
	for name, value := range got {
		left[strings.ToLower(name)] = value
	}
	for _, e := range want.Entries {
		lower := strings.ToLower(e.Key.Value)
		sent, ok := left[lower]
		delete(left, lower)
		if !ok {
			d.differs(e.Key.Pos, "%s: header %q is not sent", what, e.Key.Value)
		} else if value, ok := e.Value.(*yamldoc.Scalar); ok {
			d.text(fmt.Sprintf("%s: header %q", what, e.Key.Value), value, sent)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		d.differs(want.Pos(), "%s: header %q is sent, with %q", what, name, left[name])
	}
}

// body compares a text byte by byte, an object or a list as JSON.
func (d *differ) body(what string, want yamldoc.Value, got []byte) {
	if text, ok := want.(*yamldoc.Scalar); ok {
		d.textBody(what, text, got)
		return
	}
	v, err := data.DecodeJSON(got)
	if err != nil {
		d.differs(want.Pos(), "%s is no JSON (%v): %s", what, err, show(string(got)))
		return
	}
	d.data(what, want, v)
}

// textBody tells what differs inside of JSON, which as two long lines nobody
// would find.
func (d *differ) textBody(what string, want *yamldoc.Scalar, got []byte) {
	if want.Value == string(got) {
		return
	}
	expected, err := data.DecodeJSON([]byte(want.Value))
	if err == nil {
		if v, err := data.DecodeJSON(got); err == nil && !reflect.DeepEqual(v, expected) {
			d.data(what, yamldoc.Of(expected, want.Pos()), v)
			return
		}
	}
	if !utf8.Valid(got) {
		d.differs(want.Pos(), "%s is not text, %d bytes; expected %s", what, len(got), show(want.Value))
		return
	}
	d.differs(want.Pos(), "%s is %s, expected %s", what, show(string(got)), show(want.Value))
}

// data compares a value that the file has with one of flows.
func (d *differ) data(path string, want yamldoc.Value, got any) {
	switch w := want.(type) {
	case *yamldoc.Map:
		if v, ok := got.(map[string]any); ok {
			d.object(path, w, v)
			return
		}
	case *yamldoc.List:
		if v, ok := got.([]any); ok {
			d.list(path, w, v)
			return
		}
	case *yamldoc.Scalar:
		if scalar(got) && same(w.Data, got) {
			return
		}
	}
	d.differs(want.Pos(), "%s is %s, expected %s", path, show(got), show(yamldoc.Plain(want)))
}

func scalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	default:
		return true
	}
}

func (d *differ) object(path string, want *yamldoc.Map, got map[string]any) {
	left := maps.Clone(got)
	for _, e := range want.Entries {
		name := e.Key.Value
		v, ok := got[name]
		delete(left, name)
		if !ok {
			d.differs(e.Key.Pos, "%s has no %q, expected %s", path, name, show(yamldoc.Plain(e.Value)))
			continue
		}
		d.data(path+"."+name, e.Value, v)
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		d.differs(want.Pos(), "%s has %q, which is not expected: %s", path, name, show(left[name]))
	}
}

func (d *differ) list(path string, want *yamldoc.List, got []any) {
	if len(want.Items) != len(got) {
		d.differs(want.Pos(), "%s has %d entries, expected %d", path, len(got), len(want.Items))
		return
	}
	for i, v := range got {
		d.data(path+"["+strconv.Itoa(i)+"]", want.Items[i], v)
	}
}

// end compares how the method left. A fault is never what was expected, unless
// the case names its code.
func (d *differ) end(w want, said Transcript) {
	switch {
	case w.code == nil && said.Code != "":
		e := d.mistakes.Errorf(w.outcome.Pos(), CodeDiffers, "the method ended in the fault %q: %s", said.Code, said.Message)
		e.Hint = "if that is meant, want it with code: " + said.Code
		return
	case w.code != nil && w.code.Value != said.Code:
		d.differs(w.code.Pos(), "code is %q, expected %q; outcome %q%s", said.Code, w.code.Value, said.Outcome, why(said))
	}
	if w.outcome.Value != said.Outcome {
		d.differs(w.outcome.Pos(), "outcome is %q, expected %q%s", said.Outcome, w.outcome.Value, why(said))
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
