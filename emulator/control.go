package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const controlPath = "/_emulator"

// controlRoutes is the control surface: the common routes, and the vendor's
// own for everything else.
func (v *Vendor) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+controlPath, v.index)
	mux.HandleFunc("GET "+controlPath+"/journal", v.showJournal)
	mux.HandleFunc("GET "+controlPath+"/state", v.showState)
	mux.HandleFunc("POST "+controlPath+"/reset", v.reset)
	mux.HandleFunc("GET "+controlPath+"/faults", v.showFaults)
	mux.HandleFunc("POST "+controlPath+"/faults", v.setFault)
	mux.HandleFunc("DELETE "+controlPath+"/faults", v.clearFaults)
	mux.HandleFunc("GET "+controlPath+"/clock", v.showClock)
	mux.HandleFunc("POST "+controlPath+"/clock", v.moveClock)
	if v.api.Control != nil {
		mux.Handle(controlPath+"/", v.api.Control)
	}
	return mux
}

func (v *Vendor) index(w http.ResponseWriter, _ *http.Request) {
	Answer(w, http.StatusOK, map[string]any{"emulator": v.Name, "faults": v.faultNames()})
}

func (v *Vendor) showJournal(w http.ResponseWriter, _ *http.Request) {
	Answer(w, http.StatusOK, v.journal.all())
}

func (v *Vendor) showState(w http.ResponseWriter, _ *http.Request) {
	Answer(w, http.StatusOK, v.api.State())
}

func (v *Vendor) reset(w http.ResponseWriter, _ *http.Request) {
	v.world.reset()
	v.api.Reset()
	v.rules.reset(v.world.faults)
	v.journal.reset()
	w.WriteHeader(http.StatusNoContent)
}

func (v *Vendor) showFaults(w http.ResponseWriter, _ *http.Request) {
	Answer(w, http.StatusOK, v.rules.all())
}

func (v *Vendor) setFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if err := Decode(w, r, &f); err != nil {
		Refuse(w, http.StatusBadRequest, err)
		return
	}
	if err := v.checkFault(f); err != nil {
		Refuse(w, http.StatusBadRequest, err)
		return
	}
	v.rules.add(f)
	Answer(w, http.StatusCreated, v.rules.all())
}

func (v *Vendor) clearFaults(w http.ResponseWriter, _ *http.Request) {
	v.rules.reset(nil)
	w.WriteHeader(http.StatusNoContent)
}

type clockReply struct {
	Now time.Time `json:"now"`
}

func (v *Vendor) showClock(w http.ResponseWriter, _ *http.Request) {
	Answer(w, http.StatusOK, clockReply{v.world.Now()})
}

// moveClock puts the clock ahead, so that nobody must wait for what a vendor
// does after minutes or days.
func (v *Vendor) moveClock(w http.ResponseWriter, r *http.Request) {
	var move struct {
		Advance string `json:"advance"`
	}
	if err := Decode(w, r, &move); err != nil {
		Refuse(w, http.StatusBadRequest, err)
		return
	}
	d, err := time.ParseDuration(move.Advance)
	if err != nil || d < 0 {
		Refuse(w, http.StatusBadRequest, fmt.Errorf("advance %q: expected a duration such as \"15s\" or \"2h30m\"", move.Advance))
		return
	}
	v.world.Advance(d)
	v.showClock(w, r)
}

// Answer writes a reply of the control surface, indented for people.
func Answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(value)
}

// Refuse writes an error of the control surface: {"error": …}.
func Refuse(w http.ResponseWriter, status int, err error) {
	Answer(w, status, map[string]string{"error": err.Error()})
}

// Decode reads the body of a request to the control surface: one JSON value
// with no key that into lacks.
func Decode(w http.ResponseWriter, r *http.Request, into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return err
	}
	return decodeStrict(body, into)
}

func decodeStrict(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("expected one JSON value and nothing after it")
	}
	return nil
}
