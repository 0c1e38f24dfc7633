package flowtest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/casefile"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/trigger"
	"github.com/wendflow/wend/runtime/webhook"
)

// Result is what came of a case.
type Result struct {
	Case *Case
	// Mistakes are where the run is not what the case wants, each at its place in
	// the file. Without any the case has passed.
	Mistakes diag.List
	// Way is what the run did, one entry for each attempt at a node; nothing if
	// no run was made.
	Way []run.Trace
	// Bodies are the ways of the runs that nodes of the flow had made of what they
	// have in their inputs, by the Path of the body and in the order of their making.
	Bodies map[string][][]run.Trace
	// Reason is why the run ended as it did, or why none was made.
	Reason string
}

// Env is what a case is played with.
type Env struct {
	Flow *flow.Flow // that of Bind
	// Callee finds the flows that nodes call, which run for real; nil if there are
	// none.
	Callee func(name string) *flow.Flow
}

// Play runs the flow once, as the case says, and compares. The plugins of the
// flows are loaded. The error is ctx's, or one of the journal.
func (c *Case) Play(ctx context.Context, env Env) (*Result, error) {
	p := newPlay(c, env)
	refused, err := p.begin(ctx)
	if err != nil {
		return nil, err
	}
	if refused == nil && c.crash.node.Given() {
		if err := p.crash(ctx); err != nil {
			return nil, err
		}
	}
	return p.result(refused)
}

// play is a case while it is played.
type play struct {
	*Case
	flow    *flow.Flow // with mocks
	callee  func(name string) *flow.Flow
	clock   *clock.Virtual
	outside *outside
	differ  casefile.Differ
	events  []run.Event // of the run
	// children are the events of all runs that the run has made, by their ids.
	children map[string][]run.Event
	inside   map[string][][]run.Trace // their ways, see Result
	memory   *remembering

	mu      sync.Mutex
	tries   map[spot]int // of mocked nodes, which of the test's ends each is
	entered map[spot]int // how many there are of a node
	lines   []line       // of the log
	emitted []any        // events that nobody took
}

// spot is a place in one of the runs.
type spot struct {
	run string
	run.Place
}

// line is one of the log.
type line struct {
	spot
	at   time.Time
	text string
}

func newPlay(c *Case, env Env) *play {
	p := &play{
		Case: c, callee: env.Callee, clock: clock.NewVirtual(c.now), differ: casefile.Differ{Code: CodeDiffers},
		tries: map[spot]int{}, entered: map[spot]int{},
	}
	p.outside = &outside{clock: p.clock, expected: c.calls, settings: map[string]map[string]any{}}
	for _, s := range c.settings {
		p.outside.settings[s.connection.Value] = s.values
	}
	p.flow = p.withMocks(env.Flow)
	return p
}

// withMocks returns a flow some of whose nodes leave as the test says. Their
// inputs are evaluated all the same.
func (p *play) withMocks(of *flow.Flow) *flow.Flow {
	if len(p.mocks) == 0 {
		return of
	}
	return of.Replaced(func(address string, n *flow.Node) *flow.Node {
		i := slices.IndexFunc(p.mocks, func(m mocked) bool { return m.node.Value == address })
		if i < 0 {
			return n
		}
		mock, kind := *n, *n.Type
		kind.Step = func(_ context.Context, v node.Visit) (node.Action, error) { return p.leave(p.mocks[i], v) }
		mock.Type = &kind
		return &mock
	})
}

// live is a flow by its name: that of the test, or one that is called.
func (p *play) live(name string) *flow.Flow {
	switch {
	case name == p.flow.Name:
		return p.flow
	case p.callee == nil:
		return nil
	default:
		return p.callee(name)
	}
}

// leave is the Step of a mocked node.
func (p *play) leave(m mocked, v node.Visit) (node.Action, error) {
	e := m.ends[0]
	if !m.always {
		nr := p.try(m, spot{v.Run, run.Place{Node: v.Node, Visit: v.Visit, Attempt: v.Attempt}})
		if nr >= len(m.ends) {
			return nil, &node.Fault{Code: "test", Msg: fmt.Sprintf("the test says of %d attempts how they leave, and this is number %d", len(m.ends), nr+1)}
		}
		e = m.ends[nr]
	}
	if e.after > 0 && !v.Woken {
		return node.Sleep{For: e.after}, nil
	}
	return node.Finish{Outcome: e.outcome.Value, Outputs: maps.Clone(e.outputs), Message: e.message, Code: e.code}, nil
}

// try numbers the attempts of a run at a mocked node. One that is made again after
// a crash keeps its number.
func (p *play) try(m mocked, at spot) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	nr, known := p.tries[at]
	if !known {
		all := spot{at.run, run.Place{Node: at.Node}}
		nr = p.entered[all]
		p.tries[at] = nr
		p.entered[all]++
	}
	if nr == len(m.ends) {
		p.differ.Errorf(m.node.Pos, "node %q is tried %d times, and the test says only how %d leave", m.node.Value, nr+1, len(m.ends))
	}
	return nr
}

// config is that of an engine for the run.
func (p *play) config() engine.Config {
	return engine.Config{
		Caller: p.outside, Clock: p.clock, Callee: p.live,
		NewID: func() string { return runID }, NewSeed: func() string { return seed },
		Observers: fact.Observe(p.hear),
	}
}

func (p *play) hear(f fact.Fact) {
	if l, ok := f.(fact.NodeLogged); ok {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.lines = append(p.lines, line{spot{l.Run.ID, l.Place}, l.When(), l.Line})
	}
}

// begin starts the run and lets it go on until nothing can happen any more. A
// problem says why there is none.
func (p *play) begin(ctx context.Context) (*problem.Problem, error) {
	output, err := p.output()
	if refused, ok := errors.AsType[*problem.Problem](err); ok {
		return refused, nil
	}
	if err != nil {
		return nil, err
	}
	cfg := p.config()
	p.memory = &remembering{Memory: journal.NewMemory(keptRuns)}
	p.memory.Now = p.clock.Now
	cfg.Memory = p.memory
	e := engine.New(cfg)
	defer stop(ctx, e)
	idle := p.clock.Busy() // else its time would run before there is a run
	p.deliver(ctx, e, p.Case.events, 0)
	_, _, err = e.Start(ctx, engine.Start{Flow: p.flow, Trigger: p.from(p.flow).ID, Output: output, Variables: p.given()})
	idle()
	if err != nil {
		return nil, err
	}
	return nil, p.wait(ctx, e, p.memory)
}

// childrenIn returns the events of all runs but that of the test.
func childrenIn(ctx context.Context, j journal.Driver) (map[string][]run.Event, error) {
	page, err := j.Runs(ctx, journal.Filter{Limit: keptRuns})
	if err != nil {
		return nil, err
	}
	children := map[string][]run.Event{}
	for _, s := range page.Runs {
		if s.ID == runID {
			continue
		}
		if children[s.ID], err = j.Events(ctx, s.ID); err != nil {
			return nil, err
		}
	}
	return children, nil
}

// keptRuns is more ended runs than one test makes, children included.
const keptRuns = 100_000

// stop ends what is left of a run that can never go on.
func stop(ctx context.Context, e *engine.Engine) {
	now, cancel := context.WithCancel(ctx)
	cancel()
	_ = e.Shutdown(now)
}

// wait returns when nothing can happen any more, with what then is in the journal.
func (p *play) wait(ctx context.Context, e *engine.Engine, j journal.Driver) error {
	if err := p.clock.Stalled(ctx); !errors.Is(err, clock.ErrStalled) {
		return err
	}
	var err error
	if p.events, err = e.Events(ctx, runID); err != nil {
		return fmt.Errorf("read the run's events: %w", err)
	}
	if p.children, err = childrenIn(ctx, j); err != nil {
		return err
	}
	p.emitted, err = p.kept(ctx, e)
	p.sortLines()
	return err
}

// kept are the events that the run emitted, and nobody took.
func (p *play) kept(ctx context.Context, e *engine.Engine) ([]any, error) {
	page, err := e.Letters(ctx, journal.LetterFilter{Limit: 1000})
	if err != nil {
		return nil, err
	}
	given := map[string]bool{}
	for _, ev := range p.Case.events {
		given[ev.id] = true
	}
	p.sortLetters(page.Letters)
	kept := []any{}
	for _, l := range page.Letters {
		if given[l.ID] {
			continue
		}
		m := map[string]any{"name": l.Name, "key": l.Key}
		if v, err := data.DecodeJSON(l.Data); err == nil && v != nil {
			m["data"] = v
		}
		kept = append(kept, m)
	}
	return kept, nil
}

func (p *play) given() map[string]any {
	vars := map[string]any{}
	for _, v := range p.variables {
		vars[v.name.Value] = v.data
	}
	return vars
}

// output is what the trigger gives to the run; the error is a *problem.Problem
// if it refuses.
func (p *play) output() (map[string]any, error) {
	n := p.from(p.flow)
	hook, ok := n.Trigger.(*node.Hook)
	if !ok {
		body := p.trigger.body
		if body == nil {
			body = []byte("{}")
		}
		return trigger.ByHand(n, body, trigger.Request{}, p.clock.Now())
	}
	if p.trigger.unsigned {
		return nil, problem.New(http.StatusUnauthorized, "the request does not prove who it is from")
	}
	query := url.Values{}
	for name, text := range p.trigger.query {
		query.Set(name, text)
	}
	method, path := cmp.Or(p.trigger.method, hook.Methods[0]), hook.Path.String()
	for name, text := range p.trigger.params {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(text))
	}
	body, contentType, err := p.trigger.sent(hook)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(method, webhook.Prefix+path+"?"+query.Encode(), bytes.NewReader(body)) //nolint:noctx // it is not sent
	if err != nil {
		return nil, err
	}
	for name, text := range p.trigger.headers {
		r.Header.Set(name, text)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return webhook.Output(catalog.Hook{Hook: hook, Flow: p.flow, Node: n}, r, p.trigger.params, body)
}

// eventsKept is how long an event of a test is kept for a run that does not wait
// for it yet.
const eventsKept = 24 * time.Hour

// deliver has events come, each so long after the start as it says. Those that
// come at once are there before the run. already is how long ago the start is.
func (p *play) deliver(ctx context.Context, e *engine.Engine, events []event, already time.Duration) {
	for _, ev := range events {
		wait := ev.at - already
		if wait <= 0 {
			p.offer(ctx, e, ev)
			continue
		}
		clock.Go(p.clock, func() {
			if clock.Sleep(ctx, p.clock, wait) == nil {
				p.offer(ctx, e, ev)
			}
		})
	}
}

func (p *play) offer(ctx context.Context, e *engine.Engine, ev event) {
	_, err := e.Deliver(ctx, p.letter(ev))
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil && !ev.refused:
		p.differ.Errorf(ev.pos, "the event is refused: %s", err).Hint = "if that is meant, say refused: true"
	case err == nil && ev.refused:
		p.differ.Errorf(ev.pos, "the event is not refused")
	}
}

func (p *play) letter(ev event) journal.Event {
	doc, err := json.Marshal(ev.data)
	if err != nil || ev.data == nil {
		doc = nil
	}
	return journal.Event{ID: ev.id, Name: ev.name, Key: ev.key, Data: doc, Expires: p.clock.Now().Add(eventsKept)}
}

// bodies are the ways of the runs that were made of bodies of the flow.
func (p *play) bodies() (map[string][][]run.Trace, error) {
	var ways map[string][][]run.Trace
	children := slices.Collect(maps.Values(p.children))
	slices.SortFunc(children, inOrder)
	for _, events := range children {
		first := events[0].(run.RunStarted)
		body := p.flow.Body(first.Parent.Body)
		if first.Flow != p.flow.Name || body == nil {
			continue
		}
		way, err := run.Traces(body, events)
		if err != nil {
			return nil, fmt.Errorf("child run %s: %w", first.Run, err)
		}
		if ways == nil {
			ways = map[string][][]run.Trace{}
		}
		ways[body.Path] = append(ways[body.Path], way[1:]) // nobody wrote the head
	}
	return ways, nil
}

// result compares what came about with what the case wants.
func (p *play) result(refused *problem.Problem) (*Result, error) {
	r := &Result{Case: p.Case}
	if refused != nil {
		r.Reason = refused.Error()
		p.compareRefusal(refused)
	} else {
		report, err := run.NewReport(p.flow, p.events)
		if err != nil {
			return nil, err
		}
		r.Way, r.Reason = report.Nodes, report.Reason
		if r.Bodies, err = p.bodies(); err != nil {
			return nil, err
		}
		p.inside = r.Bodies
		p.compareRun(report)
	}
	p.outside.compare(&p.differ, p.Case)
	r.Mistakes = p.differ.Found.Sorted()
	return r, nil
}
