package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
)

// Settings holds the switches of one vendor in a struct T and serves them:
// GET prints them, PATCH changes those it names. Reading them while they are
// changed is safe; what Load returns must not be written to.
type Settings[T any] struct {
	check   func(T) error
	initial T

	mu  sync.Mutex
	now T
}

// NewSettings returns the defaults changed by given, a JSON object or nothing.
// It fails if given names a switch that T lacks or check, which may be nil,
// finds fault with the result.
func NewSettings[T any](defaults T, given json.RawMessage, check func(T) error) (*Settings[T], error) {
	if check == nil {
		check = func(T) error { return nil }
	}
	s := &Settings[T]{check: check, now: defaults}
	if len(given) > 0 {
		if err := s.patch(given); err != nil {
			return nil, fmt.Errorf("settings: %w", err)
		}
	}
	s.initial = s.now
	return s, nil
}

// Load returns the switches as they stand.
func (s *Settings[T]) Load() T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Reset puts the switches back as they were at the start.
func (s *Settings[T]) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.initial
}

// ServeHTTP answers GET and PATCH, both with the switches as they then stand.
func (s *Settings[T]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
	case http.MethodPatch:
		var change json.RawMessage
		err := Decode(w, r, &change)
		if err == nil {
			err = s.patch(change)
		}
		if err != nil {
			Refuse(w, http.StatusBadRequest, err)
			return
		}
	default:
		w.Header().Set("Allow", "GET, PATCH")
		Refuse(w, http.StatusMethodNotAllowed, fmt.Errorf("method %s: expected GET or PATCH", r.Method))
		return
	}
	Answer(w, http.StatusOK, s.Load())
}

func (s *Settings[T]) patch(change json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, err := clone(s.now)
	if err != nil {
		return err
	}
	if err := decodeStrict(change, &next); err != nil {
		return err
	}
	if err := s.check(next); err != nil {
		return err
	}
	s.now = next
	return nil
}

// clone copies a value down to its maps, which decoding would else change
// under the eyes of those who hold the old value.
func clone[T any](value T) (T, error) {
	var next T
	text, err := json.Marshal(value)
	if err != nil {
		return next, err
	}
	return next, json.Unmarshal(text, &next)
}
