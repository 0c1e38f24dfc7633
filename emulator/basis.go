package emulator

import (
	"encoding/json"
	"net/http"
)

const basisHeader = "X-Emulator-Basis"

// Basis says what a simulated reply rests on. A reply is as weak as its
// weakest part: one whose status is published but whose body is a guess is a
// Decision.
type Basis string

// The four bases, strongest first.
const (
	Seed      Basis = "seed"      // the vendor's own page of the operation says so
	Public    Basis = "public"    // other public material says so
	Inference Basis = "inference" // concluded from public material
	Decision  Basis = "decision"  // ours: nothing public says
)

// SetBasis marks a reply with what it rests on. Call it before the reply's
// first byte; an unmarked reply goes out as a Decision.
func SetBasis(w http.ResponseWriter, b Basis) {
	w.Header().Set(basisHeader, string(b))
}

// WriteJSON writes a whole reply: its basis, its status and value as JSON.
// It panics if value cannot be JSON, which is a mistake in the emulator.
func WriteJSON(w http.ResponseWriter, b Basis, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	SetBasis(w, b)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
