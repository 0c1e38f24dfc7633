package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/api"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// until reads the stream of a run's events until there is one of that name.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: until EVENT URL")
	}
	resp, err := http.Get(args[1])
	ts.Check(err)
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok && name == args[0] {
			return
		}
	}
	ts.Fatalf("%s: no event %q: %v", resp.Status, args[0], lines.Err())
}

// moody is a vendor that has a bad start, and then loses things.
type moody struct{ calls chan wire.Reply }

func (m moody) Do(context.Context, outbound.Request) wire.Reply { return <-m.calls }

func (moody) Settings(string) map[string]any { return nil }

// TestRunsOfAVendor holds what `wend runs` prints of calls, attempts and
// messages of others. UPDATE=1 writes it.
func TestRunsOfAVendor(t *testing.T) {
	t.Parallel()
	vendor := moody{make(chan wire.Reply, 3)}
	vendor.calls <- wire.Reply{Status: 503}
	vendor.calls <- wire.Reply{Status: 201, Headers: map[string][]string{"content-type": {"application/json"}}, Body: []byte(`{"id":7}`)}
	vendor.calls <- wire.Reply{Failure: wire.Unreachable, Message: "the line\r\n\x1b[31mis cut"}
	url := serveRun(t, vendor)
	tests := map[string]struct {
		args []string
		exit int
	}{
		"list":   {[]string{"list"}, 0},
		"show":   {[]string{"show", "run-1"}, 0},
		"follow": {[]string{"show", "--follow", "run-1"}, 1},
		"events": {[]string{"show", "--follow", "--json", "run-1"}, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exit, stdout, stderr := command(t, append([]string{"runs", "--server", url}, test.args...)...)
			if exit != test.exit || stderr != "" {
				t.Errorf("exit %d, want %d; %s", exit, test.exit, stderr)
			}
			golden(t, "testdata/runs/"+name+".txt", same(stdout))
		})
	}
}

// What a later version of Wend wrote is not guessed at: the page says which.
func TestShowUnreadable(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(run.Report{
			Run: "run-1", Flow: "order", Trigger: "hook", Status: run.Waiting, StartedAt: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC),
			Unreadable: (&run.UnknownError{What: "event", Name: "run-dreamt", Wend: "v1.3.0"}).Error(),
		})
	}))
	t.Cleanup(s.Close)
	exit, stdout, stderr := command(t, "runs", "--server", s.URL, "show", "run-1")
	want := `wend: what the run did cannot be read: this version of Wend knows no event "run-dreamt"; version v1.3.0 wrote it: use that one or a later one` + "\n"
	if exit != 1 || stderr != want || !strings.HasPrefix(stdout, "run run-1  waiting\n  flow order, by hook\n") {
		t.Errorf("exit %d, stderr %q, want 1, %q; stdout:\n%s", exit, stderr, want, stdout)
	}
	exit, stdout, stderr = command(t, "runs", "--server", s.URL, "show", "--json", "run-1")
	if exit != 0 || stderr != "" || !strings.Contains(stdout, `"unreadable": "this version`) {
		t.Errorf("--json: exit %d, %s\n%s", exit, stderr, stdout)
	}
}

// serveRun returns the address of a server that has had one run.
func serveRun(t *testing.T, vendor engine.Caller) string {
	t.Helper()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	set, mistakes := catalog.Load([]string{"testdata/runs/order.yaml"}, flow.Config{Types: types})
	if err := mistakes.Err(); err != nil {
		t.Fatal(err)
	}
	eng := engine.New(engine.Config{Caller: vendor, NewID: func() string { return "run-1" }})
	versions, err := catalog.OpenVersions(t.Context(), catalog.VersionsConfig{Journal: journal.NewMemory(0)})
	if err != nil {
		t.Fatal(err)
	}
	made, err := api.New(api.Config{
		Versions: versions,
		Flows:    func() *catalog.Set { return set }, Types: func() *node.Set { return types }, Engine: eng,
	})
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := eng.Start(t.Context(), engine.Start{Flow: set.Flow("order"), Output: map[string]any{"request": map[string]any{}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.HTTPErrorHandler = problem.Handler(slog.New(slog.DiscardHandler))
	made.Mount(e)
	s := httptest.NewServer(e)
	t.Cleanup(s.Close)
	return s.URL
}
