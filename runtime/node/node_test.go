package node_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/node"
)

func TestFailed(t *testing.T) {
	t.Parallel()
	invalid := &node.InvalidError{Problems: []node.Problem{{Path: []string{"id"}, Msg: "is missing"}}}
	both := node.Outcomes{Fault: "onError", Invalid: "onInvalid"}
	tests := map[string]struct {
		outcomes node.Outcomes
		err      error
		want     node.Finish
	}{
		"any error":         {both, errors.New("broken"), node.Finish{Outcome: "onError", Code: "fault", Message: "broken"}},
		"a fault":           {both, &node.Fault{Code: "fuel", Msg: "too much"}, node.Finish{Outcome: "onError", Code: "fuel", Message: "too much"}},
		"a fault, wrapped":  {both, fmt.Errorf("step: %w", &node.Fault{Code: "fuel", Msg: "too much"}), node.Finish{Outcome: "onError", Code: "fuel", Message: "step: too much"}},
		"inputs":            {both, invalid, node.Finish{Outcome: "onInvalid", Code: "invalid-input", Message: "inputs do not fit: id: is missing"}},
		"inputs, one way":   {node.Outcomes{Fault: "onError"}, invalid, node.Finish{Outcome: "onError", Code: "invalid-input", Message: "inputs do not fit: id: is missing"}},
		"no way out at all": {node.Outcomes{}, errors.New("broken"), node.Finish{Code: "fault", Message: "broken"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(test.want, test.outcomes.Failed(test.err)); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}
