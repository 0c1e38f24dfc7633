package pluginhost_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/sdk/wire"
)

// cacheDir keeps compiled guests from one run of the tests to the next.
func cacheDir(t testing.TB) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		return t.TempDir()
	}
	return filepath.Join(dir, "wend-test")
}

func newHost(t testing.TB, c pluginhost.Config) *pluginhost.Host {
	t.Helper()
	if c.CacheDir == "" {
		c.CacheDir = cacheDir(t)
	}
	h, err := pluginhost.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Errorf("close the host: %v", err)
		}
	})
	return h
}

// guestFile builds testdata/guest once per run of the tests.
var guestFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "wend-guest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	report, err := pluginhost.Build(context.Background(), pluginhost.BuildConfig{Dir: "testdata/guest", Out: filepath.Join(dir, "guest.wasm")})
	if err != nil {
		return nil, err
	}
	return os.ReadFile(report.Out)
})

func guest(t testing.TB) []byte {
	t.Helper()
	wasm, err := guestFile()
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

func load(t testing.TB, h *pluginhost.Host, wasm []byte) *pluginhost.Plugin {
	t.Helper()
	p, err := h.Load(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func method(t testing.TB, p *pluginhost.Plugin, name string) *node.Type {
	t.Helper()
	set, err := node.NewSet(p.Types()...)
	if err != nil {
		t.Fatal(err)
	}
	typ := set.Find(p.Manifest().Plugin + "/" + name)
	if typ == nil {
		t.Fatalf("no method %q", name)
	}
	return typ
}

var endTaskInputs = map[string]any{
	"domain":         "finesse.example.com",
	"taskId":         "0190a5c0-7c1e-7e0a-8f3e-0123456789ab",
	"conversationId": "c-4711",
	"destination":    "+4930123456",
	"mediaType":      "Social",
	"callVariables":  map[string]any{"callVariable1": "gold", "callVariable2": "Ümlaut \"quoted\""},
}

func visit(inputs map[string]any) node.Visit {
	return node.Visit{
		Run: "0190a5c0-0000-7000-8000-000000000001", Flow: "f", Node: "n4", Visit: 1, Attempt: 1,
		Now:  time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC),
		Seed: "seed", Key: "key", Inputs: inputs,
	}
}

// TestConversation runs a method through: it asks, is answered, and finishes.
func TestConversation(t *testing.T) {
	t.Parallel()
	p := load(t, newHost(t, pluginhost.Config{}), guest(t))
	endTask := method(t, p, "end-task")

	v := visit(endTaskInputs)
	action, err := endTask.Step(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	ask, ok := action.(node.Ask)
	if !ok || len(ask.Calls) != 1 {
		t.Fatalf("Step = %#v, want one call", action)
	}
	call := ask.Calls[0]
	if want := "https://finesse.example.com/drapi/v1/tasks/0190a5c0-7c1e-7e0a-8f3e-0123456789ab/close"; call.URL != want || call.Method != "POST" {
		t.Errorf("call = %s %s, want POST %s", call.Method, call.URL, want)
	}
	if !bytes.Contains(call.Body, []byte(`"callVariable2":"Ümlaut \"quoted\""`)) {
		t.Errorf("body = %s", call.Body)
	}

	v.Asked = []string{wire.Fingerprint(call)}
	v.Replies = []wire.Reply{{Status: 201, Headers: map[string][]string{"location": {"/tasks/7"}}, Body: []byte("{\"a\":\"\xff\"}")}}
	action, err = endTask.Step(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	want := node.Finish{Outcome: "Success", Outputs: map[string]any{"location": "/tasks/7", "responsePayload": "{\"a\":\"\uFFFD\"}"}}
	if diff := cmp.Diff(want, action); diff != "" {
		t.Errorf("Step with a reply (-want +got):\n%s", diff)
	}
}
