package telemetry

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/tracecontext"
)

// Fields of a Span and of its Status, and some of their values.
const (
	traceIDField, spanIDField, parentIDField, spanNameField = 1, 2, 4, 5
	kindField, beganField, endedField                       = 6, 7, 8
	spanAttribute, statusField, spanFlagsField              = 9, 15, 16
	statusCodeField                                         = 3

	internalSpan, serverSpan, clientSpan = 1, 2, 3
	statusError                          = 2
	sampledFlag                          = 1
)

// spanOf appends the span that a fact ends to m, if there is one that is wanted.
// Below that of the run are those of the attempts at nodes, and below each of them
// those of its plugin's invokes and of its calls.
func (t *Traces) spanOf(m message, f fact.Fact) message {
	switch f := f.(type) {
	case fact.RunEnded:
		if trace, ok := t.wanted(f.Run); ok {
			return ofRun(m, trace, f)
		}
	case fact.NodeLeft:
		if trace, ok := t.wanted(f.Run); ok {
			return ofNode(m, trace, f)
		}
	case fact.Invoked:
		if trace, ok := t.wanted(f.Run); ok {
			return ofInvoke(m, trace, f)
		}
	case fact.CallMade:
		if trace, ok := t.wanted(f.Run); ok {
			return ofCall(m, trace, f)
		}
	}
	return m
}

func (t *Traces) wanted(r *fact.Run) (tracecontext.Trace, bool) {
	trace := t.Trace(r.ID, r.TraceParent)
	return trace, trace.Sampled
}

func ofRun(m message, trace tracecontext.Trace, f fact.RunEnded) message {
	kind := uint64(internalSpan)
	if trace.Parent != (tracecontext.Span{}) {
		kind = serverSpan // somebody called it
	}
	m = m.begin(trace, trace.Root(), trace.Parent, kind, f.At.At, f.Took).text(spanNameField, f.Run.Flow).
		attr(spanAttribute, "wend.run.id", f.Run.ID).attr(spanAttribute, "wend.flow", f.Run.Flow).
		attr(spanAttribute, "wend.trigger", f.Run.Trigger).attr(spanAttribute, "wend.run.status", string(f.Status)).
		attr(spanAttribute, "wend.outcome", f.Outcome).attr(spanAttribute, "wend.run.retry_of", f.Run.RetryOf)
	if f.Status == run.Failed {
		m = m.fails(f.Code, f.Outcome)
	}
	return m
}

func ofNode(m message, trace tracecontext.Trace, f fact.NodeLeft) message {
	m = m.begin(trace, nodeSpan(trace, f.Visit), trace.Root(), internalSpan, f.At.At, f.Took).text(spanNameField, f.Node).
		placed(f.Visit).attr(spanAttribute, "wend.outcome", f.Outcome).attrNumber(spanAttribute, "wend.node.calls", int64(f.Calls))
	if f.Failed {
		m = m.fails(f.Code, f.Outcome)
	}
	return m
}

func ofInvoke(m message, trace tracecontext.Trace, f fact.Invoked) message {
	id := trace.Invoke(f.Node, f.Place.Visit, f.Attempt, f.At.At)
	m = m.begin(trace, id, nodeSpan(trace, f.Visit), internalSpan, f.At.At, f.Took).text(spanNameField, "invoke "+f.Type).
		placed(f.Visit).attrNumber(spanAttribute, "wend.plugin.fuel", int64(f.Fuel))
	if f.Code != "" {
		m = m.fails(f.Code, "")
	}
	return m
}

func ofCall(m message, trace tracecontext.Trace, f fact.CallMade) message {
	id := trace.Call(f.Node, f.Place.Visit, f.Attempt, f.Call)
	m = m.begin(trace, id, nodeSpan(trace, f.Visit), clientSpan, f.At.At, f.Took).placed(f.Visit).asked(f.Method)
	if f.Host != "" {
		host, port := addressOf(f)
		m = m.attr(spanAttribute, "server.address", host).attrNumber(spanAttribute, "server.port", port).
			attr(spanAttribute, "url.full", f.Scheme+"://"+f.Host+f.Path)
	}
	if f.Status != 0 {
		m = m.attrNumber(spanAttribute, "http.response.status_code", int64(f.Status))
	}
	switch {
	case f.Failure != "":
		m = m.fails(string(f.Failure), "")
	case f.Status >= http.StatusBadRequest:
		m = m.fails(strconv.Itoa(f.Status), "")
	}
	return m
}

// asked says which method a call had. One that the standards do not know might be
// any text.
func (m message) asked(method string) message {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
		http.MethodConnect, http.MethodTrace, "QUERY":
		return m.text(spanNameField, method).attr(spanAttribute, "http.request.method", method)
	default:
		return m.text(spanNameField, "HTTP").attr(spanAttribute, "http.request.method", "_OTHER").attr(spanAttribute, "http.request.method_original", method)
	}
}

// addressOf is where a call went: the port is that of the scheme, unless it is said.
func addressOf(f fact.CallMade) (host string, port int64) {
	u := url.URL{Host: f.Host}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case err == nil:
		return u.Hostname(), int64(n)
	case f.Scheme == "http":
		return u.Hostname(), 80
	default:
		return u.Hostname(), 443
	}
}

func nodeSpan(t tracecontext.Trace, v fact.Visit) tracecontext.Span {
	return t.Node(v.Node, v.Visit, v.Attempt)
}

// begin has what each span has, one that ended then.
func (m message) begin(t tracecontext.Trace, id, parent tracecontext.Span, kind uint64, ended time.Time, took time.Duration) message {
	m = m.bytes(traceIDField, t.ID[:]).bytes(spanIDField, id[:])
	if parent != (tracecontext.Span{}) {
		m = m.bytes(parentIDField, parent[:])
	}
	return m.number(kindField, kind).time(beganField, ended.Add(-max(took, 0))).time(endedField, ended).flags(spanFlagsField, sampledFlag)
}

// fails marks a span with what it failed by. Messages may hold data, and are in
// the journal.
func (m message) fails(code, outcome string) message {
	if code == "" {
		code = outcome
	}
	return m.attr(spanAttribute, "error.type", code).bytes(statusField, errorStatus)
}

var errorStatus = message(nil).number(statusCodeField, statusError)

// placed says where in which run something was.
func (m message) placed(v fact.Visit) message {
	return m.attr(spanAttribute, "wend.run.id", v.Run.ID).attr(spanAttribute, "wend.flow", v.Run.Flow).
		attr(spanAttribute, "wend.node", v.Node).attr(spanAttribute, "wend.node.type", v.Type).
		attrNumber(spanAttribute, "wend.node.visit", int64(v.Place.Visit)).attrNumber(spanAttribute, "wend.node.attempt", int64(v.Attempt)).
		attr(spanAttribute, "wend.connection", v.Connection)
}
