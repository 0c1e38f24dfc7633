// Package diag holds the mistakes of people who write files for Wend: where
// each one is, what is wrong, and what to try. Every stage reports with
// it and collects all mistakes instead of stopping at the first. Faults of a
// run are not its business; those are ordinary errors.
package diag

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a file. Line and Col count from 1; Col counts characters,
// not bytes. The zero Pos means that no place is known.
type Pos struct {
	File string
	Line int
	Col  int
}

// String returns file:line:col, leaving out what is not known.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.File == "":
		return fmt.Sprintf("%d:%d", p.Line, p.Col)
	default:
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
	}
}

// Severity says whether a mistake stops the flow from being used.
type Severity int

// An Error stops the flow; a Warning is worth a look.
const (
	SeverityError Severity = iota
	SeverityWarning
)

// String returns "error" or "warning".
func (s Severity) String() string {
	if s == SeverityWarning {
		return "warning"
	}
	return "error"
}

// MarshalText writes the severity as its name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Severity) UnmarshalText(text []byte) error {
	switch string(text) {
	case "error":
		*s = SeverityError
	case "warning":
		*s = SeverityWarning
	default:
		return fmt.Errorf("severity %q: expected \"error\" or \"warning\"", text)
	}
	return nil
}

// Code names a kind of mistake. It is stable: people search for it, silence it
// and link to it, so a code is never renamed and never reused.
type Code string

// Error is one mistake: its place, what is wrong and, in Hint, what to try.
type Error struct {
	Pos      Pos
	Severity Severity
	Code     Code
	Msg      string
	Hint     string
}

// Error returns "file:line:col: message; hint [code]".
func (e *Error) Error() string {
	var b strings.Builder
	if place := e.Pos.String(); place != "" {
		b.WriteString(place + ": ")
	}
	b.WriteString(e.Text())
	fmt.Fprintf(&b, " [%s]", e.Code)
	return b.String()
}

// Text returns the message and its hint on one line, without place and code.
func (e *Error) Text() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + "; " + e.Hint
}

// MarshalJSON writes the stable form of `wend check --json`.
func (e *Error) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		File     string   `json:"file"`
		Line     int      `json:"line"`
		Column   int      `json:"column"`
		Severity Severity `json:"severity"`
		Code     Code     `json:"code"`
		Message  string   `json:"message"`
		Hint     string   `json:"hint,omitempty"`
	}{e.Pos.File, e.Pos.Line, e.Pos.Col, e.Severity, e.Code, e.Msg, e.Hint})
}

// List collects mistakes in the order they were found.
type List []*Error

// Errorf adds a mistake and returns it, so that the caller may set its Hint.
func (l *List) Errorf(pos Pos, code Code, format string, a ...any) *Error {
	return l.add(pos, SeverityError, code, format, a)
}

// Warnf adds a warning and returns it, so that the caller may set its Hint.
func (l *List) Warnf(pos Pos, code Code, format string, a ...any) *Error {
	return l.add(pos, SeverityWarning, code, format, a)
}

func (l *List) add(pos Pos, severity Severity, code Code, format string, a []any) *Error {
	e := &Error{Pos: pos, Severity: severity, Code: code, Msg: fmt.Sprintf(format, a...)}
	*l = append(*l, e)
	return e
}

// HasErrors tells whether any mistake is more than a warning.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(e *Error) bool { return e.Severity == SeverityError })
}

// Sorted returns the mistakes by file, line and column, each once. Mistakes at
// the same place keep the order in which they were found.
func (l List) Sorted() List {
	seen := make(map[Error]bool, len(l))
	var sorted List
	for _, e := range l {
		if !seen[*e] {
			seen[*e] = true
			sorted = append(sorted, e)
		}
	}
	slices.SortStableFunc(sorted, func(a, b *Error) int {
		return cmp.Or(
			cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col),
		)
	})
	return sorted
}

// Err returns nil if there are only warnings, else an error whose text has one
// line for each of the first hundred mistakes, in order, and says how many more
// there are. errors.As finds the first *Error in it.
func (l List) Err() error {
	if !l.HasErrors() {
		return nil
	}
	return listError(l.Sorted())
}

type listError List

func (l listError) Error() string {
	lines := make([]string, 0, min(len(l), printedAtMost+1))
	more := 0
	for _, e := range l {
		switch {
		case e.Severity != SeverityError:
		case len(lines) == printedAtMost:
			more++
		default:
			lines = append(lines, e.Error())
		}
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more", more))
	}
	return strings.Join(lines, "\n")
}

func (l listError) Unwrap() []error {
	errs := make([]error, 0, len(l))
	for _, e := range l {
		if e.Severity == SeverityError {
			errs = append(errs, e)
		}
	}
	return errs
}
