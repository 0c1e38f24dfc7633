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
}

func newSource(file, text string) *source {
	s := &source{file: file, text: text, lines: []int{0}}
	for i := range len(text) {
		if text[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// pos returns the place of a byte offset.
func (s *source) pos(offset int) diag.Pos {
	offset = max(0, min(offset, len(s.text)))
	line := sort.SearchInts(s.lines, offset+1)
	col := utf8.RuneCountInString(s.text[s.lines[line-1]:offset])
	return diag.Pos{File: s.file, Line: line, Col: col + 1}
}

// offset returns the byte offset of a place, both counted from 1.
func (s *source) offset(line, col int) int {
	if line > len(s.lines) {
		return len(s.text)
	}
	o := s.lines[max(line, 1)-1]
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
