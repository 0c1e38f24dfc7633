package graph

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"github.com/wendflow/wend/runtime/flow"
)

// What is written into a box and at a line. Names are the designer's: whatever
// they hold stays text, on one line, and short.

// Longest texts that are shown, in characters; one that is wide counts for two.
const (
	longestName = 40
	longestType = 44
	longestWay  = 28
)

// title is what a node is called.
func (n *Node) title() string {
	if n.Name != "" {
		return cut(n.Name, longestName)
	}
	return cut(n.ID, longestName)
}

// subtitle is its address for those who read the file, its type, and the flows that it runs.
func (n *Node) subtitle() string {
	text := n.Type
	if len(n.Flows) > 0 {
		text += " " + strings.Join(n.Flows, ", ")
	}
	if n.Name != "" {
		text = n.ID + " · " + text
	}
	return cut(text, longestType)
}

// note is what a run did at a node or what changed of it; "" for nothing.
func (n *Node) note() string {
	var notes []string
	switch {
	case n.Change == Changed:
		notes = append(notes, "changed: "+strings.Join(n.Changed, ", "))
	case n.Change != "":
		notes = append(notes, string(n.Change))
	}
	switch {
	case n.At:
		notes = append(notes, "the run is here")
	case n.Visits > 0 && n.Millis > 0:
		notes = append(notes, length(n.Millis))
	}
	if n.Visits > 1 {
		notes = append(notes, fmt.Sprintf("%d visits", n.Visits))
	}
	return cut(strings.Join(notes, " · "), longestType)
}

// mostWays is how many outcomes are written at one edge.
const mostWays = 3

// ways are the lines that are written at an edge: the outcomes that the flow
// names there, and how many others come by a rule for all. Of an edge that a run
// took it is by what it was taken.
func (e *Edge) ways() []string {
	var named, others []string
	for _, o := range e.Outcomes {
		if e.Taken > 0 && o.Taken == 0 {
			continue
		}
		if o.Via == flow.ViaNext || o.Via == flow.ViaOutcomes {
			named = append(named, cut(o.Name, longestWay))
		} else {
			others = append(others, cut(o.Name, longestWay))
		}
	}
	if len(others) == 1 && len(named) < mostWays {
		named, others = append(named, others[0]), nil
	}
	left := len(others)
	if len(named) > mostWays {
		left += len(named) - mostWays
		named = named[:mostWays]
	}
	switch {
	case left > 0 && len(named) == 0:
		named = append(named, fmt.Sprintf("%d outcomes", left))
	case left > 0:
		named = append(named, fmt.Sprintf("%d more", left))
	}
	if e.Taken > 1 {
		named = append(named, fmt.Sprintf("%d times", e.Taken))
	}
	return named
}

// all names every outcome of an edge.
func (e *Edge) all() string {
	names := make([]string, len(e.Outcomes))
	for i, o := range e.Outcomes {
		names[i] = oneLine(o.Name)
	}
	return strings.Join(names, ", ")
}

// oneLine is a text without what is no part of a line.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

func cut(text string, most int) string {
	text = oneLine(text)
	has := 0
	for i, r := range text {
		if has++; wide(r) {
			has++
		}
		if has > most {
			return strings.TrimSpace(text[:i]) + "…"
		}
	}
	return text
}

func wide(r rune) bool {
	k := width.LookupRune(r).Kind()
	return k == width.EastAsianWide || k == width.EastAsianFullwidth || r > 0xffff
}

// textWidth is about how wide a text is in a common typeface, in points.
func textWidth(text string, size float64) float64 {
	ems := 0.0
	for _, r := range text {
		switch {
		case wide(r):
			ems += 1.05
		case strings.ContainsRune("iljtfrI.,:;'|!()[] ·", r):
			ems += 0.36
		case strings.ContainsRune("mwMW@—", r):
			ems += 0.92
		case unicode.IsUpper(r):
			ems += 0.70
		default:
			ems += 0.585
		}
	}
	return ems * size
}
