package nodes

import (
	"context"
	"fmt"
	"slices"

	"github.com/wendflow/wend/runtime/node"
)

type foreachIn struct {
	Items       any            `json:"items" type:"array" doc:"The list. At most 10,000 items."`
	Flow        string         `json:"flow,omitempty" x-wend:"literal" doc:"Name of the flow that is run for each item, in place of nodes."`
	Input       node.Late      `json:"input,omitempty" x-wend:"each" doc:"What the flow is run with, as the schema of its trigger has it. Its templates read item and its index, from 0."`
	Nodes       map[string]any `json:"nodes,omitempty" x-wend:"body" doc:"The nodes that are run for each item, as in a flow, in place of a flow. They read item and index, and the names of the flow around them."`
	Start       string         `json:"start,omitempty" x-wend:"literal" doc:"The node at which those nodes begin. Without it, the one to which no route leads."`
	Concurrency *int           `json:"concurrency,omitempty" doc:"How many items are worked on at a time, 1 to 1,000. 10 if not given."`
	OnFailure   string         `json:"onFailure,omitempty" enum:"collect,stop" default:"collect" doc:"What a failed item means for the others: collect goes on with them, stop cancels those under way and begins no more."`
}

// Bounds of one foreach.
const (
	maxItems           = 10_000
	maxConcurrency     = 1000
	defaultConcurrency = 10
)

// foreach runs a flow for each item of a list.
func foreach() *node.Type {
	item := failureSchema(map[string]any{"index": map[string]any{"type": "integer"}})
	return node.Define[foreachIn, struct{}](node.Type{
		Name:  "foreach",
		Title: "For each item",
		Doc: "Runs a flow, or nodes written inside it, for each item of a list, each with a run of its own and several at a time, and waits for all. " +
			"results has what each gave where it ended, in the order of the items; failed says which failed and why; completed is how many did not. An empty list is success.",
		Waits: true,
		Outputs: node.MustSchema(map[string]any{
			"type": "object", "additionalProperties": false, "required": []any{"results", "failed", "completed"},
			"properties": map[string]any{
				"results":   map[string]any{"type": "array", "items": map[string]any{"type": "object"}},
				"failed":    map[string]any{"type": "array", "items": item},
				"completed": map[string]any{"type": "integer"},
			},
		}),
		Outcomes: outcomes("Every item completed.", "The list is none or too long, the flow is not there, or runs call each other too deep.",
			node.Outcome{Name: someFailed, Doc: "An item failed. With onFailure: stop, the items after it may not have begun."},
			node.Outcome{Name: onTimeout, Doc: "The node's timeout was over; the items that had not ended are cancelled."}),
		Shape: shapeForeach,
	}, stepForeach)
}

func shapeForeach(with map[string]any) (node.Shape, []node.Problem) {
	problems := fixed(with, "onFailure")
	if n, ok := with["concurrency"].(int); ok && (n < 1 || n > maxConcurrency) {
		problems = append(problems, node.Problem{Path: []string{"concurrency"}, Msg: fmt.Sprintf("concurrency: %d, expected 1 to %d", n, maxConcurrency)})
	}
	if list, ok := with["items"].([]any); ok && len(list) > maxItems {
		problems = append(problems, node.Problem{Path: []string{"items"}, Msg: "items: " + tooManyItems(len(list))})
	}
	var shape node.Shape
	body := node.Body{Items: []string{"items"}, Gives: []string{"results", "[]"}, Maybe: true}
	return shape, append(problems, shapeBranch(&shape, with, nil, body)...)
}

func tooManyItems(n int) string {
	return fmt.Sprintf("there are %d, expected %d at most", n, maxItems)
}

var aList = node.MustSchema(map[string]any{"type": "array"})

func stepForeach(_ context.Context, v node.Visit, in foreachIn) (node.Action, error) {
	// The engine looks at no input where another is left to the node.
	if p := aList.Validate(in.Items); p != nil {
		return nil, wrong("items", "%s", node.FormatProblems(p))
	}
	items, _ := in.Items.([]any)
	switch {
	case len(items) > maxItems:
		return nil, wrong("items", "%s", tooManyItems(len(items)))
	case in.most() < 1 || in.most() > maxConcurrency:
		return nil, wrong("concurrency", "%d, expected 1 to %d", in.most(), maxConcurrency)
	case len(items) == 0:
		return node.Finish{Outcome: success, Outputs: map[string]any{"results": []any{}, "failed": []any{}, "completed": 0}}, nil
	case !v.Spawned:
		return in.spawn(items), nil
	default:
		return in.gather(v, len(items)), nil
	}
}

// most is how many items are worked on at a time.
func (in foreachIn) most() int {
	if in.Concurrency == nil {
		return defaultConcurrency
	}
	return *in.Concurrency
}

func (in foreachIn) spawn(items []any) node.Spawn {
	spawn := node.Spawn{Count: len(items), Most: in.most()}
	if in.OnFailure == "stop" {
		spawn.Enough = func(end node.ChildEnd) bool { return end.Failed }
	}
	if in.Flow != "" {
		spawn.Flows = []string{in.Flow}
	}
	spawn.Child = func(i int) (node.Child, error) {
		names := map[string]any{"item": items[i], "index": i}
		if in.Flow == "" {
			return node.Child{Names: names}, nil
		}
		child := node.Child{Flow: in.Flow}
		if in.Input == nil {
			return child, nil
		}
		v, err := in.Input.Eval(names)
		if err != nil {
			return child, fmt.Errorf("input: %w", err)
		}
		child.Input, _ = v.(map[string]any)
		return child, nil
	}
	return spawn
}

// gather makes of the ends what the node gives: results by item, failures in the
// order of the items.
func (in foreachIn) gather(v node.Visit, count int) node.Finish {
	results := make([]any, count)
	for i := range results {
		results[i] = map[string]any{}
	}
	ends := slices.SortedFunc(slices.Values(v.Children), func(a, b node.ChildEnd) int { return a.Index - b.Index })
	failures, completed := []any{}, 0
	for _, end := range ends {
		if end.Outputs != nil {
			results[end.Index] = end.Outputs
		}
		if !end.Failed {
			completed++
			continue
		}
		failures = append(failures, failureOf(end, map[string]any{"index": end.Index}))
	}
	f := node.Finish{Outcome: success, Outputs: map[string]any{"results": results, "failed": failures, "completed": completed}}
	switch {
	case v.Woken:
		f.Outcome, f.Code = onTimeout, "timeout"
		f.Message = fmt.Sprintf("%d of %d items had not completed in time", count-completed, count)
	case completed < count:
		// The first in the list that was not stopped because of another.
		first := slices.IndexFunc(ends, func(end node.ChildEnd) bool { return end.Failed && !end.Cancelled })
		if first < 0 {
			first = firstFailed(ends)
		}
		f.Outcome, f.Code = someFailed, ends[first].Code
		f.Message = fmt.Sprintf("item %d failed: %s", ends[first].Index, ends[first].Reason)
		if n := len(failures); n > 1 {
			f.Message = fmt.Sprintf("%d of %d items failed, the first: %s", n, count, f.Message)
		}
	}
	return f
}
