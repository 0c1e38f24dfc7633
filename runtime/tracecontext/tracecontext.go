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
	"strconv"
	"strings"
	"time"
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

// headerLength is that of a traceparent: version, trace, span and flags in hex, with
// a dash between. Versions to come may have more behind another dash.
const headerLength = 2 + 1 + 32 + 1 + 16 + 1 + 2

// parse reads a traceparent header.
func parse(header string) (t Trace, ok bool) {
	if len(header) < headerLength || strings.ContainsAny(header[:headerLength], "ABCDEF") {
		return t, false
	}
	version, more := header[:2], header[headerLength:]
	if version == "ff" || version == "00" && more != "" || more != "" && more[0] != '-' {
		return t, false
	}
	if header[2] != '-' || header[35] != '-' || header[52] != '-' {
		return t, false
	}
	var all [1 + len(t.ID) + len(t.Parent) + 1]byte
	n := 0
	for _, part := range [...]string{version, header[3:35], header[36:52], header[53:55]} {
		m, err := hex.Decode(all[n:], []byte(part))
		if err != nil {
			return t, false
		}
		n += m
	}
	copy(t.ID[:], all[1:])
	copy(t.Parent[:], all[1+len(t.ID):])
	t.Sampled = all[len(all)-1]&1 == 1
	return t, t.ID != [16]byte{} && t.Parent != (Span{})
}

// Of returns the trace of a run that was started with this traceparent header.
// Without one, or with one that is none, the run begins a trace of its own, which
// is sampled at that rate, from 0 to 1.
func Of(run, traceParent string, rate float64) Trace {
	if t, ok := parse(traceParent); ok {
		t.run = run
		return t
	}
	var room [usual]byte
	sum := sha256.Sum256(append(append(room[:0], "trace of run "...), run...))
	t := Trace{run: run}
	copy(t.ID[:], sum[:])
	// As others do it: by the last seven bytes, which a run's trace has at random.
	t.Sampled = float64(binary.BigEndian.Uint64(t.ID[8:])&(1<<56-1)) < rate*(1<<56)
	return t
}

// usual is what most texts fit into that a span follows from.
const usual = 256

// Root is the span of the run.
func (t Trace) Root() Span {
	var room [usual]byte
	return spanOf(append(t.begin(room[:0]), "run"...))
}

// Node is the span of an attempt at a node.
func (t Trace) Node(node string, visit, attempt int) Span {
	var room [usual]byte
	return spanOf(place(t.begin(room[:0]), node, visit, attempt))
}

// Call is the span of a call of an attempt, which are counted from 0.
func (t Trace) Call(node string, visit, attempt, call int) Span {
	var room [usual]byte
	b := append(place(t.begin(room[:0]), node, visit, attempt), " call "...)
	return spanOf(strconv.AppendInt(b, int64(call), 10))
}

// Invoke is the span of an invoke of a plugin for an attempt, which ended at that
// time.
func (t Trace) Invoke(node string, visit, attempt int, ended time.Time) Span {
	var room [usual]byte
	b := append(place(append(t.begin(room[:0]), "other "...), node, visit, attempt), ' ')
	return spanOf(strconv.AppendInt(b, ended.UnixNano(), 10))
}

func (t Trace) begin(b []byte) []byte {
	return append(append(append(b, "span of run "...), t.run...), '\n')
}

func place(b []byte, node string, visit, attempt int) []byte {
	b = append(append(b, node...), '/')
	b = append(strconv.AppendInt(b, int64(visit), 10), '/')
	return strconv.AppendInt(b, int64(attempt), 10)
}

func spanOf(text []byte) (s Span) {
	sum := sha256.Sum256(text)
	copy(s[:], sum[:])
	return s
}

// Header is the traceparent of what goes out of a span.
func (t Trace) Header(s Span) string {
	var room [headerLength]byte
	b := hex.AppendEncode(append(room[:0], "00-"...), t.ID[:])
	b = hex.AppendEncode(append(b, '-'), s[:])
	if t.Sampled {
		return string(append(b, "-01"...))
	}
	return string(append(b, "-00"...))
}
