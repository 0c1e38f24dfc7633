package data_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/data"
)

func nested(levels int) any {
	var v any
	for range levels {
		v = []any{v}
	}
	return v
}

func TestDepth(t *testing.T) {
	t.Parallel()
	lists := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	tests := map[string]struct {
		doc    string
		offset int // -1: it is not too deep
	}{
		"as deep as may be":         {lists(data.MaxDepth), -1},
		"a list too deep":           {lists(data.MaxDepth + 1), data.MaxDepth},
		"an object too deep":        {strings.Repeat(`{"a":`, data.MaxDepth+1) + "1" + strings.Repeat("}", data.MaxDepth+1), 5 * data.MaxDepth},
		"deeper than Go reads":      {lists(20_000), data.MaxDepth},
		"side by side":              {"[" + strings.Repeat(lists(400)+",", 3) + "1]", -1},
		"brackets in texts":         {`["` + strings.Repeat(`[\"`, 1000) + `"]`, -1},
		"a text that ends in \\":    {`["\\", ` + lists(data.MaxDepth-1) + "]", -1},
		"deep, and broken after it": {strings.Repeat("[", data.MaxDepth+1), -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := data.DecodeJSON([]byte(test.doc))
			deep, ok := errors.AsType[*data.DepthError](err)
			if name == "deep, and broken after it" {
				if !ok {
					t.Errorf("got %v, want a DepthError: it is what is wrong first", err)
				}
				return
			}
			if ok != (test.offset >= 0) || ok && deep.Offset != test.offset {
				t.Errorf("got %v at %v, want offset %d", err, deep, test.offset)
			}
		})
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	shared := any("a")
	for range 200 { // 2^200 texts, in a few kilobytes
		shared = []any{shared, shared}
	}
	tests := map[string]struct {
		value any
		err   string
	}{
		"too deep":          {nested(data.MaxNesting + 1), "it nests deeper than 1000 levels"},
		"shared parts":      {shared, "it takes more than 1MB as JSON"},
		"a long text":       {strings.Repeat("a", 1<<20), "it takes more than 1MB as JSON"},
		"no number":         {map[string]any{"a": []any{math.NaN()}}, "it holds the number NaN, which JSON has not"},
		"infinite":          {math.Inf(-1), "it holds the number -Inf, which JSON has not"},
		"what is no data":   {[]any{func() {}}, "JSON cannot say it: json: unsupported type: func()"},
		"as deep as it may": {nested(data.MaxNesting), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := data.Measure(test.value, 1<<20)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.err {
				t.Errorf("got %q, want %q", got, test.err)
			}
			if _, ok := errors.AsType[*data.BoundError](err); err != nil && !ok {
				t.Errorf("%T is no BoundError", err)
			}
		})
	}
}

// TestMeasureIsNear holds that sizes are near those of the JSON that is written.
func TestMeasureIsNear(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`null`, `true`, `-1234567`, `0`, `"text"`, `[]`, `{}`, `[1,2,3,4]`, `[1.5,2.25e-7]`, `{"a":{"b":[null,false,"x"]},"long name":1}`,
		`18446744073709551615`, `{"items":[{"id":1,"name":"a"},{"id":2,"name":"b"},{"id":3,"name":"c"}]}`,
	} {
		v, err := data.DecodeJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		size, err := data.Measure(v, math.MaxInt)
		if err != nil || size.JSON < len(text)-2 || size.JSON > 2*len(text)+8 || size.Memory < len(text)/2 {
			t.Errorf("Measure(%s) = %+v, %v; it has %d bytes", text, size, err, len(text))
		}
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	part := any(map[string]any{"text": strings.Repeat("a", 1000)})
	long := strings.Repeat("b", 1000)
	one := data.Memory(map[string]any{"a": part})
	tests := map[string]struct {
		values    map[string]any
		low, high int
	}{
		"one":              {map[string]any{"a": part}, 1000, 1300},
		"shared by two":    {map[string]any{"a": part, "b": part}, one, one + 50},
		"shared in itself": {map[string]any{"a": []any{part, part, []any{part}}}, one, one + 150},
		"a shared text":    {map[string]any{"a": long, "b": []any{long, long}}, 1000, 1200},
		"of its own":       {map[string]any{"a": part, "b": map[string]any{"text": strings.Repeat("c", 1000)}}, one + 1000, 2 * one},
		"numbers":          {map[string]any{"a": []any{1, 1.5, json.Number("18446744073709551615"), nil, true}}, 50, 250},
	}
	for name, test := range tests {
		if got := data.Memory(test.values); got < test.low || got > test.high {
			t.Errorf("%s: %d bytes, expected %d to %d", name, got, test.low, test.high)
		}
	}
}

// TestMeasureAllocates holds that what is on the way of every step costs no
// memory.
func TestMeasureAllocates(t *testing.T) {
	v := any(map[string]any{"a": []any{1, 2.5, "text", nil, true, map[string]any{"b": "c"}}})
	if n := testing.AllocsPerRun(100, func() {
		if _, err := data.Measure(v, 1<<20); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDeeper(t *testing.T) {
	t.Parallel()
	for levels, want := range map[int]bool{3: false, 4: true} {
		if got := data.Deeper(map[string]any{"a": nested(levels - 1), "b": 1}, 3); got != want {
			t.Errorf("an object of %d levels: deeper than 3: %v", levels, got)
		}
	}
	if !data.Deeper([]any{}, 0) || data.Deeper([]any{}, 1) || data.Deeper("a", 0) {
		t.Error("an empty list is one level, a text is none")
	}
}

func TestShowSize(t *testing.T) {
	t.Parallel()
	for n, want := range map[uint64]string{0: "0B", 1: "1B", 1000: "1000B", 1024: "1KB", 4 << 20: "4MB", 3 << 30: "3GB", 1025: "1025B"} {
		if got := data.ShowSize(n); got != want {
			t.Errorf("ShowSize(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestTextIsBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", data.MaxText/2)
	if _, err := data.Text([]any{long, long}); err == nil {
		t.Error("a list of more than MaxText has a text")
	}
}
