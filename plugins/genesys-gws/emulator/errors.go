package emulator

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/wendflow/wend/emulator"
)

// The return values that this emulator gives on its own. Faults give the others.
const (
	codeOK              = 0
	codeMissing         = 1
	codeState           = 2
	codeForbidden       = 3
	codeInternal        = 4
	codePermission      = 5
	codeNotFound        = 6
	codePartial         = 7
	codePassword        = 8
	codeInvalid         = 10
	codeUnauthenticated = 20
)

// returnValues are all that are published, in our words; 8 and up since release
// 8.6.
var returnValues = [...]string{
	1: "a required parameter is missing", 2: "the parameter is not valid for the current state", 3: "forbidden", 4: "internal error",
	5: "the user does not have the permission", 6: "the resource was not found", 7: "partial success",
	8: "the password must be changed", 9: "the processing is incomplete", 10: "an input is not valid", 11: "the property is read-only",
	12: "unable to retrieve", 13: "unable to create", 14: "unable to delete", 15: "unable to update", 16: "unable to assign",
	17: "unable to unassign", 18: "the resource already exists", 19: "the resource is in use", 20: "not authenticated",
}

// codeError is an error reply: a return value and what it means here.
type codeError struct {
	Code    int    `json:"statusCode"`
	Message string `json:"statusMessage"`
}

func (e *codeError) Error() string { return e.Message }

func refuse(code int, format string, args ...any) error {
	return &codeError{code, fmt.Sprintf(format, args...)}
}

// writeError answers with an error. That there are the two fields is public,
// which HTTP status goes with them is not.
func (s *service) writeError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*codeError](err)
	if !ok {
		e = &codeError{codeInternal, err.Error()}
	}
	status := s.settings.Load().status(e.Code)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Genesys Web Services"`)
	}
	emulator.WriteJSON(w, emulator.Decision, status, e)
}

// refuseCSRF is what the vendor's page tells of a call without a good token, or
// without the cookie.
func refuseCSRF(w http.ResponseWriter) {
	emulator.SetBasis(w, emulator.Public)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, "Missing or invalid Csrf token\n")
}

// fail answers as this installation would with an HTTP status.
func (s *service) fail(w http.ResponseWriter, _ *http.Request, status int) {
	code := map[int]int{
		http.StatusBadRequest: codeInvalid, http.StatusUnauthorized: codeUnauthenticated, http.StatusForbidden: codeForbidden,
		http.StatusNotFound: codeNotFound, http.StatusInternalServerError: codeInternal,
	}[status]
	if code == 0 { // the load balancer's word
		emulator.SetBasis(w, emulator.Decision)
		http.Error(w, http.StatusText(status), status)
		return
	}
	emulator.WriteJSON(w, emulator.Decision, status, &codeError{code, returnValues[code]})
}

// faults are the faults of this vendor alone.
func (s *service) faults() map[string]http.HandlerFunc {
	faults := map[string]http.HandlerFunc{
		"csrf_refused":    func(w http.ResponseWriter, _ *http.Request) { refuseCSRF(w) },
		"csrf_rotate":     s.before(s.rotate),
		"session_expired": s.before(s.expire),
		"no_status_code": func(w http.ResponseWriter, _ *http.Request) {
			emulator.WriteJSON(w, emulator.Decision, http.StatusOK, map[string]any{})
		},
		"text_status_code": func(w http.ResponseWriter, _ *http.Request) {
			emulator.WriteJSON(w, emulator.Decision, http.StatusOK, map[string]any{"statusCode": "0"})
		},
	}
	for code := 1; code < len(returnValues); code++ {
		faults["statusCode:"+strconv.Itoa(code)] = func(w http.ResponseWriter, _ *http.Request) {
			s.writeError(w, refuse(code, "%s", returnValues[code]))
		}
	}
	for _, m := range []mishap{lost, duplicate, malformed, damaged} {
		faults["notification_"+string(m)] = func(w http.ResponseWriter, r *http.Request) {
			s.handler.ServeHTTP(w, m.mark(r))
		}
	}
	return faults
}

// before does something to all who are logged in, and then answers.
func (s *service) before(do func()) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		do()
		s.handler.ServeHTTP(w, r)
	}
}
