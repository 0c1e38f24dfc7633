package nodes

import (
	"context"
	"fmt"

	"github.com/wendflow/wend/runtime/node"
)

type callIn struct {
	Flow  string         `json:"flow" x-wend:"literal" doc:"Name of the flow to run. It has a trigger of type called."`
	Input map[string]any `json:"input,omitempty" doc:"What the flow is run with, as the schema of its trigger has it."`
}

// call runs another flow and goes on as that ended.
func call() *node.Type {
	return node.Define[callIn, struct{}](node.Type{
		Name:  "call",
		Title: "Call a flow",
		Doc: "Runs another flow, with a run of its own, and waits for its end. The outputs that the flow gives where it ends are those of the node. " +
			"A code by which the flow ends is an outcome if the node routes it; any other end is \"success\" or \"failed\".",
		Waits:   true,
		Outputs: node.MustSchema(openObject(nil)),
		Outcomes: outcomes("The flow completed.", "The flow could not be run: there is none of that name, its input does not fit, or runs call each other too deep.",
			node.Outcome{Name: failed, Doc: "The flow failed or was cancelled."},
			node.Outcome{Name: onTimeout, Doc: "The node's timeout was over before the flow ended; its run is cancelled."}),
		Shape: shapeCall,
	}, stepCall)
}

func shapeCall(with map[string]any) (node.Shape, []node.Problem) {
	problems := fixed(with, "flow")
	name, _ := with["flow"].(string)
	if problems != nil {
		name = ""
	}
	return node.Shape{Callees: []node.Callee{{Flow: name, Name: []string{"flow"}, Input: []string{"input"}, Ends: true}}}, problems
}

func stepCall(_ context.Context, v node.Visit, in callIn) (node.Action, error) {
	switch {
	case v.Woken && (len(v.Children) == 0 || v.Children[0].Cancelled): // else it ended in that very moment
		return node.Finish{Outcome: onTimeout, Code: "timeout", Message: fmt.Sprintf("flow %q had not ended in time", in.Flow)}, nil
	case !v.Spawned:
		return node.Spawn{
			Count: 1, Flows: []string{in.Flow},
			Child: func(int) (node.Child, error) { return node.Child{Flow: in.Flow, Input: in.Input}, nil },
		}, nil
	}
	end := v.Children[0]
	if end.Run == "" {
		return nil, &node.Fault{Code: end.Code, Msg: end.Reason}
	}
	f := node.Finish{Outcome: success, Outputs: end.Outputs, Code: end.Code, Message: end.Reason}
	if end.Failed {
		f.Outcome = failed
	}
	if !end.Cancelled && end.Code != "" && v.Outcomes.Has(end.Code) && !reserved(end.Code) {
		f.Outcome = end.Code
	}
	return f, nil
}

// reserved tells of the outcomes that a node has whatever it calls.
func reserved(outcome string) bool {
	switch outcome {
	case success, failed, onError, onTimeout:
		return true
	default:
		return false
	}
}
