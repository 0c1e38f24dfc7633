package pluginhost

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wendflow/wend/sdk/wire"
)

// result is the document that a guest answers with: it asks for calls, or it
// has an outcome.
type result struct {
	calls    []wire.Call
	outcome  string
	outputs  map[string]any
	message  string
	replayed []string // nil if the guest does not say
}

// decodeResult reads a guest's document.
func decodeResult(doc []byte) (*result, error) {
	if !utf8.Valid(doc) {
		return nil, fmt.Errorf("its output is not valid UTF-8: %s", excerpt(doc))
	}
	v, err := decodeJSON(string(doc)) // a copy: what is decoded points into it
	if err != nil {
		return nil, fmt.Errorf("its output is not JSON: %w, in %s", err, excerpt(doc))
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("its output is not an object: %s", excerpt(doc))
	}
	f := &fields{of: object}
	r := &result{
		outcome:  f.text("outcome"),
		outputs:  f.object("outputs"),
		message:  f.text("message"),
		replayed: f.texts("replayed"),
	}
	for i, call := range f.objects("calls") {
		c, err := readCall(call)
		if err != nil {
			return nil, fmt.Errorf("call %d: %w", i+1, err)
		}
		r.calls = append(r.calls, c)
	}
	if err := f.close("calls, replayed, outcome, outputs, message"); err != nil {
		return nil, fmt.Errorf("its output: %w", err)
	}
	return r, r.check(object)
}

// check tells whether the document is of one of the two forms.
func (r *result) check(object map[string]any) error {
	_, outcome := object["outcome"]
	_, outputs := object["outputs"]
	switch asks := len(r.calls) > 0; {
	case asks && outcome:
		return errors.New("its output has both \"calls\" and an \"outcome\", expected one of them")
	case !asks && !outcome:
		return errors.New("its output has neither \"calls\" nor an \"outcome\"")
	case asks && (outputs || r.message != ""):
		return errors.New("its output has \"outputs\" or a \"message\" beside \"calls\"; those go with an \"outcome\"")
	}
	return nil
}

func readCall(object map[string]any) (wire.Call, error) {
	f := &fields{of: object}
	c := wire.Call{
		Method:  f.text("method"),
		URL:     f.text("url"),
		Headers: f.headers("headers"),
	}
	body, encoded := f.text("body"), f.text("bodyBase64")
	if err := f.close("method, url, headers, body, bodyBase64"); err != nil {
		return c, err
	}
	switch {
	case c.Method == "" || c.URL == "":
		return c, errors.New("has no method or no URL")
	case encoded != "" && body != "":
		return c, errors.New("has both \"body\" and \"bodyBase64\", expected one of them")
	case encoded != "":
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return c, fmt.Errorf("\"bodyBase64\": %w", err)
		}
		c.Body = decoded
	case body != "":
		c.Body = []byte(body)
	}
	return c, nil
}

// fields reads an object by the names that it may have, and keeps the first
// that is not as it should be. An absent field is empty.
type fields struct {
	of   map[string]any
	seen []string
	err  error
}

func field[T any](f *fields, name, want string) (v T) {
	raw, ok := f.of[name]
	if !ok {
		return v
	}
	f.seen = append(f.seen, name)
	if v, ok = raw.(T); !ok && raw != nil {
		f.fail(name, want)
	}
	return v
}

func (f *fields) fail(name, want string) {
	if f.err == nil {
		f.err = fmt.Errorf("%q is not %s", name, want)
	}
}

func (f *fields) text(name string) string { return field[string](f, name, "a string") }

func (f *fields) object(name string) map[string]any {
	return field[map[string]any](f, name, "an object")
}

func (f *fields) objects(name string) []map[string]any {
	list := field[[]any](f, name, "a list of objects")
	objects := make([]map[string]any, len(list))
	for i, v := range list {
		o, ok := v.(map[string]any)
		if !ok {
			f.fail(name, "a list of objects")
		}
		objects[i] = o
	}
	return objects
}

// texts returns nil only if the list is absent.
func (f *fields) texts(name string) []string {
	list := field[[]any](f, name, "a list of strings")
	if list == nil {
		return nil
	}
	texts := make([]string, len(list))
	for i, v := range list {
		t, ok := v.(string)
		if !ok {
			f.fail(name, "a list of strings")
		}
		texts[i] = t
	}
	return texts
}

func (f *fields) headers(name string) map[string]string {
	object := f.object(name)
	if len(object) == 0 {
		return nil
	}
	headers := make(map[string]string, len(object))
	for k, v := range object {
		t, ok := v.(string)
		if !ok {
			f.fail(name, "an object of strings")
		}
		headers[k] = t
	}
	return headers
}

// close returns the first error; a name that was never read is one too.
func (f *fields) close(expected string) error {
	if f.err != nil || len(f.seen) == len(f.of) {
		return f.err
	}
	var unknown []string
	for name := range f.of {
		if !slices.Contains(f.seen, name) {
			unknown = append(unknown, fmt.Sprintf("%q", name))
		}
	}
	slices.Sort(unknown)
	return fmt.Errorf("unexpected %s, expected only %s", strings.Join(unknown, ", "), expected)
}

// excerpt quotes the beginning of what a guest sent.
func excerpt(b []byte) string {
	const most = 120
	if len(b) <= most {
		return fmt.Sprintf("%q", b)
	}
	return fmt.Sprintf("%q…", b[:most])
}

// difference tells where the calls that a guest replayed part from those that
// were made; "" if nowhere.
func difference(asked, replayed []string) string {
	for i := range max(len(asked), len(replayed)) {
		switch {
		case i >= len(replayed):
			return fmt.Sprintf("call %d was %q before, now there is no such call", i+1, asked[i])
		case i >= len(asked):
			return fmt.Sprintf("call %d is %q now, there was no such call before", i+1, replayed[i])
		case asked[i] != replayed[i]:
			return fmt.Sprintf("call %d was %q before and is %q now", i+1, asked[i], replayed[i])
		}
	}
	return ""
}
