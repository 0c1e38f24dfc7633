package run_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

func longReport(nodes int) *run.Report {
	long := strings.Repeat("a", 1<<20)
	r := &run.Report{
		Run: "r", Flow: "f", Status: run.Failed, Reason: long,
		Error:     &run.Failure{Node: "n", Outcome: "onError", Message: long},
		Variables: map[string]any{"x": long, "y": 1},
		Response:  &node.Response{Status: 200, Body: map[string]any{"text": long}},
		Nodes:     []run.Trace{},
	}
	for i := range nodes {
		r.Nodes = append(r.Nodes, run.Trace{
			Node: "n", Visit: i + 1, Message: long, Inputs: map[string]any{"a": long}, Outputs: map[string]any{"b": []any{long, long}},
			Set: map[string]any{"x": long}, Calls: []run.TraceCall{{Method: "GET", URL: "https://h/" + long}},
		})
	}
	return r
}

// TestShorten holds that a report stays small whatever is in it, says that it
// was cut, and leaves alone what it was made of.
func TestShorten(t *testing.T) {
	t.Parallel()
	r := longReport(3)
	response, failure, outputs := r.Response, r.Error, r.Nodes[0].Outputs
	r.Shorten()
	text, err := json.Marshal(r)
	if err != nil || !r.Cut || len(text) > 200<<10 {
		t.Fatalf("%d bytes, cut %v, %v", len(text), r.Cut, err)
	}
	if len(response.Body.(map[string]any)["text"].(string)) != 1<<20 || len(failure.Message) != 1<<20 || len(outputs["b"].([]any)[0].(string)) != 1<<20 {
		t.Error("what the report was made of has changed")
	}
	if r.Variables["y"] != 1 {
		t.Errorf("a short value beside a long one is %v", r.Variables["y"])
	}
	small := &run.Report{Run: "r", Nodes: []run.Trace{{Node: "n", Set: map[string]any{"a": 1}}}}
	want := *small
	if small.Shorten(); !cmp.Equal(want, *small) {
		t.Error("a short report was changed:", cmp.Diff(want, *small))
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	var seen []int
	for after := 0; ; {
		r := &run.Report{}
		for i := range 1234 {
			r.Nodes = append(r.Nodes, run.Trace{Visit: i})
		}
		r.Page(after)
		for _, n := range r.Nodes {
			seen = append(seen, n.Visit)
		}
		if after = r.Next; after == 0 {
			break
		}
	}
	for i, visit := range seen {
		if i != visit {
			t.Fatalf("node %d of all pages is %d", i, visit)
		}
	}
	if len(seen) != 1234 {
		t.Errorf("%d nodes on all pages", len(seen))
	}
	r := &run.Report{Nodes: []run.Trace{{}}}
	if r.Page(5); len(r.Nodes) != 0 || r.Next != 0 {
		t.Errorf("after the last: %d nodes, next %d", len(r.Nodes), r.Next)
	}
}

// TestWriteJSON holds that what is written in parts is what encoding/json writes
// at once.
func TestWriteJSON(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{0, 1, 3} {
		r := longReport(nodes)
		r.Shorten()
		var got bytes.Buffer
		if err := r.WriteJSON(&got); err != nil {
			t.Fatal(err)
		}
		whole, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := json.Unmarshal(got.Bytes(), &a); err != nil {
			t.Fatal(err, got.String())
		}
		if err := json.Unmarshal(whole, &b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, a); diff != "" {
			t.Errorf("%d nodes (-at once +in parts):\n%s", nodes, diff)
		}
	}
}
