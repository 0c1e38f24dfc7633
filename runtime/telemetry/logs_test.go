package telemetry_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	otlp "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/telemetry"
)

// logged sends what write logs, and returns the lines that arrive.
func logged(t *testing.T, sample float64, write func(*slog.Logger)) []string {
	t.Helper()
	r := receive(t)
	l := telemetry.NewLogs(at(r.URL), sample, telemetry.New(""))
	write(slog.New(l.Handler(slog.NewTextHandler(t.Output(), nil))))
	drain(l)
	var got []string
	for _, line := range r.lines {
		if line.GetTimeUnixNano() == 0 || line.GetObservedTimeUnixNano() == 0 {
			t.Errorf("%v has no time", line)
		}
		var text []string
		for key, value := range attrs(line.GetAttributes()) {
			text = append(text, key+"="+value)
		}
		slices.Sort(text)
		got = append(got, fmt.Sprintf("%d %s %q trace=%s span=%s flags=%d %s", line.GetSeverityNumber(), line.GetSeverityText(), line.GetBody().GetStringValue(),
			hex.EncodeToString(line.GetTraceId()), hex.EncodeToString(line.GetSpanId()), line.GetFlags(), strings.Join(text, " ")))
	}
	return got
}

// A line of a run has the run's trace, and that of a node the node's span, which
// are those of Traces.
func TestLinesHaveTheirTrace(t *testing.T) {
	t.Parallel()
	traced := visit
	traced.Run = &fact.Run{ID: "r2", Flow: "order", Key: "k7", TraceParent: parent}
	own := visit
	own.Run = &fact.Run{ID: "r3", Flow: "order"}
	facts := []fact.Fact{
		fact.RunEnded{Of: traced.Of, Status: run.Failed, Node: "ask", Outcome: "onError", Code: "fuel", Reason: "too much", Took: time.Second},
		fact.NodeLogged{Visit: traced, Level: slog.LevelInfo, Line: "said", Fields: map[string]any{"n": 7.5, "yes": true, "who": "ann", "list": []any{1.0, "x"}}},
		fact.NodeLogged{Visit: own, Level: slog.LevelError, Line: "bad"},
		fact.JournalFailed{Run: own.Run, Doing: "append", Err: errors.New("full")},
		fact.JournalFailed{Doing: "list", Err: errors.New("full")},
	}
	tell := func(log *slog.Logger) {
		o := fact.Log(log, clock.System)
		for _, f := range facts {
			o(f)
		}
	}
	with := telemetry.NewTraces(at("http://127.0.0.1:1"), 1, telemetry.New(""))
	ids := func(r *fact.Run, node bool) string {
		trace := with.Trace(r.ID, r.TraceParent)
		span := trace.Root()
		if node {
			span = trace.Node("ask", 1, 1)
		}
		return fmt.Sprintf("trace=%x span=%x flags=1", trace.ID, span)
	}
	const (
		failed = `13 WARN "run failed" %s code=fuel flow=order key=k7 message=too much node=ask outcome=onError run=r2 took=1 trace=0af7651916cd43dd8448eb211c80319c`
		said   = `9 INFO "said" %s attempt=1 fields.list=[1,"x"] fields.n=7.5 fields.who=ann fields.yes=true flow=order key=k7 node=ask run=r2 trace=0af7651916cd43dd8448eb211c80319c`
		bad    = `17 ERROR "bad" %s attempt=1 flow=order node=ask run=r3`
		full   = `17 ERROR "the journal failed" %s doing=append error=full flow=order run=r3`
		nobody = `17 ERROR "the journal failed" trace= span= flags=0 doing=list error=full`
		none   = "trace= span= flags=0"
		theirs = "trace=0af7651916cd43dd8448eb211c80319c span=b7ad6b7169203331 flags=1"
	)
	for sample, want := range map[float64][]string{
		1: {
			fmt.Sprintf(failed, ids(traced.Run, false)), fmt.Sprintf(said, ids(traced.Run, true)), fmt.Sprintf(bad, ids(own.Run, true)),
			fmt.Sprintf(full, ids(own.Run, false)), nobody,
		},
		// Nobody sends spans: there are only those of who called.
		0: {fmt.Sprintf(failed, theirs), fmt.Sprintf(said, theirs), fmt.Sprintf(bad, none), fmt.Sprintf(full, none), nobody},
	} {
		if diff := cmp.Diff(want, logged(t, sample, tell)); diff != "" {
			t.Errorf("sample %v: lines (-want +got):\n%s", sample, diff)
		}
	}
}

// Attributes have the names and kinds that the log has; what is too long is cut, and
// what is not UTF-8 takes no other line with it.
func TestLines(t *testing.T) {
	t.Parallel()
	got := logged(t, 1, func(log *slog.Logger) {
		log.Debug("not wanted")
		log.With("a", 1).WithGroup("g").Info("grouped", "b", 2.5, slog.Group("h", "c", true), slog.Group("", "d", time.Second), slog.Attr{})
		log.Warn("bad \xff", "e", "\xfe", "u", uint64(1)<<63, "at", time.Unix(100, 0).UTC(), "err", errors.New("no"), "list", []int{1, 2})
		log.Error("long", "text", strings.Repeat("x", 40_000))
	})
	want := []string{
		`9 INFO "grouped" trace= span= flags=0 a=1 g.b=2.5 g.d=1 g.h.c=true`,
		`13 WARN "bad �" trace= span= flags=0 at=1970-01-01T00:01:40Z e=� err=no list=[1 2] u=9223372036854775807`,
		`17 ERROR "long" trace= span= flags=0 text=` + strings.Repeat("x", 32<<10) + "…",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// What a receiver takes only in part is counted so.
func TestRefusedInPart(t *testing.T) {
	t.Parallel()
	answer, err := proto.Marshal(&otlp.ExportLogsServiceResponse{PartialSuccess: &otlp.ExportLogsPartialSuccess{RejectedLogRecords: 2, ErrorMessage: "too old"}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) }))
	t.Cleanup(server.Close)
	m := telemetry.New("")
	var said strings.Builder
	to := at(server.URL)
	to.Log = slog.New(slog.NewTextHandler(&said, nil))
	l := telemetry.NewLogs(to, 1, m)
	log := slog.New(l.Handler(slog.NewTextHandler(t.Output(), nil)))
	for range 5 {
		log.Info("line")
	}
	drain(l)
	text := strings.Split(scrape(t, m), "\n")
	for _, want := range []string{"wend_log_lines_sent_total 3", `wend_log_lines_dropped_total{reason="receiver"} 2`} {
		if !slices.Contains(text, want) {
			t.Errorf("no line %q", want)
		}
	}
	if !strings.Contains(said.String(), "count=2") || !strings.Contains(said.String(), "too old") {
		t.Errorf("the log says %q", said.String())
	}
}
