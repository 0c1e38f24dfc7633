package nodes

import (
	"context"

	"github.com/wendflow/wend/runtime/node"
)

type endIn struct {
	Failed  bool           `json:"failed,omitempty" doc:"Ends the run as failed rather than completed."`
	Code    string         `json:"code,omitempty" doc:"Result for programs, such as 102."`
	Reason  string         `json:"reason,omitempty" doc:"Result for people."`
	Outputs map[string]any `json:"outputs,omitempty" doc:"What the flow gives back to the node that called it, by name."`
}

// end ends the run with a coded result.
func end() *node.Type {
	return node.Define[endIn, struct{}](node.Type{
		Name:       "end",
		Title:      "End",
		Doc:        "Ends the run here, with a result of your own. Nothing comes after it.",
		Idempotent: true,
		Outputs:    node.MustSchema(openObject(nil)),
		Shape:      shapeEnd,
		Outcomes:   outcomes("The run has ended.", ""),
	}, stepEnd)
}

func stepEnd(_ context.Context, _ node.Visit, in endIn) (node.Action, error) {
	return node.Finish{
		Code: in.Code, Message: in.Reason, Outputs: in.Outputs,
		End: &node.End{Failed: in.Failed, Code: in.Code, Reason: in.Reason},
	}, nil
}

func shapeEnd(with map[string]any) (node.Shape, []node.Problem) {
	code, _ := with["code"].(string)
	if isTemplate(code) {
		code = ""
	}
	return node.Shape{Ending: &node.Ending{Code: code, Outputs: "outputs"}}, nil
}
