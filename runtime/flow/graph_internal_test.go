package flow

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// TestDominators holds the tree against the meaning of the word: without a node
// that lies on every path, no path is left.
func TestDominators(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		nodes := 1 + random.IntN(12)
		g := graph{next: map[string][]string{}}
		for range 1 + random.IntN(2) {
			g.starts = append(g.starts, strconv.Itoa(random.IntN(nodes)))
		}
		for range random.IntN(3 * nodes) {
			from := strconv.Itoa(random.IntN(nodes))
			g.next[from] = append(g.next[from], strconv.Itoa(random.IntN(nodes)))
		}
		d := g.dominators()
		for n := range nodes {
			id := strconv.Itoa(n)
			if got, want := d.reached(id), comesTo(g, id, ""); got != want {
				t.Fatalf("%v: reached(%s) = %v, want %v", g, id, got, want)
			}
			for o := range nodes {
				other := strconv.Itoa(o)
				want := other != id && comesTo(g, id, "") && !comesTo(g, id, other)
				if got := d.above(other, id); got != want {
					t.Fatalf("%v: above(%s, %s) = %v, want %v", g, other, id, got, want)
				}
				some := graph{[]string{other}, g.next}
				if got, want := g.backwards(id)[other], other != id && comesTo(some, id, ""); got != want {
					t.Fatalf("%v: backwards(%s)[%s] = %v, want %v", g, id, other, got, want)
				}
			}
		}
	}
}

// comesTo tells whether a path from a start leads to a node around another.
func comesTo(g graph, id, around string) bool {
	var seen []string
	todo := slices.Clone(g.starts)
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		if at == around || slices.Contains(seen, at) {
			continue
		}
		seen = append(seen, at)
		todo = append(todo, g.next[at]...)
	}
	return slices.Contains(seen, id)
}

// TestDominatorsLong: a chain takes memory by its length, not by the square of
// it, and is walked without recursion.
func TestDominatorsLong(t *testing.T) {
	t.Parallel()
	const long = 100_000
	g := graph{starts: []string{"0"}, next: map[string][]string{}}
	for n := range long {
		g.next[strconv.Itoa(n)] = []string{strconv.Itoa(n + 1)}
	}
	d := g.dominators()
	if last := strconv.Itoa(long); !d.above("1", last) || d.above(last, "1") {
		t.Error("the first node is not above the last")
	}
}
