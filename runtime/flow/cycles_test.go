package flow

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestCycles holds which nodes of a graph lead to each other.
func TestCycles(t *testing.T) {
	t.Parallel()
	tests := []struct{ edges, want string }{
		{"ab bc", ""},
		{"aa", "a"},
		{"ab ba", "ab"},
		{"ab bb bc", "b"},
		{"ab bc cb cd dc", "bcd"},
		{"ab bc ca ad de ed", "abc de"},
		{"ab bb bc cb", "bc"},
		{"xy yx ab", ""}, // nothing comes there
		{"ab ac bd cd da", "abcd"},
	}
	for _, test := range tests {
		t.Run(test.edges, func(t *testing.T) {
			t.Parallel()
			g := graph{starts: []string{"a"}, next: map[string][]string{}}
			for edge := range strings.FieldsSeq(test.edges) {
				g.next[edge[:1]] = append(g.next[edge[:1]], edge[1:])
			}
			var got []string
			for _, around := range g.cycles() {
				var ids []string
				for id := range around {
					ids = append(ids, id)
				}
				slices.Sort(ids)
				got = append(got, strings.Join(ids, ""))
			}
			slices.Sort(got)
			if fmt.Sprint(got) != fmt.Sprint(strings.Fields(test.want)) {
				t.Errorf("cycles %q, want %q", got, test.want)
			}
		})
	}
}
