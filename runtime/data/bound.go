package data

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"unsafe"
)

const (
	// MaxDepth is how deep lists and objects may nest in what comes in: bodies,
	// replies, events, what plugins say and fromJSON reads.
	MaxDepth = 500
	// MaxNesting is how deep they may nest in what a flow makes of that. It is
	// more, so that what came in can be passed on inside something else, and
	// far less than the 10,000 levels that encoding/json reads: what is too
	// deep for that could be written to a journal and never be read again.
	MaxNesting = 2 * MaxDepth
	// MaxText is how many bytes the text of a list or object may have inside
	// another text.
	MaxText = 8 << 20
)

// BoundError says that a value is more than may be kept, or that JSON cannot
// say it. Its text goes on after what the value is: "it nests deeper than …".
type BoundError struct {
	Msg   string
	Large bool // it takes more bytes than it may
}

func (e *BoundError) Error() string { return e.Msg }

func bound(format string, a ...any) error { return &BoundError{Msg: fmt.Sprintf(format, a...)} }

// Size is what a value takes.
type Size struct {
	JSON   int // bytes as compact JSON; what is escaped counts as one byte
	Memory int // bytes in memory, as if no part were shared; an estimate
}

// Measure returns the size of a value. It fails with a *BoundError where the
// value takes more than most bytes as JSON, nests deeper than MaxNesting or
// holds what JSON cannot say. It takes no longer than it takes to write most
// bytes, whatever the value shares with itself, and allocates nothing for plain
// data.
func Measure(v any, most int) (Size, error) {
	m := meter{most: most}
	err := m.add(v, 0)
	return m.Size, err
}

// Bytes in memory of an interface that holds something, and of one more entry
// of a map.
const (
	wordSize  = 16
	entrySize = 48
)

type meter struct {
	Size
	most int
}

func (m *meter) count(json, memory int) error {
	m.JSON += json
	m.Memory += memory
	if m.JSON > m.most {
		return &BoundError{Msg: fmt.Sprintf("it takes more than %s as JSON", ShowSize(uint64(m.most))), Large: true}
	}
	return nil
}

func (m *meter) add(v any, depth int) error {
	if depth > MaxNesting {
		return bound("it nests deeper than %d levels", MaxNesting)
	}
	switch v := v.(type) {
	case nil:
		return m.count(len("null"), wordSize)
	case bool:
		return m.count(len("true"), wordSize)
	case string:
		return m.count(len(v)+2, len(v)+2*wordSize)
	case int:
		return m.count(digits(v), wordSize+8)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return bound("it holds the number %v, which JSON has not", v)
		}
		const typical = 12
		return m.count(typical, wordSize+8)
	case json.Number:
		return m.count(len(v), len(v)+2*wordSize)
	case map[string]any:
		if err := m.count(2, entrySize); err != nil {
			return err
		}
		for name, e := range v {
			if err := m.count(len(name)+4, len(name)+entrySize); err != nil {
				return err
			}
			if err := m.add(e, depth+1); err != nil {
				return err
			}
		}
		return nil
	case []any:
		if err := m.count(2, wordSize); err != nil {
			return err
		}
		for _, e := range v {
			if err := m.count(1, 0); err != nil {
				return err
			}
			if err := m.add(e, depth+1); err != nil {
				return err
			}
		}
		return nil
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return bound("JSON cannot say it: %v", err)
		}
		return m.count(len(text), len(text)+wordSize)
	}
}

func digits(n int) int {
	d := 1
	if n < 0 {
		d++
	}
	for n > 9 || n < -9 {
		n /= 10
		d++
	}
	return d
}

// Memory estimates the bytes that values take in memory together: a part that
// several of them share, or one of them has several times, counts once.
func Memory(values map[string]any) int {
	h := heap{seen: map[seenPart]bool{}}
	for _, v := range values {
		h.add(v)
	}
	return h.bytes
}

type heap struct {
	bytes int
	seen  map[seenPart]bool
}

// seenPart is a map or a slice. Slices may begin at one place and be of
// different lengths.
type seenPart struct {
	at  uintptr
	len int
}

// fresh tells whether a part was not seen before.
func (h *heap) fresh(at uintptr, size int) bool {
	part := seenPart{at, size}
	if h.seen[part] {
		return false
	}
	h.seen[part] = true
	return true
}

func (h *heap) add(v any) {
	h.bytes += wordSize
	switch v := v.(type) {
	case nil, bool:
	case string:
		h.text(v)
	case json.Number:
		h.text(string(v))
	case map[string]any:
		if !h.fresh(reflect.ValueOf(v).Pointer(), len(v)) {
			return
		}
		h.bytes += entrySize
		for name, e := range v {
			h.bytes += len(name) + entrySize
			h.add(e)
		}
	case []any:
		if !h.fresh(reflect.ValueOf(v).Pointer(), len(v)) {
			return
		}
		for _, e := range v {
			h.add(e)
		}
	default:
		h.bytes += 8
	}
}

// text counts a long text once wherever it stands. A short one is not worth to
// be remembered.
func (h *heap) text(s string) {
	const long = 256
	h.bytes += wordSize
	if len(s) < long || h.fresh(uintptr(unsafe.Pointer(unsafe.StringData(s))), len(s)) {
		h.bytes += len(s)
	}
}

// ShowSize writes a number of bytes as wend.yaml and manifests have it, in the
// largest unit that loses nothing: 4194304 is "4MB".
func ShowSize(bytes uint64) string {
	for _, unit := range []struct {
		suffix string
		bytes  uint64
	}{{"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}} {
		if bytes >= unit.bytes && bytes%unit.bytes == 0 {
			return strconv.FormatUint(bytes/unit.bytes, 10) + unit.suffix
		}
	}
	return strconv.FormatUint(bytes, 10) + "B"
}

// Deeper tells whether lists and objects nest deeper in v than so many levels.
func Deeper(v any, levels int) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			if levels > 0 && Deeper(e, levels-1) {
				return true
			}
		}
		return levels == 0
	case []any:
		for _, e := range v {
			if levels > 0 && Deeper(e, levels-1) {
				return true
			}
		}
		return levels == 0
	default:
		return false
	}
}
