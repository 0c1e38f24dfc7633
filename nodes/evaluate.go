package nodes

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wendflow/wend/runtime/node"
)

type evaluateIn struct {
	Set      node.Assignments `json:"set,omitempty" x-wend:"set" doc:"Variables of the flow and their new values. Each value sees those set before it."`
	Outputs  node.Late        `json:"outputs,omitempty" x-wend:"late" doc:"A map of values that later nodes read under this node's id. It sees the variables just set."`
	Branches []branch         `json:"branches,omitempty" doc:"Ways out, tried in order once the variables are set. The first whose condition holds is taken; if none does, the node leaves by success."`
}

type branch struct {
	When    node.Late `json:"when" x-wend:"condition" doc:"Boolean expression, without $( )."`
	Outcome string    `json:"outcome" doc:"Name of the outcome to leave by. The flow routes it under outcomes."`
}

type evaluateOut struct{}

// evaluate sets variables and branches.
func evaluate() *node.Type {
	return node.Define[evaluateIn, evaluateOut](node.Type{
		Name:  "evaluate",
		Title: "Evaluate",
		Doc: "Sets variables of the run, gives outputs of its own and decides where it goes on. Besides success, the node has the outcomes that its branches name. " +
			"Nothing is set if any value or condition cannot be evaluated.",
		Idempotent: true,
		Outcomes:   evaluateOutcomes,
		Shape:      shapeEvaluate,
	}, stepEvaluate)
}

var evaluateOutcomes = outcomes("No branch's condition holds, or there are no branches.",
	"A value or a condition cannot be evaluated.")

func shapeEvaluate(with map[string]any) (node.Shape, []node.Problem) {
	branches, _ := with["branches"].([]any)
	if len(branches) == 0 && with["set"] == nil && with["outputs"] == nil {
		return node.Shape{}, []node.Problem{{Msg: "evaluate has nothing to do", Hint: "give set, outputs or branches"}}
	}
	shape, problems := shapeOutputs(with["outputs"])
	problems = append(problems, neverTaken(branches)...)
	known := map[string]bool{}
	for _, o := range evaluateOutcomes.All {
		known[o.Name] = true
	}
	for i, v := range branches {
		b, _ := v.(map[string]any)
		name, ok := b["outcome"].(string)
		switch {
		case !ok: // that it must be there, and be text, is told by the schema
		case isTemplate(name):
			problems = append(problems, takesNoTemplate("branches", strconv.Itoa(i), "outcome"))
		case name == "" || name == "else":
			problems = append(problems, node.Problem{
				Path: []string{"branches", strconv.Itoa(i), "outcome"},
				Msg:  fmt.Sprintf("outcome %q: expected a name of your own", name),
			})
		case !known[name]:
			known[name] = true
			shape.Outcomes = append(shape.Outcomes, node.Outcome{
				Name: name, Doc: fmt.Sprintf("The condition of branch %d is the first that holds.", i+1),
				Path: []string{"branches", strconv.Itoa(i), "outcome"},
			})
		}
	}
	return shape, problems
}

// neverTaken warns of branches behind one with the same condition, or with one that
// always holds.
func neverTaken(branches []any) (problems []node.Problem) {
	first := map[string]int{}
	always := -1
	for i, v := range branches {
		b, _ := v.(map[string]any)
		when := strings.Join(strings.Fields(fmt.Sprint(b["when"])), " ")
		if b["when"] == nil {
			continue
		}
		before, same := first[when]
		switch {
		case always >= 0:
			problems = append(problems, node.Problem{
				Path: []string{"branches", strconv.Itoa(i), "when"}, Warning: true,
				Msg:  fmt.Sprintf("branch %d is never taken: the condition of branch %d always holds", i+1, always+1),
				Hint: "put that one last, or leave it out: without a branch that holds the outcome is success",
			})
		case same:
			problems = append(problems, node.Problem{
				Path: []string{"branches", strconv.Itoa(i), "when"}, Warning: true,
				Msg:  fmt.Sprintf("branch %d is never taken: branch %d has the same condition", i+1, before+1),
				Hint: "the first that holds is taken",
			})
		default:
			first[when] = i
		}
		if when == "true" && always < 0 {
			always = i
		}
	}
	return problems
}

// shapeOutputs tells later nodes the names under outputs; their values may be
// anything.
func shapeOutputs(v any) (node.Shape, []node.Problem) {
	if v == nil {
		return node.Shape{}, nil
	}
	if _, ok := v.(map[string]any); !ok {
		return node.Shape{}, []node.Problem{{Path: []string{"outputs"}, Msg: "outputs: expected a map of names and values"}}
	}
	outputs, err := node.NewSchema(schemaOf(v))
	if err != nil { // there are too many
		return node.Shape{}, []node.Problem{{Path: []string{"outputs"}, Msg: "outputs: " + err.Error()}}
	}
	return node.Shape{Outputs: outputs}, nil
}

func schemaOf(v any) map[string]any {
	m, ok := v.(map[string]any)
	if !ok {
		return map[string]any{}
	}
	props := map[string]any{}
	for name, value := range m {
		props[name] = schemaOf(value)
	}
	required := []any{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		required = append(required, name)
	}
	return map[string]any{"type": "object", "properties": props, "required": required, "additionalProperties": false}
}

func stepEvaluate(_ context.Context, _ node.Visit, in evaluateIn) (node.Action, error) {
	set := map[string]any{}
	for _, a := range in.Set {
		v, err := a.Value.Eval(set)
		if err != nil {
			return nil, fmt.Errorf("set %q: %w", a.Name, err)
		}
		set[a.Name] = v
	}
	outputs, err := evalOutputs(in.Outputs, set)
	if err != nil {
		return nil, err
	}
	for i, b := range in.Branches {
		v, err := b.When.Eval(set)
		if err != nil {
			return nil, fmt.Errorf("condition of branch %d: %w", i+1, err)
		}
		holds, ok := v.(bool)
		if !ok {
			return nil, fmt.Errorf("condition of branch %d is %v, expected true or false", i+1, v)
		}
		if holds {
			return node.Finish{Outcome: b.Outcome, Set: set, Outputs: outputs, Message: fmt.Sprintf("branch %d holds", i+1)}, nil
		}
	}
	return node.Finish{Set: set, Outputs: outputs}, nil
}

func evalOutputs(late node.Late, set map[string]any) (map[string]any, error) {
	if late == nil {
		return nil, nil
	}
	v, err := late.Eval(set)
	if err != nil {
		return nil, fmt.Errorf("outputs: %w", err)
	}
	outputs, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("outputs are %v, expected a map", v)
	}
	return outputs, nil
}
