package proof

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/wendflow/wend/runtime/telemetry"
)

const root = "../.."

// collector is the collector's own receiver, which keeps what it gets.
type collector struct {
	endpoint string
	traces   consumertest.TracesSink
	metrics  consumertest.MetricsSink
	logs     consumertest.LogsSink
}

func collect(t *testing.T) *collector {
	t.Helper()
	c, addr := &collector{}, freeAddr(t)
	c.endpoint = "http://" + addr
	factory := otlpreceiver.NewFactory()
	cfg := factory.CreateDefaultConfig()
	said := confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{"http": map[string]any{"endpoint": addr}}})
	if err := said.Unmarshal(cfg); err != nil {
		t.Fatal(err)
	}
	set := receivertest.NewNopSettings(factory.Type())
	traces, errTraces := factory.CreateTraces(t.Context(), set, cfg, &c.traces)
	metrics, errMetrics := factory.CreateMetrics(t.Context(), set, cfg, &c.metrics)
	logs, errLogs := factory.CreateLogs(t.Context(), set, cfg, &c.logs)
	if err := errors.Join(errTraces, errMetrics, errLogs); err != nil {
		t.Fatal(err)
	}
	for _, part := range []component.Component{traces, metrics, logs} { // of one receiver, which knows all by now
		if err := part.Start(context.Background(), componenttest.NewNopHost()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = part.Shutdown(context.Background()) })
	}
	return c
}

// freeAddr is an address that was free a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// wend is a server of this checkout.
type wend struct {
	program, dir, addr string
	cmd                *exec.Cmd
}

var files = map[string]string{
	"wend.yaml": `connections:
  vendor: { baseURL: VENDOR, private: true }
telemetry:
  traces: { endpoint: OTLP }
  metrics: { endpoint: OTLP }
  logs: { endpoint: OTLP }
`,
	"flows/ask.yaml": `flow: ask
nodes:
  n1: { type: webhook, with: { path: /ask }, next: n2 }
  n2: { type: http, connection: vendor, with: { method: POST, url: "/tasks?secret=s3cret", body: {} }, outcomes: { else: n4 }, next: n3 }
  n3: { type: respond, with: { body: $(n2.body) } }
  n4: { type: respond, with: { status: 502 } }
`,
	"flows/fail.yaml": `flow: fail
nodes:
  n1: { type: webhook, with: { path: /fail, reply: accept }, next: n2 }
  n2: { type: end, with: { failed: true, reason: on purpose } }
`,
	"flows/later.yaml": `flow: later
nodes:
  n1: { type: webhook, with: { path: /later, reply: accept }, next: n2 }
  n2: { type: wait, with: { event: go, key: "1" }, next: n3 }
  n3: { type: log, with: { message: late } }
`,
}

func newWend(t *testing.T, vendor, otlp string) *wend {
	t.Helper()
	w := &wend{dir: t.TempDir(), addr: freeAddr(t)}
	w.program = filepath.Join(w.dir, "wend")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", w.program, "./cmd/wend")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, text := range files {
		text = strings.NewReplacer("VENDOR", vendor, "OTLP", otlp).Replace(text)
		write(t, filepath.Join(w.dir, name), text)
	}
	return w
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *wend) start(t *testing.T) {
	t.Helper()
	w.cmd = exec.Command(w.program, "serve", "--addr", w.addr, "flows")
	w.cmd.Dir, w.cmd.Stderr = w.dir, t.Output()
	out, err := w.cmd.StdoutPipe()
	if err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := w.cmd
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "listening on ") {
			go io.Copy(io.Discard, out)
			return
		}
	}
	t.Fatal("the server does not start")
}

func (w *wend) end(t *testing.T, how os.Signal) {
	t.Helper()
	if err := w.cmd.Process.Signal(how); err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Wait(); err != nil && how == os.Interrupt {
		t.Error(err)
	}
}

const traceID, parentID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

func (w *wend) post(t *testing.T, path, body, traceparent string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+w.addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if traceparent != "" {
		r.Header.Set("Traceparent", traceparent)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s: %s %s", path, resp.Status, body)
	}
}

// prometheus is a Prometheus server that scrapes and evaluates each second.
type prometheus struct{ url string }

func scrapeWith(t *testing.T, target string, flags ...string) prometheus {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("no prometheus here: apt-get install prometheus")
	}
	rules, err := filepath.Abs(root + "/deploy/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir, addr := t.TempDir(), freeAddr(t)
	write(t, filepath.Join(dir, "prometheus.yml"), fmt.Sprintf(`global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [%q]
scrape_configs: [{ job_name: wend, static_configs: [{ targets: [%q] }] }]
`, rules, target))
	cmd := exec.Command(program, append([]string{
		"--config.file", filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path", filepath.Join(dir, "data"),
		"--web.listen-address", addr, "--log.level", "error",
	}, flags...)...)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	return prometheus{"http://" + addr}
}

// get asks the API of Prometheus, and tells whether it has an answer.
func (p prometheus) get(path string, data any) bool {
	resp, err := http.Get(p.url + path)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	answer := struct{ Data any }{data}
	return resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(&answer) == nil
}

// value is what a query says, of the first series that it finds.
func (p prometheus) value(query string) (float64, bool) {
	var data struct {
		Result []struct{ Value [2]any }
	}
	if !p.get("/api/v1/query?query="+url.QueryEscape(query), &data) || len(data.Result) == 0 {
		return 0, false
	}
	text, _ := data.Result[0].Value[1].(string)
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil && v == v
}

// rules are the health and the state of each alert rule.
func (p prometheus) rules() map[string][2]string {
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Health, State string }
		}
	}
	all := map[string][2]string{}
	if p.get("/api/v1/rules", &data) {
		for _, g := range data.Groups {
			for _, r := range g.Rules {
				all[r.Name] = [2]string{r.Health, r.State}
			}
		}
	}
	return all
}

// patience is how long anything here may take to be seen.
const patience = 2 * time.Minute

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !so(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func TestSeen(t *testing.T) {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id": 7}`)
	}))
	t.Cleanup(vendor.Close)
	c := collect(t)
	w := newWend(t, vendor.URL, c.endpoint)
	w.start(t)
	native, classic := scrapeWith(t, w.addr, "--enable-feature=native-histograms"), scrapeWith(t, w.addr)

	t.Run("Prometheus", func(t *testing.T) { seenByPrometheus(t, w, native, classic) })
	w.post(t, "/hooks/later", "{}", "00-"+traceID+"-"+parentID+"-01")
	w.post(t, "/hooks/ask", "{}", "00-"+strings.ToLower("1"+traceID[1:])+"-"+parentID+"-01")
	eventually(t, "the spans of ask arrive", func() bool { return len(spansOf(c, "1"+traceID[1:])) == 4 })
	w.end(t, os.Kill)
	w.start(t)
	w.post(t, "/api/v1/events/go", `{"key": "1"}`, "")
	eventually(t, "the run ends that waited", func() bool { return len(spansOf(c, traceID)) == 3 })
	w.end(t, os.Interrupt)

	t.Run("traces", func(t *testing.T) { tracesArrived(t, c, vendor.URL) })
	t.Run("metrics", func(t *testing.T) { metricsArrived(t, c) })
	t.Run("logs", func(t *testing.T) { logsArrived(t, c) })
}

// Both kinds of histograms are read, every rule that ships can be evaluated, and
// one of them sees what is wrong.
func seenByPrometheus(t *testing.T, w *wend, native, classic prometheus) {
	for query, p := range map[string]prometheus{
		`histogram_count(wend_run_duration_seconds{flow="fail"})`:                                       native,
		`histogram_quantile(0.99, sum(rate(wend_run_duration_seconds[1m])))`:                            native,
		`histogram_quantile(0.99, sum(rate(wend_journal_commit_duration_seconds[1m])))`:                 native,
		`histogram_quantile(0.99, sum by (le) (rate(wend_journal_commit_duration_seconds_bucket[1m])))`: classic,
		`sum(wend_run_duration_seconds_bucket{flow="fail", le="+Inf"})`:                                 classic,
		`sum(rate(wend_runs_ended_total{flow="fail", status="failed"}[1m]))`:                            classic,
		`wend_ready == 1`: classic,
		`sum by (instance) (wend_limit_used / wend_limit_max) >= 0`: classic,
	} {
		eventually(t, query+" has a value", func() bool {
			w.post(t, "/hooks/fail", "{}", "")
			_, ok := p.value(query)
			return ok
		})
	}
	for _, p := range []prometheus{native, classic} {
		eventually(t, "failing runs are seen by an alert", func() bool {
			w.post(t, "/hooks/fail", "{}", "")
			return slices.Contains([]string{"pending", "firing"}, p.rules()["WendRunsFail"][1])
		})
		rules := p.rules()
		if len(rules) < 10 {
			t.Errorf("only %d rules", len(rules))
		}
		for name, r := range rules {
			if r[0] != "ok" {
				t.Errorf("rule %s is %s", name, r[0])
			}
		}
	}
}

// span is a span with its resource.
type span struct {
	ptrace.Span
	instance string
}

func spansOf(c *collector, trace string) []span {
	var all []span
	for _, batch := range c.traces.AllTraces() {
		for _, r := range batch.ResourceSpans().All() {
			instance, _ := r.Resource().Attributes().Get("service.instance.id")
			for _, scope := range r.ScopeSpans().All() {
				for _, s := range scope.Spans().All() {
					if s.TraceID().String() == trace {
						all = append(all, span{s, instance.AsString()})
					}
				}
			}
		}
	}
	return all
}

// Runs, nodes and calls are below each other, and a run that waited over the crash
// of its server is in one trace, though another process ended it.
func tracesArrived(t *testing.T, c *collector, vendor string) {
	for trace, want := range map[string][]string{
		"1" + traceID[1:]: {"POST below n2, Client", "n2 below ask, Internal", "n3 below ask, Internal", "ask below the caller, Server"},
		traceID:           {"n2 below later, Internal", "n3 below later, Internal", "later below the caller, Server"},
	} {
		spans := spansOf(c, trace)
		names := map[pcommon.SpanID]string{}
		for _, s := range spans {
			names[s.SpanID()] = s.Name()
		}
		var got []string
		for _, s := range spans {
			above := names[s.ParentSpanID()]
			if s.ParentSpanID().String() == parentID {
				above = "the caller"
			}
			got = append(got, fmt.Sprintf("%s below %s, %s", s.Name(), above, s.Kind()))
			if full, ok := s.Attributes().Get("url.full"); ok && full.AsString() != vendor+"/tasks" {
				t.Errorf("url.full is %s", full.AsString())
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("trace %s: %q, want %q", trace, got, want)
		}
	}
	if one, other := spansOf(c, "1"+traceID[1:])[0].instance, spansOf(c, traceID)[0].instance; one == other || one == "" {
		t.Errorf("two processes are the instances %q and %q", one, other)
	}
}

// All metrics that are scraped arrive, each as what it is.
func metricsArrived(t *testing.T, c *collector) {
	kinds := map[string]pmetric.MetricType{}
	ended := map[string]float64{}
	for _, batch := range c.metrics.AllMetrics() {
		for _, r := range batch.ResourceMetrics().All() {
			for _, scope := range r.ScopeMetrics().All() {
				for _, m := range scope.Metrics().All() {
					kinds[m.Name()] = m.Type()
					if m.Name() != "wend_runs_ended_total" {
						continue
					}
					for _, p := range m.Sum().DataPoints().All() {
						flow, _ := p.Attributes().Get("flow")
						ended[flow.AsString()] = p.DoubleValue()
					}
				}
			}
		}
	}
	if ended["later"] != 1 {
		t.Errorf("runs ended: %v", ended)
	}
	want := map[string]pmetric.MetricType{"counter": pmetric.MetricTypeSum, "gauge": pmetric.MetricTypeGauge, "histogram": pmetric.MetricTypeExponentialHistogram}
	seen := 0
	for _, row := range telemetry.Rows() {
		kind, ok := kinds[row.Name]
		if !ok {
			continue // nothing of it has happened
		}
		seen++
		if kind != want[row.Kind] {
			t.Errorf("%s %s arrives as %s", row.Kind, row.Name, kind)
		}
	}
	if seen < 30 {
		t.Errorf("only %d metrics arrived: %v", seen, kinds)
	}
}

// A line of a run that failed has its run, its trace and the run's span.
func logsArrived(t *testing.T, c *collector) {
	bodies := map[string]plog.LogRecord{}
	for _, batch := range c.logs.AllLogs() {
		for _, r := range batch.ResourceLogs().All() {
			for _, scope := range r.ScopeLogs().All() {
				for _, l := range scope.LogRecords().All() {
					bodies[l.Body().AsString()] = l
				}
			}
		}
	}
	for _, body := range []string{"serving", "run failed", "late", "stopping"} {
		if _, ok := bodies[body]; !ok {
			t.Fatalf("no line %q among %d", body, len(bodies))
		}
	}
	late := bodies["late"]
	node, _ := late.Attributes().Get("node")
	var above string
	for _, s := range spansOf(c, traceID) {
		if s.SpanID() == late.SpanID() {
			above = s.Name()
		}
	}
	if late.TraceID().String() != traceID || node.AsString() != "n3" || above != "n3" {
		t.Errorf("the line of node %q is in trace %s, in the span of %q", node.AsString(), late.TraceID(), above)
	}
	failed := bodies["run failed"]
	run, _ := failed.Attributes().Get("run")
	spans := spansOf(c, failed.TraceID().String())
	if failed.SeverityNumber() != plog.SeverityNumberWarn || run.AsString() == "" || !slices.ContainsFunc(spans, func(s span) bool { return s.SpanID() == failed.SpanID() && s.Name() == "fail" }) {
		t.Errorf("the line of run %q is in the trace %s of %d spans", run.AsString(), failed.TraceID(), len(spans))
	}
}
