package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/manifest"
)

const pluginsPage = "docs/plugins.md"

// TestPluginLimits holds the defaults of the table against the host's.
func TestPluginLimits(t *testing.T) {
	t.Parallel()
	var names []string
	var limits manifest.Limits
	for _, row := range table(t, readFile(t, pluginsPage), "limits") {
		names = append(names, row[0])
		if err := limits.Set(row[0], row[1]); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(manifest.LimitNames(), names); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(manifest.DefaultLimits(), limits); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

// TestPluginFaults holds that the table has every code of a fault, in the order
// of the source.
func TestPluginFaults(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), root+"/runtime/pluginhost/fault.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	ast.Inspect(file, func(n ast.Node) bool {
		c, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(c.Names[0].Name, "Fault") {
			return true
		}
		code, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, code)
		return true
	})
	var got []string
	for _, row := range table(t, readFile(t, pluginsPage), "faults") {
		got = append(got, row[0])
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}
