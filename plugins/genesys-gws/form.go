package main

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wendflow/wend/sdk"
)

// What is sent at most, in characters. Genesys publishes no limits.
const (
	maxID     = 64
	maxName   = 255
	maxTarget = 1024
)

// form reads the inputs of a visit and collects what is wrong with them. The
// manifest states types only, so that everything wrong leaves by invalidData
// with all its reasons.
type form struct {
	input    sdk.Value
	mistakes []string
}

func (f *form) wrong(message string) { f.mistakes = append(f.mistakes, message) }

// refusal is the verdict on inputs that are not sent.
func (f *form) refusal() verdict {
	return verdict{}.fail(invalidData, "invalidData", strings.Join(f.mistakes, "; "))
}

// sessionID is the id of the session. It is a part of the call's path, so
// nothing but letters and digits may stand there.
func (f *form) sessionID() string {
	id := f.input.Text("sessionId")
	if id == "" || len(id) > maxID || strings.ContainsFunc(id, func(r rune) bool { return !isAlphanumeric(r) }) {
		f.wrong("sessionId " + strconv.Quote(id) + ": expected 1 to " + strconv.Itoa(maxID) + ` letters and digits, as "0002DaAVKJ0V0095"`)
	}
	return id
}

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// copyName copies a name into the request if it is given. A name that is given
// and empty is more likely a variable that nobody set than a wish for none.
func (f *form) copyName(body map[string]any, name string) {
	if f.input.Has(name) {
		f.requireName(body, name)
	}
}

func (f *form) requireName(body map[string]any, name string) {
	text := f.input.Text(name)
	switch {
	case strings.TrimSpace(text) == "":
		f.wrong(name + " is empty")
	case utf8.RuneCountInString(text) > maxName:
		f.wrong(name + ": expected at most " + strconv.Itoa(maxName) + " characters")
	}
	body[name] = text
}

// copyTarget copies whom a session is transferred to, under the name that it is
// given by: the vendor's page describes targetPath and sends targetUri.
func (f *form) copyTarget(body map[string]any) {
	given := 0
	for _, name := range []string{"targetPath", "targetUri"} {
		if !f.input.Has(name) {
			continue
		}
		given++
		target := f.input.Text(name)
		body[name] = target
		switch {
		case len(target) > maxTarget:
			f.wrong(name + ": expected at most " + strconv.Itoa(maxTarget) + " characters")
		case !isPath(target) && (name == "targetPath" || !isURI(target)):
			f.wrong(name + " " + strconv.Quote(target) + `: expected the path of a user or a queue, as "/users/10f8abb20c154fb28c82c68102625233"`)
		}
	}
	if given != 1 {
		f.wrong("expected one of targetPath and targetUri")
	}
}

func isPath(target string) bool { return len(target) > 1 && target[0] == '/' && isPlain(target) }

func isURI(target string) bool {
	_, rest, found := strings.Cut(target, "://")
	return found && rest != "" && (strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://")) && isPlain(target)
}

// isPlain tells whether a text is printable ASCII without spaces, as a URI is.
func isPlain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
