package api

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzIdempotencyKey holds that a key in quotes is read as it was written, and that
// whatever comes is a key within bounds or a mistake.
func FuzzIdempotencyKey(f *testing.F) {
	for _, text := range []string{"", "a", `"`, `\`, `a"b\c`, `"a"`, `"a" `, "\x00", "é", strings.Repeat("k", 256)} {
		f.Add(text)
	}
	quote := strings.NewReplacer(`"`, `\"`, `\`, `\\`)
	f.Fuzz(func(t *testing.T, text string) {
		key, err := idempotencyKey(http.Header{keyHeader: {text}})
		if err == nil && (len(key) > longestKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' })) {
			t.Errorf("%q is read as %q", text, key)
		}
		if err == nil && key == "" && strings.TrimSpace(text) != "" {
			t.Errorf("%q is taken for no key", text)
		}
		fits := text != "" && len(text) <= longestKey && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
		key, err = idempotencyKey(http.Header{keyHeader: {`"` + quote.Replace(text) + `"`}})
		if (err == nil) != fits || fits && key != text {
			t.Errorf("%q in quotes is read as %q, %v", text, key, err)
		}
	})
}
