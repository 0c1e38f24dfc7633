package flowtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/casefile"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
)

// compareRefusal compares a request of which no run was made.
func (p *play) compareRefusal(refused *problem.Problem) {
	w := p.want
	if w.status == nil && w.response == nil {
		p.differ.Errorf(w.pos, "no run was made: %s", refused).Hint = "if that is meant, want status: refused"
		return
	}
	p.differ.Text("status", w.status, "refused")
	if w.path != nil {
		p.differ.Errorf(w.pathPos, "the path is empty, no run was made: %s", refused)
	}
	if w.response == nil {
		return
	}
	doc, err := json.Marshal(refused)
	if err != nil {
		doc = nil
	}
	body, _ := data.DecodeJSON(doc)
	p.compareResponse(&answer{status: refused.Status, headers: map[string]string{"content-type": problem.ContentType}, body: body})
}

// compareRun compares a run.
func (p *play) compareRun(r *run.Report) {
	w, d := p.want, &p.differ
	p.compareEnd(r)
	if w.path != nil {
		p.comparePath(r.Nodes)
	}
	if w.response != nil {
		var got *answer
		if r.Response != nil {
			got = &answer{status: r.Response.Status, headers: lower(r.Response.Headers), body: r.Response.Body}
		}
		p.compareResponse(got)
	}
	for _, v := range w.variables {
		d.Value("variable "+v.name.Value, v.want, r.Variables[v.name.Value])
	}
	p.compareNodes("inputs", w.inputs, r.Nodes, func(t run.Trace) map[string]any { return t.Inputs })
	p.compareNodes("outputs", w.outputs, r.Nodes, func(t run.Trace) map[string]any { return t.Outputs })
	if w.failure != nil {
		p.compareFailure(failureOf(r.Error))
	}
	if w.log != nil {
		p.compareLog()
	}
	if w.emitted != nil {
		d.Value("events", w.emitted, p.emitted)
	}
	if w.took != nil {
		p.compareTime(r)
	}
}

func (p *play) compareTime(r *run.Report) {
	took := time.Duration(r.Duration * float64(time.Millisecond)).Round(time.Millisecond)
	switch s := p.want.took; {
	case took >= s.least.Round(time.Millisecond) && took <= s.most:
	case s.least == s.most:
		p.differ.Errorf(s.pos, "the run took %s, expected %s", took, s.least)
	case took < s.least:
		p.differ.Errorf(s.pos, "the run took %s, expected at least %s", took, s.least)
	default:
		p.differ.Errorf(s.pos, "the run took %s, expected at most %s", took, s.most)
	}
}

// compareEnd compares how the run ended. One that failed, or did not end, is
// never what was expected unless the case says so.
func (p *play) compareEnd(r *run.Report) {
	w, d := p.want, &p.differ
	status := string(r.Status)
	switch {
	case w.status != nil:
		before := len(d.Found)
		d.Text("status", w.status, status)
		if len(d.Found) > before {
			d.Found[before].Msg += because(r)
		}
	case !r.Status.Ended():
		d.Errorf(w.pos, "the run did not end%s", because(r)).Hint = "if that is meant, want status: waiting"
	case r.Status == run.Failed && w.outcome == nil && w.code == nil:
		d.Errorf(w.pos, "the run failed%s", because(r)).Hint = "if that is meant, want status: failed"
	}
	d.Text("outcome", w.outcome, r.Outcome)
	d.Text("code", w.code, r.Code)
	d.Text("reason", w.reason, r.Reason)
}

// because is what a run waits for, or why it ended, for the end of a line.
func because(r *run.Report) string {
	if r.Reason != "" {
		return ": " + r.Reason
	}
	if len(r.Nodes) == 0 || r.Status.Ended() {
		return ""
	}
	last := r.Nodes[len(r.Nodes)-1]
	if last.Awaits == nil {
		return fmt.Sprintf(": it is at node %q", last.Node)
	}
	return fmt.Sprintf(": at node %q it waits for an event %q with the key %q", last.Node, last.Awaits.Name, last.Awaits.Key)
}

// visited is the way of a run, one entry for each visit with the outcome of its
// last attempt.
func visited(way []run.Trace) []run.Trace {
	var visits []run.Trace
	for _, t := range way {
		if n := len(visits); n > 0 && visits[n-1].Node == t.Node && visits[n-1].Visit == t.Visit {
			visits[n-1] = t
			continue
		}
		visits = append(visits, t)
	}
	return visits
}

// comparePath tells the first step at which the run went another way.
func (p *play) comparePath(way []run.Trace) {
	visits := visited(way)
	for i, s := range p.want.path {
		if i >= len(visits) {
			p.differ.Errorf(s.node.Pos, "the path ends after %s, expected %s next", said(visits), s)
			return
		}
		got := visits[i]
		if got.Node != s.node.Value {
			p.differ.Errorf(s.node.Pos, "step %d of the path is %s, expected %s", i+1, stepOf(got), s)
			return
		}
		if s.outcome.Given() && got.Outcome != s.outcome.Value {
			reason := ""
			if got.Message != "" {
				reason = ": " + got.Message
			}
			p.differ.Errorf(s.outcome.Pos, "step %d of the path is %s, expected %s%s", i+1, stepOf(got), s, reason)
			return
		}
	}
	if more := visits[len(p.want.path):]; len(more) > 0 {
		p.differ.Errorf(p.want.pathPos, "the path goes on with %s, expected it to end", said(more))
	}
}

func stepOf(t run.Trace) string {
	if t.Outcome == "" {
		return t.Node
	}
	return t.Node + ": " + t.Outcome
}

func said(visits []run.Trace) string {
	steps := make([]string, len(visits))
	for i, t := range visits {
		steps[i] = stepOf(t)
	}
	return strings.Join(steps, ", ")
}

// answer is what the caller got.
type answer struct {
	status  int
	headers map[string]string // by names in lower case
	body    any
}

func lower(headers map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range headers {
		out[strings.ToLower(name)] = text
	}
	return out
}

func (p *play) compareResponse(got *answer) {
	w, d := p.want.response, &p.differ
	switch {
	case got == nil && !w.none:
		d.Errorf(w.pos, "the run gave no response, expected one")
	case got != nil && w.none:
		d.Errorf(w.pos, "the run gave a response, %d %v, expected none", got.status, got.body)
	}
	if got == nil {
		return
	}
	d.Value("response: status", w.status, got.status)
	for _, h := range w.headers {
		d.Text(fmt.Sprintf("response: header %q", h.name.Value), h.want, got.headers[h.name.Value])
	}
	d.Value("response: body", w.body, got.body)
}

// compareNodes compares what nodes got or gave, the last time each was entered.
func (p *play) compareNodes(what string, want []named, way []run.Trace, of func(run.Trace) map[string]any) {
	for _, w := range want {
		among := way
		body, id := placeOf(w.name.Value)
		if body != "" {
			among = slices.Concat(p.inside[body]...)
		}
		i := len(among) - 1
		for i >= 0 && among[i].Node != id {
			i--
		}
		if i < 0 {
			p.differ.Errorf(w.name.Pos, "the run did not come to node %q", w.name.Value)
			continue
		}
		got := of(among[i])
		if got == nil {
			got = map[string]any{}
		}
		p.differ.Value(what+" of "+w.name.Value, w.want, got)
	}
}

// failureOf is $(error) as templates see it, nil if there was none.
func failureOf(f *run.Failure) map[string]any {
	if f == nil {
		return nil
	}
	return map[string]any{"node": f.Node, "outcome": f.Outcome, "message": f.Message, "code": f.Code, "attempt": f.Attempt}
}

func (p *play) compareFailure(got map[string]any) {
	w := p.want.failure
	switch {
	case w.whole != nil && got == nil:
		p.differ.Value("error", w.whole, nil)
	case w.whole != nil:
		p.differ.Value("error", w.whole, got)
	case got == nil && len(w.fields) > 0:
		p.differ.Errorf(w.fields[0].name.Pos, "there is no error: every node left by its success outcome")
	default:
		for _, f := range w.fields {
			p.differ.Value("error."+f.name.Value, f.want, got[f.name.Value])
		}
	}
}

// compareLog looks for the lines in this order; others may stand between.
func (p *play) compareLog() {
	rest := p.lines
	for _, w := range p.want.log {
		i := slices.IndexFunc(rest, func(l line) bool { return fitsLine(w, l.text) })
		if i >= 0 {
			rest = rest[i+1:]
			continue
		}
		var texts []string
		for _, l := range p.lines {
			texts = append(texts, fmt.Sprintf("%q", l.text))
		}
		log := "nothing"
		if len(texts) > 0 {
			log = strings.Join(texts, ", ")
		}
		p.differ.Errorf(w.Pos(), "the log has no such line; it has %s", log)
	}
}

func fitsLine(w casefile.Want, text string) bool {
	var d casefile.Differ
	d.Text("", w, text)
	return len(d.Found) == 0
}
