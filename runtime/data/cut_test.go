package data_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/data"
)

func TestCut(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		value any
		want  string
	}{
		"small":              {map[string]any{"a": []any{1, "x", nil}}, `{"a":[1,"x",null]}`},
		"a text":             {strings.Repeat("a", 100), `"` + strings.Repeat("a", 60) + `… 40 more bytes"`},
		"between characters": {strings.Repeat("é", 50) + "!", `"` + strings.Repeat("é", 30) + `… 41 more bytes"`},
		"a text in the middle": {
			map[string]any{"body": strings.Repeat("a", 100), "status": 200},
			`{"body":"` + strings.Repeat("a", 32) + `… 68 more bytes","status":200}`,
		},
		"a list":            {[]any{"aaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbb", 1, 2, 3, 4, 5, 6}, `["aaaaaaaaaaaaaaaaaaaaaaaa","bbbbbbbbbbbbbbbbbbbbbbbb",1,2,3,"… 3 more items"]`},
		"an object":         {map[string]any{"a": strings.Repeat("a", 26), "b": strings.Repeat("b", 26), "c": 1}, `{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaa","b":"bbbbbbbbbbbbbbbbbbbbbbbbbb","…":"1 more"}`},
		"what JSON has not": {func() {}, `"… a func()"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shown, cut := data.Cut(test.value, 60)
			got, err := data.JSON(shown)
			if err != nil || string(got) != test.want || cut != (name != "small") {
				t.Errorf("Cut = %s, %v, %v\nwant  %s", got, cut, err, test.want)
			}
		})
	}
}

// TestCutIsBounded holds that what is shown stays small, whatever there is.
func TestCutIsBounded(t *testing.T) {
	t.Parallel()
	wide, names := []any{}, map[string]any{}
	for i := range 5000 {
		wide = append(wide, map[string]any{"id": i})
		names[fmt.Sprintf("%0500d", i)] = i
	}
	shared := any("x")
	for range 100 {
		shared = []any{shared, shared}
	}
	for name, v := range map[string]any{"deep": nested(5000), "wide": wide, "names": names, "shared": shared} {
		shown, cut := data.Cut(v, 4<<10)
		text, err := json.Marshal(shown)
		if err != nil || !cut || len(text) > 16<<10 {
			t.Errorf("%s: %d bytes, cut %v, %v", name, len(text), cut, err)
		}
	}
	if len(slices.Collect(maps.Keys(names))) != 5000 || !cmp.Equal(wide[0], any(map[string]any{"id": 0})) {
		t.Error("Cut changed what it was given")
	}
}
