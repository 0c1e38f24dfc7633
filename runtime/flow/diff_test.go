package flow_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/wendflow/wend/runtime/flow"
)

// TestDiff holds what differs between two versions of a flow to the files in
// testdata/diff. UPDATE=1 rewrites them.
func TestDiff(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/diff/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no versions: %v", err)
	}
	cfg := config(t)
	there := cfg
	there.Variables = map[string]any{"host": "another.example"} // makes no version another
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			load := func(i int, cfg flow.Config) *flow.Flow {
				f, mistakes := flow.Load(ar.Files[i].Name, ar.Files[i].Data, cfg)
				if f == nil {
					t.Fatal(mistakes.Err())
				}
				return f
			}
			before, after := load(0, cfg), load(1, there)
			if same := flow.Diff(before, load(0, there)); same != nil {
				t.Errorf("a flow differs from itself in %v", same)
			}
			var got strings.Builder
			enc := json.NewEncoder(&got)
			enc.SetEscapeHTML(false)
			for _, c := range flow.Diff(before, after) {
				got.WriteString(c.String() + "\n")
				if err := enc.Encode(c); err != nil {
					t.Fatal(err)
				}
			}
			if os.Getenv("UPDATE") != "" {
				ar.Files = append(ar.Files[:2], txtar.File{Name: "changes", Data: []byte(got.String())})
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(ar.Files[2].Data), got.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		})
	}
}
