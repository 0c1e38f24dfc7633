package emulator

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/wendflow/wend/emulator"
)

// exception is the only class that Genesys names in public, and so that of all
// errors here.
const exception = "com.genesyslab.gsg.services.contextservices.exceptions.ContextServicesExceptionResource"

// realm is the one of an installation whose administrator has set none.
const realm = "Genesys Application Configuration Needed"

// apiError is an error reply.
type apiError struct {
	status  int
	message string
}

func (e *apiError) Error() string { return e.message }

func badRequest(format string, args ...any) error {
	return &apiError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &apiError{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

func unauthorized(message string) error { return &apiError{http.StatusUnauthorized, message} }

// wrongTenant and noTenant are the two errors whose texts are public.
func wrongTenant(status int, given string) error {
	return &apiError{status, fmt.Sprintf("Invalid tenant specified : specified tenant in HTTP header 'ContactCenterId'='%s' not configured. Verify configuration.", given)}
}

func noTenant(status int) error {
	return &apiError{status, "Invalid tenant specified : no tenant specified in multi-tenant environment. Verify configuration and 'ContactCenterId' HTTP header."}
}

func alreadyCompleted(status int, what string, id any) error {
	return &apiError{status, fmt.Sprintf("%s %v is already completed", what, id)}
}

// writeError answers with an error. The form of its body is public; which status
// it goes with, and most of the texts, are ours.
func writeError(w http.ResponseWriter, err error) {
	e, is := errors.AsType[*apiError](err)
	if !is {
		e = &apiError{http.StatusInternalServerError, err.Error()}
	}
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+realm+`"`)
	}
	emulator.WriteJSON(w, emulator.Decision, e.status, struct {
		Message   string `json:"message"`
		Exception string `json:"exception"`
	}{e.message, exception})
}

// fail answers as this installation would with an HTTP status.
func (s *site) fail(w http.ResponseWriter, _ *http.Request, status int) {
	writeError(w, &apiError{status, strings.ToLower(http.StatusText(status))})
}

// faults are the faults of this vendor.
func (s *site) faults() map[string]http.HandlerFunc {
	failing := func(err func(cfg Settings) error) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { writeError(w, err(s.settings.Load())) }
	}
	return map[string]http.HandlerFunc{
		"already_completed": failing(func(cfg Settings) error {
			if cfg.Repeat == http.StatusNoContent {
				return alreadyCompleted(http.StatusBadRequest, "task", 0)
			}
			return alreadyCompleted(cfg.Repeat, "task", 0)
		}),
		"invalid_tenant": failing(func(cfg Settings) error { return wrongTenant(cfg.TenantStatus, "wrong value") }),
		"no_tenant":      failing(func(cfg Settings) error { return noTenant(cfg.TenantStatus) }),
		"role_refused":   failing(func(Settings) error { return roleRefused(administrator) }),
		"login_page":     loginPage,
	}
}

// loginPage is what a gateway before the server answers whom it does not know: no
// error, but a page for people.
func loginPage(w http.ResponseWriter, _ *http.Request) {
	emulator.SetBasis(w, emulator.Decision)
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte("<html><body><form action=\"/login\">Please log in</form></body></html>\n"))
}
