package pluginhost_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/sdk/wire"
)

var documents = []string{
	`{}`, `[]`, ` {"a" : [1, -2.5, 1e3, true, false, null, "x"] , "b":{}} `,
	`"\u00e9\ud83d\ude00\ud83d\n\"\\\/"`, `"é😀"`, `9007199254740993`, `9223372036854775807`, `9223372036854775808`, `18446744073709551615.0`, `1e19`, `1e21`, `9007199254740993.0`, `-0`, `0.1e-7`,
	`{"a":1,"a":2}`,
	``, ` `, `{`, `[1,]`, `{"a"}`, `{"a":}`, `{a:1}`, `01`, `1.`, `1e`, `-`, `+1`, `tru`, `"a`, `"\x"`, `"\u12"`, "\"\n\"", `1 2`, `1e999`, `[`, `}`, `nullx`,
}

// FuzzDecodeJSON: our decoder takes what encoding/json takes, and gives the same.
func FuzzDecodeJSON(f *testing.F) {
	for _, doc := range documents {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		if !utf8.ValidString(doc) || strings.Count(doc, "[")+strings.Count(doc, "{") > 400 {
			return // refused before, or by depth
		}
		got, err := pluginhost.DecodeJSON(doc)
		want, wantErr := data.DecodeJSON([]byte(doc))
		if wantErr == nil && !finite(want) {
			return // a number beyond float64: an error of ours only
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("DecodeJSON(%q) = %v, encoding/json: %v", doc, err, wantErr)
		}
		if diff := cmp.Diff(want, got); err == nil && diff != "" {
			t.Errorf("DecodeJSON(%q) (-encoding/json +got):\n%s", doc, diff)
		}
	})
}

func finite(v any) bool {
	_, err := json.Marshal(v)
	return err == nil
}

// TestDocument: what a guest is sent is the document that the design shows, and
// says whatever a flow may hold.
func TestDocument(t *testing.T) {
	t.Parallel()
	sent := capture(t, node.Visit{
		Run: "r", Node: "n", Visit: 2, Attempt: 3, Key: "k", Seed: "s",
		Now:      time.Date(2026, 11, 20, 9, 0, 0, 123_456_789, time.FixedZone("CET", 3600)),
		Inputs:   map[string]any{"z": 1, "a": "\"\\\n\x00é\xff", "f": 1.5, "g": 2.5e6, "h": json.Number("18446744073709551615"), "l": []any{nil, true}, "m": map[string]any{}, "s": []string{"typed"}},
		Settings: map[string]any{"path": "/x"},
		Replies: []wire.Reply{
			{Status: 201, Headers: map[string][]string{"b": {"1", "2"}, "a": {}}, Body: []byte("ok")},
			{Status: 200, Body: []byte{0xff}},
			{Failure: wire.Timeout, Message: "slow"},
		},
	})
	want := `{"abi":1,"method":"go",` +
		`"inputs":{"a":"\"\\\n\u0000é` + "\uFFFD" + `","f":1.5,"g":2500000,"h":18446744073709551615,"l":[null,true],"m":{},"s":["typed"],"z":1},` +
		`"settings":{"path":"/x"},` +
		`"context":{"run":"r","node":"n","visit":2,"attempt":3,"key":"k","now":"2026-11-20T08:00:00.123Z","seed":"s"},` +
		`"replies":[{"status":201,"headers":{"a":[],"b":["1","2"]},"body":"ok"},` +
		`{"status":200,"headers":{},"bodyBase64":"/w=="},` +
		`{"failure":"timeout","message":"slow"}]}`
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if !json.Valid([]byte(sent)) {
		t.Error("the document is not JSON")
	}
}

// capture returns the document that a guest is sent: it logs it.
func capture(t *testing.T, v node.Visit) string {
	t.Helper()
	a := answer(done)
	a.imports = fdWrite
	a.memory = []byte{0, 4}
	a.alloc = body(const32(65536))
	a.invoke = body(
		const32(512), get(0), opStore32, const32(516), get(1), opStore32,
		const32(1), const32(512), const32(1), const32(520), call(0), opDrop,
		answerAt(8192, len(done)))
	p := load(t, newHost(t, pluginhost.Config{}), withManifest(t, a.module(), manifest.Limits{}))
	var sent string
	v.Log = func(line string) { sent += line }
	finish(t, method(t, p, "go"), v)
	return sent
}
