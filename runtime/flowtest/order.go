package flowtest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

// What runs do side by side in one instant has no order, and a test is the same
// each time. So it is put in the order of their making, where that is not told by
// what led to what.

// moment is when a node was left: the time, and within it the way down to the
// node, by the events of runs and the indices of children.
type moment struct {
	at  time.Time
	way []int
}

func (m moment) compare(n moment) int {
	return cmp.Or(m.at.Compare(n.at), slices.Compare(m.way, n.way))
}

// momentOf is that of a node of a run which has these events until it is left.
func (p *play) momentOf(events []run.Event, left int) moment {
	m := moment{way: []int{left}}
	if left < len(events) {
		m.at = events[left].When()
	}
	for first := events[0].(run.RunStarted); first.Parent != nil; {
		parent := p.eventsOf(first.Parent.Run)
		began := slices.IndexFunc(parent, func(e run.Event) bool {
			c, ok := e.(run.ChildrenStarted)
			return ok && c.Place == first.Parent.Place
		})
		m.way = append([]int{began, first.Parent.Index}, m.way...)
		first = parent[0].(run.RunStarted)
	}
	return m
}

// left are the moments of all nodes of all runs.
func (p *play) left() map[spot]moment {
	moments := map[spot]moment{}
	all := maps.Clone(p.children)
	all[runID] = p.events
	for id, events := range all {
		for i, e := range events {
			if f, ok := e.(run.NodeFinished); ok {
				moments[spot{id, f.Place}] = p.momentOf(events, i)
			}
		}
	}
	return moments
}

// sortLines sorts the log.
func (p *play) sortLines() {
	if len(p.children) == 0 {
		return // one run writes in its own order
	}
	left := p.left()
	way := func(s spot) []int {
		if m, known := left[s]; known {
			return m.way
		}
		events := p.eventsOf(s.run)
		return p.momentOf(events, len(events)).way // it is there still
	}
	slices.SortStableFunc(p.lines, func(a, b line) int {
		return cmp.Or(a.at.Compare(b.at), slices.Compare(way(a.spot), way(b.spot)))
	})
}

// sortLetters sorts events by who emitted them; those from outside come first.
func (p *play) sortLetters(letters []journal.Letter) {
	if len(letters) < 2 {
		return
	}
	emitted := map[string]moment{}
	for s, m := range p.left() {
		if was, twice := emitted[s.Key(s.run)]; !twice || m.compare(was) < 0 {
			emitted[s.Key(s.run)] = m
		}
	}
	slices.SortStableFunc(letters, func(a, b journal.Letter) int { return emitted[a.ID].compare(emitted[b.ID]) })
}
