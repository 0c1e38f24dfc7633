package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Fault is a rule that spoils calls to the vendor's API.
type Fault struct {
	Match Match `json:"match"`
	// Times is how many calls the rule meets. Defaults to 0: all of them.
	Times int  `json:"times,omitempty"`
	Then  Then `json:"then"`
}

// Match says which calls a Fault meets. The zero Match meets all.
type Match struct {
	Method string `json:"method,omitempty"`
	// Path is compared whole; a * stands for one segment or a part of one, as
	// in path.Match.
	Path string `json:"path,omitempty"`
}

// Then says what becomes of a call: it waits DelayMs and then meets Fault,
// Drop, Malformed or the reply that Status, Headers and Body describe,
// whichever one is given. With none of them the vendor answers.
type Then struct {
	// Fault is a name: one of the vendor's own, a status from 400 to 599, or
	// timeout, drop, lost_reply, slow:<ms>, malformed_json,
	// wrong_content_type, empty_body, huge_body, expired_token.
	Fault   string `json:"fault,omitempty"`
	DelayMs int    `json:"delayMs,omitempty"`
	// Drop closes the connection without an answer. The vendor sees nothing.
	Drop bool `json:"drop,omitempty"`
	// Malformed lets the vendor act and breaks its JSON.
	Malformed bool `json:"malformed,omitempty"`
	// Status of the reply; the vendor sees nothing. Defaults to 200.
	Status  int               `json:"status,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	// Body is sent as it stands, or as its text if it is a JSON string.
	Body json.RawMessage `json:"body,omitempty"`
}

// String returns the fault in a few words, or "" if nothing is to happen.
func (t Then) String() string {
	var words []string
	if t.DelayMs > 0 {
		words = append(words, "slow:"+strconv.Itoa(t.DelayMs))
	}
	switch {
	case t.Fault != "":
		words = append(words, t.Fault)
	case t.Drop:
		words = append(words, faultDrop)
	case t.Malformed:
		words = append(words, faultMalformed)
	case t.isReply():
		words = append(words, "reply:"+strconv.Itoa(t.status()))
	}
	return strings.Join(words, " ")
}

func (t Then) isReply() bool {
	return t.Status != 0 || t.Headers != nil || t.Body != nil
}

func (t Then) status() int {
	if t.Status == 0 {
		return http.StatusOK
	}
	return t.Status
}

// check says what is wrong with the form of t.
func (t Then) check() error {
	ends := 0
	for _, given := range []bool{t.Fault != "", t.Drop, t.Malformed, t.isReply()} {
		if given {
			ends++
		}
	}
	switch {
	case ends > 1:
		return fmt.Errorf("a fault ends in one of fault, drop, malformed or a reply (status, headers, body), not in %d of them", ends)
	case ends == 0 && t.DelayMs == 0:
		return errors.New("a fault without effect: give fault, delayMs, drop, malformed, status, headers or body")
	case t.DelayMs < 0:
		return fmt.Errorf("delayMs %d: expected a number of milliseconds", t.DelayMs)
	case t.Status != 0 && (t.Status < 200 || t.Status > 599):
		return fmt.Errorf("status %d: expected one from 200 to 599", t.Status)
	}
	return nil
}

// ParseFault reads a fault as people write it on a command line:
//
//	503                                every call
//	503*2                              the next two
//	POST=drop                          every POST
//	/v1/ping=timeout                   every call of that path
//	POST /v1/things/*/close=slow:300*1 one such call
//
// A text that starts with { is the JSON that POST /_emulator/faults takes.
// Whether a vendor knows the name is checked by New.
func ParseFault(text string) (Fault, error) {
	if strings.HasPrefix(text, "{") {
		var f Fault
		if err := decodeStrict([]byte(text), &f); err != nil {
			return Fault{}, fmt.Errorf("fault: %w", err)
		}
		return f, nil
	}
	var f Fault
	name := text
	if i := strings.LastIndexByte(text, '='); i >= 0 {
		f.Match = parseMatch(text[:i])
		name = text[i+1:]
	}
	name, times, limited := strings.Cut(name, "*")
	if limited {
		n, err := strconv.Atoi(times)
		if err != nil || n < 1 {
			return Fault{}, fmt.Errorf("fault %q: expected a number of calls after *, not %q", text, times)
		}
		f.Times = n
	}
	if name == "" {
		return Fault{}, fmt.Errorf("fault %q: expected a name, as in \"POST /path=503*2\"", text)
	}
	f.Then.Fault = name
	return f, nil
}

func parseMatch(text string) Match {
	if strings.HasPrefix(text, "/") {
		return Match{Path: text}
	}
	method, p, _ := strings.Cut(text, " ")
	return Match{Method: method, Path: p}
}

func (m Match) meets(r *http.Request) bool {
	if m.Method != "" && !strings.EqualFold(m.Method, r.Method) {
		return false
	}
	if m.Path == "" {
		return true
	}
	ok, _ := path.Match(m.Path, r.URL.Path) // the pattern was checked when it was set
	return ok
}

// rules are the faults that are set, in the order they were.
type rules struct {
	mu   sync.Mutex
	list []rule
}

type rule struct {
	Fault

	Used int `json:"used"`
}

func (rs *rules) reset(faults []Fault) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.list = nil
	for _, f := range faults {
		rs.list = append(rs.list, rule{Fault: f})
	}
}

func (rs *rules) add(f Fault) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.list = append(rs.list, rule{Fault: f})
}

func (rs *rules) all() []rule {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return append([]rule{}, rs.list...)
}

// take returns the first rule that meets r and uses it up once.
func (rs *rules) take(r *http.Request) Then {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	i := slices.IndexFunc(rs.list, func(u rule) bool {
		return (u.Times == 0 || u.Used < u.Times) && u.Match.meets(r)
	})
	if i < 0 {
		return Then{}
	}
	rs.list[i].Used++
	return rs.list[i].Then
}
