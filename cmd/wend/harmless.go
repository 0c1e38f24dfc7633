package main

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"
)

// harmless passes text on, with all that could move a terminal's cursor, change
// its colours or turn its lines around written as \u001b and the like: vendors,
// plugins and callers have a say in what is printed. In JSON that stands for the
// same, so it is good for data too. It is the last before the outside.
type harmless struct {
	mu      sync.Mutex // the log and the command itself may write at once
	w       io.Writer
	pending []byte // the beginning of a character whose end has not come yet
}

// Write implements io.Writer. Each character is written whole.
func (h *harmless) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := slices.Concat(h.pending, p)
	h.pending = nil
	safe := make([]byte, 0, len(text))
	for len(text) > 0 {
		if !utf8.FullRune(text) {
			h.pending = append(h.pending, text...)
			break
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1: // no UTF-8, which terminals take for controls of their own
			safe = append(safe, "\uFFFD"...)
		case steers(r):
			safe = fmt.Appendf(safe, `\u%04x`, r)
		default:
			safe = append(safe, text[:size]...)
		}
		text = text[size:]
	}
	if _, err := h.w.Write(safe); err != nil {
		return 0, err
	}
	return len(p), nil
}

// steers tells whether a character does something to what shows it.
func steers(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case unicode.IsControl(r):
		return true
	default: // directions of writing, which can make one text look like another
		return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f || r == 0x061c
	}
}
