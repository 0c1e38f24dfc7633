package graphviz_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/wendflow/wend/runtime/graphviz"
)

// TestModule holds the module to the one whose names graphviz.go knows;
// extract.mjs prints its sum.
func TestModule(t *testing.T) {
	t.Parallel()
	file, err := os.Open("graphviz.wasm.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		t.Fatal(err)
	}
	const want = "b113d594ef25f4da9d12e83f7f1550f00aae8e8fa911ebc4c4417ec1293f1451"
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		t.Errorf("SHA-256 of the module: %s, want %s", got, want)
	}
}

// TestLayout uses one engine from many goroutines.
func TestLayout(t *testing.T) {
	t.Parallel()
	e, err := graphviz.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(t.Context())
	tests := map[string]struct{ dot, want, failure string }{
		"two nodes": {
			dot:  `digraph { node [shape=box width=1 height=0.5 fixedsize=true label=""] a -> b }`,
			want: "graph 1 1 1.5\nnode a 0.5 0.25 1 0.5 \"\" solid box black lightgrey\nnode b 0.5 1.25 1 0.5 \"\" solid box black lightgrey\n",
		},
		"names stay text": {
			dot:  `digraph { node [shape=box width=1 height=0.5 fixedsize=true] a [label="<b>\\N \"x\"é"] }`,
			want: "graph 1 1 0.5\nnode a 0.5 0.25 1 0.5 \"<b>\\\\N \\\"x\\\"é\" solid box black lightgrey\nstop\n",
		},
		"no file is read": {
			dot:  `digraph { a [shape=none image="/etc/passwd" label=""] }`,
			want: "graph 1",
		},
		"not closed": {dot: `digraph {`, failure: "place the graph: the graph is not in the DOT language\n"},
		"not DOT":    {dot: `a: 1`, failure: "syntax error in line 1 near 'a'"},
		"nothing":    {dot: ``, failure: "the graph is not in the DOT language"},
	}
	var all sync.WaitGroup
	for name, test := range tests {
		for range 2 {
			all.Go(func() {
				got, err := e.Layout(t.Context(), test.dot, "plain")
				switch {
				case test.failure != "":
					if err == nil || !strings.Contains(err.Error(), test.failure) {
						t.Errorf("%s: %v, want %s", name, err, test.failure)
					}
				case err != nil || !strings.HasPrefix(got, test.want):
					t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, test.want)
				}
			})
		}
	}
	all.Wait()
	if _, err := e.Layout(t.Context(), "digraph { a }", "nonsense"); err == nil || !strings.Contains(err.Error(), `nothing was written as "nonsense"`) {
		t.Errorf("an unknown format: %v", err)
	}
}
