package emulator

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/wendflow/wend/emulator"
)

// The body codes of Digital Routing that are public.
const (
	codeExists     = 20200
	codeQueueLimit = 20286
)

// apiError is an error reply. The code is the HTTP status where no code of the
// vendor is known.
type apiError struct {
	status  int
	Code    int    `json:"code"`
	Key     string `json:"key"`
	Message string `json:"message"`
}

func (e *apiError) Error() string { return e.Message }

// plain returns the error of an HTTP status, without a code of the vendor.
func plain(status int, message string) *apiError {
	key := strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_"))
	return &apiError{status: status, Code: status, Key: key, Message: message}
}

func badRequest(format string, args ...any) error {
	return plain(http.StatusBadRequest, fmt.Sprintf(format, args...))
}

func unauthorized(message string) error { return plain(http.StatusUnauthorized, message) }

func forbidden() error {
	return plain(http.StatusForbidden, fmt.Sprintf("the token lacks the role %q", roleAdmin))
}

func noTask(id string) error {
	return plain(http.StatusNotFound, fmt.Sprintf("no task %q", id))
}

func tooMany() error { return plain(http.StatusTooManyRequests, "too many requests") }

func taskExists(status int) error {
	return &apiError{status: status, Code: codeExists, Key: "TASK_ALREADY_EXISTS", Message: "the task already exists"}
}

func queueLimit(media string) error {
	return &apiError{
		status: http.StatusBadRequest, Code: codeQueueLimit, Key: "MEDIA_TYPE_QUEUE_LIMIT_EXCEEDED",
		Message: fmt.Sprintf("the queue of media type %q is full", media),
	}
}

// writeError answers with an error. The form of the body is ours: only the
// codes are public.
func writeError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		e = plain(http.StatusInternalServerError, err.Error())
	}
	switch e.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	}
	emulator.WriteJSON(w, emulator.Decision, e.status, map[string]any{"error": e})
}

// fail answers as this installation would with an HTTP status.
func (s *service) fail(w http.ResponseWriter, r *http.Request, status int) {
	s.track(w, r)
	switch status {
	case http.StatusBadGateway:
		writeProxyError(w, status)
	case http.StatusUnauthorized:
		writeError(w, unauthorized("the token is unknown or expired"))
	case http.StatusForbidden:
		writeError(w, forbidden())
	case http.StatusServiceUnavailable:
		writeError(w, plain(status, "this node is on standby"))
	default:
		writeError(w, plain(status, strings.ToLower(http.StatusText(status))))
	}
}

// writeProxyError answers as the reverse proxy does when the service behind it
// is gone: in HTML.
func writeProxyError(w http.ResponseWriter, status int) {
	emulator.SetBasis(w, emulator.Inference)
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	_, _ = io.WriteString(w, "<html>\n<head><title>"+text+"</title></head>\n<body>\n<center><h1>"+text+"</h1></center>\n</body>\n</html>\n")
}

// faults are the faults of this vendor: the body codes, and 20200 at each HTTP
// status where it may turn up.
func (s *service) faults() map[string]http.HandlerFunc {
	failing := func(err func() error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			s.track(w, r)
			writeError(w, err())
		}
	}
	return map[string]http.HandlerFunc{
		"20200":     failing(func() error { return taskExists(s.settings.Load().Existing) }),
		"20200:200": failing(func() error { return taskExists(http.StatusOK) }),
		"20200:400": failing(func() error { return taskExists(http.StatusBadRequest) }),
		"20200:409": failing(func() error { return taskExists(http.StatusConflict) }),
		"20286":     failing(func() error { return queueLimit("social") }),
	}
}
