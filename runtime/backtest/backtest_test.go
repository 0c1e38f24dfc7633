package backtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/backtest"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/record"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// world is what runs of an archive meet, outside.json.
type world struct {
	Runs []struct {
		Body   map[string]any
		Resume string // when somebody resumes it
		GiveUp bool
		Cancel string
		Retry  string // the node from which it is taken up again, an hour later
	}
	Paused  bool // the flow is, for half an hour
	Replies []struct {
		Call, After string // the call is how its method and address begin
		Status      int
		Body        string
		Failure     wire.Failure
	}
	Events []struct {
		At, Name, Key string
		Data          map[string]any
	}
	Assume []string
}

// TestArchives records the runs that an archive tells of with was/*.yaml, makes them
// again with the flows of each other folder in the place of those, and holds what
// differs against want. With the flows as they were nothing may. UPDATE=1 writes want.
func TestArchives(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			folders, outside, want := read(t, archive)
			runs := recordRuns(t, folders["was"], outside)
			for range 5 { // also where several runs are under way at one moment
				if said := again(t, folders["was"], runs, outside); said != "" {
					t.Errorf("nothing was changed:\n%s", said)
				}
			}
			var got strings.Builder
			for _, folder := range slices.Sorted(maps(folders)) {
				if folder == "was" {
					continue
				}
				changed := clone(folders["was"], folders[folder])
				fmt.Fprintf(&got, "%s\n%s", folder, again(t, changed, runs, outside))
			}
			if os.Getenv("UPDATE") != "" {
				archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
				archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got.String())})
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(want, got.String()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func maps(m map[string]map[string][]byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func clone(was, now map[string][]byte) map[string][]byte {
	all := map[string][]byte{}
	for _, of := range []map[string][]byte{was, now} {
		for name, src := range of {
			all[name] = src
		}
	}
	return all
}

func read(t *testing.T, a *txtar.Archive) (folders map[string]map[string][]byte, outside world, want string) {
	t.Helper()
	folders = map[string]map[string][]byte{}
	for _, f := range a.Files {
		folder, name, ok := strings.Cut(f.Name, "/")
		switch {
		case ok && folders[folder] == nil:
			folders[folder] = map[string][]byte{name: f.Data}
		case ok:
			folders[folder][name] = f.Data
		case f.Name == "want":
			want = string(f.Data)
		default:
			if err := json.Unmarshal(f.Data, &outside); err != nil {
				t.Fatal(err)
			}
		}
	}
	return folders, outside, want
}

var types = sync.OnceValues(func() (*node.Set, error) { return node.NewSet(nodes.All()...) })

func load(t *testing.T, files map[string][]byte) *catalog.Set {
	t.Helper()
	types, err := types()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var names []string
	for name, src := range files {
		if len(src) == 0 {
			continue // it is gone
		}
		names = append(names, filepath.Join(dir, name))
		if err := os.WriteFile(filepath.Join(dir, name), src, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(names)
	set, mistakes := catalog.Load(names, flow.Config{Types: types})
	if err := mistakes.Err(); err != nil {
		t.Fatal(err)
	}
	return set
}

// uneven is a clock on which a little time passes whenever somebody looks, as on a
// real one.
type uneven struct {
	*clock.Virtual
	looks atomic.Int64
}

func (u *uneven) Now() time.Time {
	return u.Virtual.Now().Add(time.Duration(u.looks.Add(1)) * 137 * time.Microsecond)
}

// vendor answers calls as a world says.
type vendor struct {
	world
	clock clock.Clock
	mu    sync.Mutex
	made  map[string]int
}

func (v *vendor) Settings(string) map[string]any { return nil }

func (v *vendor) Do(ctx context.Context, r outbound.Request) wire.Reply {
	call := r.Call.Method + " " + r.Call.URL
	v.mu.Lock()
	v.made[call]++
	nr := v.made[call]
	v.mu.Unlock()
	for _, reply := range v.Replies {
		if !strings.HasPrefix(call, reply.Call) {
			continue
		}
		if nr--; nr > 0 && reply.Failure != "" {
			continue // a failure is of one try
		}
		if after, err := time.ParseDuration(reply.After); err == nil {
			if err := clock.Sleep(ctx, v.clock, after); err != nil {
				return wire.Reply{Failure: wire.Interrupted, Message: err.Error()}
			}
		}
		return wire.Reply{Status: reply.Status, Failure: reply.Failure, Headers: map[string][]string{"content-type": {"application/json"}}, Body: []byte(reply.Body)}
	}
	return wire.Reply{Failure: wire.Unreachable, Message: "nobody is there"}
}

// recordRuns makes the runs of a world, and returns what a server would export.
func recordRuns(t *testing.T, files map[string][]byte, outside world) []byte {
	t.Helper()
	set := load(t, files)
	f := set.Flow("main")
	start := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	v := clock.NewVirtual(start)
	c := &uneven{Virtual: v}
	memory := journal.NewMemory(1000)
	memory.Now = c.Now
	ids := 0
	e := engine.New(engine.Config{
		Memory: memory, Clock: c, Caller: &vendor{world: outside, clock: c, made: map[string]int{}}, Callee: set.Flow,
		Flow: func(context.Context, journal.Summary) (*flow.Flow, error) { return f, nil },
		Paused: func(string) *journal.Pause {
			if outside.Paused && v.Now().Before(start.Add(30*time.Minute)) {
				return &journal.Pause{Reason: "an incident"}
			}
			return nil
		},
		NewID: func() string { ids++; return fmt.Sprintf("01a1f7f8-0000-7000-8000-%012d", ids) },
	})
	idle := v.Busy()
	for i, one := range outside.Runs { // each a second after the one before
		later(c, time.Duration(i)*time.Second, func() {
			r, _, err := e.Start(t.Context(), engine.Start{Flow: f, Output: one.Body})
			if err != nil {
				t.Error(err)
				return
			}
			if d, err := time.ParseDuration(one.Resume); err == nil {
				later(c, d, func() { _ = e.Resume(t.Context(), r.ID, engine.Resumption{GiveUp: one.GiveUp}) })
			}
			if one.Retry != "" {
				later(c, time.Hour, func() {
					if _, _, err := e.Retry(t.Context(), r.ID, engine.Retry{From: one.Retry}); err != nil {
						t.Error(err)
					}
				})
			}
			if d, err := time.ParseDuration(one.Cancel); err == nil {
				later(c, d, func() { r.Cancel("by hand") })
			}
		})
	}
	for i, ev := range outside.Events {
		d, err := time.ParseDuration(ev.At)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := json.Marshal(ev.Data)
		if err != nil {
			t.Fatal(err)
		}
		later(c, d, func() {
			_, err := e.Deliver(t.Context(), journal.Event{ID: fmt.Sprint("event-", i), Name: ev.Name, Key: ev.Key, Data: doc, Expires: c.Now().Add(time.Hour)})
			if err != nil {
				t.Error(err)
			}
		})
	}
	idle()
	if err := v.Stalled(t.Context()); !errors.Is(err, clock.ErrStalled) {
		t.Fatal(err)
	}
	var exported bytes.Buffer
	if err := record.Export(t.Context(), &exported, e, true, journal.Filter{}); err != nil {
		t.Fatal(err)
	}
	return exported.Bytes()
}

func later(c clock.Clock, d time.Duration, do func()) {
	clock.Go(c, func() {
		if clock.Sleep(context.Background(), c, d) == nil {
			do()
		}
	})
}

// again is what differs, a line for each difference, in the order of the names.
func again(t *testing.T, files map[string][]byte, runs []byte, outside world) string {
	t.Helper()
	cfg := backtest.Config{Flow: load(t, files).Flow, Settings: func(string) map[string]any { return nil }}
	for _, text := range outside.Assume {
		a, err := backtest.ParseAssumption(text)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Assume = append(cfg.Assume, a)
	}
	var tally backtest.Tally
	if err := backtest.All(t.Context(), cfg, record.Read(bytes.NewReader(runs)), tally.Add); err != nil {
		t.Fatal(err)
	}
	r := tally.Report(nil)
	if r.Differ == 0 && len(r.LeftOut) == 0 && r.Runs > 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  %d runs, %d the same, %d unknown\n", r.Runs, r.Same, r.Unknown)
	for _, g := range r.Differences {
		fmt.Fprintf(&b, "  %d %s | %s | %s\n", len(g.Runs), g.Name, same(g.Was), same(g.Is))
	}
	for _, l := range r.LeftOut {
		fmt.Fprintf(&b, "  %d left out: %s\n", l.Runs, l.Reason)
	}
	return b.String()
}

// volatile is what depends on which of several runs came first to look at the clock.
var volatile = regexp.MustCompile(`01a1f[-0-9a-f]+|2026-[-0-9T:.]+Z|[0-9.]+ms|\S*/main.yaml`)

func same(text string) string { return volatile.ReplaceAllString(text, "…") }

// TestMasked holds that a run without its secrets is the same still, though the
// fingerprints of its calls are those of bodies and addresses that had them.
func TestMasked(t *testing.T) {
	t.Parallel()
	const src = `flow: main
nodes:
  n1: { type: manual, next: n2 }
  n2: { type: http, with: { method: POST, url: 'https://a.example.com/login?token=$(n1.password)', body: { secret: $(n1.password) } }, next: n3 }
  n3: { type: http, with: { method: POST, url: https://b.example.com/, body: { secret: $(n2.body.again) } }, next: n4 }
  n4: { type: respond, with: { body: { mine: $(n1.password), text: 'as $(n2.body.again)' } } }
`
	password := "hJ7" + "kq9Zp2"
	var outside world
	err := json.Unmarshal([]byte(`{"runs": [{"body": {"password": "`+password+`"}}], "replies": [
		{"call": "POST https://a.example.com", "status": 200, "body": "{\"again\":\"`+password+`\"}"}, {"call": "POST https://b.example.com", "status": 200}]}`), &outside)
	if err != nil {
		t.Fatal(err)
	}
	var masked bytes.Buffer
	if err := record.Mask(&masked, bytes.NewReader(recordRuns(t, map[string][]byte{"main.yaml": []byte(src)}, outside)), func(bool) {}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(masked.String(), password) {
		t.Fatal("the password is still there")
	}
	if said := again(t, map[string][]byte{"main.yaml": []byte(src)}, masked.Bytes(), outside); said != "" {
		t.Errorf("nothing was changed:\n%s", said)
	}
	said := again(t, map[string][]byte{"main.yaml": []byte(strings.Replace(src, "b.example.com", "c.example.com", 1))}, masked.Bytes(), outside)
	if !strings.Contains(said, "main call n3 address | POST https://b.example.com/ | POST https://c.example.com/") {
		t.Errorf("another address is not told:\n%s", said)
	}
}

// TestLeftOut holds why runs are not made again.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	start := func(change func(*run.RunStarted)) run.Event {
		e := run.RunStarted{Run: "r1", Flow: "main", Trigger: "n1"}
		change(&e)
		return e
	}
	plain := start(func(*run.RunStarted) {})
	call := run.CallStarted{Place: run.Place{Node: "n2", Visit: 1, Attempt: 1}, Method: "GET", URL: "https://a.example.com"}
	end := run.RunEnded{Status: run.Completed}
	tests := map[string]*record.Run{
		"it has not ended":                       {Events: []run.Event{plain}},
		"gone":                                   {Missing: "gone"},
		"its events do not begin with its start": {Events: []run.Event{end}},
		"another run had it made; record that one":            {Events: []run.Event{start(func(e *run.RunStarted) { e.Parent = &run.Parent{} }), end}},
		"it goes on with runs that an earlier run had made":   {Events: []run.Event{start(func(e *run.RunStarted) { e.Children = &run.Place{} }), end}},
		`the reply to a call of node "n2" is not on record`:   {Events: []run.Event{plain, call, end}},
		`the reply to a call of node "n2" is empty on record`: {Events: []run.Event{plain, call, run.CallReplied{Place: call.Place}, end}},
		"a run that node \"n2\" had made is not on record with it; `wend runs export` writes both": {
			Events: []run.Event{plain, run.ChildEnded{Place: call.Place, Run: "r2"}, end},
		},
	}
	for want, r := range tests {
		res, err := backtest.Play(t.Context(), backtest.Config{}, r)
		if err != nil || res.LeftOut != want {
			t.Errorf("left out because %q (%v), want %q", res.LeftOut, err, want)
		}
	}
}

func TestParseAssumption(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]backtest.Assumption{
		"n4=onTimeout":     {Node: "n4", Outcome: "onTimeout"},
		"sms:n4=onTimeout": {Flow: "sms", Node: "n4", Outcome: "onTimeout"},
		"n4":               {},
		"=x":               {},
		"n4=":              {},
		":n4=x":            {},
	} {
		got, err := backtest.ParseAssumption(text)
		if got != want || (err != nil) != (want == backtest.Assumption{}) {
			t.Errorf("ParseAssumption(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestReadAccepted(t *testing.T) {
	t.Parallel()
	got := backtest.ReadAccepted([]byte("# meant\n\nmain call n2 body\n  main response body.x  \n"))
	if want := []string{"main call n2 body", "main response body.x"}; !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}
