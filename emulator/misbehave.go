package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	faultHeader = "X-Emulator-Fault"

	faultDrop      = "drop"
	faultMalformed = "malformed_json"
	slowPrefix     = "slow:"

	// hugeBody is the size of the reply of huge_body, in bytes: more than
	// any client should be ready to hold.
	hugeBody = 16 << 20
)

// commonFaults are the names that every emulator knows, beside the statuses.
var commonFaults = [...]string{
	"timeout", faultDrop, "lost_reply", slowPrefix + "<ms>", "400…599",
	faultMalformed, "wrong_content_type", "empty_body", "huge_body", "expired_token",
}

// faultFor returns what must become of a call: what its own header says, or
// else the first rule that meets it. It fails if the header names no fault.
func (v *Vendor) faultFor(r *http.Request) (Then, error) {
	name := r.Header.Get(faultHeader)
	if name == "" {
		return v.rules.take(r), nil
	}
	_, err := v.named(name)
	return Then{Fault: name}, err
}

// checkFault says what is wrong with a fault.
func (v *Vendor) checkFault(f Fault) error {
	if err := f.Then.check(); err != nil {
		return err
	}
	if f.Times < 0 {
		return fmt.Errorf("times %d: expected a number of calls, or 0 for all", f.Times)
	}
	if _, err := path.Match(f.Match.Path, ""); err != nil {
		return fmt.Errorf("path %q: %w", f.Match.Path, err)
	}
	if f.Then.Fault == "" {
		return nil
	}
	_, err := v.named(f.Then.Fault)
	return err
}

// serve answers a call, spoilt as then says.
func (v *Vendor) serve(w http.ResponseWriter, r *http.Request, then Then) {
	if then.DelayMs > 0 {
		v.pause(r, then.DelayMs)
	}
	switch {
	case then.Fault != "":
		spoil, err := v.named(then.Fault)
		if err != nil {
			panic(err) // every way in checks the name
		}
		spoil(w, r)
	case then.Drop:
		drop(w, r)
	case then.Malformed:
		v.alter(breakJSON)(w, r)
	case then.isReply():
		then.reply(w)
	default:
		v.api.Handler.ServeHTTP(w, r)
	}
}

// named returns the handler of a fault.
func (v *Vendor) named(name string) (http.HandlerFunc, error) {
	if h, ok := v.api.Faults[name]; ok {
		return h, nil
	}
	if ms, ok := strings.CutPrefix(name, slowPrefix); ok {
		if n, err := strconv.Atoi(ms); err == nil && n >= 0 {
			return v.slow(n), nil
		}
	}
	if status, err := strconv.Atoi(name); err == nil && status >= 400 && status <= 599 {
		return v.failing(status), nil
	}
	switch name {
	case "timeout":
		return v.hold, nil
	case faultDrop:
		return drop, nil
	case "lost_reply":
		return v.loseReply, nil
	case faultMalformed:
		return v.alter(breakJSON), nil
	case "wrong_content_type":
		return v.alter(mislabel), nil
	case "empty_body":
		return v.alter(empty), nil
	case "huge_body":
		return v.alter(blowUp), nil
	case "expired_token":
		return v.failing(http.StatusUnauthorized), nil
	}
	return nil, fmt.Errorf("no fault %q; expected one of %s", name, strings.Join(v.faultNames(), ", "))
}

func (v *Vendor) faultNames() []string {
	return append(slices.Sorted(maps.Keys(v.api.Faults)), commonFaults[:]...)
}

// hold never answers: it ends when the client goes away or the emulator closes.
func (v *Vendor) hold(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-v.world.Closing():
	}
	panic(http.ErrAbortHandler)
}

func (v *Vendor) slow(ms int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v.pause(r, ms)
		v.api.Handler.ServeHTTP(w, r)
	}
}

// pause waits, and gives up the call if the client or the emulator does.
func (v *Vendor) pause(r *http.Request, ms int) {
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	case <-v.world.Closing():
		panic(http.ErrAbortHandler)
	}
}

func (v *Vendor) failing(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		v.api.Fail(w, r, status)
	}
}

// drop makes the server close the connection without an answer.
func drop(http.ResponseWriter, *http.Request) {
	panic(http.ErrAbortHandler)
}

// loseReply lets the vendor act, and then drops the connection.
func (v *Vendor) loseReply(w http.ResponseWriter, r *http.Request) {
	v.api.Handler.ServeHTTP(newPending(), r)
	drop(w, r)
}

// alter lets the vendor act, and sends its reply changed.
func (v *Vendor) alter(change func(*pending)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p := newPending()
		v.api.Handler.ServeHTTP(p, r)
		change(p)
		maps.Copy(w.Header(), p.header)
		w.WriteHeader(p.status)
		_, _ = p.body.WriteTo(w)
	}
}

func breakJSON(p *pending) {
	half := bytes.Clone(p.body.Bytes()[:p.body.Len()/2])
	if len(half) == 0 || json.Valid(half) {
		half = []byte(`{"`)
	}
	p.body = *bytes.NewBuffer(half)
}

func mislabel(p *pending) { p.header.Set("Content-Type", "text/html; charset=utf-8") }

func empty(p *pending) { p.body.Reset() }

func blowUp(p *pending) {
	p.body.Reset()
	p.body.WriteString(`{"padding":"`)
	p.body.Write(bytes.Repeat([]byte("x"), hugeBody))
	p.body.WriteString(`"}`)
}

// reply sends the reply that a rule describes.
func (t Then) reply(w http.ResponseWriter) {
	contentType, body := "application/json", []byte(t.Body)
	var text string
	if json.Unmarshal(t.Body, &text) == nil {
		contentType, body = "text/plain; charset=utf-8", []byte(text)
	}
	if body != nil {
		w.Header().Set("Content-Type", contentType)
	}
	for name, value := range t.Headers {
		w.Header().Set(textproto.CanonicalMIMEHeaderKey(name), value)
	}
	w.WriteHeader(t.status())
	_, _ = io.Copy(w, bytes.NewReader(body))
}

// pending is a reply that is not sent yet.
type pending struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newPending() *pending {
	return &pending{header: http.Header{}, status: http.StatusOK}
}

func (p *pending) Header() http.Header         { return p.header }
func (p *pending) Write(b []byte) (int, error) { return p.body.Write(b) }
func (p *pending) WriteHeader(status int)      { p.status = status }
