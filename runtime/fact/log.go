package fact

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// Log is the observer that writes the log: one line for each run that failed or
// told its caller of a failure and one for each call that was interrupted, with
// all that is needed to find them; what nodes log; and what went wrong around
// them. Runs that go well are told on level debug. Of what callers can bring
// about as often as they like, refused requests and runs without a key, it
// writes a few lines in 10 s and then how many more there were, by c.
func Log(log *slog.Logger, c clock.Clock) Observer {
	spare := &sparing{log: log, clock: c, open: map[source]*tally{}}
	return func(f Fact) {
		if level := levelOf(f); log.Enabled(context.Background(), level) {
			if from, counted := sourceOf(f); counted && !spare.take(from, level) {
				return
			}
			text, attrs := lineOf(f)
			log.LogAttrs(placed(f), level, text, attrs...)
		}
	}
}

// about is the key of the attempt, or only the run, that a line is about.
type about struct{}

// placed tells handlers of the log what a line is about.
func placed(f Fact) context.Context {
	ctx := context.Background()
	if at, ok := f.(interface{ visit() Visit }); ok {
		if v := at.visit(); v.Run != nil {
			return context.WithValue(ctx, about{}, v)
		}
	}
	return ctx
}

// About returns the attempt that a line of Log is about, from the context that its
// handler gets: without a Node, it is the run. It is false for all other lines.
func About(ctx context.Context) (Visit, bool) {
	v, ok := ctx.Value(about{}).(Visit)
	return v, ok
}

func levelOf(f Fact) slog.Level {
	switch f := f.(type) {
	case JournalFailed, ObserverFailed:
		return slog.LevelError
	case StartRefused:
		if !f.Later {
			return slog.LevelError
		}
	case RunEnded:
		return f.level()
	case RunDropped:
		return f.level()
	case CallMade:
		if f.Failure == wire.Interrupted {
			return slog.LevelWarn
		}
	case Fault:
		if f.Handled {
			return slog.LevelWarn // else the line of the run that it ends says it
		}
	case LeaseLost:
		if !f.Given {
			return slog.LevelWarn
		}
	case ClockJumped:
		return slog.LevelWarn
	case TicksLeftOut:
		if f.Why != Overlapped {
			return slog.LevelWarn
		}
		return slog.LevelInfo
	case NodeLogged:
		return f.Level
	case RunPaused:
		if f.Cause != run.PauseFlow {
			return slog.LevelWarn
		}
		return slog.LevelInfo
	case RunsFound, HookRefused, HookAsked, JournalHealed, RunResumed:
		return slog.LevelInfo
	case RunStarted:
		if len(f.Unmarked) > 0 {
			return slog.LevelWarn
		}
	case RunTakenUp, RunWaits, RunWoken, RunParked, RunResponded, NodeEntered, NodeLeft, Invoked, RetryScheduled, ChildrenStarted, ChildEnded, LeaseGained, Committed:
	}
	return slog.LevelDebug
}

// level is that of a failure too where the flow took its way round the failure
// but its caller was told of it.
func (e RunEnded) level() slog.Level {
	switch {
	case e.Status == run.Failed, e.Response >= http.StatusInternalServerError:
		return slog.LevelWarn
	case e.Status == run.Cancelled:
		return slog.LevelInfo
	default:
		return slog.LevelDebug
	}
}

// because is the failure before the end, unless the reason says it already.
func (e RunEnded) because() slog.Attr {
	f := e.Error.Beside(e.Reason)
	if f == nil {
		return slog.Attr{}
	}
	return slog.Group("cause", slog.String("node", f.Node), slog.String("outcome", f.Outcome), maybe("code", f.Code), maybe("message", f.Message))
}

func (d RunDropped) level() slog.Level {
	switch d.Why {
	case Broken:
		return slog.LevelError
	case Lost:
		return slog.LevelWarn
	case Stopping, Moved:
		if !d.Kept {
			return slog.LevelWarn
		}
	}
	return slog.LevelDebug
}

func (t TicksLeftOut) text() string {
	switch t.Why {
	case Overlapped:
		return "a tick has no run, since the run before goes on"
	case TooMany:
		return "ticks have no run, since too many wait already"
	default:
		return "ticks have no run, since nobody was there in time"
	}
}

func lineOf(f Fact) (text string, attrs []slog.Attr) {
	switch f := f.(type) {
	case RunStarted:
		text := "run started"
		if len(f.Unmarked) > 0 {
			text += " without its key or a label"
		}
		return text, f.Run.line(maybe("from", f.From), parent(f.Run.Parent), maybe("error", clip(strings.Join(f.Unmarked, "; "))))
	case RunTakenUp:
		return "run taken up", f.Run.line(slog.Int("events", f.Events))
	case RunWaits:
		return "run waits", f.line(maybe("event", f.Event), until(f.Due))
	case RunWoken:
		return "run woken", f.line(maybe("event", f.Event), slog.Duration("waited", f.Waited))
	case RunParked:
		return "run parked", f.Run.line(until(f.Due))
	case RunPaused:
		return "run paused", f.line(slog.String("cause", string(f.Cause)), maybe("outcome", f.Outcome), maybe("code", f.Code), maybe("message", f.Message))
	case RunResumed:
		return "run resumed", f.line(slog.Bool("giveUp", f.GiveUp), slog.Duration("paused", f.Paused))
	case RunResponded:
		return "run responded", f.Run.line(slog.Int("status", f.Status), slog.Duration("took", f.Took))
	case RunEnded:
		return "run " + string(f.Status), f.Run.line(slog.String("node", f.Node), maybe("outcome", f.Outcome),
			maybe("code", f.Code), maybe("message", f.Reason), f.because(), some("response", f.Response), slog.Duration("took", f.Took))
	case RunDropped:
		return dropped(f.Why), f.Run.line(slog.Bool("kept", f.Kept), because(f.Err))
	case NodeEntered:
		return "node entered", f.line()
	case NodeLeft:
		return "node left", f.line(slog.String("outcome", f.Outcome), maybe("code", f.Code), maybe("message", f.Message),
			slog.Duration("took", f.Took))
	case NodeLogged:
		return f.Line, f.line(fieldsOf(f.Fields))
	case Invoked:
		return "plugin invoked", f.line(maybe("code", f.Code), slog.Uint64("fuel", f.Fuel), slog.Duration("took", f.Took))
	case Fault:
		return "node fault", f.line(slog.String("outcome", f.Outcome), slog.String("code", f.Code), slog.String("message", f.Message))
	case RetryScheduled:
		return "node is tried again", f.line(slog.String("outcome", f.Outcome), slog.Duration("delay", f.Delay))
	case CallMade:
		return f.text(), f.line(slog.Int("call", f.Call), f.outcome(), maybe("message", f.Message),
			slog.String("method", f.Method), maybe("host", f.Host), slog.String("path", f.Path), slog.Duration("took", f.Took))
	case ChildrenStarted:
		return "child runs started", f.line(slog.Int("count", f.Count), slog.Int("most", f.Most), until(f.Due))
	case ChildEnded:
		return "child run ended", f.line(slog.Int("index", f.Index), maybe("child", f.Child), maybe("status", string(f.Status)),
			maybe("outcome", f.Outcome), maybe("code", f.Code), maybe("message", f.Reason))
	case RunsFound:
		return "unfinished runs go on", []slog.Attr{slog.Int("runs", f.Runs)}
	case StartRefused:
		return "no run was made", []slog.Attr{slog.String("flow", f.Flow), slog.Any("error", f.Err)}
	case HookRefused:
		return "webhook refused", []slog.Attr{
			slog.String("path", clip(f.Path)), slog.String("caller", f.Caller), maybe("flow", f.Flow), maybe("node", f.Node),
			slog.Int("status", f.Status), slog.String("error", clip(f.Reason)),
		}
	case HookAsked:
		return "handshake answered", []slog.Attr{
			slog.String("path", clip(f.Path)), slog.String("caller", f.Caller), slog.String("flow", f.Flow), slog.String("node", f.Node),
			slog.String("type", f.Type),
		}
	case TicksLeftOut:
		return f.text(), []slog.Attr{
			slog.String("flow", f.Flow), slog.String("node", f.Node), slog.Int("ticks", f.Count),
			slog.String("first", f.First.Format(time.RFC3339)), slog.String("last", f.Last.Format(time.RFC3339)),
		}
	case LeaseGained:
		return "shards gained", []slog.Attr{slog.Int("shards", f.Shards.Len()), slog.Int("held", f.Held.Len())}
	case LeaseLost:
		return "shards lost", []slog.Attr{slog.Int("shards", f.Shards.Len()), slog.Int("held", f.Held.Len())}
	case Committed:
		return "journal committed", []slog.Attr{
			slog.Int("writes", f.Writes), slog.Duration("waited", f.Waited), slog.Duration("took", f.Took), because(f.Err),
		}
	case JournalFailed:
		return "the journal failed", f.Run.line(slog.String("doing", f.Doing), slog.Any("error", f.Err))
	case JournalHealed:
		return "the journal can be written again", f.Run.line()
	case ClockJumped:
		text := "the machine's clock was set; runs go on by the time that passes"
		if f.Taken {
			text = "the machine's clock has been ahead for a day; its time is taken over"
		}
		return text, []slog.Attr{slog.String("by", f.By.Round(time.Second).String()), slog.String("ahead", f.Off.Round(time.Second).String())}
	case ObserverFailed:
		return "an observer failed, and is told no more", []slog.Attr{slog.String("panic", f.Panic)}
	}
	return "", nil // there is no other fact
}

func dropped(w Why) string {
	switch w {
	case Broken:
		return "run stopped"
	case Lost:
		return "another drives the run"
	case Moved:
		return "run left to another"
	case Stopping:
	}
	return "run interrupted"
}

func (c CallMade) text() string {
	if c.Failure == wire.Interrupted {
		return "call interrupted"
	}
	return "call made"
}

// outcome is what became of the call: the status of the answer, or the failure.
func (c CallMade) outcome() slog.Attr {
	if c.Failure != "" {
		return slog.String("outcome", string(c.Failure))
	}
	return slog.Int("status", c.Status)
}

// line begins with what names the run. No run has no line.
func (r *Run) line(more ...slog.Attr) []slog.Attr {
	if r == nil {
		return more
	}
	return append([]slog.Attr{slog.String("run", r.ID), slog.String("flow", r.Flow), maybe("key", r.Key), maybe("trace", r.trace()), labelsOf(r.Labels)}, more...)
}

// trace is the id of the trace that whoever started the run is in.
func (r *Run) trace() string {
	if _, rest, ok := strings.Cut(r.TraceParent, "-"); ok {
		id, _, _ := strings.Cut(rest, "-")
		return id
	}
	return ""
}

// labelsOf are in a group, as fieldsOf are. An empty one is left out.
func labelsOf(labels map[string]string) slog.Attr {
	if len(labels) == 0 {
		return slog.Attr{}
	}
	attrs := make([]slog.Attr, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		attrs = append(attrs, slog.String(name, labels[name]))
	}
	return slog.Attr{Key: "labels", Value: slog.GroupValue(attrs...)}
}

// line begins with what names the attempt.
func (v Visit) line(more ...slog.Attr) []slog.Attr {
	return v.Run.line(append([]slog.Attr{slog.String("node", v.Node), slog.Int("attempt", v.Attempt)}, more...)...)
}

// maybe is no attribute if there is no text: handlers leave it out.
func maybe(name, text string) slog.Attr {
	if text == "" {
		return slog.Attr{}
	}
	return slog.String(name, text)
}

// some is no attribute for 0.
func some(name string, n int) slog.Attr {
	if n == 0 {
		return slog.Attr{}
	}
	return slog.Int(name, n)
}

// fieldsOf are a flow's own fields. In a group, for a flow may call one as the
// log calls its own.
func fieldsOf(fields map[string]any) slog.Attr {
	attrs := make([]slog.Attr, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		attrs = append(attrs, slog.Any(name, field{fields[name]}))
	}
	return slog.Attr{Key: "fields", Value: slog.GroupValue(attrs...)}
}

// field is a value of a flow: in a log of JSON what it is, else its text.
type field struct{ value any }

// MarshalJSON returns the value.
func (f field) MarshalJSON() ([]byte, error) { return data.JSON(f.value) }

// MarshalText returns the text that templates make of the value too. There it
// may not be nil, but here null says more than a failure.
func (f field) MarshalText() ([]byte, error) {
	if f.value == nil {
		return []byte("null"), nil
	}
	text, err := data.Text(f.value)
	return []byte(text), err
}

// parent is the run that had a child run made.
func parent(p *run.Parent) slog.Attr {
	if p == nil {
		return slog.Attr{}
	}
	return slog.String("parent", p.Run)
}

func because(err error) slog.Attr {
	if err == nil {
		return slog.Attr{}
	}
	return slog.Any("error", err)
}

func until(t time.Time) slog.Attr {
	if t.IsZero() {
		return slog.Attr{}
	}
	return slog.Time("until", t)
}
