package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Settings are the switches of this emulator: the guesses that another
// installation may prove wrong, and what its administrator decides.
type Settings struct {
	// HTTPMode says which HTTP status goes with a statusCode: split, one of
	// 200, 400, 401, 403, 404 and 500; or flat, always 200. Defaults to split.
	HTTPMode string `json:"httpMode"`
	// CSRF is whether calls that change something need a token. Defaults to
	// true.
	CSRF bool `json:"csrf"`
	// CSRFHeader is the header that the token is wanted in, as X-CSRF-HEADER
	// says. Defaults to X-CSRF-TOKEN.
	CSRFHeader string `json:"csrfHeader"`
	// SessionSeconds is how long an HTTP session may lie idle. Defaults to
	// 1800.
	SessionSeconds int `json:"sessionSeconds"`
	// Segments are the names of the sessions in a path that are served, of
	// facebooksession and facebooksessions. Defaults to both.
	Segments []string `json:"segments"`
	// CometDPath is where CometD is. Defaults to /api/v2/notifications.
	CometDPath string `json:"cometdPath"`
	// CometDTimeoutMs is how long a connect is held when there is nothing to
	// tell. Defaults to 30000.
	CometDTimeoutMs int `json:"cometdTimeoutMs"`
	// Topic is the channel of the notifications. Defaults to
	// /v2/me/facebooksession.
	Topic string `json:"topic"`
	// NotifyAfterMs is how long after its operation a notification is sent, in
	// real time. Defaults to 0: before the operation is answered.
	NotifyAfterMs int `json:"notifyAfterMs"`
	// WebhookURL is sent every notification. The real system has nothing of
	// the kind. Defaults to none.
	WebhookURL string `json:"webhookUrl"`
}

const (
	modeSplit = "split"
	modeFlat  = "flat"
)

func defaults() Settings {
	return Settings{
		HTTPMode:        modeSplit,
		CSRF:            true,
		CSRFHeader:      csrfTokenHeader,
		SessionSeconds:  1800,
		Segments:        segments(),
		CometDPath:      "/api/v2/notifications",
		CometDTimeoutMs: 30000,
		Topic:           "/v2/me/facebooksession",
	}
}

func segments() []string { return []string{"facebooksession", "facebooksessions"} }

func (s Settings) check() error {
	if s.HTTPMode != modeSplit && s.HTTPMode != modeFlat {
		return fmt.Errorf("httpMode %q: expected %s or %s", s.HTTPMode, modeSplit, modeFlat)
	}
	if s.CSRFHeader == "" || strings.ContainsAny(s.CSRFHeader, " :\r\n") {
		return fmt.Errorf("csrfHeader %q: expected the name of a header", s.CSRFHeader)
	}
	if s.SessionSeconds < 1 {
		return fmt.Errorf("sessionSeconds %d: expected at least 1", s.SessionSeconds)
	}
	for _, name := range s.Segments {
		if !slices.Contains(segments(), name) {
			return fmt.Errorf("segment %q: expected one of %s", name, strings.Join(segments(), ", "))
		}
	}
	for name, path := range map[string]string{"cometdPath": s.CometDPath, "topic": s.Topic} {
		if !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") {
			return fmt.Errorf("%s %q: expected a path", name, path)
		}
	}
	if s.CometDTimeoutMs < 0 || s.NotifyAfterMs < 0 {
		return fmt.Errorf("cometdTimeoutMs %d, notifyAfterMs %d: expected milliseconds", s.CometDTimeoutMs, s.NotifyAfterMs)
	}
	if u, err := url.Parse(s.WebhookURL); err != nil || s.WebhookURL != "" && u.Host == "" {
		return fmt.Errorf("webhookUrl %q: expected an absolute URL", s.WebhookURL)
	}
	return nil
}

// status is the HTTP status that a statusCode goes out with. The pairs are not
// public.
func (s Settings) status(code int) int {
	if s.HTTPMode == modeFlat {
		return http.StatusOK
	}
	switch code {
	case codeOK, codePartial:
		return http.StatusOK
	case codeMissing, codeState, codeInvalid:
		return http.StatusBadRequest
	case codeForbidden, codePermission, codePassword:
		return http.StatusForbidden
	case codeNotFound:
		return http.StatusNotFound
	case codeUnauthenticated:
		return http.StatusUnauthorized
	default:
		return http.StatusInternalServerError
	}
}
