package secret_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/secret"
)

func TestTextShowsNothing(t *testing.T) {
	t.Parallel()
	s := secret.Text("hush-hush")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T|%v"} {
		args := []any{s}
		if verb == "%T|%v" {
			args = []any{s, struct{ S secret.Text }{s}}
		}
		if got := fmt.Sprintf(verb, args...); strings.Contains(got, "hush") || strings.Contains(got, "68757368") {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	if got := fmt.Sprint(s, &s, []secret.Text{s}, s.String(), s.LogValue()); strings.Contains(got, "hush") {
		t.Errorf("Sprint prints %q", got)
	}
	for _, marshal := range []func() ([]byte, error){s.MarshalJSON, s.MarshalText} {
		if got, err := marshal(); err != nil || strings.Contains(string(got), "hush") {
			t.Errorf("marshals to %q, %v", got, err)
		}
	}
	if string(s) != "hush-hush" {
		t.Error("the conversion does not give the text")
	}
}

// stored is a store of these entries.
type stored map[string]secret.Text

func (s stored) Read(e secret.Entry) (secret.Text, error) {
	text, ok := s[e.Path+"#"+e.Key]
	if !ok {
		return "", errors.New("nothing at " + e.Path)
	}
	return text, nil
}

func TestNoStore(t *testing.T) {
	t.Parallel()
	_, err := secret.Sources{}.Read("vault:secret/data/crm#token")
	if !errors.Is(err, secret.ErrNoStore) {
		t.Errorf("Read: %v", err)
	}
}

// FuzzCheck: no error shows what stood in the place of a reference, and what is one
// leads somewhere.
func FuzzCheck(f *testing.F) {
	for _, around := range [][2]string{{"env:", ""}, {"file:/", ""}, {"vault:secret/data/", "#token"}, {"vault:a/data/b/data/c#", "#e"}, {"vault:", ""}, {"", ""}, {"exec:", " x"}} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		const hidden = "hush-hush-4711"
		ref := before + hidden + after
		err := secret.Check(ref)
		if err != nil && strings.Contains(err.Error(), hidden) {
			t.Errorf("Check(%q) shows it: %v", ref, err)
		}
		_, isFile := secret.File(ref)
		if (isFile || secret.InStore(ref)) && err != nil {
			t.Errorf("%q is none and leads somewhere", ref)
		}
		if secret.InStore(ref) {
			e, err := secret.ParseEntry(strings.TrimPrefix(ref, "vault:"))
			if err != nil || "vault:"+e.Path+"#"+e.Key != ref {
				t.Errorf("%q is read as %+v, %v", ref, e, err)
			}
		}
	})
}

func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "file:" + path
	}
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"SET": "hush-hush", "LINE": "hush-hush\n", "EMPTY": "", "BLANK": " "}[name]
		return v, ok
	}
	missing := "file:" + filepath.Join(dir, "missing")
	tests := map[string]struct {
		ref, want, err string
		none           bool
	}{
		"a variable":         {"env:SET", "hush-hush", "", false},
		"with a line break":  {"env:LINE", "hush-hush", "", false},
		"blanks are kept":    {"env:BLANK", " ", "", false},
		"an empty variable":  {"env:EMPTY", "", "env:EMPTY is empty", true},
		"no variable":        {"env:NONE", "", `environment variable "NONE" is not set`, true},
		"a file":             {file("a", "hush\nhush\r\n\r\n"), "hush\nhush", "", false},
		"an empty file":      {file("b", "\n"), "", "file:" + filepath.Join(dir, "b") + " is empty", true},
		"a large file":       {file("c", strings.Repeat("x", 64<<10+1)), "", "65537 bytes, expected at most 65536", false},
		"no file":            {missing, "", "missing: ", false},
		"a secret":           {"hush-hush", "", "a secret is not written here: expected env:NAME or file:PATH, which say where it is", false},
		"one with a colon":   {"hush:hush", "", "a secret is not written here", false},
		"no name":            {"env:", "", `nothing after "env:"`, false},
		"nothing whatsoever": {"", "", "a secret is not written here", false},
		"of a program":       {"exec:cat /hush", "", "a secret is not written here", false},
		"in a vault":         {"vault:secret/data/crm#token", "hush-hush", "", false},
		"empty in a vault":   {"vault:secret/data/crm#empty", "", "vault:secret/data/crm#empty is empty", true},
		"not in a vault":     {"vault:secret/data/crm#other", "", "nothing at secret/data/crm", false},
		"no key":             {"vault:secret/data/hush", "", "expected vault:PATH#KEY", false},
		"an empty key":       {"vault:secret/data/hush#", "", "expected vault:PATH#KEY", false},
		"no path":            {"vault:#hush", "", "expected vault:PATH#KEY", false},
		"of KV version 1":    {"vault:secret/hush#token", "", `the path has no "data" in it`, false},
		"only a mount":       {"vault:data/hush#token", "", `the path has no "data" in it`, false},
		"only a folder":      {"vault:secret/data#hush", "", `the path has no "data" in it`, false},
		"beside the path":    {"vault:secret/data/../hush#token", "", "leads elsewhere", false},
		"a path from /":      {"vault:/secret/data/hush#token", "", "an empty part", false},
		"a query":            {"vault:secret/data/hush?version=1#token", "", "has no place in vault:PATH#KEY", false},
		"a blank":            {"vault:secret/data/hush 1#token", "", "has no place in vault:PATH#KEY", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := secret.Sources{Env: env, Store: stored{"secret/data/crm#token": "hush-hush\n", "secret/data/crm#empty": ""}}.Read(test.ref)
			if string(got) != test.want {
				t.Errorf("Read(%q) = %q, want %q", test.ref, string(got), test.want)
			}
			switch {
			case err == nil && test.err != "" || err != nil && (test.err == "" || !strings.Contains(err.Error(), test.err)):
				t.Errorf("Read(%q): error %v, want %q", test.ref, err, test.err)
			case err != nil && strings.Contains(err.Error(), "hush"):
				t.Errorf("Read(%q): the error shows the secret: %v", test.ref, err)
			case errors.Is(err, secret.ErrNone) != test.none:
				t.Errorf("Read(%q): that there is none is %t, want %t", test.ref, !test.none, test.none)
			}
			if malformed := strings.Contains(test.err, "not written here") || strings.Contains(test.err, "nothing after") || strings.Contains(test.ref, "vault:") && strings.Contains(test.ref, "hush"); malformed != (secret.Check(test.ref) != nil) {
				t.Errorf("Check(%q) = %v", test.ref, secret.Check(test.ref))
			}
		})
	}
}
