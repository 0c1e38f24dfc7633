package plugincase

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/casefile"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/yamldoc"
)

var format = yamldoc.Format{Name: "case", Many: true, Aliases: true, Keys: []string{"method", "want", "calls", "inputs"}, Begins: `"method: name-of-the-method", and has "calls:" and "want:"`}

// Parse reads the cases of a file: one in each YAML document. It finds all
// mistakes, not only the first; there are no cases if there are any.
func Parse(file string, src []byte) ([]*Case, diag.List) {
	doc, mistakes := format.Parse(file, src)
	r := &reader{yamldoc.Reader{Mistakes: mistakes, Invalid: CodeValue}}
	var cases []*Case
	for _, root := range doc.Roots {
		cases = append(cases, r.readCase(file, root))
	}
	if len(cases) == 0 && len(mistakes) == 0 {
		r.Mistakes.Errorf(diag.Pos{File: file, Line: 1, Col: 1}, diag.EmptyValue, "the file holds no case, expected one with method, calls and want")
	}
	if r.Mistakes.HasErrors() {
		return nil, r.Mistakes
	}
	return cases, r.Mistakes
}

// reader turns documents into cases.
type reader struct{ yamldoc.Reader }

// What a conversation begins with where its file says nothing. Package sdktest
// has the same.
var (
	defaultNow = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	defaults   = node.Visit{
		Run: "0199f3a0-0000-7000-8000-000000000001", Flow: "case", Node: "node", Visit: 1, Attempt: 1,
		Now: defaultNow, Key: "key",
	}
)

func (r *reader) readCase(file string, root yamldoc.Value) *Case {
	c := &Case{Pos: root.Pos(), Visit: defaults}
	r.Object(yamldoc.Field{What: "the case", Value: root}, nil,
		yamldoc.Key{Name: "name", Read: yamldoc.Into(&c.Name, r.Str)},
		yamldoc.Key{Name: "method", Required: true, Read: yamldoc.Into(&c.Method, r.Str)},
		yamldoc.Key{Name: "inputs", Read: yamldoc.Into(&c.Visit.Inputs, r.object)},
		yamldoc.Key{Name: "settings", Read: func(f yamldoc.Field) { c.Visit.Settings, c.settings = r.object(f), f.Value }},
		yamldoc.Key{Name: "context", Read: func(f yamldoc.Field) { r.context(f, &c.Visit) }},
		yamldoc.Key{Name: "calls", Read: yamldoc.Into(&c.Calls, r.exchanges)},
		yamldoc.Key{Name: "want", Required: true, Read: yamldoc.Into(&c.want, r.want)},
	)
	if c.Name == "" {
		base := filepath.Base(file)
		c.Name = strings.TrimSuffix(base, filepath.Ext(base))
	}
	if c.Visit.Inputs == nil {
		c.Visit.Inputs = map[string]any{}
	}
	return c
}

func (r *reader) context(f yamldoc.Field, v *node.Visit) {
	r.Object(f, nil,
		yamldoc.Key{Name: "run", Read: yamldoc.Into(&v.Run, r.Str)},
		yamldoc.Key{Name: "node", Read: yamldoc.Into(&v.Node, r.Str)},
		yamldoc.Key{Name: "visit", Read: yamldoc.Into(&v.Visit, r.Count)},
		yamldoc.Key{Name: "attempt", Read: yamldoc.Into(&v.Attempt, r.Count)},
		yamldoc.Key{Name: "now", Read: func(f yamldoc.Field) { casefile.ReadTime(&r.Reader, f, &v.Now) }},
		yamldoc.Key{Name: "seed", Read: yamldoc.Into(&v.Seed, r.any)},
		yamldoc.Key{Name: "key", Read: yamldoc.Into(&v.Key, r.any)},
	)
}

func (r *reader) any(f yamldoc.Field) string { return r.AnyText(f).Value }

func (r *reader) exchanges(f yamldoc.Field) []Exchange {
	items := r.Items(f)
	list := make([]Exchange, len(items))
	for i, item := range items {
		x := &list[i]
		x.pos = item.Value.Pos()
		item.Path = fmt.Sprintf("call %d", i+1)
		item.What = item.Path
		r.Object(item, nil,
			yamldoc.Key{Name: "expect", Read: func(f yamldoc.Field) { x.expect = casefile.ReadCall(&r.Reader, f) }},
			yamldoc.Key{Name: "reply", Required: true, Read: func(f yamldoc.Field) { x.Reply = casefile.ReadReply(&r.Reader, f) }},
		)
	}
	return list
}

func (r *reader) want(f yamldoc.Field) want {
	var w want
	r.Object(f, nil,
		yamldoc.Key{Name: "outcome", Required: true, Read: yamldoc.Into(&w.outcome, r.outcome)},
		yamldoc.Key{Name: "outputs", Read: yamldoc.Into(&w.outputs, r.outputs)},
		yamldoc.Key{Name: "message", Read: yamldoc.Into(&w.message, r.text)},
		yamldoc.Key{Name: "code", Read: yamldoc.Into(&w.code, r.word)},
	)
	return w
}

// word keeps a text with its place.
func (r *reader) word(f yamldoc.Field) *yamldoc.Scalar {
	before := r.Misread
	if r.AnyText(f); r.Misread > before {
		return nil
	}
	s, _ := f.Value.(*yamldoc.Scalar)
	return s
}

// outcome is a word that says something.
func (r *reader) outcome(f yamldoc.Field) *yamldoc.Scalar {
	s := r.word(f)
	if s != nil && strings.TrimSpace(s.Value) == "" {
		r.Blank(f, "an outcome")
	}
	return s
}

// mapping keeps a mapping with its places.
func (r *reader) mapping(f yamldoc.Field) *yamldoc.Map {
	m, ok := f.Value.(*yamldoc.Map)
	if !ok {
		r.Wrong(f, "a mapping")
	}
	return m
}

func (r *reader) text(f yamldoc.Field) casefile.Want { return casefile.ReadText(&r.Reader, f) }

func (r *reader) value(f yamldoc.Field) casefile.Want { return casefile.Read(&r.Reader, f) }

func (r *reader) outputs(f yamldoc.Field) casefile.Want {
	if r.mapping(f) == nil {
		return nil
	}
	return r.value(f)
}

// object reads a mapping of any content.
func (r *reader) object(f yamldoc.Field) map[string]any {
	if r.mapping(f) == nil {
		return nil
	}
	object, _ := r.Data(f).(map[string]any)
	return object
}
