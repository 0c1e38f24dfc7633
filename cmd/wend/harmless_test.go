package main_test

import (
	"bytes"
	"testing"

	main "github.com/wendflow/wend/cmd/wend"
)

// Nothing that is printed does anything to the terminal.
func TestHarmless(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"plain\ttext, Grüezi 😀\n": "plain\ttext, Grüezi 😀\n",
		"\x1b[31mred\x1b[0m":      `\u001b[31mred\u001b[0m`,
		"over\rwritten\b\a\x00":   `over\u000dwritten\u0008\u0007\u0000`,
		"\x7f\u009b2J":            `\u007f\u009b2J`,
		"abc\u202edef\u2066":      `abc\u202edef\u2066`,
		"\x9b2J\xff":              "\uFFFD2J\uFFFD",
		`{"a":"\u001b"}`:          `{"a":"\u001b"}`,
	} {
		var whole, bytewise bytes.Buffer
		w := main.Harmless(&whole)
		if n, err := w.Write([]byte(given)); n != len(given) || err != nil {
			t.Errorf("Write(%q) = %d, %v", given, n, err)
		}
		w = main.Harmless(&bytewise)
		for i := range len(given) {
			if _, err := w.Write([]byte{given[i]}); err != nil {
				t.Fatal(err)
			}
		}
		if whole.String() != want || bytewise.String() != want {
			t.Errorf("%q became %q, and byte by byte %q; want %q", given, &whole, &bytewise, want)
		}
	}
}
