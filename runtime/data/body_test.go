package data_test

import (
	"testing"

	"github.com/wendflow/wend/runtime/data"
)

func TestBody(t *testing.T) {
	t.Parallel()
	const text, form = "text/plain; charset=utf-8", "application/x-www-form-urlencoded"
	tests := []struct {
		value            any
		given            string
		want, wantedKind string
	}{
		{nil, "", "", ""},
		{"hello", "", "hello", text},
		{"", "", "", text},
		{"<b>&", "text/xml", "<b>&", "text/xml"},
		{`{"a": 1}`, "", `{"a": 1}`, "application/json"},
		{" [1]\n", "", " [1]\n", "application/json"},
		{`{"a": 1} or so`, "", `{"a": 1} or so`, text},
		{"[note]", "", "[note]", text},
		{`{"a": 1}`, "text/plain", `{"a": 1}`, "text/plain"},
		{`{"a": 1}`, "application/json; charset=utf-8", `{"a": 1}`, "application/json; charset=utf-8"},
		{"hello", "application/json", `"hello"`, "application/json"},
		{"hello", "application/problem+json", `"hello"`, "application/problem+json"},
		{`"hello"`, "application/json", `"hello"`, "application/json"},
		{"a=1", form, "a=1", form},
		{"5", "", "5", text},
		{5, "", "5", "application/json"},
		{map[string]any{"a": nil}, "", `{"a":null}`, "application/json"},
		{map[string]any{"a": "<&>"}, "application/vnd.x+json", `{"a":"<&>"}`, "application/vnd.x+json"},
	}
	for _, test := range tests {
		body, kind, err := data.Body(test.value, test.given)
		if err != nil || string(body) != test.want || kind != test.wantedKind {
			t.Errorf("Body(%#v, %q) = %q, %q, %v; want %q, %q", test.value, test.given, body, kind, err, test.want, test.wantedKind)
		}
	}
}
