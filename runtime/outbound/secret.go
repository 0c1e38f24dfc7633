package outbound

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
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
