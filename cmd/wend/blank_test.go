package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/plugincase"
)

// blanks are the ways to write nothing.
var blanks = []string{"", `""`, `"  "`, "~", "null", "[]", "{}"}

// others are files for keys that exclude each other.
var others = map[string][]string{"wend.yaml": {"wend-approle.yaml", "wend-kubernetes.yaml"}}

// TestBlankValues puts every kind of nothing in the place of every value of every
// kind of file, and holds in testdata/blanks.txt which of them pass without a
// word: a key that is left blank is a mistake unless nothing is what it says
// then. Each file of testdata/blank has every key that its readers know, with the
// others beside it.
func TestBlankValues(t *testing.T) {
	t.Parallel()
	withoutRace(t)
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]struct {
		known []string
		parse func(src []byte) diag.List
	}{
		"flow.yaml": {
			append(keysRead(t, "runtime/spec"), inputsOf(types)...),
			func(src []byte) diag.List {
				_, list := flow.Load("flow.yaml", src, flow.Config{Types: types, Connections: []string{"shop"}})
				return list
			},
		},
		"wend.yaml":   {keysRead(t, "runtime/config"), func(src []byte) diag.List { _, list := config.Parse("wend.yaml", src); return list }},
		"plugin.yaml": {keysRead(t, "runtime/manifest"), func(src []byte) diag.List { _, list := manifest.Parse("plugin.yaml", src); return list }},
		"case.yaml":   {keysRead(t, "runtime/plugincase"), func(src []byte) diag.List { _, list := plugincase.Parse("case.yaml", src); return list }},
	}
	var passed strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		written := map[string]bool{}
		for _, name := range append([]string{kind}, others[kind]...) {
			src := readFile(t, filepath.Join("testdata", "blank", name))
			parse := kinds[kind].parse
			if list := parse([]byte(src)); len(list) > 0 {
				t.Fatalf("%s: %v", name, list)
			}
			var doc yaml.Node
			if err := yaml.Unmarshal([]byte(src), &doc); err != nil {
				t.Fatal(err)
			}
			for _, e := range entries(doc.Content[0], "") {
				written[e.path[strings.LastIndex(e.path, ".")+1:]] = true
				var silent []string
				for _, blank := range blanks {
					if len(parse(e.with(t, &doc, blank))) == 0 {
						silent = append(silent, strconv.Quote(blank))
					}
				}
				if len(silent) > 0 {
					passed.WriteString(name + " " + e.path + " " + strings.Join(silent, " ") + "\n")
				}
			}
		}
		for _, key := range kinds[kind].known {
			if !written[key] {
				t.Errorf("testdata/blank/%s lacks the key %q", kind, key)
			}
		}
	}
	golden(t, "testdata/blanks.txt", passed.String())
}

// slot is a value of a document, by its keys.
type slot struct {
	path  string
	value *yaml.Node
}

// entries are the values of a mapping and of all in it.
func entries(n *yaml.Node, path string) []slot {
	var all []slot
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			e := slot{strings.TrimPrefix(path+"."+n.Content[i].Value, "."), n.Content[i+1]}
			all = append(append(all, e), entries(e.value, e.path)...)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			all = append(all, entries(item, path+"["+strconv.Itoa(i)+"]")...)
		}
	default: // nothing is in it
	}
	return all
}

// with is the document with something else in the slot.
func (s slot) with(t *testing.T, doc *yaml.Node, blank string) []byte {
	t.Helper()
	before := *s.value
	defer func() { *s.value = before }()
	const mark = "BLANK-HERE"
	*s.value = yaml.Node{Kind: yaml.ScalarNode, Value: mark}
	out, err := yaml.Marshal(doc)
	if err != nil || strings.Count(string(out), mark) != 1 {
		t.Fatalf("%s: %v\n%s", s.path, err, out)
	}
	return []byte(strings.Replace(string(out), mark, blank, 1))
}

// keysRead are the names of all yamldoc.Keys in a package's code.
func keysRead(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		isKey := func(t ast.Expr) bool {
			sel, ok := t.(*ast.SelectorExpr)
			return ok && sel.Sel.Name == "Key"
		}
		add := func(lit *ast.CompositeLit) {
			for _, field := range lit.Elts {
				if kv, ok := field.(*ast.KeyValueExpr); ok && kv.Key.(*ast.Ident).Name == "Name" {
					if value, ok := kv.Value.(*ast.BasicLit); ok {
						name, _ := strconv.Unquote(value.Value)
						names[name] = true
					}
				}
			}
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if isKey(lit.Type) {
				add(lit)
			}
			if list, ok := lit.Type.(*ast.ArrayType); ok && isKey(list.Elt) {
				for _, e := range lit.Elts {
					if key, ok := e.(*ast.CompositeLit); ok {
						add(key)
					}
				}
			}
			return true
		})
	}
	if len(names) < 5 {
		t.Fatalf("%s: found the keys %v only", folder, names)
	}
	return slices.Sorted(maps.Keys(names))
}

// inputsOf are the names of all inputs of all node types, those in them too.
func inputsOf(types *node.Set) []string {
	names := map[string]bool{}
	var collect func(schema map[string]any)
	collect = func(schema map[string]any) {
		props, _ := schema["properties"].(map[string]any)
		for name, sub := range props {
			names[name] = true
			if sub, ok := sub.(map[string]any); ok {
				collect(sub)
			}
		}
		if items, ok := schema["items"].(map[string]any); ok {
			collect(items)
		}
	}
	for _, t := range types.All() {
		collect(t.Inputs.Raw())
	}
	return slices.Sorted(maps.Keys(names))
}
