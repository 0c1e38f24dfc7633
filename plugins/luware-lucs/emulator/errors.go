package emulator

import (
	"errors"
	"net/http"

	"github.com/wendflow/wend/emulator"
)

// apiError is an error reply. Which statuses there are is on the vendor's page,
// how their bodies look is not, so all rest on a decision.
type apiError struct {
	status  int
	message string
}

func (e *apiError) Error() string { return e.message }

func badRequest(message string) error { return &apiError{http.StatusBadRequest, message} }

func noSuch(what, id string) error {
	return &apiError{http.StatusNotFound, "The " + what + " '" + id + "' was not found."}
}

func unauthorized() error {
	return &apiError{http.StatusUnauthorized, "Authorization has been denied for this request."}
}

// forbids says that the state of a task does not allow a change. To LUCS that is
// an error like a crash.
func (l *lucs) forbids(message string) error {
	return &apiError{l.settings.Load().Conflict, message}
}

// writeError answers as ASP.NET does.
func writeError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		e = &apiError{http.StatusInternalServerError, crashed}
	}
	emulator.WriteJSON(w, emulator.Decision, e.status, map[string]string{"Message": e.message})
}

// crashed is what ASP.NET says of an error that nobody foresaw.
const crashed = "An error has occurred."

// fail answers with an HTTP status; that of a crash is 500.
func (l *lucs) fail(w http.ResponseWriter, _ *http.Request, status int) {
	message := http.StatusText(status)
	switch status {
	case http.StatusInternalServerError:
		message = crashed
	case http.StatusUnauthorized:
		message = unauthorized().Error()
	}
	writeError(w, &apiError{status, message})
}

// crashAfter does what was asked for, and crashes then.
func (l *lucs) crashAfter(w http.ResponseWriter, r *http.Request) {
	l.serve(discarded{header: http.Header{}}, r)
	l.fail(w, r, http.StatusInternalServerError)
}

// discarded is a reply that nobody gets.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header       { return d.header }
func (discarded) Write(b []byte) (int, error) { return len(b), nil }
func (discarded) WriteHeader(int)             {}
