package backtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

// compare tells how what the runs do now differs from what they did.
func (p *play) compare() {
	for _, id := range p.order {
		was := p.was[id]
		if now := p.made[id]; now != nil {
			c := comparison{p: p, flow: was.flow, was: was, now: newPast(now, false)}
			c.run()
			continue
		}
		if first, ok := was.events[0].(run.RunStarted); ok && !p.res.Unknown {
			p.res.add(Difference{Flow: first.Flow, Kind: Child, Node: parentNode(first), What: "not made", Was: "run " + id})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.made)) {
		first, ok := p.made[id][0].(run.RunStarted)
		if ok && len(p.was[id].events) == 0 {
			p.res.add(Difference{Flow: first.Flow, Kind: Child, Node: parentNode(first), What: "new", Is: "run " + id})
		}
	}
}

func parentNode(first run.RunStarted) string {
	if first.Parent == nil {
		return ""
	}
	return first.Parent.Node
}

// comparison is of one run.
type comparison struct {
	p        *play
	flow     string
	was, now *past
}

func (c *comparison) add(kind, id, what, was, is string) {
	c.p.res.add(Difference{Flow: c.flow, Kind: kind, Node: id, What: what, Was: was, Is: is})
}

func (c *comparison) run() {
	c.way()
	c.nodes()
	if c.p.res.Unknown {
		return // nobody knows how it would have gone on
	}
	c.end()
	c.response()
	for _, call := range c.was.calls {
		if !call.taken {
			c.add(Call, call.Node, "not made", call.Method+" "+call.URL, "")
		}
	}
}

// step is a visit of a node, with the outcome of its last attempt.
type step struct {
	node    string
	visit   int
	outcome string
}

func wayOf(events []run.Event) []step {
	var way []step
	for _, e := range events {
		switch e := e.(type) {
		case run.RunStarted:
			way = append(way, step{node: e.Trigger, visit: 1})
		case run.NodeFinished:
			s := step{e.Node, e.Visit, e.Outcome}
			if last := &way[len(way)-1]; last.node == s.node && last.visit == s.visit {
				*last = s
			} else {
				way = append(way, s)
			}
		default: // is on the way
		}
	}
	return way
}

// way tells the first step at which the run goes another way.
func (c *comparison) way() {
	was, now := wayOf(c.was.events), wayOf(c.now.events)
	for i := range max(len(was), len(now)) {
		if c.p.res.Unknown && (i >= len(was) || i >= len(now)) {
			return
		}
		from, to := step{node: "its end"}, step{node: "its end"}
		if i < len(was) {
			from = was[i]
		}
		if i < len(now) {
			to = now[i]
		}
		switch {
		case from == to:
			continue
		case from.node == to.node && from.visit == to.visit:
			c.add(Way, from.node, arrow(outcomeText(from.outcome), outcomeText(to.outcome)), "", c.why(to))
		case i > 0:
			c.add(Way, was[i-1].node, "to "+arrow(from.node, to.node), "", "")
		}
		return
	}
}

func outcomeText(name string) string {
	if name == "" {
		return "no outcome"
	}
	return name
}

func arrow(was, is string) string { return was + " -> " + is }

// why is the message with which a node leaves now.
func (c *comparison) why(s step) string {
	for at, f := range c.now.finished {
		if at.Node == s.node && at.Visit == s.visit && f.Outcome == s.outcome {
			return short(f.Message)
		}
	}
	return ""
}

// nodes compares what nodes gave that left as they did.
func (c *comparison) nodes() {
	for _, e := range c.was.events {
		was, ok := e.(run.NodeFinished)
		if !ok {
			continue
		}
		now, ok := c.now.finished[was.Place]
		if !ok || now.Outcome != was.Outcome {
			continue
		}
		c.values(Outputs, was.Node, "", was.Outputs, now.Outputs)
		c.values(Variables, was.Node, "", was.Set, now.Set)
	}
}

func endText(events []run.Event) (text, reason string) {
	switch e := events[len(events)-1].(type) {
	case run.RunEnded:
		words := []string{string(e.Status)}
		for _, word := range []string{e.Outcome, e.Code} {
			if word != "" {
				words = append(words, word)
			}
		}
		return strings.Join(words, " "), e.Reason
	case run.RunCancelled:
		return string(run.Cancelled), e.Reason
	default:
		return "not ended", ""
	}
}

func (c *comparison) end() {
	was, before := endText(c.was.events)
	is, reason := endText(c.now.events)
	if was != is {
		c.add(Outcome, "", arrow(was, is), short(before), short(reason))
	}
}

func responseOf(events []run.Event) *node.Response {
	for _, e := range events {
		if r, ok := e.(run.RunResponded); ok {
			return &r.Response
		}
	}
	return nil
}

func (c *comparison) response() {
	was, now := responseOf(c.was.events), responseOf(c.now.events)
	switch {
	case was == nil && now == nil:
	case was == nil:
		c.add(Response, "", "new", "", strconv.Itoa(now.Status)+" "+shown(now.Body))
	case now == nil:
		c.add(Response, "", "none", strconv.Itoa(was.Status)+" "+shown(was.Body), "")
	default:
		if was.Status != now.Status {
			c.add(Response, "", "status "+arrow(strconv.Itoa(was.Status), strconv.Itoa(now.Status)), "", "")
		}
		c.values(Response, "", "headers", was.Headers, now.Headers)
		c.values(Response, "", "body", was.Body, now.Body)
	}
}

// values tells the places at which two values differ.
func (c *comparison) values(kind, id, what string, was, now any) {
	before, errBefore := json.Marshal(was)
	after, errAfter := json.Marshal(now)
	if errBefore == nil && errAfter == nil && bytes.Equal(before, after) {
		return
	}
	a, errBefore := data.DecodeJSON(before)
	b, errAfter := data.DecodeJSON(after)
	if errBefore != nil || errAfter != nil {
		c.add(kind, id, what, fmt.Sprint(was), fmt.Sprint(now))
		return
	}
	c.leaves(kind, id, what, a, b)
}

// leaves tells the innermost places. Items of a list have one name, so that runs
// which differ in the same thing say so in the same words.
func (c *comparison) leaves(kind, id, path string, was, now any) {
	switch was := was.(type) {
	case map[string]any:
		if now, ok := now.(map[string]any); ok {
			names := map[string]bool{}
			for name := range was {
				names[name] = true
			}
			for name := range now {
				names[name] = true
			}
			for _, name := range slices.Sorted(maps.Keys(names)) {
				c.leaves(kind, id, strings.TrimPrefix(path+"."+name, "."), was[name], now[name])
			}
			return
		}
	case []any:
		if now, ok := now.([]any); ok && len(was) == len(now) {
			for i := range was {
				c.leaves(kind, id, path+"[]", was[i], now[i])
			}
			return
		}
	}
	if a, b := shown(was), shown(now); a != b || !equal(was, now) {
		c.add(kind, id, path, a, b)
	}
}

func equal(a, b any) bool {
	x, errX := data.JSON(a)
	y, errY := data.JSON(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
