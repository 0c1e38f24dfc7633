package main_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	wend "github.com/wendflow/wend/cmd/wend"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
)

// TestShelf: a plugin whose file is gone is let go of when nobody has needed it
// for a while, and whoever needs it after that has it all the same.
func TestShelf(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()
	file := filepath.Join(dir, "cisco-cce.wasm")
	wasm := readFile(t, filepath.Join(plugins(t, "cisco-cce"), "cisco-cce.wasm"))
	if err := os.WriteFile(file, []byte(wasm), 0o600); err != nil {
		t.Fatal(err)
	}
	host, err := pluginhost.New(ctx, pluginhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	loaded, err := host.LoadDir(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	shelf, err := wend.NewShelf(ctx, host, dir, loaded, journal.NewMemory(10), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	types, err := shelf.TypesOf(loaded)
	if err != nil {
		t.Fatal(err)
	}
	bound := types.Find("cisco-cce/end-task")
	var own *node.Type
	for _, typ := range loaded[0].Types() {
		if typ.Name == bound.Name {
			own = typ
		}
	}
	wantStep := func(when string, typ *node.Type, want string) {
		t.Helper()
		code := ""
		_, err := typ.Step(ctx, node.Visit{Run: "r", Node: "n", Visit: 1, Attempt: 1, Now: now, Inputs: map[string]any{
			"domain": "finesse.example.com", "taskId": "7d7aa2d4-0b1b-4b5e-9c55-6f3a5b0c9f10",
		}})
		if f, ok := errors.AsType[*node.Fault](err); ok {
			code = f.Code
		} else if err != nil {
			code = err.Error()
		}
		if code != want {
			t.Errorf("%s: Step fails with %q, want %q", when, code, want)
		}
	}

	wantStep("live", bound, "")
	now = now.Add(wend.UnusedFor)
	shelf.Sweep(ctx)
	wantStep("live, and not used for long", own, "")

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	types, err = shelf.Reload(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if typ := types.Find("cisco-cce/end-task"); typ != nil {
		t.Errorf("the catalogue still has %q", typ.Name)
	}
	now = now.Add(wend.UnusedFor - 1)
	shelf.Sweep(ctx)
	wantStep("gone from the folder", own, "")
	wantStep("gone from the folder, for an older flow", bound, "")
	now = now.Add(wend.UnusedFor - 1)
	shelf.Sweep(ctx)
	wantStep("used not long ago", own, "")
	now = now.Add(1)
	shelf.Sweep(ctx)
	wantStep("not used for long", own, pluginhost.FaultClosed)
	wantStep("needed again", bound, "")
}
