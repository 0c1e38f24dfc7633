package outbound

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/wendflow/wend/runtime/secret"
)

// Secrets says which secrets of its connection a call carries, each by its name
// in Connection.ForFlows, and where. What it carries is added when the call goes
// out, and nowhere else.
type Secrets struct {
	Headers map[string]string
	Query   map[string]string
	// Body is laid over the fields of a JSON object or of a form: a name of a
	// secret where its text goes, or again a map.
	Body map[string]any
}

// place is where a call carries a secret: "headers", "query" or "body" and the
// names that lead there.
type place struct {
	path []string
	name string
}

// places are in a fixed order.
func (s Secrets) places() []place {
	var all []place
	for _, part := range []struct {
		name   string
		places map[string]string
	}{{"headers", s.Headers}, {"query", s.Query}} {
		for _, at := range slices.Sorted(maps.Keys(part.places)) {
			all = append(all, place{[]string{part.name, at}, part.places[at]})
		}
	}
	return appendPlaces(all, []string{"body"}, s.Body)
}

func appendPlaces(all []place, path []string, tree map[string]any) []place {
	for _, at := range slices.Sorted(maps.Keys(tree)) {
		below := append(slices.Clone(path), at)
		switch v := tree[at].(type) {
		case string:
			all = append(all, place{below, v})
		case map[string]any:
			all = appendPlaces(all, below, v)
		}
	}
	return all
}

// carried is what a call carries beside what the node asked for. It is only put
// on requests to the origin that the call was for.
type carried struct {
	header http.Header
	query  url.Values
	body   []byte // with the secrets in it; nil: none is
}

// carry makes ready what a call carries, and holds it against the rules.
func (c *conn) carry(o *outgoing, s Secrets) (*carried, error) {
	places := s.places()
	if len(places) == 0 {
		return nil, nil
	}
	texts := map[string]secret.Text{}
	for _, p := range places {
		if err := c.permitSecret(p); err != nil {
			return nil, err
		}
		texts[p.name] = c.secrets[p.name]
	}
	if o.url.Scheme != "https" && !c.private {
		return nil, refuse("host %q: the call carries a secret, which needs https, or private: true", o.origin)
	}
	more := &carried{header: http.Header{}, query: url.Values{}}
	for _, p := range places {
		at := p.path[len(p.path)-1]
		switch p.path[0] {
		case "headers":
			if canonical := textproto.CanonicalMIMEHeaderKey(at); o.header[canonical] != nil {
				return nil, refuse("header %q is given twice, once by secrets", at)
			}
			h, err := c.headerOf(map[string]string{at: string(texts[p.name])})
			if err != nil {
				return nil, err
			}
			maps.Copy(more.header, h)
		case "query":
			if o.url.Query().Has(at) || at == c.query {
				return nil, refuse("query parameter %q is given twice, once by secrets", at)
			}
			more.query.Set(at, string(texts[p.name]))
		}
	}
	var err error
	if len(s.Body) > 0 {
		more.body, err = overlay(o.body, o.header.Get("Content-Type"), s.Body, texts)
	}
	return more, err
}

// permitSecret refuses a secret that flows may not use.
func (c *conn) permitSecret(p place) error {
	switch {
	case c.name == "":
		return refuse("a call without a connection has no secrets to carry: name the connection whose they are")
	case slices.Contains(c.forFlows, p.name):
		return nil
	case slices.Contains(c.named, p.name):
		return refuse("secret %q of %s is not for flows: list it under connections.%s.forFlows in wend.yaml if it is meant", p.name, c.what(), c.name)
	default:
		return refuse("%s has no secret %q for flows", c.what(), p.name)
	}
}

// add puts all on a request.
func (s *carried) add(r *http.Request) {
	maps.Copy(r.Header, s.header)
	if len(s.query) > 0 {
		u := *r.URL
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += s.query.Encode()
		r.URL = &u
	}
	if s.body != nil {
		r.ContentLength = int64(len(s.body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(s.body)), nil }
		r.Body, _ = r.GetBody()
	}
}

// overlay puts secrets into a body where tree has their names.
func overlay(body []byte, contentType string, tree map[string]any, texts map[string]secret.Text) ([]byte, error) {
	kind, _, _ := mime.ParseMediaType(contentType)
	if kind == "application/x-www-form-urlencoded" {
		return overlayForm(body, tree, texts)
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil || fields == nil || decoder.Decode(new(any)) != io.EOF {
		return nil, refuse("a secret can only be put into a body that is a JSON object or a form, and this one is neither")
	}
	if err := lay(fields, tree, texts, "body"); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(fields); err != nil {
		return nil, errors.New("the body cannot be written with its secrets")
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func lay(fields, tree map[string]any, texts map[string]secret.Text, path string) error {
	for _, at := range slices.Sorted(maps.Keys(tree)) {
		where := path + "." + at
		there, given := fields[at]
		switch below := tree[at].(type) {
		case string:
			if given {
				return refuse("%s is given twice, once by secrets", where)
			}
			fields[at] = string(texts[below])
		case map[string]any:
			object, is := there.(map[string]any)
			if given && !is {
				return refuse("%s is no object, so that no secret can be put into it", where)
			}
			if !given {
				object = map[string]any{}
				fields[at] = object
			}
			if err := lay(object, below, texts, where); err != nil {
				return err
			}
		}
	}
	return nil
}

func overlayForm(body []byte, tree map[string]any, texts map[string]secret.Text) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuse("the body is no form, so that no secret can be put into it")
	}
	more := url.Values{}
	for at, v := range tree {
		name, flat := v.(string)
		switch {
		case !flat:
			return nil, refuse("body.%s: a form has no fields within fields", at)
		case form.Has(at):
			return nil, refuse("body.%s is given twice, once by secrets", at)
		}
		more.Set(at, string(texts[name]))
	}
	return []byte(strings.TrimPrefix(string(body)+"&"+more.Encode(), "&")), nil
}

// refusesSecrets tells what is wrong with the secrets of a call before any run.
func (c *conn) refusesSecrets(p Plan) []Refusal {
	var all []Refusal
	headers := map[string]bool{}
	for name := range p.Headers {
		headers[textproto.CanonicalMIMEHeaderKey(name)] = true
	}
	for _, at := range p.Secrets.places() {
		part := append([]string{"secrets"}, at.path...)
		name := at.path[len(at.path)-1]
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case at.path[0] == "headers" && headers[canonical]:
			all = append(all, Refusal{Part: part, Msg: fmt.Sprintf("header %q is among the headers as well, and is given twice", name), Hint: "keep one of them"})
			continue
		case at.path[0] == "query" && (slices.Contains(p.Query, name) || name == c.query):
			all = append(all, Refusal{Part: part, Msg: fmt.Sprintf("query parameter %q is set already, and is given twice", name), Hint: "keep one of them"})
			continue
		case at.path[0] == "headers":
			headers[canonical] = true
			if !httpguts.ValidHeaderFieldName(name) || reserved[canonical] != "" || slices.Contains(c.headers, canonical) {
				_, err := c.headerOf(map[string]string{name: ""})
				all = append(all, Refusal{Part: part, Msg: err.Error(), Hint: c.hintForHeader(canonical)})
				continue
			}
		}
		if c.anySecret {
			continue
		}
		if err := c.permitSecret(at); err != nil {
			r := Refusal{Part: part, Msg: err.Error()}
			switch {
			case c.name == "":
				r.Hint = `write connection: and the name of one in wend.yaml`
			case len(c.forFlows) == 0:
				r.Hint = fmt.Sprintf("list under connections.%s.forFlows in wend.yaml which of its secrets flows may put into calls", c.name)
			default:
				r.Word, r.Known = at.name, c.forFlows
			}
			all = append(all, r)
		}
	}
	return all
}
