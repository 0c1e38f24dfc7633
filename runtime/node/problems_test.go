package node_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
)

// TestManyProblems holds that what is said of a value has an end, is the same
// every time, and begins with what comes first.
func TestManyProblems(t *testing.T) {
	t.Parallel()
	schema := node.MustSchema(map[string]any{
		"type": "object", "additionalProperties": false,
		"properties": map[string]any{
			"items": map[string]any{"type": "array", "items": map[string]any{"type": "object", "required": []any{"b", "a"}}},
			"map":   map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "integer"}},
			"text":  map[string]any{"type": "string", "pattern": "^b", "maxLength": 200_000},
			"word":  map[string]any{"enum": []any{"a", "b"}},
		},
	})
	names := func(n int, value string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"k%05d":%s,`, i, value)
		}
		return b.String()
	}
	long := strings.Repeat("a", 100_000)
	tests := map[string]struct {
		doc   string
		n     int
		first string
		last  string
	}{
		"one":                      {`{"items":[{"a":1}]}`, 1, `items.0.b: is missing`, `items.0.b: is missing`},
		"as many as are told":      {`{"items":[` + strings.Repeat("{},", 9) + `{}]}`, 20, `items.0.a: is missing`, `items.9.b: is missing`},
		"one more":                 {`{"items":[` + strings.Repeat("{},", 9) + `{},1]}`, 21, `items.0.a: is missing`, `and 1 more problems`},
		"of a large value":         {`{"items":[` + strings.Repeat("{},", 9999) + `{}]}`, 21, `items.0.a: is missing`, `and 19980 more problems`},
		"names that are not known": {`{` + names(5000, "1") + `"items":[]}`, 21, `k00000: is not expected here`, `and 4980 more problems`},
		"values of many names":     {`{"map":{` + names(5000, `"x"`) + `"z":1}}`, 21, `map.k00000: is a string, expected an integer`, `and 4980 more problems`},
		"a long text":              {`{"text":"` + long + `"}`, 1, `text: the value does not match the pattern ^b`, ``},
		"a long name":              {`{"` + long + `":1}`, 1, strings.Repeat("a", 500) + "… 99500 more bytes: is not expected here", ``},
		"a long word":              {`{"word":"` + long + `"}`, 1, `word: value must be one of 'a', 'b'`, ``},
		"a large value that fits":  {`{"text":"b` + long + `"}`, 0, ``, ``},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := data.DecodeJSON([]byte(test.doc))
			if err != nil {
				t.Fatal(err)
			}
			got := schema.Validate(v)
			if len(got) != test.n {
				t.Fatalf("%d problems, want %d", len(got), test.n)
			}
			if test.n == 0 {
				return
			}
			if first := got[0].String(); first != test.first {
				t.Errorf("first: %s\nwant   %s", first, test.first)
			}
			if last := got[len(got)-1].String(); test.last != "" && last != test.last {
				t.Errorf("last: %s\nwant  %s", last, test.last)
			}
			text := node.FormatProblems(got)
			if len(text) > 12<<10 {
				t.Errorf("the problems have %d bytes", len(text))
			}
			if again := node.FormatProblems(schema.Validate(v)); again != text {
				t.Errorf("the same value another time:\n%s\n%s", again, text)
			}
		})
	}
}

// TestLargeValuesSideBySide holds that large values are held against a schema at
// the same time, and that what is said of each is about itself.
func TestLargeValuesSideBySide(t *testing.T) {
	t.Parallel()
	schema := node.MustSchema(map[string]any{"type": "array", "items": map[string]any{"type": "integer"}})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			list := make([]any, 20_000)
			for k := range list {
				list[k] = k
			}
			if i%2 == 1 {
				list[i] = "x"
			}
			got := node.FormatProblems(schema.Validate(list))
			want := ""
			if i%2 == 1 {
				want = fmt.Sprintf("%d: is a string, expected an integer", i)
			}
			if got != want {
				t.Errorf("value %d: %q, want %q", i, got, want)
			}
		})
	}
	all.Wait()
}
