package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	extism "github.com/extism/go-sdk"

	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/sdk/wire"
)

// endTask is the vendor's own sample of an SMS conversation that ends.
func endTask(t *node.Type) node.Visit {
	return node.Visit{
		Run: "0190a5c0-7c1e-7e0a-8f3e-0123456789ab", Flow: "sms", Node: "n4", Visit: 1, Attempt: 1,
		Now: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), Seed: "9b2d/n4/1/1", Key: "6f0c2a57",
		Inputs: t.Inputs.WithDefaults(map[string]any{
			"domain":         "finesse.example.com",
			"taskId":         "0190a5c0-7c1e-7e0a-8f3e-0123456789ab",
			"conversationId": "conv-4711",
			"destination":    "+4930123456",
			"mediaType":      "Social",
			"mediaChannel":   "SMS",
			"preferredOwner": "1100",
			"scriptSelector": "Insurance",
		}),
		Settings: t.Settings.WithDefaults(nil),
	}
}

var vendorReply = wire.Reply{
	Status:  201,
	Headers: map[string][]string{"location": {"/drapi/v1/tasks/1"}, "content-type": {"application/json"}},
	Body:    []byte(`{"code":20100}`),
}

// BenchmarkEndTask is one invoke of End Task. "ask" is the first, which ends
// with the call that the plugin wants made; "finish" has the call's reply.
//
// Wend's side is the whole step of a node: inputs and outputs checked against
// the manifest, the document written, the instance restored to its image, the
// guest run with all limits on (fuel, depth, memory, wall clock, sizes), its
// answer read and checked. Extism's side gets the document ready made, and its
// answer is taken as bytes: what a host does around the call is not counted.
//
// The guests of the two extism-same contenders are the very code of the shipped
// plugin with the very SDK, built with Extism's PDK for way in and out. Those of
// extism-json are what an author writes with that PDK and encoding/json.
//
// Extism's SDK names wazero 1.9; here both run on Wend's 1.12, in which a new
// instance of a Go guest is about half a millisecond slower.
func BenchmarkEndTask(b *testing.B) {
	p := load(b, buildPlugin(b, ciscoFolder))
	restored, fresh := typeNamed(b, p.Types(), "end-task"), typeNamed(b, p.FreshTypes(), "end-task")
	ask := endTask(restored)
	finish := ask
	finish.Replies, finish.Asked = []wire.Reply{vendorReply}, []string{fingerprint(b, restored, ask)}
	same, author := sameCode(b), build(b, "./extism")
	for _, turn := range []struct {
		name  string
		visit node.Visit
	}{{"ask", ask}, {"finish", finish}} {
		b.Run(turn.name, func(b *testing.B) {
			doc := document(b, turn.visit)
			medians := compare(b, []contender{
				{"wend", step(b, restored, turn.visit)},
				{"wend-new-instance", step(b, fresh, turn.visit)},
				{"extism-same-reused", reused(b, same, time.Second, doc)},
				{"extism-same-fresh", eachFresh(b, same, time.Second, doc)},
				{"extism-json-reused", reused(b, author, time.Second, doc)},
				{"extism-json-fresh", eachFresh(b, author, time.Second, doc)},
				{"extism-json-reused-unlimited", reused(b, author, 0, doc)},
			})
			wend := float64(medians[0])
			for i, name := range map[int]string{2: "same-reused/wend", 3: "same-fresh/wend", 4: "json-reused/wend", 5: "json-fresh/wend"} {
				b.ReportMetric(float64(medians[i])/wend, name)
			}
		})
	}
}

func step(b *testing.B, t *node.Type, v node.Visit) func() error {
	return func() error {
		_, err := t.Step(b.Context(), v)
		return err
	}
}

// fingerprint is of the call that the first step asks for.
func fingerprint(b *testing.B, t *node.Type, v node.Visit) string {
	b.Helper()
	action, err := t.Step(b.Context(), v)
	if err != nil {
		b.Fatal(err)
	}
	return wire.Fingerprint(action.(node.Ask).Calls[0])
}

// document is what Wend hands to the guest for this visit.
func document(b *testing.B, v node.Visit) []byte {
	b.Helper()
	replies := []any{}
	for _, r := range v.Replies {
		replies = append(replies, map[string]any{"status": r.Status, "headers": r.Headers, "body": string(r.Body)})
	}
	doc, err := json.Marshal(map[string]any{
		"abi": wire.ABI, "method": "end-task", "inputs": v.Inputs, "settings": v.Settings,
		"context": map[string]any{
			"run": v.Run, "node": v.Node, "visit": v.Visit, "attempt": v.Attempt, "key": v.Key, "now": v.Now, "seed": v.Seed,
		},
		"replies": replies,
	})
	if err != nil {
		b.Fatal(err)
	}
	return doc
}

// reused calls the same instance again and again: its memory and globals are as
// the last call left them.
func reused(b *testing.B, wasm []byte, timeout time.Duration, doc []byte) func() error {
	b.Helper()
	i := instance(b, compileExtism(b, wasm, timeout))
	b.Cleanup(func() { _ = i.Close(context.Background()) })
	return func() error { return call(i, doc) }
}

// eachFresh makes an instance for each call, which is Extism's way to begin
// from the same state.
func eachFresh(b *testing.B, wasm []byte, timeout time.Duration, doc []byte) func() error {
	b.Helper()
	compiled := compileExtism(b, wasm, timeout)
	return func() error {
		i := instance(b, compiled)
		return errors.Join(call(i, doc), i.Close(context.Background()))
	}
}

func call(i *extism.Plugin, doc []byte) error {
	_, out, err := i.Call("end_task", doc)
	if err == nil && !strings.Contains(string(out), "Wend_") { // the tracking id, in both answers
		err = errors.New("not an answer: " + string(out))
	}
	return err
}
