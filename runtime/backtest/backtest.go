// Package backtest makes runs of the past again as they would go now: with the
// flows, plugins and settings of today, what came in then, and each reply whose call
// is the same. The engine is the real one; its time is virtual, and goes by what is
// on record of the run, so that what has not changed comes to the same to the last
// digit. No network is reached, and no secret is needed.
package backtest

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/record"
	"github.com/wendflow/wend/runtime/run"
)

// Config is what runs are made again with. It is not changed.
type Config struct {
	Flow     func(name string) *flow.Flow // as it is now, with its plugins loaded; nil: there is none
	Settings func(connection string) map[string]any
	// Bounds, Store and Depth are those of engine.Config.
	Bounds run.Bounds
	Store  journal.ValueBounds
	Depth  int
	// Assume says by which outcome a node leaves that makes a call whose reply is not
	// known.
	Assume []Assumption
}

// Assumption is how a node leaves in place of a call whose reply is not known.
type Assumption struct {
	Flow          string // empty: any
	Node, Outcome string
}

// ParseAssumption reads NODE=OUTCOME or FLOW:NODE=OUTCOME.
func ParseAssumption(text string) (Assumption, error) {
	at, outcome, ok := strings.Cut(text, "=")
	name, id, named := strings.Cut(at, ":")
	if !named {
		name, id = "", at
	}
	if !ok || id == "" || outcome == "" || named && name == "" {
		return Assumption{}, fmt.Errorf("%q: expected NODE=OUTCOME or FLOW:NODE=OUTCOME, such as n4=onTimeout", text)
	}
	return Assumption{name, id, outcome}, nil
}

// Fits returns nil if one of the flows has such a node, which has such an outcome.
func (a Assumption) Fits(flows []*flow.Flow) error {
	var outcomes []string
	found := false
	for _, f := range flows {
		if a.Flow != "" && f.Name != a.Flow {
			continue
		}
		for n := range f.All() {
			if n.ID != a.Node {
				continue
			}
			if n.Outcomes.Has(a.Outcome) {
				return nil
			}
			found = true
			outcomes = append(outcomes, n.Outcomes.Names()...)
		}
	}
	if !found {
		of := "no flow"
		if a.Flow != "" {
			of = fmt.Sprintf("no flow %q that", a.Flow)
		}
		return fmt.Errorf("%s has a node %q", of, a.Node)
	}
	slices.Sort(outcomes)
	return fmt.Errorf("node %q has no outcome %q; it has %s", a.Node, a.Outcome, strings.Join(slices.Compact(outcomes), ", "))
}

// Result is what came of making a run again.
type Result struct {
	Run, Flow string
	// LeftOut is why the run could not be made again; then there is nothing else.
	LeftOut string
	// Differences are between what the run did and what it does now, none twice. Of a
	// run that came to a call whose reply is not known only those up to there are told.
	Differences []Difference
	Unknown     bool
}

// Kinds of differences.
const (
	Start     = "start"     // the run does not begin any more
	Way       = "way"       // the node to which it goes, or the outcome by which it leaves one
	Outcome   = "outcome"   // of the run
	Response  = "response"  // to the caller
	Call      = "call"      // made now, not made any more, or made with another address or body
	Outputs   = "outputs"   // of a node that left by the same outcome
	Variables = "variables" // as a node set them
	Child     = "child"     // a run that is made now, or is not made any more
	Store     = "store"     // a value whose content is not on record
)

// Difference is one between a run and the same now.
type Difference struct {
	Flow string // of the run itself, or of one that it had made
	Kind string
	Node string // empty: of the whole run
	What string // is the same for all runs that differ in the same thing
	// Was and Is are what differs in this run, for people; empty if What says it all.
	Was, Is string
}

// Name says for programs and people what differs, without what is of a single run.
func (d Difference) Name() string {
	words := []string{d.Flow, d.Kind}
	if d.Node != "" {
		words = append(words, d.Node)
	}
	return strings.Join(append(words, d.What), " ")
}

// add notes a difference, unless it is there.
func (r *Result) add(d Difference) {
	name := d.Name()
	if !slices.ContainsFunc(r.Differences, func(o Difference) bool { return o.Name() == name }) {
		r.Differences = append(r.Differences, d)
	}
}

// All makes runs again as they come, as many side by side as there are processors,
// and calls each with one result after the other, in no order. It holds no more runs
// than that. The error is ctx's, or that of runs.
func All(ctx context.Context, cfg Config, runs iter.Seq2[*record.Run, error], each func(*Result)) error {
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	var one sync.Mutex
	for r, err := range runs {
		if err != nil || running.Err() != nil {
			group.Go(func() error { return err })
			break
		}
		group.Go(func() error {
			res, err := Play(running, cfg, r)
			if err != nil {
				return fmt.Errorf("make run %s again: %w", r.ID, err)
			}
			one.Lock()
			defer one.Unlock()
			each(res)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// Play makes one run again. The error is ctx's, or one of the journal.
func Play(ctx context.Context, cfg Config, r *record.Run) (*Result, error) {
	res := &Result{Run: r.ID, Flow: r.Flow}
	if res.LeftOut = leftOut(r); res.LeftOut != "" {
		return res, nil
	}
	first, _ := r.Events[0].(run.RunStarted)
	f := cfg.Flow(first.Flow)
	if why := refusal(f, first); why != "" {
		res.add(Difference{Flow: first.Flow, Kind: Start, Node: first.Trigger, What: "refused", Is: why})
		return res, nil
	}
	p := newPlay(cfg, r, res)
	if err := p.begin(ctx, f, first); err != nil {
		return nil, err
	}
	p.compare()
	return res, nil
}

// leftOut is why a run cannot be made again.
func leftOut(r *record.Run) string {
	switch {
	case r.Missing != "":
		return r.Missing
	case len(r.Events) == 0:
		return "it has not ended"
	}
	first, ok := r.Events[0].(run.RunStarted)
	switch {
	case !ok:
		return "its events do not begin with its start"
	case first.Parent != nil:
		return "another run had it made; record that one"
	case first.Children != nil:
		return "it goes on with runs that an earlier run had made"
	}
	there := map[string]bool{}
	for _, events := range r.Children {
		if began, ok := events[0].(run.RunStarted); ok {
			there[began.Run] = true
		}
	}
	for _, events := range append([][]run.Event{r.Events}, r.Children...) {
		if why := unfit(events, there); why != "" {
			return why
		}
	}
	return ""
}

// unfit is what is missing of one run.
func unfit(events []run.Event, there map[string]bool) string {
	last := events[len(events)-1]
	_, ended := last.(run.RunEnded)
	_, cancelled := last.(run.RunCancelled)
	if !ended && !cancelled {
		return "it has not ended"
	}
	open := map[spot]run.CallStarted{}
	for _, e := range events {
		switch e := e.(type) {
		case run.CallStarted:
			open[callAt(e.Place, e.Call)] = e
		case run.CallReplied:
			delete(open, callAt(e.Place, e.Call))
			if e.Reply.Status == 0 && e.Reply.Failure == "" {
				return fmt.Sprintf("the reply to a call of node %q is empty on record", e.Node)
			}
		case run.ChildEnded:
			if e.Run != "" && !there[e.Run] {
				return fmt.Sprintf("a run that node %q had made is not on record with it; `wend runs export` writes both", e.Node)
			}
		default: // has nothing that could be missing
		}
	}
	for _, e := range open {
		if !cancelled { // else the reply may not have come
			return fmt.Sprintf("the reply to a call of node %q is not on record", e.Node)
		}
	}
	return ""
}

// refusal is why a flow does not begin with what a run began with.
func refusal(f *flow.Flow, first run.RunStarted) string {
	if f == nil {
		return fmt.Sprintf("there is no flow %q", first.Flow)
	}
	n := f.Nodes[first.Trigger]
	if n == nil || !n.Type.Starts() {
		return fmt.Sprintf("flow %q has no trigger %q", f.Name, first.Trigger)
	}
	if first.From != "" && f.Nodes[first.From] == nil {
		return fmt.Sprintf("flow %q has no node %q, at which the run was taken up", f.Name, first.From)
	}
	if hook, ok := n.Trigger.(*node.Hook); ok {
		request, _ := first.Output["request"].(map[string]any)
		if method, _ := request["method"].(string); method != "" && !slices.Contains(hook.Methods, method) {
			return fmt.Sprintf("trigger %q takes no %s", n.ID, method)
		}
	}
	if problems := n.Outputs.Validate(first.Output); problems != nil {
		return fmt.Sprintf("trigger %q refuses it: %s", n.ID, node.FormatProblems(problems))
	}
	return ""
}

// shown is a value for people, not too long.
func shown(v any) string {
	text, err := data.JSON(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return short(string(text))
}

const longest = 160

func short(text string) string {
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
