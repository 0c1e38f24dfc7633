package fact_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/fact"
)

// A flood of refused requests is a few lines and a sum, and hides no line of
// another webhook.
func TestFloodIsSummedUp(t *testing.T) {
	t.Parallel()
	virtual := clock.NewVirtual(noon)
	idle := virtual.Busy()
	defer idle()
	var out bytes.Buffer
	observe := fact.Log(slog.New(slog.NewJSONHandler(&out, nil)), virtual)
	for i := range 5000 {
		observe(fact.HookRefused{Path: fmt.Sprint("/hooks/", i), Caller: fmt.Sprint("10.0.0.", i%250), Status: 404, Reason: "none"})
		observe(fact.StartRefused{Flow: "sample", Err: errFull})
		about := fact.Of{Run: &fact.Run{ID: fmt.Sprint("r", i), Flow: "sample", Trigger: "n1", Labels: map[string]string{"b": "2", "a": "1"}}}
		observe(fact.RunStarted{Of: about, Unmarked: []string{"key: $(n1.id): it is nil"}})
		observe(fact.RunStarted{Of: about}) // on level debug
	}
	observe(fact.HookRefused{Path: "/hooks/paid", Caller: "10.9.9.9", Flow: "paid", Node: "n1", Status: 400, Reason: "no body"})
	pass := func(d time.Duration) {
		t.Helper()
		if err := clock.Sleep(context.Background(), virtual, d); err != nil {
			t.Fatal(err)
		}
	}
	pass(11 * time.Second)
	observe(fact.HookRefused{Path: "/hooks/again", Caller: "10.0.0.1", Status: 404, Reason: "none"})
	pass(time.Minute)
	got := map[string]int{}
	for line := range strings.Lines(out.String()) {
		for _, part := range []string{
			`"msg":"webhook refused","path":"/hooks/paid","caller":"10.9.9.9","flow":"paid"`, `"path":"/hooks/again"`,
			`"msg":"webhook refused"`, `"msg":"no run was made"`,
			`"level":"WARN","msg":"run started without its key or a label","run":"r7","flow":"sample","labels":{"a":"1","b":"2"},"error":"key: $(n1.id): it is nil"`,
			`"msg":"run started without its key or a label, and more that the log leaves out","flow":"sample","node":"n1","more":4980`,
			`"msg":"webhook refused, and more that the log leaves out","more":4980,"in":10000000000`,
			`"level":"ERROR","msg":"no run was made, and more that the log leaves out","flow":"sample","more":4980`,
		} {
			if strings.Contains(line, part) {
				got[part]++
			}
		}
		got["lines"]++
	}
	if diff := cmp.Diff(map[string]int{
		`"msg":"webhook refused","path":"/hooks/paid","caller":"10.9.9.9","flow":"paid"`: 1, `"path":"/hooks/again"`: 1,
		`"msg":"webhook refused"`: 22, `"msg":"no run was made"`: 20,
		`"level":"WARN","msg":"run started without its key or a label","run":"r7","flow":"sample","labels":{"a":"1","b":"2"},"error":"key: $(n1.id): it is nil"`: 1,
		`"msg":"run started without its key or a label, and more that the log leaves out","flow":"sample","node":"n1","more":4980`:                               1,
		`"msg":"webhook refused, and more that the log leaves out","more":4980,"in":10000000000`:                                                                 1,
		`"level":"ERROR","msg":"no run was made, and more that the log leaves out","flow":"sample","more":4980`:                                                  1,
		"lines": 65,
	}, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// A caller decides neither how long a line is nor where it ends.
func TestLongPathIsClipped(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	fact.Log(slog.New(slog.NewTextHandler(&out, nil)), clock.System)(fact.HookRefused{
		Path: "/hooks/\n" + strings.Repeat("ü", 1<<16), Reason: strings.Repeat("x", 1<<16),
	})
	if n := strings.Count(out.String(), "\n"); n != 1 || out.Len() > 1500 || !strings.Contains(out.String(), "ü…") {
		t.Errorf("%d lines of %d bytes: %s", n, out.Len(), out.String())
	}
}
