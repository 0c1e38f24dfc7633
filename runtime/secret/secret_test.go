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
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := secret.Read(test.ref, env)
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
			if malformed := strings.Contains(test.err, "not written here") || strings.Contains(test.err, "nothing after"); malformed != (secret.Check(test.ref) != nil) {
				t.Errorf("Check(%q) = %v", test.ref, secret.Check(test.ref))
			}
		})
	}
}
