// Package tracecontext names the spans of runs, as W3C Trace Context has them: what
// calls carry on of a trace, and where a span belongs. All names follow from the
// run and the place in it, so nothing has to be kept for them: a run that was
// parked, or that another process takes up after a crash, goes on in the same
// trace.
package tracecontext

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"regexp"
)

// Span is the id of a span.
type Span [8]byte

// Trace is the trace of a run.
type Trace struct {
	ID      [16]byte
	Parent  Span // of who started the run; zero if nobody said
	Sampled bool // spans of it are wanted
	run     string
}

var header = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$`)

// Of returns the trace of a run that was started with this traceparent header.
// Without one, or with one that is none, the run begins a trace of its own, which
// is sampled at that rate, from 0 to 1.
func Of(run, traceParent string, rate float64) Trace {
	t := Trace{run: run}
	m := header.FindStringSubmatch(traceParent)
	if m != nil && m[1] != "ff" && (m[1] != "00" || m[5] == "") {
		_, _ = hex.Decode(t.ID[:], []byte(m[2])) // the pattern has seen to it
		_, _ = hex.Decode(t.Parent[:], []byte(m[3]))
		var flags [1]byte
		_, _ = hex.Decode(flags[:], []byte(m[4]))
		t.Sampled = flags[0]&1 == 1
		if t.ID != [16]byte{} && t.Parent != (Span{}) {
			return t
		}
	}
	sum := sha256.Sum256([]byte("trace of run " + run))
	t.Parent = Span{}
	copy(t.ID[:], sum[:])
	// As others do it: by the last seven bytes, which a run's trace has at random.
	t.Sampled = float64(binary.BigEndian.Uint64(t.ID[8:])&(1<<56-1)) < rate*(1<<56)
	return t
}

// Root is the span of the run.
func (t Trace) Root() Span { return t.span("run") }

// Node is the span of an attempt at a node.
func (t Trace) Node(node string, visit, attempt int) Span {
	return t.span(fmt.Sprintf("%s/%d/%d", node, visit, attempt))
}

// Call is the span of a call of an attempt, which are counted from 0.
func (t Trace) Call(node string, visit, attempt, call int) Span {
	return t.span(fmt.Sprintf("%s/%d/%d call %d", node, visit, attempt, call))
}

// Other is a span that nothing refers to, by what tells it from all others of
// the run.
func (t Trace) Other(name string) Span { return t.span("other " + name) }

func (t Trace) span(name string) (s Span) {
	sum := sha256.Sum256([]byte("span of run " + t.run + "\n" + name))
	copy(s[:], sum[:])
	return s
}

// Header is the traceparent of what goes out of a span.
func (t Trace) Header(s Span) string {
	flags := 0
	if t.Sampled {
		flags = 1
	}
	return fmt.Sprintf("00-%x-%x-%02x", t.ID, s, flags)
}
