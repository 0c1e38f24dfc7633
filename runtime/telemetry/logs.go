package telemetry

import (
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/tracecontext"
)

// Logs sends the lines of a log to an OTLP receiver, beside wherever else they go.
// Run must be running. It is safe for concurrent use.
type Logs struct {
	sample  float64
	sender  *sender
	waiting *batches
	metrics *Metrics
}

// NewLogs returns logs to be written by Handler and run. A line of a run has its
// trace, and the span that Traces with this sample makes; with 0, where there are
// no Traces, it has those of who started the run. What becomes of the lines is
// counted in m. The receiver's own Log must not lead here.
func NewLogs(to Receiver, sample float64, m *Metrics) *Logs {
	return &Logs{sample: sample, sender: newSender(to, "log lines", "/v1/logs"), waiting: newBatches(), metrics: m}
}

// Run sends lines until ctx ends, and then those that are left.
func (l *Logs) Run(ctx context.Context) {
	l.waiting.run(ctx, func(ctx context.Context, b batch) {
		lost := l.sender.send(ctx, b)
		l.metrics.linesDropped.WithLabelValues(notTaken).Add(float64(lost))
		l.metrics.linesSent.Add(float64(b.count - lost))
	})
}

// Handler takes the lines of the levels that another handler takes. Their
// attributes have the names that the log has, with a dot behind each group.
func (l *Logs) Handler(as slog.Handler) slog.Handler { return handler{logs: l, enabled: as.Enabled} }

type handler struct {
	logs    *Logs
	enabled func(context.Context, slog.Level) bool
	attrs   message // written before
	prefix  string  // of groups, with its dot
}

// Enabled implements slog.Handler.
func (h handler) Enabled(ctx context.Context, level slog.Level) bool { return h.enabled(ctx, level) }

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = slices.Clip(h.attrs)
	for _, a := range attrs {
		h.attrs = h.attrs.logged(h.prefix, a)
	}
	return h
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	if name != "" {
		h.prefix += name + "."
	}
	return h
}

// Fields of a LogRecord and of its body.
const (
	timeField, observedField, severityField, severityTextField = 1, 11, 2, 3
	bodyField, lineAttribute, lineFlagsField                   = 5, 6, 8
	lineTraceField, lineSpanField                              = 9, 10
)

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	var room [usualSpan]byte
	m := message(room[:0]).time(timeField, r.Time).time(observedField, r.Time).
		number(severityField, severity(r.Level)).text(severityTextField, r.Level.String()).
		bytes(bodyField, message(nil).text(stringField, clipped(r.Message)))
	m = append(m, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		m = m.logged(h.prefix, a)
		return true
	})
	if at, ok := fact.About(ctx); ok {
		m = h.logs.traced(m, at)
	}
	if !h.logs.waiting.add(m) {
		h.logs.metrics.linesDropped.WithLabelValues(queueFull).Inc()
	}
	return nil
}

// traced says in which span a line was written.
func (l *Logs) traced(m message, at fact.Visit) message {
	t := tracecontext.Of(at.Run.ID, at.Run.TraceParent, l.sample)
	span := t.Parent
	switch {
	case l.sample == 0 && span == tracecontext.Span{}:
		return m
	case l.sample == 0:
	case at.Node == "":
		span = t.Root()
	default:
		span = nodeSpan(t, at)
	}
	m = m.bytes(lineTraceField, t.ID[:]).bytes(lineSpanField, span[:])
	if t.Sampled {
		m = m.flags(lineFlagsField, sampledFlag)
	}
	return m
}

// severity of a level: OpenTelemetry counts from 1, and has info at 9 where slog
// has it at 0.
func severity(l slog.Level) uint64 { return uint64(min(max(int(l)+9, 1), 24)) }

// logged adds an attribute of a line, or those of a group.
func (m message) logged(prefix string, a slog.Attr) message {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range v.Group() {
			m = m.logged(prefix, inner)
		}
		return m
	}
	if a.Equal(slog.Attr{}) {
		return m
	}
	return m.value(prefix+a.Key, v)
}

func (m message) value(key string, v slog.Value) message {
	switch v.Kind() {
	case slog.KindInt64:
		return m.attrNumber(lineAttribute, key, v.Int64())
	case slog.KindUint64:
		return m.attrNumber(lineAttribute, key, int64(min(v.Uint64(), math.MaxInt64)))
	case slog.KindFloat64:
		return m.attrFloat(lineAttribute, key, v.Float64())
	case slog.KindBool:
		return m.attrBool(lineAttribute, key, v.Bool())
	case slog.KindDuration: // in seconds, as in a log of JSON
		return m.attrFloat(lineAttribute, key, v.Duration().Seconds())
	case slog.KindTime:
		return m.attr(lineAttribute, key, v.Time().Format(time.RFC3339Nano))
	case slog.KindAny:
		return m.any(key, v.Any())
	default:
		return m.attr(lineAttribute, key, clipped(v.String()))
	}
}

// any adds a value of any type: a number or truth as what it is, all else as text.
func (m message) any(key string, value any) message {
	switch value := value.(type) {
	case error:
		return m.attr(lineAttribute, key, clipped(value.Error()))
	case json.Marshaler:
		text, err := value.MarshalJSON()
		if err == nil {
			return m.json(key, text)
		}
	case encoding.TextMarshaler:
		text, err := value.MarshalText()
		if err == nil {
			return m.attr(lineAttribute, key, clipped(string(text)))
		}
	}
	return m.attr(lineAttribute, key, clipped(fmt.Sprint(value)))
}

func (m message) json(key string, text []byte) message {
	var scalar any
	if json.Unmarshal(text, &scalar) == nil {
		switch scalar := scalar.(type) {
		case string:
			return m.attr(lineAttribute, key, clipped(scalar))
		case float64:
			return m.attrFloat(lineAttribute, key, scalar)
		case bool:
			return m.attrBool(lineAttribute, key, scalar)
		}
	}
	return m.attr(lineAttribute, key, clipped(string(text)))
}

// mostText is how much of one text of a line is sent: receivers refuse what is too
// large, with all that comes with it.
const mostText = 32 << 10

func clipped(text string) string {
	if len(text) <= mostText {
		return text
	}
	return strings.ToValidUTF8(text[:mostText], "") + "…"
}
