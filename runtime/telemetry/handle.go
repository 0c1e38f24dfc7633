package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// mostHandles is how many keys have their handles kept. Beyond it they are looked
// up each time.
const mostHandles = 1000

// handles keeps what is counted under each key, so that labels are looked up once
// and not for each fact. It is safe for concurrent use.
type handles[K comparable, V any] struct {
	find  func(K) V
	mu    sync.Mutex // of those who add
	known atomic.Pointer[map[K]V]
}

func newHandles[K comparable, V any](find func(K) V) *handles[K, V] {
	h := &handles[K, V]{find: find}
	h.known.Store(&map[K]V{})
	return h
}

func (h *handles[K, V]) of(key K) V {
	if v, ok := (*h.known.Load())[key]; ok {
		return v
	}
	v := h.find(key)
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := *h.known.Load(); len(now) < mostHandles {
		more := maps.Clone(now)
		more[key] = v
		h.known.Store(&more)
	}
	return v
}

// The keys, and what is counted under them, of facts that each run has several of.
type (
	endKey     struct{ flow, status, outcome string }
	endHandles struct {
		runs    prometheus.Counter
		seconds prometheus.Observer
	}
	answerKey struct {
		flow  string
		class int // of the status
	}
	leaveKey     struct{ node, outcome string } // the type of the node
	leaveHandles struct {
		attempts prometheus.Counter
		seconds  prometheus.Observer
	}
	invokeHandles struct {
		fuel    prometheus.Counter
		seconds prometheus.Observer
	}
	callKey struct {
		connection, failure string
		status              int
	}
	callHandles struct {
		calls, sent, received prometheus.Counter
		seconds               prometheus.Observer
	}
	commitHandles struct{ committed, failed, waits, writes prometheus.Observer }
)

// prepareHandles is called when the metrics are there.
func (m *Metrics) prepareHandles() {
	m.starts = newHandles(func(flow string) prometheus.Counter { return m.runsStarted.WithLabelValues(m.flows.of(flow)) })
	m.answers = newHandles(func(k answerKey) prometheus.Observer {
		return m.responseSeconds.WithLabelValues(m.flows.of(k.flow), classOf(k.class))
	})
	m.ends = newHandles(func(k endKey) endHandles {
		flow := m.flows.of(k.flow)
		return endHandles{m.runsEnded.WithLabelValues(flow, k.status, m.outcomes.of(k.outcome)), m.runSeconds.WithLabelValues(flow, k.status)}
	})
	m.leaves = newHandles(func(k leaveKey) leaveHandles {
		t := m.types.of(k.node)
		return leaveHandles{m.attempts.WithLabelValues(t, m.outcomes.of(k.outcome)), m.attemptSeconds.WithLabelValues(t)}
	})
	m.invokes = newHandles(func(node string) invokeHandles {
		t := m.types.of(node)
		return invokeHandles{m.pluginFuel.WithLabelValues(t), m.invokeSeconds.WithLabelValues(t)}
	})
	m.made = newHandles(func(k callKey) callHandles {
		c := m.connections.of(k.connection)
		return callHandles{
			m.calls.WithLabelValues(c, statusOf(k.status), k.failure),
			m.callsSent.WithLabelValues(c), m.callsReceived.WithLabelValues(c), m.callSeconds.WithLabelValues(c),
		}
	})
	m.commits = commitHandles{
		m.commitSeconds.WithLabelValues(committed), m.commitSeconds.WithLabelValues(failed),
		m.commitWaits.WithLabelValues(), m.commitWrites.WithLabelValues(),
	}
}
