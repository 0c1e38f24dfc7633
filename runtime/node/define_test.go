package node_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/node"
)

type everyInput struct {
	Text    string            `json:"text,omitempty"`
	Count   int               `json:"count,omitempty"`
	Any     any               `json:"any,omitempty"`
	Names   map[string]string `json:"names,omitempty"`
	Query   map[string]any    `json:"query,omitempty"`
	Pause   time.Duration     `json:"pause,omitempty"`
	Entries []struct {
		Name string `json:"name"`
	} `json:"entries,omitempty"`
}

// Inputs whose types are those of the fields take a short way; both ways have
// to give the same.
func TestDefineDecodesInputs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   map[string]any
		want everyInput
	}{
		"nothing":                 {},
		"scalars as they are":     {map[string]any{"text": "t", "count": 3, "any": 1.5}, everyInput{Text: "t", Count: 3, Any: 1.5}},
		"data stays data":         {map[string]any{"any": map[string]any{"a": []any{1}}}, everyInput{Any: map[string]any{"a": []any{1}}}},
		"null":                    {map[string]any{"text": "t", "any": nil}, everyInput{Text: "t"}},
		"a map of strings":        {map[string]any{"text": "t", "names": map[string]any{"a": "b"}}, everyInput{Text: "t", Names: map[string]string{"a": "b"}}},
		"a map of anything":       {map[string]any{"query": map[string]any{"a": 1}}, everyInput{Query: map[string]any{"a": 1}}},
		"a duration":              {map[string]any{"count": 1, "pause": "2s"}, everyInput{Count: 1, Pause: 2 * time.Second}},
		"a whole number as float": {map[string]any{"text": "t", "count": 3.0}, everyInput{Text: "t", Count: 3}},
		"a list of objects": {
			map[string]any{"text": "t", "entries": []any{map[string]any{"name": "n"}}},
			everyInput{Text: "t", Entries: []struct {
				Name string `json:"name"`
			}{{"n"}}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got everyInput
			typ := node.Define[everyInput, struct{}](node.Type{Name: "every"}, func(_ context.Context, _ node.Visit, in everyInput) (node.Action, error) {
				got = in
				return node.Finish{}, nil
			})
			if _, err := typ.Step(t.Context(), node.Visit{Inputs: tt.in}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("decoded inputs (-want +got):\n%s", diff)
			}
		})
	}
}

// What a node does to its inputs must not change the run's data.
func TestDefineCopiesMaps(t *testing.T) {
	t.Parallel()
	query := map[string]any{"a": 1}
	typ := node.Define[everyInput, struct{}](node.Type{Name: "every"}, func(_ context.Context, _ node.Visit, in everyInput) (node.Action, error) {
		in.Query["b"] = 2
		return node.Finish{}, nil
	})
	if _, err := typ.Step(t.Context(), node.Visit{Inputs: map[string]any{"query": query}}); err != nil {
		t.Fatal(err)
	}
	if len(query) != 1 {
		t.Errorf("the run's data became %v", query)
	}
}
