package flowtest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/casefile"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/secret"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// The shape of a file of tests, in the order to show it.
type (
	fileTests struct {
		Flow  string     `yaml:"flow,omitempty"`
		Cases []fileCase `yaml:"cases"`
	}
	fileCase struct {
		Name        string                  `yaml:"name"`
		Trigger     fileTrigger             `yaml:"trigger"`
		Now         string                  `yaml:"now"`
		Variables   map[string]any          `yaml:"variables,omitempty"`
		Connections map[string]fileSettings `yaml:"connections,omitempty"`
		Nodes       map[string][]fileEnd    `yaml:"nodes,omitempty"`
		Calls       []fileExchange          `yaml:"calls,omitempty"`
		Events      []fileEvent             `yaml:"events,omitempty"`
		Want        fileWant                `yaml:"want"`
	}
	fileTrigger struct {
		Node    string            `yaml:"node"`
		Method  string            `yaml:"method,omitempty"`
		Body    any               `yaml:"body,omitempty"`
		Headers map[string]string `yaml:"headers,omitempty"`
		Query   map[string]string `yaml:"query,omitempty"`
		Params  map[string]string `yaml:"params,omitempty"`
	}
	fileSettings struct {
		Settings map[string]any `yaml:"settings"`
	}
	fileEnd struct {
		Outcome string         `yaml:"outcome"`
		Outputs map[string]any `yaml:"outputs,omitempty"`
		Message string         `yaml:"message,omitempty"`
		Code    string         `yaml:"code,omitempty"`
		After   string         `yaml:"after,omitempty"`
	}
	fileExchange struct {
		Expect fileCall         `yaml:"expect"`
		Reply  casefile.Replied `yaml:"reply"`
	}
	fileCall struct {
		Method     string `yaml:"method"`
		URL        string `yaml:"url"`
		Body       any    `yaml:"body,omitempty"`
		BodyBase64 string `yaml:"bodyBase64,omitempty"`
	}
	fileEvent struct {
		At   string         `yaml:"at"`
		Name string         `yaml:"name"`
		Key  string         `yaml:"key"`
		Data map[string]any `yaml:"data,omitempty"`
	}
	fileWant struct {
		Path     []any         `yaml:"path,flow,omitempty"`
		Status   string        `yaml:"status,omitempty"`
		Code     string        `yaml:"code,omitempty"`
		Response *fileResponse `yaml:"response,omitempty"`
	}
	fileResponse struct {
		Status int `yaml:"status"`
		Body   any `yaml:"body,omitempty"`
	}
)

// Recorded is a run to make a test of.
type Recorded struct {
	Name   string      // of the case
	Events []run.Event // all of the run
	File   string      // of the tests
	// Settings are those of a connection, without secrets.
	Settings func(connection string) map[string]any
}

// Record writes a file with one case of what a run did. What looks like a secret
// is replaced, each by its own word. The journal has no bodies of calls, so the
// flow is played with the replies of the run; it has to go the same way, and the
// test then passes. env is the flow's, whose plugins are loaded.
func Record(ctx context.Context, r Recorded, env Env) ([]byte, error) {
	c, err := r.draft(env.Flow)
	if err != nil {
		return nil, err
	}
	doc := fileTests{Cases: []fileCase{c}}
	if FlowOf(r.File) != filepath.Clean(env.Flow.File) {
		doc.Flow = pathFrom(filepath.Dir(r.File), env.Flow.File)
	}
	p, result, err := r.play(ctx, doc, env)
	if err != nil {
		return nil, err
	}
	if err := r.sameWay(env.Flow, result.Way); err != nil {
		return nil, err
	}
	if doc.Cases[0], err = completed(c, p); err != nil {
		return nil, err
	}
	if _, result, err = r.play(ctx, doc, env); err != nil {
		return nil, err
	}
	if err := result.Mistakes.Err(); err != nil {
		return nil, fmt.Errorf("played again the run is not the same: %w", err)
	}
	return yamldoc.Encode(doc)
}

// pathFrom is how a file in dir names another file.
func pathFrom(dir, file string) string {
	from, err := filepath.Abs(dir)
	if err != nil {
		return filepath.ToSlash(file)
	}
	to, err := filepath.Abs(file)
	if err != nil {
		return filepath.ToSlash(file)
	}
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return filepath.ToSlash(to)
	}
	return filepath.ToSlash(rel)
}

// play plays the file's case.
func (r Recorded) play(ctx context.Context, doc fileTests, env Env) (*play, *Result, error) {
	src, err := yamldoc.Encode(doc)
	if err != nil {
		return nil, nil, err
	}
	parsed, mistakes := Parse(r.File, src)
	if parsed != nil {
		mistakes = append(mistakes, parsed.Bind(env.Flow)...)
	}
	if err := mistakes.Err(); err != nil {
		return nil, nil, fmt.Errorf("the run cannot be written as a test: %w", err)
	}
	p := newPlay(parsed.Cases[0], env)
	refused, err := p.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	if refused != nil {
		return nil, nil, fmt.Errorf("the flow refuses what the run began with: %w", refused)
	}
	result, err := p.result(nil)
	return p, result, err
}

// draft is the case without what must be so.
func (r Recorded) draft(f *flow.Flow) (fileCase, error) {
	c := fileCase{Name: r.Name, Connections: map[string]fileSettings{}, Nodes: map[string][]fileEnd{}}
	if len(r.Events) == 0 {
		return c, errors.New("the run has no events")
	}
	first, ok := r.Events[0].(run.RunStarted)
	if !ok {
		return c, errors.New("the events of the run do not begin with its start")
	}
	from := f.Nodes[first.Trigger]
	switch {
	case first.RetryOf != "":
		return c, fmt.Errorf("it is a retry, which began in the middle: record run %s", first.RetryOf)
	case first.Parent != nil:
		return c, fmt.Errorf("another run had it made: record run %s", first.Parent.Run)
	case from == nil || !from.Type.Starts():
		return c, fmt.Errorf("flow %q has no trigger %q, with which the run began", f.Name, first.Trigger)
	}
	if _, cancelled := r.Events[len(r.Events)-1].(run.RunCancelled); cancelled {
		return c, errors.New("it was cancelled, which nothing in a test does")
	}
	m := masker{words: map[string]string{}}
	m.find(r.Events)
	var err error
	if c.Trigger, err = m.trigger(from, first); err != nil {
		return c, err
	}
	c.Now = first.At.At.UTC().Format("2006-01-02T15:04:05.000Z")
	c.Variables = map[string]any{}
	for name, v := range first.Variables {
		if was, declared := f.Variables[name]; declared && !reflect.DeepEqual(was, v) {
			c.Variables[name] = yamldoc.Writable(m.value(name, v))
		}
	}
	for n := range f.All() {
		if values := r.Settings(n.Connection); n.Connection != "" && len(values) > 0 {
			values, _ := yamldoc.Writable(m.value("", values)).(map[string]any)
			c.Connections[n.Connection] = fileSettings{values}
		}
	}
	m.happenings(&c, r.Events, first.At.At)
	return c, nil
}

// happenings are the calls of a run, the events that it received, and how the
// nodes left that had other runs made: what those did is not among its events.
func (m *masker) happenings(c *fileCase, events []run.Event, start time.Time) {
	open := map[string]int{} // index of the call that has no reply yet
	begun := map[string]time.Time{}
	for _, e := range events {
		if spawned, ok := e.(run.ChildrenStarted); ok {
			begun[spawned.Node] = time.Time{}
		}
	}
	for _, e := range events {
		switch e := e.(type) {
		case run.ChildrenStarted:
			begun[e.Node] = e.When()
		case run.NodeFinished:
			since, parent := begun[e.Node]
			if !parent {
				continue
			}
			end := fileEnd{Outcome: e.Outcome, Message: m.text("", e.Message), Code: e.Code}
			end.Outputs, _ = yamldoc.Writable(m.value("", e.Outputs)).(map[string]any)
			if took := e.When().Sub(since).Round(time.Millisecond); !since.IsZero() && took > 0 {
				end.After = took.String()
			}
			begun[e.Node] = time.Time{}
			c.Nodes[e.Node] = append(c.Nodes[e.Node], end)
		case run.CallStarted:
			open[fmt.Sprint(e.Place, e.Call)] = len(c.Calls)
			c.Calls = append(c.Calls, fileExchange{Expect: fileCall{Method: e.Method, URL: e.URL}})
		case run.CallReplied:
			reply := e.Reply.Wire()
			reply.Body = m.body(reply.Body)
			reply.Headers = m.headers(reply.Headers)
			c.Calls[open[fmt.Sprint(e.Place, e.Call)]].Reply = casefile.Reply(reply)
		case run.EventReceived:
			at := e.When().Sub(start).Round(time.Millisecond) + time.Millisecond
			values, _ := yamldoc.Writable(m.value("", e.Data)).(map[string]any)
			c.Events = append(c.Events, fileEvent{at.String(), e.Name, m.text("", e.Key), values})
		default: // follows from the others
		}
	}
}

func (m *masker) headers(from map[string][]string) map[string][]string {
	out := make(map[string][]string, len(from))
	for name, values := range from {
		if slices.Contains(ofTransport, http.CanonicalHeaderKey(name)) && name != "content-type" {
			continue
		}
		for _, text := range values {
			out[name] = append(out[name], m.text(name, text))
		}
	}
	return out
}

// completed is the case with what the play has shown.
func completed(c fileCase, p *play) (fileCase, error) {
	calls := make([]fileExchange, 0, len(c.Calls))
	for _, a := range p.outside.asked {
		if a.entry < 0 {
			return c, fmt.Errorf("the flow makes a call that the run did not make: %s %s", a.Call.Method, a.Call.URL)
		}
		x := casefile.Expect(a.Call)
		calls = append(calls, fileExchange{fileCall{x.Method, x.URL, x.Body, x.BodyBase64}, c.Calls[a.entry].Reply})
	}
	c.Calls = calls
	report, err := run.NewReport(p.flow, p.events)
	if err != nil {
		return c, err
	}
	for _, t := range visited(report.Nodes) {
		n := p.flow.Nodes[t.Node]
		if t.Outcome == "" || t.Outcome == n.Outcomes.Success {
			c.Want.Path = append(c.Want.Path, t.Node)
		} else {
			c.Want.Path = append(c.Want.Path, map[string]string{t.Node: t.Outcome})
		}
	}
	if c.Want.Code = report.Code; report.Status != run.Completed {
		c.Want.Status = string(report.Status)
	}
	if r := report.Response; r != nil {
		c.Want.Response = &fileResponse{r.Status, yamldoc.Writable(casefile.Writable(r.Body))}
	}
	return c, nil
}

// sameWay tells whether the run and the play went the same way.
func (r Recorded) sameWay(f *flow.Flow, way []run.Trace) error {
	was, err := run.Traces(f, r.Events)
	if err != nil {
		return fmt.Errorf("the flow is not the one that the run began with: %w", err)
	}
	if before, now := said(visited(was)), said(visited(way)); before != now {
		return fmt.Errorf("with the same replies the flow goes another way than the run: it was %s, and is %s; "+
			"the flow, its plugins, variables or settings have changed since", before, now)
	}
	return nil
}

// masker puts words in the place of secrets: the same for the same, wherever in a
// text it stands.
type masker struct {
	words map[string]string
	found []string // those with words, as they were found
}

// find knows the secrets of a run: what is one in one place is one in all.
func (m *masker) find(events []run.Event) {
	first := events[0].(run.RunStarted)
	m.value("", first.Output)
	m.value("", first.Variables)
	m.happenings(&fileCase{Nodes: map[string][]fileEnd{}}, events, first.At.At)
}

func (m *masker) text(name, text string) string {
	if secret.Looks(name, text) != "" && m.words[text] == "" {
		m.words[text] = fmt.Sprintf("secret-%d", len(m.words)+1)
		m.found = append(m.found, text)
	}
	if word := m.words[text]; word != "" {
		return word
	}
	for _, known := range m.found {
		text = strings.ReplaceAll(text, known, m.words[known])
	}
	return text
}

// value copies plain data without its secrets.
func (m *masker) value(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out[key] = m.value(key, v[key])
		}
		if was, file := v["base64"].(string); file && v["filename"] != nil && out["base64"] != any(was) {
			out["base64"] = base64.StdEncoding.EncodeToString([]byte(m.words[was]))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = m.value(name, e)
		}
		return out
	case string:
		return m.text(name, v)
	default:
		return v
	}
}

// body is that of a reply: JSON stays as it is written if no secret is in it.
func (m *masker) body(raw []byte) []byte {
	v, err := data.DecodeJSON(raw)
	if err != nil {
		return []byte(m.text("", string(raw)))
	}
	masked := m.value("", v)
	if reflect.DeepEqual(v, masked) {
		return raw
	}
	text, err := json.Marshal(masked)
	if err != nil {
		return raw
	}
	return text
}

// trigger is what the run began with. A body is sent again as what it came as.
func (m *masker) trigger(from *flow.Node, first run.RunStarted) (fileTrigger, error) {
	t := fileTrigger{Node: from.ID}
	output, _ := m.value("", first.Output).(map[string]any)
	hook, ok := from.Trigger.(*node.Hook)
	if !ok {
		t.Body = yamldoc.Writable(output)
		return t, nil
	}
	request, _ := output["request"].(map[string]any)
	delete(output, "request")
	if method, _ := request["method"].(string); method != hook.Methods[0] {
		t.Method = method
	}
	t.Headers = texts(request["headers"])
	for name, text := range maps.Clone(t.Headers) {
		delete(t.Headers, name)
		if name = strings.ReplaceAll(name, "_", "-"); !slices.Contains(ofTransport, http.CanonicalHeaderKey(name)) {
			t.Headers[name] = text
		}
	}
	t.Query, t.Params = texts(request["query"]), texts(request["params"])
	t.Body = yamldoc.Writable(output)
	if hook.Whole {
		t.Body = yamldoc.Writable(output["body"])
	}
	if len(output) == 0 {
		t.Body = nil
	}
	headers, _ := request["headers"].(map[string]any)
	said, _ := headers["content_type"].(string)
	media, _, err := mime.ParseMediaType(said)
	switch {
	case err != nil || data.IsJSON(media): // as the test sends it
	case data.IsXML(media) && slices.Contains(hook.Takes, node.BodyJSON): // which reads the same as JSON
	case data.IsXML(media):
		raw, ok := request["raw"].(string)
		if !ok || hook.Raw != node.RawText {
			return t, errors.New("it began with XML, of which it has only what was read: give the webhook raw: text")
		}
		t.Body, t.Headers["content-type"] = raw, media
	default:
		t.Headers["content-type"] = media
	}
	return t, nil
}

// ofTransport are headers that say nothing of what a message means.
var ofTransport = []string{
	"Accept", "Accept-Encoding", "Connection", "Content-Length", "Content-Type", "Date", "Host", "User-Agent", "Traceparent", "Tracestate",
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip",
}

func texts(v any) map[string]string {
	values, _ := v.(map[string]any)
	out := map[string]string{}
	for name, v := range values {
		if text, err := data.Text(v); err == nil {
			out[name] = text
		}
	}
	return out
}
