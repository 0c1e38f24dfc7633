package nodes

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/node"
)

type parallelIn struct {
	Branches map[string]branchIn `json:"branches" doc:"What runs side by side, by names under which the results stand: each a flow with its input, or nodes of its own. At most 100."`
	Wait     string              `json:"wait,omitempty" enum:"all,first" default:"all" doc:"For all branches, or for the first that completes; the others are then cancelled."`
}

// branchIn is a branch, and the body of any node that takes a flow or nodes.
type branchIn struct {
	Flow  string         `json:"flow,omitempty" x-wend:"literal" doc:"Name of the flow to run, in place of nodes."`
	Input map[string]any `json:"input,omitempty" doc:"What the flow is run with, as the schema of its trigger has it."`
	Nodes map[string]any `json:"nodes,omitempty" x-wend:"body" doc:"The nodes to run, as in a flow, in place of a flow. They read the names of the flow around them."`
	Start string         `json:"start,omitempty" x-wend:"literal" doc:"The node at which those nodes begin. Without it, the one to which no route leads."`
}

const (
	someFailed  = "someFailed"
	maxBranches = 100
)

// parallel runs branches side by side.
func parallel() *node.Type {
	return node.Define[parallelIn, struct{}](node.Type{
		Name:  "parallel",
		Title: "Side by side",
		Doc: "Runs branches side by side, each with a run of its own, and waits for all of them, or for the first that completes. " +
			"results has what each branch gave where it ended, by its name; failed says of each that failed why; first is the one that completed first.",
		Waits:   true,
		Outputs: node.MustSchema(openObject(nil)),
		Outcomes: outcomes("All branches completed, or the first of them.", "The branches could not be run: a flow is not there, or runs call each other too deep.",
			node.Outcome{Name: someFailed, Doc: "A branch failed. With wait: first, all of them did."},
			node.Outcome{Name: onTimeout, Doc: "The node's timeout was over; the branches that had not ended are cancelled."}),
		Shape: shapeParallel,
	}, stepParallel)
}

var branchName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func shapeParallel(with map[string]any) (node.Shape, []node.Problem) {
	branches, _ := with["branches"].(map[string]any)
	problems := fixed(with, "wait")
	if n := len(branches); n > maxBranches || n == 0 && with["branches"] != nil {
		problems = append(problems, node.Problem{Path: []string{"branches"}, Msg: fmt.Sprintf("branches: there are %d, expected 1 to %d", n, maxBranches)})
	}
	shape := node.Shape{}
	results, names := map[string]any{}, []any{}
	first := with["wait"] == "first"
	for _, name := range slices.Sorted(maps.Keys(branches)) {
		path := []string{"branches", name}
		if !branchName.MatchString(name) {
			problems = append(problems, node.Problem{Path: path, Key: true, Msg: fmt.Sprintf("the branch %q has no name that templates can read", name), Hint: "expected letters, digits and _"})
		}
		branch, _ := branches[name].(map[string]any)
		problems = append(problems, shapeBranch(&shape, branch, path, node.Body{Name: name, Gives: []string{"results", name}, Maybe: first})...)
		results[name] = map[string]any{"type": "object"}
		names = append(names, name)
	}
	outputs, err := node.NewSchema(map[string]any{
		"type": "object", "additionalProperties": false, "required": []any{"results", "failed"},
		"properties": map[string]any{
			"results": map[string]any{"type": "object", "properties": results, "required": names, "additionalProperties": false},
			"failed":  map[string]any{"type": "array", "items": failureSchema(map[string]any{"branch": map[string]any{"type": "string"}})},
			"first":   map[string]any{"type": "string"},
		},
	})
	if err != nil {
		return shape, append(problems, node.Problem{Path: []string{"branches"}, Msg: err.Error()})
	}
	shape.Outputs = outputs
	return shape, problems
}

// failureSchema is of why a child run failed, with what tells it from the others.
func failureSchema(which map[string]any) map[string]any {
	props := map[string]any{"run": map[string]any{"type": "string"}, "code": map[string]any{"type": "string"}, "message": map[string]any{"type": "string"}}
	required := []any{"code", "message"}
	for name, schema := range which {
		props[name], required = schema, append(required, name)
	}
	return map[string]any{"type": "object", "properties": props, "required": required, "additionalProperties": false}
}

// shapeBranch adds the flow or the nodes that stand among inputs.
func shapeBranch(shape *node.Shape, given map[string]any, path []string, body node.Body) []node.Problem {
	at := func(name string) []string { return append(slices.Clone(path), name) }
	where := strings.Join(append(slices.Clone(path), ""), ".")
	_, flow := given["flow"]
	nodes, has := given["nodes"]
	switch {
	case flow && has:
		return []node.Problem{{Path: at("nodes"), Key: true, Msg: where + "nodes: there is a flow to run as well", Hint: "leave one of the two out"}}
	case !flow && !has:
		return []node.Problem{{Path: path, Msg: strings.TrimSuffix(where+"nodes: ", " ") + " there is nothing to run", Hint: "give nodes, or a flow by its name"}}
	case flow:
		name, _ := given["flow"].(string)
		if isTemplate(name) {
			return []node.Problem{takesNoTemplate(at("flow")...)}
		}
		shape.Callees = append(shape.Callees, node.Callee{Flow: name, Name: at("flow"), Input: at("input"), Items: body.Items, Gives: body.Gives, Maybe: body.Maybe})
		for _, other := range []string{"start"} {
			if _, ok := given[other]; ok {
				return []node.Problem{{Path: at(other), Key: true, Msg: where + other + ": it is for nodes, and here a flow is run"}}
			}
		}
	default:
		if m, ok := nodes.(map[string]any); !ok || len(m) == 0 {
			return []node.Problem{{Path: at("nodes"), Msg: where + "nodes: expected a mapping from ids to nodes"}}
		}
		if _, ok := given["input"]; ok {
			return []node.Problem{{Path: at("input"), Key: true, Msg: where + "input: it is for a flow", Hint: "nodes read the names of the flow around them"}}
		}
		body.Path = path
		shape.Bodies = append(shape.Bodies, body)
	}
	return nil
}

func stepParallel(_ context.Context, v node.Visit, in parallelIn) (node.Action, error) {
	names := slices.Sorted(maps.Keys(in.Branches))
	if !v.Spawned {
		spawn := node.Spawn{Count: len(names), Child: func(i int) (node.Child, error) {
			b := in.Branches[names[i]]
			if b.Flow == "" {
				return node.Child{Body: names[i]}, nil
			}
			return node.Child{Flow: b.Flow, Input: b.Input}, nil
		}}
		for _, name := range names {
			if flow := in.Branches[name].Flow; flow != "" && !slices.Contains(spawn.Flows, flow) {
				spawn.Flows = append(spawn.Flows, flow)
			}
		}
		if in.Wait == "first" {
			spawn.Enough = func(end node.ChildEnd) bool { return !end.Failed }
		}
		return spawn, nil
	}
	results, failures := map[string]any{}, []any{}
	for _, name := range names {
		results[name] = map[string]any{}
	}
	outputs := map[string]any{"results": results}
	if first := slices.IndexFunc(v.Children, func(end node.ChildEnd) bool { return !end.Failed }); first >= 0 {
		outputs["first"] = names[v.Children[first].Index]
	}
	ends := slices.Clone(v.Children) // in the order of their names, so that it tells nothing who was faster
	slices.SortFunc(ends, func(a, b node.ChildEnd) int { return a.Index - b.Index })
	for _, end := range ends {
		name := names[end.Index]
		if end.Outputs != nil {
			results[name] = end.Outputs
		}
		if end.Failed {
			failures = append(failures, failureOf(end, map[string]any{"branch": name}))
		}
	}
	outputs["failed"] = failures
	f := node.Finish{Outcome: success, Outputs: outputs}
	enough := in.Wait == "first" && outputs["first"] != nil
	cut := len(ends) < len(names) || slices.ContainsFunc(ends, func(end node.ChildEnd) bool { return end.Cancelled })
	switch {
	case v.Woken && cut && !enough:
		f.Outcome, f.Code = onTimeout, "timeout"
		f.Message = fmt.Sprintf("%d of %d branches had not completed in time", len(failures), len(names))
	case len(failures) > 0 && !enough:
		f.Outcome, f.Code, f.Message = someFailed, ends[firstFailed(ends)].Code, failureText("branch", names, ends)
	}
	return f, nil
}

// failureOf says why a child run failed.
func failureOf(end node.ChildEnd, which map[string]any) map[string]any {
	which["code"], which["message"] = end.Code, end.Reason
	if end.Run != "" {
		which["run"] = end.Run
	}
	return which
}

func firstFailed(ends []node.ChildEnd) int {
	return slices.IndexFunc(ends, func(end node.ChildEnd) bool { return end.Failed })
}

// failureText says how many children failed, and why the first did.
func failureText(what string, names []string, ends []node.ChildEnd) string {
	n := 0
	for _, end := range ends {
		if end.Failed {
			n++
		}
	}
	first := ends[firstFailed(ends)]
	text := fmt.Sprintf("%s %q failed: %s", what, names[first.Index], first.Reason)
	if n > 1 {
		text = fmt.Sprintf("%d of %d failed; first %s", n, len(names), text)
	}
	return text
}
