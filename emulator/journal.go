package emulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	redacted = "REDACTED"
	// maxEntryBody is how much of a request's body the journal keeps, in bytes.
	maxEntryBody = 16 << 10
)

// Entry is one request to the vendor's API, as the journal shows it.
type Entry struct {
	N      int       `json:"n"` // counts from 1, without gaps, until a reset
	Time   time.Time `json:"time"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Query  string    `json:"query,omitempty"`
	// Headers have lower-case names. Credentials read REDACTED.
	Headers map[string]string `json:"headers,omitempty"`
	// Body is at most the first 16 KiB.
	Body           string `json:"body,omitempty"`
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
	// Fault is what spoilt the call, if anything did.
	Fault string `json:"fault,omitempty"`
	// Status of the reply: 0 as long as there is none, and for good when the
	// connection was dropped.
	Status int   `json:"status"`
	Basis  Basis `json:"basis,omitempty"`
}

// journal keeps the newest requests in a ring.
type journal struct {
	secrets []string // lower case

	mu   sync.Mutex
	ring []*Entry
	n    int // requests seen
}

func newJournal(size int, secrets []string) *journal {
	all := []string{"authorization", "proxy-authorization", "cookie"}
	for _, s := range secrets {
		all = append(all, strings.ToLower(s))
	}
	return &journal{secrets: all, ring: make([]*Entry, size)}
}

// begin records a request. The entry is the journal's: only end may change it.
func (j *journal) begin(now time.Time, r *http.Request, body []byte) *Entry {
	e := &Entry{
		Time:           now,
		Method:         r.Method,
		Path:           r.URL.Path,
		Query:          j.hideForm(r.URL.RawQuery),
		Headers:        j.headers(r.Header),
		Body:           j.body(r.Header.Get("Content-Type"), body),
		IdempotencyKey: r.Header.Get("Idempotency-Key"),
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	e.N = j.n + 1
	j.ring[j.n%len(j.ring)] = e
	j.n++
	return e
}

// end records how a request was answered.
func (j *journal) end(e *Entry, status int, basis Basis, fault string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Status, e.Basis, e.Fault = status, basis, fault
}

// all returns the requests that are kept, oldest first.
func (j *journal) all() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	entries := []Entry{}
	for n := max(0, j.n-len(j.ring)); n < j.n; n++ {
		entries = append(entries, *j.ring[n%len(j.ring)])
	}
	return entries
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	clear(j.ring)
	j.n = 0
}

func (j *journal) headers(h http.Header) map[string]string {
	out := map[string]string{}
	for name, values := range h {
		name = strings.ToLower(name)
		value := strings.Join(values, ", ")
		if j.isSecret(name) {
			value = hideCredential(name, value)
		}
		out[name] = value
	}
	return out
}

// hideCredential hides a header's value. The scheme of an authorization stays,
// since it is half of what a reader wants to know.
func hideCredential(name, value string) string {
	scheme, _, found := strings.Cut(value, " ")
	if found && strings.HasSuffix(name, "authorization") {
		return scheme + " " + redacted
	}
	return redacted
}

func (j *journal) isSecret(name string) bool {
	return slices.Contains(j.secrets, strings.ToLower(name))
}

// body returns what the journal keeps of a request's body.
func (j *journal) body(contentType string, body []byte) string {
	text := string(body)
	if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		text = j.hideForm(text)
	} else if hidden, ok := j.hideJSON(body); ok {
		text = hidden
	}
	if len(text) > maxEntryBody {
		text = text[:maxEntryBody]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// hideForm hides secrets in form-encoded text. Text without any stays as it is.
func (j *journal) hideForm(text string) string {
	pairs := strings.Split(text, "&")
	for i, pair := range pairs {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil && j.isSecret(plain) {
			pairs[i] = name + "=" + redacted
		}
	}
	return strings.Join(pairs, "&")
}

// hideJSON returns the JSON text with its secrets hidden, and whether there
// were any; a text without any is kept to the byte.
func (j *journal) hideJSON(body []byte) (string, bool) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // an id of 64 bits must come out as it went in
	var value any
	if dec.Decode(&value) != nil || !j.hideIn(value) {
		return "", false
	}
	text, err := json.Marshal(value)
	return string(text), err == nil
}

// hideIn hides secrets in a decoded JSON value and reports whether it met one.
func (j *journal) hideIn(value any) bool {
	met := false
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			if j.isSecret(name) {
				value[name] = redacted
				met = true
			} else if j.hideIn(inner) {
				met = true
			}
		}
	case []any:
		for _, inner := range value {
			if j.hideIn(inner) {
				met = true
			}
		}
	}
	return met
}
