package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wendflow/wend/runtime/quota"
)

// Sources tell the figures of now. One that is nil tells nothing.
type Sources struct {
	// Ready says what is missing before requests can be served; nil if nothing.
	Ready func() error
	// Limits are those that callers share.
	Limits func(context.Context) ([]quota.Figure, error)
	// Backlog is what there is to do.
	Backlog func(context.Context) (Backlog, error)
	// Journal is how the one on disk does.
	Journal func() Journal
	// Plugins are those that are loaded. Several may be of one name.
	Plugins func() []Plugin
	// Connections are those that make calls.
	Connections func() []Connection
}

// Backlog is what there is to do. Times that are zero are those of nothing.
type Backlog struct {
	Driven  int           // runs that go on here
	Oldest  time.Duration // age of the longest unfinished run
	Overdue time.Duration // since the earliest time that a run waits for
}

// Journal is how the journal on disk does.
type Journal struct {
	Waiting int           // writes
	Oldest  time.Duration // wait of the first of them
	Bytes   int64         // on disk
}

// Plugin is how a plugin that is loaded does.
type Plugin struct {
	Name                string
	Idle, Running, Most int // instances, invokes, and most invokes at one time
}

// Connection is how the calls of one connection do.
type Connection struct {
	Name              string
	Breaker           string // "closed", "open" or "half-open"; empty for one that has none
	UnderWay, Waiting int
	Waited            time.Duration    // by all its calls together
	KeptBack          map[string]int64 // calls that were not sent, by what kept them back
}

// breakerStates are what a breaker can be.
var breakerStates = []string{"closed", "open", "half-open"}

// Read has the figures of now among the metrics. It is called once, before the
// first scrape.
func (m *Metrics) Read(s Sources) {
	f := &figures{from: s}
	gauge := func(name, help string, labels ...string) *prometheus.Desc {
		return f.describe(m, Row{name, "gauge", help, labels})
	}
	f.ready = gauge("wend_ready", "Whether requests are served, as /readyz says: 1 or 0.")
	f.used = gauge("wend_limit_used", "How much is used of what callers share, in requests, bytes, streams, events or keys.", "limit")
	f.most = gauge("wend_limit_max", "How much there may be.", "limit")
	f.refused = f.describe(m, Row{"wend_limit_refused_total", "counter", "How often there was no more: what was shed.", []string{"limit"}})
	f.driven = gauge("wend_runs_driven", "Runs that go on in this process, or wait in it for what comes soon.")
	f.oldest = gauge("wend_oldest_run_age_seconds", "Age of the longest unfinished run, among those that are this process's.")
	f.overdue = gauge("wend_timer_overdue_seconds", "How long the earliest time is over that a run waits for; 0 if it is to come.")
	f.writes = gauge("wend_journal_writes_waiting", "Writes that wait for their transaction.")
	f.writesSince = gauge("wend_journal_oldest_write_seconds", "How long the first of them has waited.")
	f.bytes = gauge("wend_journal_size_bytes", "What the journal takes on disk.")
	f.idle = gauge("wend_plugin_instances_idle", "Instances of a plugin that wait for an invoke.", "plugin")
	f.running = gauge("wend_plugin_invokes_running", "Invokes of a plugin that are under way.", "plugin")
	f.mostRunning = gauge("wend_plugin_invokes_max", "How many may be under way at one time. More wait.", "plugin")
	f.callsUnderWay = gauge("wend_connection_calls_running", "Calls that have their place among those of a connection that may be under way.", "connection")
	f.callsWaiting = gauge("wend_connection_calls_waiting", "Calls that wait for a place, for the rate, or as the other side asked by Retry-After.", "connection")
	f.callsWaited = f.describe(m, Row{"wend_connection_waited_seconds_total", "counter", "How long calls have waited so, together.", []string{"connection"}})
	f.callsKept = f.describe(m, Row{"wend_connection_calls_kept_back_total", "counter", "Calls that were not sent: concurrency, rate or retryAfter would not have let them go within their time, or the breaker was open.", []string{"connection", "limit"}})
	f.breaker = gauge("wend_connection_breaker", "How it stands with a connection's breaker: 1 for the state that it is in.", "connection", "state")
	f.label = m.connections.of
	m.registry.MustRegister(f)
}

// figures reads the figures of now when it is scraped.
type figures struct {
	from Sources
	all  []*prometheus.Desc

	ready, used, most, refused *prometheus.Desc
	driven, oldest, overdue    *prometheus.Desc
	writes, writesSince, bytes *prometheus.Desc
	idle, running, mostRunning *prometheus.Desc

	callsUnderWay, callsWaiting, callsWaited, callsKept, breaker *prometheus.Desc

	label func(connection string) string
}

func (f *figures) describe(m *Metrics, r Row) *prometheus.Desc {
	d := prometheus.NewDesc(r.Name, r.Help, r.Labels, nil)
	f.all = append(f.all, d)
	m.rows = append(m.rows, r)
	return d
}

// Describe implements prometheus.Collector.
func (f *figures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range f.all {
		to <- d
	}
}

// patience is how long a scrape waits for the journal.
const patience = 5 * time.Second

// Collect implements prometheus.Collector.
func (f *figures) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if f.from.Ready != nil {
		ready := 1.0
		if f.from.Ready() != nil {
			ready = 0
		}
		to <- now(f.ready, ready)
	}
	f.limits(ctx, to)
	f.backlog(ctx, to)
	if f.from.Journal != nil {
		j := f.from.Journal()
		to <- now(f.writes, float64(j.Waiting))
		to <- now(f.writesSince, seconds(j.Oldest))
		to <- now(f.bytes, float64(j.Bytes))
	}
	f.plugins(to)
	f.connections(to)
}

// connections leaves out those above the bound of names: added up, they would say
// nothing.
func (f *figures) connections(to chan<- prometheus.Metric) {
	if f.from.Connections == nil {
		return
	}
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	for _, c := range f.from.Connections() {
		name := f.label(c.Name)
		if name != c.Name {
			continue
		}
		to <- now(f.callsUnderWay, float64(c.UnderWay), name)
		to <- now(f.callsWaiting, float64(c.Waiting), name)
		count(f.callsWaited, seconds(c.Waited), name)
		for limit, n := range c.KeptBack {
			count(f.callsKept, float64(n), name, limit)
		}
		if c.Breaker == "" {
			continue
		}
		for _, state := range breakerStates {
			is := 0.0
			if state == c.Breaker {
				is = 1
			}
			to <- now(f.breaker, is, name, state)
		}
	}
}

func now(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (f *figures) limits(ctx context.Context, to chan<- prometheus.Metric) {
	if f.from.Limits == nil {
		return
	}
	list, err := f.from.Limits(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(f.used, err)
		return
	}
	for _, q := range list {
		to <- now(f.used, float64(q.Used), q.Name)
		to <- now(f.most, float64(q.Most), q.Name)
		to <- prometheus.MustNewConstMetric(f.refused, prometheus.CounterValue, float64(q.Refused), q.Name)
	}
}

func (f *figures) backlog(ctx context.Context, to chan<- prometheus.Metric) {
	if f.from.Backlog == nil {
		return
	}
	b, err := f.from.Backlog(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(f.oldest, err)
		return
	}
	to <- now(f.driven, float64(b.Driven))
	to <- now(f.oldest, seconds(b.Oldest))
	to <- now(f.overdue, seconds(b.Overdue))
}

// plugins adds up those of one name: runs may still need an older one.
func (f *figures) plugins(to chan<- prometheus.Metric) {
	if f.from.Plugins == nil {
		return
	}
	sums := map[string]Plugin{}
	for _, p := range f.from.Plugins() {
		s := sums[p.Name]
		sums[p.Name] = Plugin{p.Name, s.Idle + p.Idle, s.Running + p.Running, s.Most + p.Most}
	}
	for name, p := range sums {
		to <- now(f.idle, float64(p.Idle), name)
		to <- now(f.running, float64(p.Running), name)
		to <- now(f.mostRunning, float64(p.Most), name)
	}
}
