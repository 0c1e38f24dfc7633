// Package secret keeps what must not be shown: references that say where a
// secret is, which stand in files and on command lines in its place, the text
// itself, which no print shows, and how to tell one that stands in a file.
package secret

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
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

// Check reports whether ref is "env:NAME" or "file:PATH". The error does not
// repeat it, since it may be the secret itself. Nothing is read.
func Check(ref string) error {
	_, _, err := split(ref)
	return err
}

func split(ref string) (scheme, name string, err error) {
	scheme, name, ok := strings.Cut(ref, ":")
	switch {
	case !ok || scheme != "env" && scheme != "file":
		return "", "", errors.New("a secret is not written here: expected env:NAME or file:PATH, which say where it is")
	case name == "":
		return "", "", fmt.Errorf("nothing after %q", scheme+":")
	}
	return scheme, name, nil
}

// ErrNone is what an error of Read is, beside what it says, where a reference
// leads to nothing: a variable that is not set, an empty file.
var ErrNone = errors.New("there is no secret")

type noneError string

func (e noneError) Error() string      { return string(e) }
func (noneError) Is(target error) bool { return target == ErrNone }

// maxBytes bounds a secret.
const maxBytes = 64 << 10

// Read returns the secret that a reference leads to now; env looks up
// environment variables. A line break at its end is not part of it. The error
// holds nothing of the secret, and ref only if Check finds nothing wrong with
// it.
func Read(ref string, env func(name string) (string, bool)) (Text, error) {
	scheme, name, err := split(ref)
	if err != nil {
		return "", err
	}
	text, err := read(scheme, name, env)
	if err != nil {
		return "", err
	}
	text = strings.TrimRight(text, "\r\n")
	if text == "" {
		return "", noneError(ref + " is empty")
	}
	return Text(text), nil
}

func read(scheme, name string, env func(string) (string, bool)) (string, error) {
	if scheme == "file" {
		return readFile(name)
	}
	text, ok := env(name)
	if !ok {
		return "", noneError(fmt.Sprintf("environment variable %q is not set", name))
	}
	return text, nil
}

func readFile(path string) (string, error) {
	content, err := infile.Read(path, maxBytes)
	return string(content), err
}
