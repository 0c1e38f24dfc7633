package flowtest

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/casefile"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

var format = yamldoc.Format{
	Name: "file of tests", Aliases: true, Keys: []string{"cases"}, Begins: `"cases:", a list of them`,
}

// Parse reads a file of tests. It finds all mistakes, not only the first; there
// is no File if there are any.
func Parse(file string, src []byte) (*File, diag.List) {
	doc, mistakes := format.Parse(file, src)
	r := &reader{yamldoc.Reader{Mistakes: mistakes, Invalid: CodeValue}}
	f := &File{Path: file, Flow: FlowOf(file)}
	if root := doc.Root(); root != nil {
		r.file(f, root)
	} else if len(mistakes) == 0 {
		r.Mistakes.Errorf(diag.Pos{File: file, Line: 1, Col: 1}, diag.EmptyValue, "the file holds no tests, expected cases")
	}
	if r.Mistakes.HasErrors() {
		return nil, r.Mistakes.Sorted()
	}
	return f, r.Mistakes.Sorted()
}

type reader struct{ yamldoc.Reader }

// What a run begins with where its test says nothing. A run of a test always
// has the same id.
const (
	runID = "0199f3a0-0000-7000-8000-000000000001"
	seed  = "seed"
)

var defaultNow = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

func (r *reader) file(f *File, root yamldoc.Value) {
	base := &Case{Pos: root.Pos(), now: defaultNow}
	var cases yamldoc.Field
	keys := append(r.givenKeys(base),
		yamldoc.Key{Name: "flow", Read: func(v yamldoc.Field) {
			if path := r.Str(v); filepath.IsAbs(path) {
				f.Flow = path
			} else if path != "" {
				f.Flow = filepath.Join(filepath.Dir(f.Path), filepath.FromSlash(path))
			}
		}},
		yamldoc.Key{Name: "cases", Required: true, Read: func(v yamldoc.Field) { cases = v }},
	)
	r.Object(yamldoc.Field{What: "the file", Value: root}, nil, keys...)
	if cases.Value == nil {
		return
	}
	names := map[string]diag.Pos{}
	for i, item := range r.Items(cases) {
		item.What = fmt.Sprintf("case %d", i+1)
		for _, c := range r.readCase(item, base) {
			if first, twice := names[c.Name]; twice && c.Name != "" {
				r.Mistakes.Errorf(c.Pos, CodeValue, "there is a case %q on line %d already", c.Name, first.Line)
			}
			names[c.Name] = c.Pos
			f.Cases = append(f.Cases, c)
		}
	}
	if len(f.Cases) == 0 && !r.Mistakes.HasErrors() {
		r.Blank(cases, "a list of cases")
	}
}

// readCase reads a case, which has what base has where it says nothing else.
func (r *reader) readCase(f yamldoc.Field, base *Case) []*Case {
	c := *base
	c.Pos = f.Value.Pos()
	c.variables, c.settings, c.mocks = slices.Clone(base.variables), slices.Clone(base.settings), slices.Clone(base.mocks)
	var each []mocked
	keys := append(r.givenKeys(&c),
		yamldoc.Key{Name: "name", Required: true, Read: yamldoc.Into(&c.Name, r.Str)},
		yamldoc.Key{Name: "each", Read: yamldoc.Into(&each, r.each)},
		yamldoc.Key{Name: "crashAfter", Read: func(f yamldoc.Field) { r.crash(f, &c, false) }},
		yamldoc.Key{Name: "crashDuring", Read: func(f yamldoc.Field) { r.crash(f, &c, true) }},
		yamldoc.Key{Name: "want", Required: true, Read: yamldoc.Into(&c.want, r.want)},
	)
	r.Object(f, map[string]string{
		"expect": "want", "expected": "want", "assert": "want", "assertions": "want", "then": "want", "mocks": "nodes", "fixtures": "nodes",
		"input": "trigger", "inputs": "trigger", "body": "trigger", "when": "trigger", "given": "trigger", "request": "trigger", "replies": "calls", "http": "calls",
	}, keys...)
	return c.forEach(each)
}

// givenKeys are those that a case may have, and the file for all its cases.
func (r *reader) givenKeys(c *Case) []yamldoc.Key {
	return []yamldoc.Key{
		{Name: "trigger", Read: func(f yamldoc.Field) { r.trigger(f, &c.trigger) }},
		{Name: "now", Read: func(f yamldoc.Field) { casefile.ReadTime(&r.Reader, f, &c.now) }},
		{Name: "variables", Read: func(f yamldoc.Field) { r.variables(f, c) }},
		{Name: "connections", Read: func(f yamldoc.Field) { r.connections(f, c) }},
		{Name: "nodes", Read: func(f yamldoc.Field) { r.mocks(f, c) }},
		{Name: "calls", Read: func(f yamldoc.Field) { c.calls, c.callsPos = r.exchanges(f), f.Key.Pos }},
		{Name: "events", Read: yamldoc.Into(&c.events, r.events)},
	}
}

func (r *reader) trigger(f yamldoc.Field, g *given) {
	g.pos = f.Value.Pos()
	r.Object(f, nil,
		yamldoc.Key{Name: "node", Read: yamldoc.Into(&g.node, r.Text)},
		yamldoc.Key{Name: "body", Read: func(f yamldoc.Field) {
			g.body, g.object, g.bodyAt = casefile.ReadBody(&r.Reader, f), nil, f.Value.Pos()
			if m, ok := f.Value.(*yamldoc.Map); ok {
				g.object, _ = yamldoc.Plain(m).(map[string]any)
			}
		}},
		yamldoc.Key{Name: "method", Read: func(f yamldoc.Field) { g.method, g.methodAt = strings.ToUpper(r.Str(f)), f.Value.Pos() }},
		yamldoc.Key{Name: "headers", Read: yamldoc.Into(&g.headers, r.texts)},
		yamldoc.Key{Name: "query", Read: yamldoc.Into(&g.query, r.texts)},
		yamldoc.Key{Name: "params", Read: func(f yamldoc.Field) {
			g.params, g.paramsAt = r.texts(f), nil
			if m, ok := f.Value.(*yamldoc.Map); ok {
				for _, e := range m.Entries {
					g.paramsAt = append(g.paramsAt, e.Key)
				}
			}
		}},
		yamldoc.Key{Name: "signed", Read: func(f yamldoc.Field) { g.unsigned, g.signed = !r.Bool(f), f.Value.Pos() }},
	)
}

func (r *reader) texts(f yamldoc.Field) map[string]string {
	texts := map[string]string{}
	for _, e := range r.Entries(f, "from names to texts") {
		texts[e.Key.Value] = r.AnyText(e).Value
	}
	return texts
}

func (r *reader) variables(f yamldoc.Field, c *Case) {
	for _, e := range r.Entries(f, "from names to values") {
		v := value{e.Key, r.Data(e)}
		i := slices.IndexFunc(c.variables, func(old value) bool { return old.name.Value == v.name.Value })
		if i < 0 {
			c.variables = append(c.variables, v)
		} else {
			c.variables[i] = v
		}
	}
}

func (r *reader) connections(f yamldoc.Field, c *Case) {
	for _, e := range r.Entries(f, "from names to connections") {
		s := settings{connection: e.Key}
		r.Object(e, nil, yamldoc.Key{Name: "settings", Required: true, Read: yamldoc.Into(&s.values, r.object)})
		i := slices.IndexFunc(c.settings, func(old settings) bool { return old.connection.Value == s.connection.Value })
		if i < 0 {
			c.settings = append(c.settings, s)
		} else {
			c.settings[i] = s
		}
	}
}

// object reads a mapping of any content.
func (r *reader) object(f yamldoc.Field) map[string]any {
	if _, ok := f.Value.(*yamldoc.Map); !ok {
		r.Wrong(f, "a mapping")
		return nil
	}
	object, _ := r.Data(f).(map[string]any)
	return object
}

func (r *reader) mocks(f yamldoc.Field, c *Case) {
	for _, e := range r.Entries(f, "from nodes to how they leave") {
		m := mocked{node: e.Key}
		if _, list := e.Value.(*yamldoc.List); list {
			for _, item := range r.Items(e) {
				m.ends = append(m.ends, r.end(item))
			}
			if len(m.ends) == 0 {
				r.Blank(e, "how the node leaves")
			}
		} else {
			m.ends, m.always = []end{r.end(e)}, true
		}
		c.mocks = setMock(c.mocks, m)
	}
}

func (r *reader) end(f yamldoc.Field) end {
	var e end
	if s, ok := f.Value.(*yamldoc.Scalar); ok && s.Data != nil {
		r.Wrong(f, "a mapping").Hint = "write { outcome: " + s.Value + " }"
		return e
	}
	r.Object(f, nil,
		yamldoc.Key{Name: "outcome", Required: true, Read: yamldoc.Into(&e.outcome, r.Text)},
		yamldoc.Key{Name: "outputs", Read: func(f yamldoc.Field) { e.outputs, e.outputsPos = r.object(f), f.Value.Pos() }},
		yamldoc.Key{Name: "message", Read: yamldoc.Into(&e.message, r.Str)},
		yamldoc.Key{Name: "code", Read: yamldoc.Into(&e.code, r.Str)},
		yamldoc.Key{Name: "after", Read: func(f yamldoc.Field) { e.after = r.Duration(f, 0).Value }},
	)
	return e
}

// each reads the outcomes by which nodes are to leave, one in each run.
func (r *reader) each(f yamldoc.Field) []mocked {
	var each []mocked
	for _, e := range r.Entries(f, "from nodes to lists of outcomes") {
		m := mocked{node: e.Key}
		for _, outcome := range r.Texts(e) {
			m.ends = append(m.ends, end{outcome: outcome})
		}
		each = append(each, m)
	}
	return each
}

func (r *reader) crash(f yamldoc.Field, c *Case, during bool) {
	if c.crash.node.Given() {
		r.Mistakes.Errorf(f.Key.Pos, CodeValue, `a case has "crashAfter" or "crashDuring", not both`)
	}
	c.crash = crash{r.Text(f), during}
}

func (r *reader) exchanges(f yamldoc.Field) []exchange {
	items := r.Items(f)
	list := make([]exchange, len(items))
	for i, item := range items {
		x := &list[i]
		x.pos = item.Value.Pos()
		item.Path = fmt.Sprintf("call %d", i+1)
		item.What = item.Path
		single := false
		r.Object(item, nil,
			yamldoc.Key{Name: "expect", Read: func(f yamldoc.Field) { x.expect = casefile.ReadCall(&r.Reader, f) }},
			yamldoc.Key{Name: "reply", Read: func(f yamldoc.Field) {
				x.replies, single = append(x.replies, r.reply(f)), true
			}},
			yamldoc.Key{Name: "replies", Read: func(f yamldoc.Field) {
				for _, item := range r.Items(f) {
					x.replies = append(x.replies, r.reply(item))
				}
			}},
		)
		if len(x.replies) == 0 {
			r.Mistakes.Errorf(x.pos, diag.MissingKey, `%s is missing the key "reply"`, item).
				Hint = `the answers to the same call made again are a list, "replies"`
		}
		if single && len(x.replies) > 1 {
			r.Mistakes.Errorf(x.pos, CodeValue, `%s has "reply" and "replies", expected one of them`, item)
		}
	}
	return list
}

func (r *reader) reply(f yamldoc.Field) reply {
	var out reply
	out.Reply = casefile.ReadReply(&r.Reader, f, yamldoc.Key{Name: "after", Read: func(f yamldoc.Field) { out.after = r.Duration(f, 0).Value }})
	m, _ := f.Value.(*yamldoc.Map)
	if m == nil {
		return out
	}
	// An object or a list is JSON, and its sender would say so.
	switch m.Get("body").(type) {
	case *yamldoc.Map, *yamldoc.List:
		if _, said := out.Headers["content-type"]; !said {
			out.Headers = maps.Clone(out.Headers)
			if out.Headers == nil {
				out.Headers = map[string][]string{}
			}
			out.Headers["content-type"] = []string{"application/json"}
		}
	}
	return out
}

func (r *reader) events(f yamldoc.Field) []event {
	items := r.Items(f)
	list := make([]event, len(items))
	for i, item := range items {
		e := &list[i]
		e.pos, e.id = item.Value.Pos(), fmt.Sprintf("event-%d", i+1)
		item.What = fmt.Sprintf("event %d", i+1)
		r.Object(item, map[string]string{"event": "name"},
			yamldoc.Key{Name: "at", Read: func(f yamldoc.Field) { e.at = r.Duration(f, 0).Value }},
			yamldoc.Key{Name: "name", Required: true, Read: yamldoc.Into(&e.name, r.Str)},
			yamldoc.Key{Name: "key", Required: true, Read: func(f yamldoc.Field) { e.key = r.AnyText(f).Value }},
			yamldoc.Key{Name: "id", Read: yamldoc.Into(&e.id, r.Str)},
			yamldoc.Key{Name: "data", Read: yamldoc.Into(&e.data, r.object)},
			yamldoc.Key{Name: "refused", Read: yamldoc.Into(&e.refused, r.Bool)},
		)
	}
	return list
}

func (r *reader) want(f yamldoc.Field) want {
	w := want{pos: f.Key.Pos}
	r.Object(f, map[string]string{"way": "path", "duration": "took"},
		yamldoc.Key{Name: "path", Read: func(f yamldoc.Field) { w.path, w.pathPos = r.path(f), f.Value.Pos() }},
		yamldoc.Key{Name: "status", Read: yamldoc.Into(&w.status, r.status)},
		yamldoc.Key{Name: "outcome", Read: yamldoc.Into(&w.outcome, r.text)},
		yamldoc.Key{Name: "code", Read: yamldoc.Into(&w.code, r.text)},
		yamldoc.Key{Name: "reason", Read: yamldoc.Into(&w.reason, r.text)},
		yamldoc.Key{Name: "response", Read: yamldoc.Into(&w.response, r.response)},
		yamldoc.Key{Name: "variables", Read: yamldoc.Into(&w.variables, r.values)},
		yamldoc.Key{Name: "inputs", Read: yamldoc.Into(&w.inputs, r.values)},
		yamldoc.Key{Name: "outputs", Read: yamldoc.Into(&w.outputs, r.values)},
		yamldoc.Key{Name: "error", Read: yamldoc.Into(&w.failure, r.failure)},
		yamldoc.Key{Name: "log", Read: yamldoc.Into(&w.log, r.log)},
		yamldoc.Key{Name: "events", Read: yamldoc.Into(&w.emitted, r.value)},
		yamldoc.Key{Name: "took", Read: yamldoc.Into(&w.took, r.span)},
	)
	return w
}

// span reads a time, or { atLeast: …, atMost: … }.
func (r *reader) span(f yamldoc.Field) *span {
	s := &span{pos: f.Value.Pos(), most: math.MaxInt64}
	if _, ok := f.Value.(*yamldoc.Map); !ok {
		s.least = r.Duration(f, 0).Value
		s.most = s.least
		return s
	}
	r.Object(f, nil,
		yamldoc.Key{Name: "atLeast", Read: func(f yamldoc.Field) { s.least = r.Duration(f, 0).Value }},
		yamldoc.Key{Name: "atMost", Read: func(f yamldoc.Field) { s.most = r.Duration(f, 0).Value }},
	)
	return s
}

// statuses are those that a run of a test can have at last. What is refused has
// made no run.
var statuses = []string{"completed", "failed", "waiting", "refused"}

func (r *reader) status(f yamldoc.Field) casefile.Want {
	text := r.Text(f)
	if text.Given() && !slices.Contains(statuses, text.Value) {
		e := r.Mistakes.Errorf(text.Pos, CodeValue, "no status %q", text.Value)
		if e.Hint = diag.Suggest(text.Value, statuses); len(text.Value) == 3 && text.Value[0] >= '1' && text.Value[0] <= '5' {
			e.Hint = "that of the response is response: { status: " + text.Value + " }"
		}
		return nil
	}
	return r.text(f)
}

// path reads a list of nodes: n4, or n4: outcome.
func (r *reader) path(f yamldoc.Field) []step {
	path := []step{}
	for _, item := range r.Items(f) {
		m, ok := item.Value.(*yamldoc.Map)
		if !ok {
			path = append(path, step{node: r.Text(item)})
			continue
		}
		if len(m.Entries) != 1 {
			r.Wrong(item, "a node, or one node: outcome")
			continue
		}
		e := r.Entries(item, "")[0]
		path = append(path, step{e.Key, r.Text(e)})
	}
	return path
}

func (r *reader) response(f yamldoc.Field) *response {
	w := &response{pos: f.Value.Pos()}
	absent := func(f yamldoc.Field) {
		if w.none = r.Bool(f); !w.none && r.Misread == 0 {
			r.Mistakes.Errorf(f.Value.Pos(), CodeValue, "%s is false, expected what the response is", f)
		}
	}
	r.Object(f, nil,
		yamldoc.Key{Name: "status", Read: yamldoc.Into(&w.status, r.value)},
		yamldoc.Key{Name: "headers", Read: yamldoc.Into(&w.headers, r.namedTexts)},
		yamldoc.Key{Name: "body", Read: yamldoc.Into(&w.body, r.value)},
		yamldoc.Key{Name: "absent", Read: absent},
	)
	return w
}

// failure reads what $(error) must have: those of its fields that are named, or
// that there is none.
func (r *reader) failure(f yamldoc.Field) *failure {
	w := &failure{}
	if m, ok := f.Value.(*yamldoc.Map); ok && m.Get("absent") != nil {
		w.whole = r.value(f)
		return w
	}
	w.fields = r.values(f)
	for _, v := range w.fields {
		if !slices.Contains(failureFields, v.name.Value) {
			r.Mistakes.Errorf(v.name.Pos, diag.UnknownKey, "%s has no key %q", f, v.name.Value).Hint = diag.Suggest(v.name.Value, failureFields)
		}
	}
	return w
}

func (r *reader) values(f yamldoc.Field) []named {
	var list []named
	for _, e := range r.Entries(f, "from names to values") {
		list = append(list, named{e.Key, r.value(e)})
	}
	return list
}

func (r *reader) namedTexts(f yamldoc.Field) []named {
	var list []named
	for _, e := range r.Entries(f, "from names to texts") {
		e.Key.Value = strings.ToLower(e.Key.Value)
		list = append(list, named{e.Key, r.text(e)})
	}
	return list
}

func (r *reader) log(f yamldoc.Field) []casefile.Want {
	lines := []casefile.Want{}
	for _, item := range r.Items(f) {
		if w := r.text(item); w != nil {
			lines = append(lines, w)
		}
	}
	return lines
}

func (r *reader) text(f yamldoc.Field) casefile.Want { return casefile.ReadText(&r.Reader, f) }

func (r *reader) value(f yamldoc.Field) casefile.Want { return casefile.Read(&r.Reader, f) }
