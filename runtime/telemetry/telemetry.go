// Package telemetry shows what happens to those who operate it: as metrics for
// Prometheus, which also read the figures of now when they are scraped, and as
// traces, metrics and lines of the log for an OTLP receiver. Traces and metrics are
// observers of package fact, whose log the lines are.
//
// No label holds data. Flows, connections and node types are names of files that
// operators have; outcomes are those that node types declare; codes, reasons and
// statuses are sets that are closed. Even so each kind of name is bounded: those
// above the bound are counted together, as "other".
package telemetry

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wendflow/wend/runtime/fact"
)

// Metrics counts. Observe is for fact.Observe, Handler for those who scrape. It
// is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	began    time.Time
	rows     []Row

	flows, connections, types, outcomes, codes *names

	runsStarted, runsEnded, runsDropped *prometheus.CounterVec
	runsParked, runsTakenUp             prometheus.Counter
	runSeconds, responseSeconds         *prometheus.HistogramVec
	runsPaused, runsResumed             *prometheus.CounterVec
	startsRefused, hooksRefused         *prometheus.CounterVec
	ticksLeftOut                        *prometheus.CounterVec
	attempts, retries, faults           *prometheus.CounterVec
	attemptSeconds                      *prometheus.HistogramVec
	invokeSeconds                       *prometheus.HistogramVec
	pluginFuel, pluginFaults            *prometheus.CounterVec
	calls, callsSent, callsReceived     *prometheus.CounterVec
	callSeconds                         *prometheus.HistogramVec
	timersLate                          *prometheus.HistogramVec
	commitSeconds                       *prometheus.HistogramVec
	commitWaits, commitWrites           *prometheus.HistogramVec
	journalFailures, clockJumps         prometheus.Counter
	spansSent                           prometheus.Counter
	spansDropped                        *prometheus.CounterVec
	linesSent                           prometheus.Counter
	linesDropped, pushes                *prometheus.CounterVec
	leasesLost, observersFailed         prometheus.Counter
	shardsHeld, clockAhead              prometheus.Gauge

	starts  *handles[string, prometheus.Counter]
	answers *handles[answerKey, prometheus.Observer]
	ends    *handles[endKey, endHandles]
	leaves  *handles[leaveKey, leaveHandles]
	invokes *handles[string, invokeHandles]
	made    *handles[callKey, callHandles]
	commits commitHandles
}

// Most distinct values that labels of a kind have; the rest is "other".
const (
	mostFlows       = 200
	mostConnections = 100
	mostTypes       = 200
	mostOutcomes    = 200
	mostCodes       = 100
)

// What durations fall into, for Prometheus servers that do not take native
// histograms. Runs and attempts may wait for days.
var (
	short = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	long  = []float64{.005, .025, .1, .5, 1, 5, 10, 30, 60, 300, 1800, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600}
	sizes = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}
)

// New makes metrics of a program of that version, all zero.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), began: time.Now(),
		flows: newNames(mostFlows), connections: newNames(mostConnections), types: newNames(mostTypes),
		outcomes: newNames(mostOutcomes), codes: newNames(mostCodes),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	m.runsStarted = m.counters("wend_runs_started_total", "Runs that are on record.", "flow")
	m.runsEnded = m.counters("wend_runs_ended_total", "Runs that have ended: completed, failed or cancelled.", "flow", "status", "outcome")
	m.runSeconds = m.histograms("wend_run_duration_seconds", "From the start of a run to its end, waits included.", long, "flow", "status")
	m.responseSeconds = m.histograms("wend_run_response_duration_seconds", "From the start of a run to its answer, by the class of its status such as 2xx.", short, "flow", "code")
	m.runsParked = m.counter("wend_runs_parked_total", "Times that a run which waits was left to the journal.")
	m.runsTakenUp = m.counter("wend_runs_taken_up_total", "Times that a run was taken up from the journal.")
	m.runsDropped = m.counters("wend_runs_dropped_total", "Runs that this process drives no more though they have not ended: stopping, moved, lost to another, or broken, which needs somebody.", "why")
	m.runsPaused = m.counters("wend_runs_paused_total", "Runs that were paused, by whom or what.", "flow", "cause")
	m.runsResumed = m.counters("wend_runs_resumed_total", "Paused runs that went on.", "flow")
	m.startsRefused = m.counters("wend_run_starts_refused_total", "Starts that made no run: not_ready, or failed.", "reason")
	m.hooksRefused = m.counters("wend_webhooks_refused_total", "Requests to webhooks that made no run. The flow is empty for unknown paths.", "flow", "reason")
	m.ticksLeftOut = m.counters("wend_ticks_left_out_total", "Ticks of schedules that have no run. With several servers each may tell of the same ones.", "flow", "why")

	m.attempts = m.counters("wend_node_attempts_total", "Attempts at nodes that have ended.", "type", "outcome")
	m.attemptSeconds = m.histograms("wend_node_attempt_duration_seconds", "How long attempts at nodes took, waits included.", long, "type")
	m.retries = m.counters("wend_node_retries_total", "Attempts that are followed by another.", "type")
	m.faults = m.counters("wend_node_faults_total", "Attempts that failed on the host's side.", "type", "code")

	m.invokeSeconds = m.histograms("wend_plugin_invoke_duration_seconds", "How long invokes of plugins took, the wait for an instance included.", short, "type")
	m.pluginFuel = m.counters("wend_plugin_fuel_total", "Fuel that invokes of plugins used.", "type")
	m.pluginFaults = m.counters("wend_plugin_faults_total", "Invokes of plugins that ended by a fault.", "type", "code")

	m.calls = m.counters("wend_calls_total", "Calls that have ended: with the status of a reply, or with a failure.", "connection", "code", "failure")
	m.callSeconds = m.histograms("wend_call_duration_seconds", "How long calls took.", short, "connection")
	m.callsSent = m.counters("wend_call_sent_bytes_total", "Bytes of the bodies of calls.", "connection")
	m.callsReceived = m.counters("wend_call_received_bytes_total", "Bytes of the bodies of replies.", "connection")

	m.timersLate = m.histograms("wend_timer_lateness_seconds", "How long after its time a run went on that waited for one.", short)
	m.commitSeconds = m.histograms("wend_journal_commit_duration_seconds", "How long transactions of the journal took: committed, or failed.", short, "result")
	m.commitWaits = m.histograms("wend_journal_wait_seconds", "How long the first write of each transaction had waited for it.", short)
	m.commitWrites = m.histograms("wend_journal_commit_writes", "Writes that one transaction took.", sizes)
	m.journalFailures = m.counter("wend_journal_failures_total", "What the journal refused. It is tried again.")
	m.shardsHeld = m.gauge("wend_shards_held", "Of the 64 shards of the journal, those whose runs are this process's.")
	m.leasesLost = m.counter("wend_leases_lost_total", "Times that shards were lost that this process had not given up.")
	m.clockJumps = m.counter("wend_clock_jumps_total", "Times that the clock of the machine was set.")
	m.clockAhead = m.gauge("wend_clock_ahead_seconds", "How far the clock of the machine is ahead of the time that runs go by.")
	m.observersFailed = m.counter("wend_observer_failures_total", "Observers that failed, and are told no more.")

	m.spansSent = m.counter("wend_spans_sent_total", "Spans that an OTLP receiver took.")
	m.spansDropped = m.counters("wend_spans_dropped_total", "Spans that are lost: there were too many in the queue, or the receiver did not take them.", "reason")
	m.linesSent = m.counter("wend_log_lines_sent_total", "Lines of the log that an OTLP receiver took.")
	m.linesDropped = m.counters("wend_log_lines_dropped_total", "Lines of the log that an OTLP receiver did not get, as spans.", "reason")
	m.pushes = m.counters("wend_metric_pushes_total", "Times that metrics were sent to an OTLP receiver: taken, or failed.", "result")

	// An increase is seen only of what was there before.
	for _, reason := range []string{queueFull, notTaken} {
		m.spansDropped.WithLabelValues(reason)
		m.linesDropped.WithLabelValues(reason)
	}
	for _, result := range []string{pushed, failed} {
		m.pushes.WithLabelValues(result)
	}
	for _, why := range []fact.Why{fact.Stopping, fact.Moved, fact.Lost, fact.Broken} {
		m.runsDropped.WithLabelValues(string(why))
	}
	m.prepareHandles()

	about := Row{"wend_build_info", "gauge", "Always 1. The version is the label.", []string{"version"}}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: about.Name, Help: about.Help}, about.Labels)
	m.add(build, about)
	build.WithLabelValues(version).Set(1)
	return m
}

// Observe counts a fact.
func (m *Metrics) Observe(f fact.Fact) {
	switch f := f.(type) {
	case fact.RunStarted:
		m.starts.of(f.Run.Flow).Inc()
	case fact.RunTakenUp:
		m.runsTakenUp.Inc()
	case fact.RunParked:
		m.runsParked.Inc()
	case fact.RunPaused:
		m.runsPaused.WithLabelValues(m.flows.of(f.Run.Flow), string(f.Cause)).Inc()
	case fact.RunResumed:
		m.runsResumed.WithLabelValues(m.flows.of(f.Run.Flow)).Inc()
	case fact.RunDropped:
		m.runsDropped.WithLabelValues(string(f.Why)).Inc()
	case fact.RunWoken:
		if f.Event == "" {
			m.timersLate.WithLabelValues().Observe(seconds(f.Late))
		}
	case fact.RunResponded:
		m.answers.of(answerKey{f.Run.Flow, f.Status / 100}).Observe(seconds(f.Took))
	case fact.RunEnded:
		m.ended(f)
	case fact.NodeLeft:
		h := m.leaves.of(leaveKey{f.Type, f.Outcome})
		h.attempts.Inc()
		h.seconds.Observe(seconds(f.Took))
	case fact.Fault:
		m.faults.WithLabelValues(m.types.of(f.Type), m.codes.of(f.Code)).Inc()
	case fact.RetryScheduled:
		m.retries.WithLabelValues(m.types.of(f.Type)).Inc()
	case fact.Invoked:
		m.invoked(f)
	case fact.CallMade:
		m.called(f)
	case fact.StartRefused:
		m.startsRefused.WithLabelValues(refusalOf(f)).Inc()
	case fact.HookRefused:
		m.hooksRefused.WithLabelValues(m.flows.of(f.Flow), reasonOf(f)).Inc()
	case fact.TicksLeftOut:
		m.ticksLeftOut.WithLabelValues(m.flows.of(f.Flow), string(f.Why)).Add(float64(f.Count))
	case fact.Committed:
		m.wrote(f)
	case fact.JournalFailed:
		m.journalFailures.Inc()
	case fact.LeaseGained:
		m.shardsHeld.Set(float64(f.Held.Len()))
	case fact.LeaseLost:
		m.shardsHeld.Set(float64(f.Held.Len()))
		if !f.Given {
			m.leasesLost.Inc()
		}
	case fact.ClockJumped:
		m.clockJumps.Inc()
		m.clockAhead.Set(f.Off.Seconds())
	case fact.ObserverFailed:
		m.observersFailed.Inc()
	case fact.RunWaits, fact.NodeEntered, fact.NodeLogged, fact.RunsFound, fact.JournalHealed, fact.HookAsked,
		fact.ChildrenStarted, fact.ChildEnded: // children are runs, and counted as such
	}
}

func (m *Metrics) ended(f fact.RunEnded) {
	h := m.ends.of(endKey{f.Run.Flow, string(f.Status), f.Outcome})
	h.runs.Inc()
	h.seconds.Observe(seconds(f.Took))
}

func (m *Metrics) invoked(f fact.Invoked) {
	h := m.invokes.of(f.Type)
	h.seconds.Observe(seconds(f.Took))
	h.fuel.Add(float64(f.Fuel))
	if f.Code != "" {
		m.pluginFaults.WithLabelValues(m.types.of(f.Type), m.codes.of(f.Code)).Inc()
	}
}

func (m *Metrics) called(f fact.CallMade) {
	h := m.made.of(callKey{f.Connection, string(f.Failure), f.Status})
	h.calls.Inc()
	h.sent.Add(float64(f.Sent))
	h.received.Add(float64(f.Received))
	if f.Took > 0 { // else nobody knows
		h.seconds.Observe(seconds(f.Took))
	}
}

// What becomes of a transaction.
const committed, failed = "committed", "failed"

func (m *Metrics) wrote(f fact.Committed) {
	h := m.commits.committed
	if f.Err != nil {
		h = m.commits.failed
	}
	h.Observe(seconds(f.Took))
	m.commits.waits.Observe(seconds(f.Waited))
	m.commits.writes.Observe(float64(f.Writes))
}

// seconds is never negative, though a clock may have been set between two events.
func seconds(d time.Duration) float64 { return max(d, 0).Seconds() }

// Handler answers those who scrape: in the text format, in OpenMetrics or in
// protobuf, which native histograms need. What cannot be read is left out, and
// logged.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError), ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: mostScrapes, EnableOpenMetrics: true,
	})
}

// mostScrapes is how many are answered at one time.
const mostScrapes = 4
