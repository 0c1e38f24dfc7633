package nodes

import "github.com/wendflow/wend/runtime/node"

type calledIn struct {
	Input map[string]any `json:"input,omitempty" x-wend:"literal" doc:"JSON Schema of what the flow is called with. A call whose input does not fit is refused, by check as far as it can tell. Without it any object will do."`
}

// called starts runs that other runs call for.
func called() *node.Type {
	return node.DefineTrigger(node.Type{
		Name:  "called",
		Title: "Called",
		Doc: "Starts a run when a node of another flow calls for it. The properties of the input are its outputs. " +
			"What the flow gives back is said where it ends, with nodes of type \"end\".",
		Outputs:  node.MustSchema(openObject(nil)),
		Outcomes: outcomes("The input is in order.", ""),
		Shape:    shapeCalled,
	}, makeCalled)
}

func shapeCalled(with map[string]any) (node.Shape, []node.Problem) {
	return shapeInput(with, &node.Problem{
		Msg:     "has no caller who waits for a response",
		Hint:    `give outputs with a node of type "end"; the node that calls this flow has them`,
		Warning: true,
	})
}

func makeCalled(in calledIn) (node.Trigger, error) {
	input, err := inputSchema(in.Input)
	if err != nil {
		return nil, err
	}
	return &node.Called{Input: input}, nil
}
