package outbound

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
)

const masked = "•••"

// Secret is text that no print, log or JSON shows. Convert it to a string to
// use it.
type Secret string

// String returns "•••".
func (Secret) String() string { return masked }

// Format writes "•••" whatever the verb; %d or %x would print the text else.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue returns "•••".
func (Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText returns "•••".
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// MarshalJSON returns "•••" as JSON.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + masked + `"`), nil }

// splitRef cuts a reference to a secret. Its errors never quote the text,
// since that may be the secret itself.
func splitRef(ref string) (scheme, name string, err error) {
	scheme, name, ok := strings.Cut(ref, ":")
	switch {
	case !ok || scheme != "env" && scheme != "file":
		return "", "", errors.New("a secret is not written into the file: expected env:NAME or file:PATH, which say where it is")
	case name == "":
		return "", "", fmt.Errorf("nothing after %q", scheme+":")
	}
	return scheme, name, nil
}

func read(scheme, name string, env func(string) (string, bool)) (string, error) {
	if scheme == "file" {
		return readFile(name)
	}
	text, ok := env(name)
	if !ok {
		return "", fmt.Errorf("environment variable %q is not set", name)
	}
	return text, nil
}

// ValidateReference reports whether ref is "env:NAME" or "file:PATH". The
// error does not repeat it.
func ValidateReference(ref string) error {
	_, _, err := splitRef(ref)
	return err
}

const maxSecret = 64 << 10

// Resolve returns the secret that a reference is about; env looks up
// environment variables. A line break at its end is not part of it.
func Resolve(ref string, env func(name string) (string, bool)) (Secret, error) {
	scheme, name, err := splitRef(ref)
	if err != nil {
		return "", err
	}
	text, err := read(scheme, name, env)
	if err != nil {
		return "", err
	}
	text = strings.TrimRight(text, "\r\n")
	if text == "" {
		return "", fmt.Errorf("%s is empty", ref)
	}
	return Secret(text), nil
}

func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", err
	}
	if len(content) > maxSecret {
		return "", fmt.Errorf("%s holds more than %d bytes", path, maxSecret)
	}
	return string(content), nil
}

// mask hides the secrets of one connection in text that leaves it.
type mask struct {
	mu    sync.RWMutex
	fixed []string // from the configuration
	moved []string // tokens and cookies, the newest last
	forms []string // all of them in every spelling, the longest first; never changed in place
}

const (
	leastHidden = 4  // bytes; shorter ones would blot out ordinary text
	mostMoved   = 16 // tokens that lapsed longer ago are worth nothing
)

// add hides a secret for good.
func (m *mask) add(secrets ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fixed = merge(m.fixed, secrets)
	m.forms = formsOf(m.fixed, m.moved)
}

// addPassing hides a token or cookie until many newer ones were had.
func (m *mask) addPassing(secrets ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moved = merge(m.moved, secrets)
	m.moved = m.moved[max(0, len(m.moved)-mostMoved):]
	m.forms = formsOf(m.fixed, m.moved)
}

func merge(have, more []string) []string {
	for _, s := range more {
		if len(s) >= leastHidden && !slices.Contains(have, s) {
			have = append(have, s)
		}
	}
	return have
}

// formsOf returns the secrets as they would stand in plain text, in a URL and
// in JSON. The longest come first: what is left of a secret after a part of it
// was hidden would be found no more.
func formsOf(lists ...[]string) []string {
	var forms []string
	for _, secret := range slices.Concat(lists...) {
		forms = append(forms, secret, url.QueryEscape(secret), url.PathEscape(secret), inJSON(secret))
	}
	slices.SortFunc(forms, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	return slices.Compact(forms)
}

func inJSON(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		return s
	}
	return string(quoted[1 : len(quoted)-1])
}

func (m *mask) all() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.forms
}

// hide returns s without the secrets.
func (m *mask) hide(s string) string {
	for _, form := range m.all() {
		s = strings.ReplaceAll(s, form, masked)
	}
	return s
}

// hideBody returns body without the secrets.
func (m *mask) hideBody(body []byte) []byte {
	if len(m.all()) == 0 {
		return body
	}
	before := string(body)
	if after := m.hide(before); after != before {
		return []byte(after)
	}
	return body
}

// shows tells whether s holds a secret.
func (m *mask) shows(s string) bool { return m.hide(s) != s }
