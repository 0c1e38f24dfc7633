// Package secret keeps what must not be shown: references that say where a
// secret is, which stand in files and on command lines in its place, the text
// itself, which no print shows, and how to tell one that stands in a file.
package secret

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/infile"
)

// Mask stands where a secret is not shown.
const Mask = "•••"

// Text is text that no print, log or JSON shows. Convert it to a string to use
// it.
type Text string

// String returns Mask.
func (Text) String() string { return Mask }

// Format writes Mask whatever the verb; %d or %x would print the text else.
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Mask) }

// LogValue returns Mask.
func (Text) LogValue() slog.Value { return slog.StringValue(Mask) }

// MarshalText returns Mask.
func (Text) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// MarshalJSON returns Mask as JSON.
func (Text) MarshalJSON() ([]byte, error) { return []byte(`"` + Mask + `"`), nil }

// Check reports whether ref is "env:NAME", "file:PATH" or "vault:PATH#KEY". The
// error does not repeat it, since it may be the secret itself. Nothing is read.
func Check(ref string) error {
	_, _, err := split(ref)
	return err
}

// The kinds of references.
const (
	inEnv   = "env"
	inFile  = "file"
	inVault = "vault"
)

// variable is how variables of the environment are written elsewhere. A secret is not
// likely of this form.
var variable = regexp.MustCompile(`^(?:\$\{?[A-Z_][A-Z0-9_]*\}?|\$\([A-Z_][A-Z0-9_]*\)|%[A-Z_][A-Z0-9_]*%|(?:process\.)?env\.[A-Z_][A-Z0-9_]*|\{\{ *(?:secrets|env)\.[A-Z_][A-Z0-9_]* *\}\}|(?i:env):.*)$`)

func split(ref string) (scheme, name string, err error) {
	scheme, name, ok := strings.Cut(ref, ":")
	switch {
	case !ok || scheme != inEnv && scheme != inFile && scheme != inVault:
		const wrong = "a secret is not written here: expected env:NAME or file:PATH, which say where it is"
		if variable.MatchString(ref) {
			return "", "", errors.New(wrong + "; a variable of the environment is env:NAME")
		}
		return "", "", errors.New(wrong)
	case strings.TrimSpace(name) != name:
		return "", "", fmt.Errorf("a blank stands after %q, or at the end: write it without", scheme+":")
	case name == "":
		return "", "", fmt.Errorf("nothing after %q", scheme+":")
	case scheme == inVault:
		_, err = ParseEntry(name)
	}
	return scheme, name, err
}

// File returns the file that a reference leads to, if it leads to one.
func File(ref string) (path string, ok bool) {
	scheme, path, err := split(ref)
	return path, err == nil && scheme == inFile
}

// InStore tells whether a reference leads to a Store.
func InStore(ref string) bool {
	scheme, _, err := split(ref)
	return err == nil && scheme == inVault
}

// Entry is one value that a Store keeps.
type Entry struct{ Path, Key string }

// ParseEntry reads "PATH#KEY". The path is one of Vault's HTTP API for secrets
// with versions, such as "secret/data/crm". The error does not repeat it.
func ParseEntry(text string) (Entry, error) {
	path, key, ok := strings.Cut(text, "#")
	segments := strings.Split(path, "/")
	switch {
	case !ok || key == "" || path == "":
		return Entry{}, errors.New("vault: expected vault:PATH#KEY, such as vault:secret/data/crm#token")
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == '?' || r == '%' || r == '\\' || r > '~' }):
		return Entry{}, errors.New("vault: a blank, %, ?, \\ or a letter outside ASCII has no place in vault:PATH#KEY")
	case slices.ContainsFunc(segments, func(s string) bool { return s == "" || s == "." || s == ".." }):
		return Entry{}, errors.New("vault: the path has an empty part, or one that leads elsewhere: expected one such as secret/data/crm")
	case !slices.Contains(segments[1:max(1, len(segments)-1)], "data"):
		return Entry{}, errors.New(`vault: the path has no "data" in it: expected that of the HTTP API for a secret with versions (KV version 2), MOUNT/data/NAME, such as secret/data/crm`)
	}
	return Entry{path, key}, nil
}

// Store keeps secrets elsewhere than in files and variables. Read returns what it
// has now, or has kept; its error holds nothing of a secret. It is safe for
// concurrent use.
type Store interface {
	Read(e Entry) (Text, error)
}

// ErrNoStore is what comes of a reference to a Store where there is none.
var ErrNoStore = errors.New("there is no vault here: say in wend.yaml where one is, vault: { address: https://… }")

// Sources are where references lead.
type Sources struct {
	Env   func(name string) (string, bool) // looks up environment variables
	Store Store                            // nil: none
}

// ErrNone is what an error of Read is, beside what it says, where a reference
// leads to nothing: a variable that is not set, an empty file.
var ErrNone = errors.New("there is no secret")

type noneError string

func (e noneError) Error() string      { return string(e) }
func (noneError) Is(target error) bool { return target == ErrNone }

// maxBytes bounds a secret.
const maxBytes = 64 << 10

// Read returns the secret that a reference leads to now. A line break at its end
// is not part of it. The error holds nothing of the secret, and ref only if Check
// finds nothing wrong with it.
func (s Sources) Read(ref string) (Text, error) {
	scheme, name, err := split(ref)
	if err != nil {
		return "", err
	}
	text, err := s.read(scheme, name)
	if err != nil {
		return "", err
	}
	text = strings.TrimRight(text, "\r\n")
	if text == "" {
		return "", noneError(ref + " is empty")
	}
	return Text(text), nil
}

func (s Sources) read(scheme, name string) (string, error) {
	switch scheme {
	case inFile:
		return readFile(name)
	case inVault:
		return s.readStore(name)
	}
	text, ok := s.Env(name)
	if !ok {
		return "", noneError(fmt.Sprintf("environment variable %q is not set", name))
	}
	return text, nil
}

func (s Sources) readStore(name string) (string, error) {
	if s.Store == nil {
		return "", ErrNoStore
	}
	e, err := ParseEntry(name)
	if err != nil {
		return "", err
	}
	text, err := s.Store.Read(e)
	return string(text), err
}

func readFile(path string) (string, error) {
	content, err := infile.Read(path, maxBytes)
	return string(content), err
}
