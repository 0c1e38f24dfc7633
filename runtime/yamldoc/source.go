package yamldoc

import (
	"sort"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/diag"
)

// source is a file and where its lines begin.
type source struct {
	file  string
	text  string // without a byte order mark
	lines []int  // offset of each line's first byte
	chars []int  // characters before every offset that is a multiple of step
}

// step is how far apart the counts are kept from which the others are found: a
// file may be one long line, and many ask for their place in it.
const step = 256

func newSource(file, text string) *source {
	s := &source{file: file, text: text, lines: []int{0}}
	chars := 0
	for i := range len(text) {
		if i%step == 0 {
			s.chars = append(s.chars, chars)
		}
		if text[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
		if utf8.RuneStart(text[i]) {
			chars++
		}
	}
	return s
}

// before counts the characters before an offset.
func (s *source) before(offset int) int {
	if len(s.chars) == 0 {
		return 0
	}
	mark := min(offset/step, len(s.chars)-1)
	n := s.chars[mark]
	for i := mark * step; i < offset; i++ {
		if utf8.RuneStart(s.text[i]) {
			n++
		}
	}
	return n
}

// pos returns the place of a byte offset.
func (s *source) pos(offset int) diag.Pos {
	offset = max(0, min(offset, len(s.text)))
	line := sort.SearchInts(s.lines, offset+1)
	start := s.lines[line-1]
	col := 1
	if offset-start <= step {
		col += utf8.RuneCountInString(s.text[start:offset])
	} else {
		col += s.before(offset) - s.before(start)
	}
	return diag.Pos{File: s.file, Line: line, Col: col}
}

// offset returns the byte offset of a place, both counted from 1.
func (s *source) offset(line, col int) int {
	if line > len(s.lines) {
		return len(s.text)
	}
	o := s.lines[max(line, 1)-1]
	if col > step { // begin at the last mark before it
		want := s.before(o) + col - 1
		mark := sort.SearchInts(s.chars, want+1) - 1
		if at := mark * step; at > o {
			for at < len(s.text) && !utf8.RuneStart(s.text[at]) {
				at++
			}
			o, col = at, want-s.chars[mark]+1
		}
	}
	for ; col > 1 && o < len(s.text); col-- {
		_, size := utf8.DecodeRuneInString(s.text[o:])
		o += size
	}
	return o
}

// line returns a line without its end, counted from 1.
func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	start := s.lines[n-1]
	end := start
	for end < len(s.text) && s.text[end] != '\n' && s.text[end] != '\r' {
		end++
	}
	return s.text[start:end]
}
