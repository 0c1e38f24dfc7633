package plugincase_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/plugincase"
)

// FuzzParse: whatever a file holds, every mistake has a place in it, and a case
// without mistakes can be played.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(archive.Files[0].Data))
	}
	f.Add("method: send\ninputs: &a { a: *a }\nwant: { outcome: done, outputs: &b { settings: *b } }\n")
	f.Fuzz(func(t *testing.T, src string) {
		cases, mistakes := plugincase.Parse("f.yaml", []byte(src))
		lines := strings.Count(src, "\n") + 2
		for _, m := range mistakes {
			if m.Pos.Line < 1 || m.Pos.Line > lines {
				t.Errorf("%v: the file has %d lines", m, lines)
			}
		}
		for _, c := range cases {
			// Inputs of the fake's own are not what is tried here.
			c.Visit.Inputs = map[string]any{}
			if typ, err := c.Find("shop", []*node.Type{method}); err == nil {
				c.Compare(c.Play(t.Context(), typ))
			}
		}
	})
}
