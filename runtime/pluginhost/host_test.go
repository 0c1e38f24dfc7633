package pluginhost_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginbuild"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/sdk/wire"
)

// cacheDir keeps compiled guests from one run of the tests to the next.
func cacheDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		return tb.TempDir()
	}
	return filepath.Join(dir, "wend-test")
}

func read(tb testing.TB, file string) []byte {
	tb.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func newHost(tb testing.TB, c pluginhost.Config) *pluginhost.Host {
	tb.Helper()
	if c.CacheDir == "" {
		c.CacheDir = cacheDir(tb)
	}
	h, err := pluginhost.New(tb.Context(), c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			tb.Errorf("close the host: %v", err)
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
	report, err := pluginbuild.Build(context.Background(), pluginbuild.Config{Dir: "testdata/guest", Out: filepath.Join(dir, "guest.wasm")})
	if err != nil {
		return nil, err
	}
	return os.ReadFile(report.Out)
})

func guest(tb testing.TB) []byte {
	tb.Helper()
	wasm, err := guestFile()
	if err != nil {
		tb.Fatal(err)
	}
	return wasm
}

func load(tb testing.TB, h *pluginhost.Host, wasm []byte) *pluginhost.Plugin {
	tb.Helper()
	p, err := h.Load(tb.Context(), wasm)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func method(tb testing.TB, p *pluginhost.Plugin, name string) *node.Type {
	tb.Helper()
	return named(tb, p.Types(), name)
}

func named(tb testing.TB, types []*node.Type, name string) *node.Type {
	tb.Helper()
	for _, typ := range types {
		if strings.HasSuffix(typ.Name, "/"+name) {
			return typ
		}
	}
	tb.Fatalf("no method %q", name)
	return nil
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
