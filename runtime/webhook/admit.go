package webhook

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/problem"
)

// admit returns the webhook that a request is for and the request's body, if
// the request may go in.
//
// From outside, a path that is not served and a webhook that demands a proof
// look alike to whoever has none, so that nobody learns by trying which paths
// there are. The log says which it was.
func (h *Handler) admit(c echo.Context) (*hook, []byte, error) {
	r := c.Request()
	live := h.live()
	hook := live.byPath[strings.Trim(strings.TrimPrefix(r.URL.Path, Prefix), "/")]
	switch {
	case hook != nil && hook.Verify == "":
		return h.admitAnybody(c, hook)
	case hook == nil && !live.guarded:
		h.cfg.Log.Info("webhook refused", "path", r.URL.Path, "caller", callerOf(r), "error", errNoHook)
		return nil, nil, problem.New(http.StatusNotFound, "no webhook at %q", r.URL.Path)
	}
	raw, err := ReadBody(c, h.cfg.MaxBody)
	if err != nil {
		return nil, nil, err
	}
	if err := h.verify(hook, r, raw); err != nil {
		return nil, nil, h.refuse(live, r, err)
	}
	// Only callers who proved who they are count against the webhook's limit:
	// others cannot use it up.
	return hook, raw, h.limits.take(hook.Path, h.cfg.Clock.Now())
}

// admitAnybody goes from the cheap checks to the dear ones.
func (h *Handler) admitAnybody(c echo.Context, open *hook) (*hook, []byte, error) {
	if c.Request().Method != http.MethodPost {
		p := problem.New(http.StatusMethodNotAllowed, "%s is not for a webhook, expected POST", c.Request().Method)
		p.Header.Set("Allow", http.MethodPost)
		return nil, nil, p
	}
	if err := h.limits.take(open.Path, h.cfg.Clock.Now()); err != nil {
		return nil, nil, err
	}
	raw, err := ReadBody(c, h.cfg.MaxBody)
	return open, raw, err
}

// verify tells whether a request is one that the webhook takes.
func (h *Handler) verify(hook *hook, r *http.Request, raw []byte) error {
	switch {
	case hook == nil:
		return errNoHook
	case r.Method != http.MethodPost:
		return errors.New("expected POST, not " + r.Method)
	case h.cfg.Verifier == nil:
		return errNoVerifier
	}
	return h.cfg.Verifier.Verify(hook.Verify, r.Header, raw, h.cfg.Clock.Now())
}

var (
	errNoHook     = errors.New("no webhook has this path")
	errNoVerifier = errors.New("no connection can check callers")
)

// refuse is what everybody gets who proved nothing. It asks in the schemes of
// all webhooks, whichever path was called.
func (h *Handler) refuse(live *hooks, r *http.Request, why error) error {
	caller := callerOf(r)
	h.cfg.Log.Info("webhook refused", "path", r.URL.Path, "caller", caller, "error", why)
	if err := h.failures.take(caller, h.cfg.Clock.Now()); err != nil {
		return err
	}
	p := problem.New(http.StatusUnauthorized,
		"no webhook takes this request: its path is wrong, or it is not signed as the webhook demands; the server's log says which")
	for _, scheme := range live.schemes {
		p.Header.Add("WWW-Authenticate", scheme+` realm="hooks"`)
	}
	return p
}

// callerOf is whom a request comes from as far as the network tells: an IPv4
// address, or the network of an IPv6 address, of which one caller has many.
func callerOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip := net.ParseIP(host)
	if ip == nil || ip.To4() != nil {
		return host
	}
	return ip.Mask(net.CIDRMask(64, 128)).String() + "/64"
}
