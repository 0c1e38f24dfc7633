package trigger_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/trigger"
)

type m = map[string]any

// part is one of a form, with its end before it.
func part(head, body string) string {
	return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n"
}

func TestBody(t *testing.T) {
	t.Parallel()
	parts := map[string]string{"boundary": "b"}
	for name, test := range map[string]struct {
		kind  node.BodyKind
		media map[string]string
		raw   string
		want  any
		err   string
	}{
		"JSON":            {kind: node.BodyJSON, raw: "[1.0]", want: []any{1}},
		"JSON in latin 1": {kind: node.BodyJSON, media: m2("charset", "latin1"), raw: "\"\xe9\"", want: "é"},
		"text":            {kind: node.BodyText, raw: "a\xc3\xa9", want: "aé"},
		"text in latin 1": {kind: node.BodyText, media: m2("charset", "ISO-8859-1"), raw: "\xe9", want: "é"},
		"text in UTF-16":  {kind: node.BodyText, media: m2("charset", "utf-16"), raw: "\xff\xfe\xe9\x00", want: "é"},
		"no text":         {kind: node.BodyText, raw: "a\n\xe9", err: "the body is not UTF-8"},
		"no UTF-16":       {kind: node.BodyText, media: m2("charset", "utf-16le"), raw: "\xe9", err: "the body cannot be read: it is not UTF-16LE"},
		"form in latin 1": {kind: node.BodyForm, media: m2("charset", "iso-8859-1"), raw: "%E9=\xe9&n=5", want: m{"é": "é", "n": 5}},
		"form broken":     {kind: node.BodyForm, raw: "a=%zz", err: `the body is not a form: invalid URL escape "%zz"`},
		"parts": {
			kind: node.BodyMultipart, media: parts,
			raw:  part(`name="n"`, "5") + part(`name="f"; filename="a.csv"`+"\r\nContent-Type: text/csv; charset=latin1", "\xe9") + "--b--",
			want: m{"n": 5, "f": m{"filename": "a.csv", "contentType": "text/csv", "text": "é"}},
		},
		"a file that is no text though it says so": {
			kind: node.BodyMultipart, media: parts, raw: part(`name="f"; filename="a.txt"`+"\r\nContent-Type: text/plain", "\xe9") + "--b--",
			want: m{"f": m{"filename": "a.txt", "contentType": "text/plain", "base64": "6Q=="}},
		},
		"a file without a type": {
			kind: node.BodyMultipart, media: parts, raw: part(`name="f"; filename="a"`, "x") + "--b--",
			want: m{"f": m{"filename": "a", "contentType": "application/octet-stream", "base64": "eA=="}},
		},
		"a field that is no text": {
			kind: node.BodyMultipart, media: parts, raw: part(`name="f"`, "\xe9") + "--b--",
			err: `the body is not a form of parts: part 1: field "f": it is not UTF-8`,
		},
		"parts without an end": {
			kind: node.BodyMultipart, media: parts, raw: part(`name="f"`, "1"), err: "the body is not a form of parts: part 1: unexpected EOF",
		},
		"no parts": {kind: node.BodyMultipart, media: parts, raw: "--b--", want: m{}},
		"too many parts": {
			kind: node.BodyMultipart, media: parts, raw: strings.Repeat(part(`name="f"`, "1"), 1001) + "--b--",
			err: "the body is not a form of parts: it has more than 1000 parts",
		},
		"XML in latin 1": {kind: node.BodyXML, media: m2("charset", "latin1"), raw: "<n>\xe9</n>", want: m{"n": "é"}},
		"XML typed":      {kind: node.BodyXML, raw: "<n>5</n>", want: m{"n": 5}},
		"no XML":         {kind: node.BodyXML, raw: "<n>\n", err: "the body is not XML: line 2: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := trigger.Body(counted, test.kind, test.media, []byte(test.raw))
			if msg := fmt.Sprint(err); err != nil && msg != test.err || err == nil && test.err != "" {
				t.Errorf("error %s, want %s", msg, test.err)
			}
			if d := cmp.Diff(test.want, got); d != "" && test.err == "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func m2(name, value string) map[string]string { return map[string]string{name: value} }

// counted is a webhook that knows the type of one field.
var counted = &node.Hook{Body: node.MustSchema(m{"properties": m{"n": m{"type": "integer"}}})}

// FuzzBody holds that a body of any kind is refused with a problem of the caller,
// or is data that flows can keep.
func FuzzBody(f *testing.F) {
	f.Add("json", "latin1", []byte("{\"n\":\"\xe9\"}"))
	f.Add("form", "", []byte("a=1&n=5&n=6&%=1"))
	f.Add("multipart", "b", []byte(part(`name="n"`, "5")+part(`name="f"; filename="a"`, "\xff")+"--b--"))
	f.Add("text", "utf-16", []byte("\xff\xfea\x00"))
	f.Add("xml", "", []byte(`<n a="1">5<m/></n>`))
	f.Fuzz(func(t *testing.T, kind, param string, raw []byte) {
		media := map[string]string{"charset": param}
		if node.BodyKind(kind) == node.BodyMultipart {
			media = map[string]string{"boundary": param}
		}
		v, err := trigger.Body(counted, node.BodyKind(kind), media, raw)
		if err != nil {
			return
		}
		text, err := data.JSON(v)
		if err != nil {
			t.Fatal(err)
		}
		back, err := data.DecodeJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(v, back); d != "" {
			t.Errorf("not what JSON keeps of it (-want +got)\n%s", d)
		}
	})
}

// What is given by hand for a body that is no object may have the request beside it.
func TestWholeByHand(t *testing.T) {
	t.Parallel()
	request := func(raw string, headers m) m {
		return m{"headers": headers, "query": m{}, "method": "POST", "path": "", "raw": raw}
	}
	f := load(t, "flow: f\nnodes:\n  n1: { type: webhook, with: { path: /a, body: { type: [array, object] }, raw: text } }\n")
	check(t, f, "[1]", m{"body": []any{1}, "request": request("[1]", m{})}, "")
	check(t, f, `{"a": 1}`, m{"body": m{"a": 1}, "request": request(`{"a":1}`, m{})}, "")
	check(t, f, `{"body": [1], "request": {"headers": {"x": "y"}}}`, m{"body": []any{1}, "request": request("[1]", m{"x": "y"})}, "")
	check(t, f, `{"body": [1], "request": {"raw": "[1] "}}`, m{"body": []any{1}, "request": request("[1] ", m{})}, "")
	check(t, f, `{"body": 1, "other": 2}`, m{"body": m{"body": 1, "other": 2}, "request": request(`{"body":1,"other":2}`, m{})}, "")
	check(t, f, `7`, nil, "the body does not fit; is a number, expected an array or an object")
	f = load(t, "flow: f\nnodes:\n  n1: { type: webhook, with: { path: /a, raw: base64, accepts: [text] } }\n")
	check(t, f, `"é"`, m{"body": "é", "request": request("w6k=", m{})}, "")
}
