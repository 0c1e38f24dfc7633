package nodes

import (
	"context"

	"github.com/wendflow/wend/runtime/node"
)

type endIn struct {
	Failed bool   `json:"failed,omitempty" doc:"Ends the run as failed rather than completed."`
	Code   string `json:"code,omitempty" doc:"Result for programs, such as 102."`
	Reason string `json:"reason,omitempty" doc:"Result for people."`
}

type endOut struct{}

// end ends the run with a coded result.
func end() *node.Type {
	return node.Define[endIn, endOut](node.Type{
		Name:       "end",
		Title:      "End",
		Doc:        "Ends the run here, with a result of your own. Nothing comes after it.",
		Idempotent: true,
		Outcomes:   outcomes("The run has ended.", ""),
	}, stepEnd)
}

func stepEnd(_ context.Context, _ node.Visit, in endIn) (node.Action, error) {
	return node.Finish{
		Code: in.Code, Message: in.Reason,
		End: &node.End{Failed: in.Failed, Code: in.Code, Reason: in.Reason},
	}, nil
}
