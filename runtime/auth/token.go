package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// LeastToken is the shortest token in bytes that a server takes: one that
// cannot be guessed by trying.
const LeastToken = 16

// CheckToken says what is wrong with a token that a server is to demand.
func CheckToken(token string) error {
	switch {
	case strings.TrimSpace(token) == "":
		return errors.New("the token is blank, which would let everybody in")
	case len(token) < LeastToken:
		return fmt.Errorf("the token has %d bytes, expected at least %d; `openssl rand -hex 32` makes a good one", len(token), LeastToken)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("the token holds a blank, a control character or one outside of ASCII, which no header can carry")
	default:
		return nil
	}
}

// Scope is what a token is good for. None holds another, but Admin, which holds
// all.
type Scope string

// The scopes.
const (
	Read    Scope = "read"    // see what there is: flows, runs, events, values, metrics
	Run     Scope = "run"     // start runs, and tell of events
	Operate Scope = "operate" // change what there is: cancel, retry, resume, pause, roll back, change values
	Admin   Scope = "admin"   // all of that
)

// Scopes are all of them.
var Scopes = []Scope{Read, Run, Operate, Admin}

// Token is one that is on file: what is known of it, but not its text.
type Token struct {
	Name   string  `json:"name"`
	Digest string  `json:"sha256"` // of its text, in hex
	Scopes []Scope `json:"scopes"`
	// Flows are those that it is for, by their names; none: all.
	Flows   []string  `json:"flows,omitempty"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
}

// Expired tells whether a token is good no more.
func (t Token) Expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// check says what is wrong with a token that is to be on file.
func (t Token) check() error {
	switch {
	case t.Name == "" || len(t.Name) > longestName || strings.ContainsFunc(t.Name, notOfName):
		return fmt.Errorf("token %q: expected a name of at most %d letters a to z, digits, _ and -", t.Name, longestName)
	case len(t.Scopes) == 0:
		return fmt.Errorf("token %q is good for nothing; expected scopes out of %s", t.Name, listed(Scopes))
	}
	for _, s := range t.Scopes {
		if !slices.Contains(Scopes, s) {
			return fmt.Errorf("token %q: no scope %q; expected one of %s", t.Name, s, listed(Scopes))
		}
	}
	if slices.Contains(t.Flows, "") {
		return fmt.Errorf("token %q: a flow without a name", t.Name)
	}
	if len(t.Flows) > 0 && slices.Contains(t.Scopes, Admin) {
		return fmt.Errorf("token %q: scope %q is for all flows; give it others, or no flows", t.Name, Admin)
	}
	if raw, err := hex.DecodeString(t.Digest); err != nil || len(raw) != sha256.Size {
		return fmt.Errorf("token %q: expected its SHA-256 in hex", t.Name)
	}
	return nil
}

const longestName = 64

// notOfName keeps names apart from what an audit calls those without one, and
// lines of a log in one piece.
func notOfName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
}

func listed(scopes []Scope) string {
	var words []string
	for _, s := range scopes {
		words = append(words, string(s))
	}
	return strings.Join(words, ", ")
}

// mark is how tokens begin that are made here, so that they are known where
// they should not be.
const mark = "wend_"

// newText makes a token of 256 bits that nobody can guess, so that a plain hash
// of it is enough on disk: there is no dictionary to try.
func newText() string { return mark + random() }
