package emulator

import (
	"errors"
	"net/http"

	"github.com/wendflow/wend/emulator"
)

// apiError is an error reply.
type apiError struct {
	status      int
	code        string
	description string
	basis       emulator.Basis
}

func (e *apiError) Error() string { return e.description }

// guessed returns the error with a weaker basis.
func (e *apiError) guessed(b emulator.Basis) *apiError {
	weaker := *e
	weaker.basis = b
	return &weaker
}

// invalidContactID is what the operation's siblings answer for an id that is no
// active contact, with 404.
func invalidContactID(status int) *apiError {
	return &apiError{status, "not_found", "InvalidContactId", emulator.Inference}
}

func resourceNotFound() error {
	return &apiError{http.StatusNotFound, "not_found", "resource not found", emulator.Inference}
}

func methodNotAllowed() error {
	return &apiError{http.StatusMethodNotAllowed, "method_not_allowed", "Method Not Allowed", emulator.Inference}
}

func unauthorized() error {
	return &apiError{http.StatusUnauthorized, "unauthorized", "Unauthorized", emulator.Inference}
}

func forbidden() error {
	return &apiError{http.StatusForbidden, "forbidden", "The requested action is forbidden.", emulator.Inference}
}

// writeError answers with an error of the API.
func writeError(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	describe(w, e.description)
	emulator.WriteJSON(w, e.basis, e.status, map[string]string{"error": e.code, "error_description": e.description})
}

// writeAuthError answers with an error of the identity provider, which spells
// its field otherwise.
func writeAuthError(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	emulator.WriteJSON(w, e.basis, e.status, map[string]string{"error": e.code, "errorDescription": e.description})
}

func asAPIError(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	return &apiError{http.StatusInternalServerError, "server_error", err.Error(), emulator.Decision}
}

// describe puts the words of a status where the API has them.
func describe(w http.ResponseWriter, words string) {
	w.Header()["icStatusDescription"] = []string{words} // Set would change its spelling
}

// fail answers as CXone would with an HTTP status.
func (s *service) fail(w http.ResponseWriter, r *http.Request, status int) {
	err := error(&apiError{status, "error", http.StatusText(status), emulator.Decision})
	switch status {
	case http.StatusUnauthorized:
		err = unauthorized()
	case http.StatusForbidden:
		err = forbidden()
	case http.StatusNotFound:
		err = resourceNotFound()
	case http.StatusMethodNotAllowed:
		err = methodNotAllowed()
	}
	if isTokenPath(r.URL.Path) || r.URL.Path == discoveryPath {
		writeAuthError(w, asAPIError(err).guessed(emulator.Decision))
		return
	}
	s.correlate(w)
	writeError(w, err)
}

// faults are the faults of this vendor: an id that is refused though it is good,
// in both of the spellings that are known, and a token endpoint that gives none.
func (s *service) faults() map[string]http.HandlerFunc {
	failing := func(err error) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			s.correlate(w)
			writeError(w, err)
		}
	}
	return map[string]http.HandlerFunc{
		"invalid_contact_id": failing(invalidContactID(http.StatusNotFound)),
		"invalid_contact_id:400": failing(&apiError{
			http.StatusBadRequest, "bad_request", "Invalid Contact Id.", emulator.Decision,
		}),
		"no_access_token": func(w http.ResponseWriter, _ *http.Request) {
			emulator.WriteJSON(w, emulator.Decision, http.StatusOK, map[string]string{"token_type": "bearer"})
		},
	}
}
