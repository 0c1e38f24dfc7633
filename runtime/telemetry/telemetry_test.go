package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/quota"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/telemetry"
	"github.com/wendflow/wend/sdk/wire"
)

var (
	of    = fact.Of{Run: &fact.Run{ID: "r1", Flow: "order", Trigger: "hook", Key: "customer-7", Labels: map[string]string{"who": "customer-7"}}}
	visit = fact.Visit{Of: of, Place: run.Place{Node: "ask", Visit: 1, Attempt: 1}, Type: "cisco-cce/update@1", Connection: "cce"}
)

// happened is a bit of everything that is counted.
var happened = []fact.Fact{
	fact.RunStarted{Of: of},
	fact.RunTakenUp{Of: of, Events: 3},
	fact.RunWoken{Visit: visit, Late: 20 * time.Millisecond},
	fact.RunWoken{Visit: visit, Event: "paid", Late: 0},
	fact.RunParked{Of: of},
	fact.RunResponded{Of: of, Status: 202, Took: 30 * time.Millisecond},
	fact.RunResponded{Of: of, Status: 999, Took: -time.Second},
	fact.RunEnded{Of: of, Status: run.Completed, Outcome: "success", Took: 2 * time.Second},
	fact.RunEnded{Of: of, Status: run.Failed, Outcome: "onError", Code: "fuel", Reason: "customer-7", Took: time.Hour},
	fact.RunPaused{Visit: visit, Cause: run.PauseRetries},
	fact.RunResumed{Visit: visit},
	fact.RunDropped{Of: of, Why: fact.Broken},
	fact.NodeLeft{Visit: visit, Outcome: "onError", Message: "customer-7", Took: time.Second},
	fact.Invoked{Visit: visit, Took: time.Millisecond, Fuel: 5000},
	fact.Invoked{Visit: visit, Took: time.Second, Fuel: 1000, Code: "fuel"},
	fact.Fault{Visit: visit, Outcome: "onError", Code: "fuel", Message: "customer-7"},
	fact.RetryScheduled{Visit: visit, Outcome: "onError"},
	fact.CallMade{Visit: visit, Method: "GET", Host: "customer-7", Path: "/customer-7", Status: 200, Took: time.Second, Sent: 10, Received: 20},
	fact.CallMade{Visit: visit, Status: 299, Took: time.Second},
	fact.CallMade{Visit: visit, Failure: wire.Interrupted},
	fact.StartRefused{Flow: "order", Later: true},
	fact.StartRefused{Flow: "order", Err: errors.New("customer-7")},
	fact.HookRefused{Path: "/hooks/customer-7", Caller: "customer-7", Status: 401, Reason: "customer-7"},
	fact.HookRefused{Path: "/hooks/order", Flow: "order", Status: 401},
	fact.HookRefused{Path: "/hooks/order", Flow: "order", Status: 429},
	fact.HookRefused{Path: "/hooks/order", Flow: "order", Status: 418},
	fact.TicksLeftOut{Flow: "order", Node: "n", Why: fact.Missed, Count: 3},
	fact.LeaseGained{Shards: 3, Held: 7},
	fact.LeaseLost{Shards: 1, Held: 6},
	fact.LeaseLost{Shards: 1, Held: 5, Given: true},
	fact.Committed{Writes: 3, Waited: time.Millisecond, Took: 2 * time.Millisecond},
	fact.Committed{Writes: 1, Took: time.Second, Err: errors.New("full")},
	fact.JournalFailed{Doing: "take up run customer-7", Err: errors.New("full")},
	fact.ClockJumped{Jump: clock.Jump{By: time.Hour, Off: time.Hour}},
	fact.ObserverFailed{Panic: "customer-7"},
}

// sources are figures of now.
var sources = telemetry.Sources{
	Ready: func() error { return errors.New("no") },
	Limits: func(context.Context) ([]quota.Figure, error) {
		return []quota.Figure{{Name: "requests", Used: 2, Most: 10, Refused: 1}, {Name: "bodies", Used: 100, Most: 1000}}, nil
	},
	Backlog: func(context.Context) (telemetry.Backlog, error) {
		return telemetry.Backlog{Driven: 4, Oldest: time.Hour, Overdue: time.Second}, nil
	},
	Journal: func() telemetry.Journal { return telemetry.Journal{Waiting: 2, Oldest: time.Millisecond, Bytes: 4096} },
	Plugins: func() []telemetry.Plugin {
		return []telemetry.Plugin{{Name: "cisco-cce", Idle: 1, Running: 1, Most: 2}, {Name: "cisco-cce", Idle: 1, Most: 2}}
	},
	Connections: func() []telemetry.Connection {
		return []telemetry.Connection{
			{Name: "crm", Breaker: "half-open", UnderWay: 2, Waiting: 1, Waited: 1500 * time.Millisecond, KeptBack: map[string]int64{"rate": 3, "breaker": 4}},
			{Name: "shop", KeptBack: map[string]int64{"rate": 0}},
		}
	},
}

// scrape returns what a Prometheus server gets.
func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func tellAll() *telemetry.Metrics {
	m := telemetry.New("1.2.3")
	m.Read(sources)
	o := fact.Observe(m.Observe)
	for _, f := range happened {
		o.Tell(f)
	}
	return m
}

// ours leaves out what the Go runtime and the process say.
func ours(text string) string {
	return regexp.MustCompile(`(?m)^(# \w+ )?(go|process|promhttp)_.*\n`).ReplaceAllString(text, "")
}

func TestScrape(t *testing.T) {
	t.Parallel()
	got := ours(scrape(t, tellAll()))
	if strings.Contains(got, "customer-7") {
		t.Error("data is in a label")
	}
	const file = "testdata/scrape.txt"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-%s +now)\n%s", file, diff)
	}
	for _, row := range telemetry.Rows() {
		if !strings.Contains(got, "# TYPE "+row.Name+" "+row.Kind+"\n") {
			t.Errorf("%s %s is documented, but not scraped after all that can happen", row.Kind, row.Name)
		}
	}
}

// promtool is Prometheus' own tool; tests that need it are left out without it.
func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("no promtool here: apt-get install prometheus")
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil || bytes.Contains(out, []byte("FAILED")) {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Prometheus' own tool finds nothing to say of names, types and units.
func TestConventions(t *testing.T) {
	t.Parallel()
	promtool(t, ours(scrape(t, tellAll())), "check", "metrics")
}

// Prometheus servers that take native histograms ask for protobuf.
func TestNativeHistograms(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	w := httptest.NewRecorder()
	tellAll().Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
	for _, h := range native(t, w.Body) {
		if h.schema == nil || h.buckets == 0 {
			t.Errorf("%s: no native histogram, or no buckets beside it", h.name)
		}
	}
}

// What is below the bound has its own label, and what is above shares one.
func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	m := telemetry.New("")
	for i := range 1000 {
		v := visit
		v.Type, v.Connection = fmt.Sprintf("type%d", i), fmt.Sprintf("connection%d", i)
		v.Run = &fact.Run{Flow: fmt.Sprintf("flow%d\xff", i)}
		m.Observe(fact.RunStarted{Of: v.Of})
		m.Observe(fact.NodeLeft{Visit: v, Outcome: fmt.Sprintf("outcome%d", i)})
		m.Observe(fact.CallMade{Visit: v, Status: i})
		m.Observe(fact.Fault{Visit: v, Code: fmt.Sprintf("code%d", i)})
	}
	text := scrape(t, m)
	for line, want := range map[string]int{
		"wend_runs_started_total{": 201, "wend_call_sent_bytes_total{": 101, "wend_node_attempt_duration_seconds_count{": 201,
	} {
		if n := strings.Count(text, "\n"+line); n != want {
			t.Errorf("%d series of %s…, want %d", n, line, want)
		}
	}
	if !strings.Contains(text, `wend_runs_started_total{flow="other"} 800`) {
		t.Error("the rest is not counted as other")
	}
	codes := map[string]bool{}
	for _, c := range regexp.MustCompile(`wend_calls_total\{code="(\w*)"`).FindAllStringSubmatch(text, -1) {
		codes[c[1]] = true
	}
	if len(codes) > 75 || !codes["404"] || !codes["4xx"] || !codes["other"] {
		t.Errorf("%d statuses: %v", len(codes), codes)
	}
}

// A source that cannot be read takes no other metric with it.
func TestSourceFails(t *testing.T) {
	t.Parallel()
	failing := sources
	failing.Backlog = func(context.Context) (telemetry.Backlog, error) {
		return telemetry.Backlog{}, errors.New("the disk is gone")
	}
	m := telemetry.New("")
	m.Read(failing)
	var log bytes.Buffer
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.NewTextHandler(&log, nil))).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if text := w.Body.String(); w.Code != 200 || !strings.Contains(text, "\nwend_limit_used{") || strings.Contains(text, "\nwend_oldest_run_age_seconds") {
		t.Errorf("%d %s", w.Code, text)
	}
	if !strings.Contains(log.String(), "the disk is gone") {
		t.Errorf("the log does not say why: %q", log.String())
	}
}

// What is counted again and again takes no memory for it.
func TestObserveAllocatesNothing(t *testing.T) {
	m := tellAll()
	for _, f := range happened {
		switch f.(type) {
		case fact.RunEnded, fact.NodeLeft, fact.Invoked, fact.CallMade, fact.RunStarted, fact.RunResponded, fact.Committed:
		default:
			continue
		}
		// A native histogram has its key in an interface: at most one a bucket.
		if n := testing.AllocsPerRun(100, func() { m.Observe(f) }); n > 1 {
			t.Errorf("%T: %v allocations", f, n)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	m := tellAll()
	for _, f := range happened {
		b.Run(strings.TrimPrefix(fmt.Sprintf("%T", f), "fact."), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.Observe(f)
			}
		})
	}
}

// metricsIn are the metrics of ours that a text of PromQL names.
func metricsIn(text string) []string {
	found := regexp.MustCompile(`\bwend_\w+`).FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// checkKnown holds that each metric of a text is there.
func checkKnown(t *testing.T, file, text string) {
	t.Helper()
	known := map[string]bool{}
	for _, r := range telemetry.Rows() {
		known[r.Name] = true
		if r.Kind == "histogram" {
			known[r.Name+"_bucket"], known[r.Name+"_sum"], known[r.Name+"_count"] = true, true, true
		}
	}
	for _, name := range metricsIn(text) {
		if !known[name] {
			t.Errorf("%s: there is no metric %s", file, name)
		}
	}
}

const deploy = "../../deploy/prometheus/"

func TestAlertRules(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(deploy + "alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(deploy + "alerts_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	checkKnown(t, "alerts.yaml", string(text))
	for _, alert := range regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(string(tests), "alertname: "+alert[1]+"\n") {
			t.Errorf("alerts_test.yaml does not fire %s", alert[1])
		}
	}
	promtool(t, "", "check", "rules", "--lint=all", "--lint-fatal", deploy+"alerts.yaml")
	promtool(t, "", "test", "rules", deploy+"alerts_test.yaml")
}

// Each panel of the dashboard asks for what there is, in PromQL that Prometheus
// takes.
func TestDashboard(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/grafana/wend.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	checkKnown(t, "wend.json", string(text))
	type rule struct {
		Record string `json:"record"`
		Expr   string `json:"expr"`
	}
	var rules []rule
	for _, p := range board.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q asks for nothing", p.Title)
		}
		for _, target := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*").Replace(target.Expr)
			rules = append(rules, rule{fmt.Sprintf("panel:%d", len(rules)), expr})
		}
	}
	if len(rules) < 30 {
		t.Errorf("only %d expressions", len(rules))
	}
	group, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "panels", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "panels.json") // JSON is YAML
	if err := os.WriteFile(file, group, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "check", "rules", file)
}
