package node_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/node"
)

func TestDecodeJSON(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want any
		err  string
	}{
		"whole numbers are int": {`[0, -1, 9223372036854775807]`, []any{0, -1, math.MaxInt64}, ""},
		"others are float64":    {`[1.5, 1e3, 9223372036854775808]`, []any{1.5, 1000.0, 9223372036854775808.0}, ""},
		"deep inside":           {`{"a": [{"b": 1}]}`, map[string]any{"a": []any{map[string]any{"b": 1}}}, ""},
		"not a number":          {`"1"`, "1", ""},
		"null":                  {`null`, nil, ""},
		"empty":                 {" ", nil, "empty, expected a JSON document"},
		"two documents":         {"{} {}", nil, "more than one JSON document"},
		"cut":                   {`{"a": `, nil, "unexpected EOF"},
		"beyond float64":        {`{"a": [1, -1e999]}`, nil, "number -1e999 is out of range"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := node.DecodeJSON([]byte(test.text))
			msg := ""
			if err != nil {
				msg = err.Error()
			}
			if msg != test.err || !cmp.Equal(test.want, got) {
				t.Errorf("DecodeJSON(%s) = %#v, %q; want %#v, %q", test.text, got, msg, test.want, test.err)
			}
		})
	}
}
