package auth

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzTokensFile holds that what is taken for a file of tokens is one: it is read as
// the same when it is written again, and each token in it is whole.
func FuzzTokensFile(f *testing.F) {
	const hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	f.Add([]byte(`{"version":1,"tokens":[{"name":"a","sha256":"` + hash + `","scopes":["read"],"flows":["order"],"created":"2026-11-20T08:00:00Z","expires":"2027-11-20T08:00:00Z"}]}`))
	f.Add([]byte(`{"version":1,"tokens":[]}`))
	f.Add([]byte(`{"version":1,"tokens":null}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc, err := readTokens(raw)
		if err != nil {
			return
		}
		for _, one := range doc.Tokens {
			if err := one.check(); err != nil {
				t.Error(err)
			}
		}
		written, err := json.Marshal(doc)
		if err != nil {
			return // a year that JSON has none of
		}
		again, err := readTokens(written)
		if d := cmp.Diff(doc, again); err != nil || d != "" {
			t.Errorf("written as %s: %v %s", written, err, d)
		}
	})
}
