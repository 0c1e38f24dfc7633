// Package emulator is what the stand-ins of the vendors' systems share: it
// serves a vendor's API and, around it, the control surface /_emulator/* by
// which people and tests see what arrived, set faults, move the clock and
// start over. It knows no vendor, keeps nothing on disk and opens no port.
//
// A vendor's package is written in three moves: take a World, build the API
// on it, and hand both to New.
package emulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// maxBody is the largest request that an emulator reads, in bytes.
const maxBody = 1 << 20

// API is what a vendor's package brings: its routes, and what the control
// surface must know of it. All its functions must be safe for concurrent use.
type API struct {
	// Name is the vendor's name in kebab-case, as its plugin has it.
	Name string
	// Port is where the emulator listens unless told otherwise.
	Port int
	// Handler serves the vendor's API. It should mark each reply with
	// SetBasis or WriteJSON.
	Handler http.Handler
	// Control serves the vendor's own routes under /_emulator/, if it has any.
	Control http.Handler
	// State returns what GET /_emulator/state prints, as a value for JSON.
	State func() any
	// Reset puts everything back as it was at the start.
	Reset func()
	// Fail writes the vendor's error reply of an HTTP status. Faults use it.
	// Defaults to a JSON object with the status' text.
	Fail func(w http.ResponseWriter, r *http.Request, status int)
	// Faults are named faults of this vendor alone. They go before the common
	// ones, so that a vendor can say what, for one, expired_token looks like.
	Faults map[string]http.HandlerFunc
	// Secrets are further names of headers, query parameters and fields of
	// JSON or form bodies whose values the journal hides, upper or lower case.
	Secrets []string
	// Close ends what the API started, if anything.
	Close func() error
}

// Vendor is one running emulator: an HTTP handler that serves the vendor's
// API with the control surface around it. It is safe for concurrent use.
type Vendor struct {
	Name string // in kebab-case: "cisco-cce"
	Port int    // where to listen unless told otherwise

	api     API
	world   *World
	journal *journal
	rules   *rules
	control http.Handler
	close   func() error
}

// New puts the control surface around an API. It fails if one of the faults
// to start with makes no sense to this vendor.
func New(world *World, api API) (*Vendor, error) {
	if api.Fail == nil {
		api.Fail = fail
	}
	v := &Vendor{
		Name:    api.Name,
		Port:    api.Port,
		api:     api,
		world:   world,
		journal: newJournal(world.journalSize, api.Secrets),
		rules:   &rules{},
	}
	for _, f := range world.faults {
		if err := v.checkFault(f); err != nil {
			return nil, fmt.Errorf("emulator %s: %w", api.Name, err)
		}
	}
	v.rules.reset(world.faults)
	v.control = v.controlRoutes()
	v.close = sync.OnceValue(func() error {
		world.close()
		if api.Close == nil {
			return nil
		}
		return api.Close()
	})
	return v, nil
}

// ServeHTTP serves the vendor's API and the control surface.
func (v *Vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == controlPath || strings.HasPrefix(r.URL.Path, controlPath+"/") {
		v.control.ServeHTTP(w, r)
		return
	}
	v.world.tick()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	r.Body = io.NopCloser(bytes.NewReader(body))
	entry := v.journal.begin(v.world.Now(), r, body)

	rec := &recorder{ResponseWriter: w}
	fault := ""
	// Deferred, because a dropped connection leaves this function by a panic.
	defer func() { v.journal.end(entry, rec.status, rec.basis, fault) }()

	if err != nil {
		v.api.Fail(rec, r, readStatus(err))
		return
	}
	then, err := v.faultFor(r)
	if err != nil {
		SetBasis(rec, Decision)
		http.Error(rec, err.Error(), http.StatusBadRequest)
		return
	}
	fault = then.String()
	v.serve(rec, r, then)
	rec.finish()
}

// Close lets go of every request that is held and ends what the emulator
// started. Call it before http.Server.Shutdown or httptest.Server.Close, which
// wait for requests. A second Close does nothing.
func (v *Vendor) Close() error {
	return v.close()
}

func readStatus(err error) int {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// fail is the error reply of a vendor that has no form of its own.
func fail(w http.ResponseWriter, _ *http.Request, status int) {
	WriteJSON(w, Decision, status, map[string]string{"error": http.StatusText(status)})
}

// recorder notes the status and the basis of a reply as it goes out.
type recorder struct {
	http.ResponseWriter

	status int
	basis  Basis
}

func (w *recorder) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	// A reply that nobody vouched for counts as our own guess.
	if w.Header().Get(basisHeader) == "" {
		SetBasis(w, Decision)
	}
	w.status = status
	w.basis = Basis(w.Header().Get(basisHeader))
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	w.finish()
	return w.ResponseWriter.Write(b)
}

// finish sends the header that a handler left to be implied.
func (w *recorder) finish() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
}

// Unwrap lets http.ResponseController flush a reply that is written bit by bit.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
