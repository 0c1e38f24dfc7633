package nodes

import "github.com/wendflow/wend/runtime/node"

type manualIn struct {
	Input map[string]any `json:"input,omitempty" x-wend:"literal" doc:"JSON Schema of what a run is started with. Input that does not fit is refused, and no run is made. Without it any JSON object will do."`
	Tool  bool           `json:"tool,omitempty" doc:"Serves the flow as a tool to models, by the Model Context Protocol under /mcp: the input is the tool's, the flow's description what the model reads."`
}

// manual starts runs that nothing outside starts.
func manual() *node.Type {
	return node.DefineTrigger(node.Type{
		Name:  "manual",
		Title: "Manual",
		Doc: "Starts a run when somebody asks for one, with `wend run` or through the API; nothing is served for it. " +
			"The properties of the input are its outputs.",
		Outputs:  node.MustSchema(openObject(nil)),
		Outcomes: outcomes("The input is in order.", ""),
		Shape:    shapeManual,
	}, makeManual)
}

func shapeManual(with map[string]any) (node.Shape, []node.Problem) {
	if with["tool"] == true { // the model waits for an answer
		return shapeInput(with, nil)
	}
	return shapeInput(with, &node.Problem{
		Msg:     "has no caller who waits; only `wend run` shows it",
		Hint:    "give a result with a node of type \"end\", or start the flow by a webhook",
		Warning: true,
	})
}

// shapeInput is the shape of a trigger whose outputs are the properties of its
// input.
func shapeInput(with map[string]any, unanswered *node.Problem) (node.Shape, []node.Problem) {
	shape := node.Shape{Unanswered: unanswered}
	given, ok := with["input"]
	if !ok {
		return shape, nil
	}
	schema, problems := objectSchema("input", given)
	if refused(problems) {
		return shape, problems
	}
	outputs, err := node.NewSchema(openObject(schema))
	if err != nil {
		return shape, append(problems, node.Problem{Path: []string{"input"}, Msg: "input: " + err.Error()})
	}
	shape.Outputs = outputs
	return shape, problems
}

func makeManual(in manualIn) (node.Trigger, error) {
	input, err := inputSchema(in.Input)
	if err != nil {
		return nil, err
	}
	return &node.Manual{Input: input, Tool: in.Tool}, nil
}

// inputSchema is nil where a trigger has no schema.
func inputSchema(schema map[string]any) (*node.Schema, error) {
	if schema == nil {
		return nil, nil
	}
	return node.NewSchema(schema)
}
