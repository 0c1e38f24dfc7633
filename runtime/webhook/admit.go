package webhook

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/problem"
)

// admit returns a call with its body, if it may go in. The webhook of the call is
// there also with an error, if the request was for one.
//
// From outside, a path that is not served and a webhook that demands a proof
// look alike to whoever has none, so that nobody learns by trying which paths
// there are. The log says which it was.
func (h *Handler) admit(c echo.Context, found call) (call, error) {
	r := c.Request()
	live := h.live()
	switch {
	case found.hook != nil && found.hook.Verify == "":
		return h.admitAnybody(c, found)
	case found.hook == nil && !live.guarded:
		return found, &refusal{problem.New(http.StatusNotFound, "no webhook at %q", r.URL.Path), errNoHook, true}
	}
	var err error
	if found.raw, err = ReadBody(c, h.cfg.MaxBody); err != nil {
		return found, err
	}
	if found.proven, err = h.verify(found.hook, r, found.raw); err != nil {
		if found.others != nil {
			err = fmt.Errorf("expected %s, not %s; %w", strings.Join(found.others, " or "), r.Method, err)
		}
		return found, h.refuse(live, r, err)
	}
	if found.others != nil {
		return found, otherMethod(r, found.others)
	}
	// Only callers who proved who they are count against the webhook's limit:
	// others cannot use it up.
	return found, h.within(found.hook, r)
}

// admitAnybody goes from the cheap checks to the dear ones.
func (h *Handler) admitAnybody(c echo.Context, open call) (call, error) {
	if open.others != nil {
		return open, otherMethod(c.Request(), open.others)
	}
	err := h.within(open.hook, c.Request())
	if err == nil {
		open.raw, err = ReadBody(c, h.cfg.MaxBody)
	}
	return open, err
}

// otherMethod tells which methods there are at a path.
func otherMethod(r *http.Request, methods []string) error {
	p := problem.New(http.StatusMethodNotAllowed, "%s is not for this webhook, expected %s", r.Method, strings.Join(methods, " or "))
	p.Header.Set("Allow", strings.Join(methods, ", "))
	return p
}

// verify tells whether a request is from the party of the webhook's connection.
func (h *Handler) verify(hook *hook, r *http.Request, raw []byte) (outbound.Proven, error) {
	switch {
	case hook == nil:
		return outbound.Proven{}, errNoHook
	case h.cfg.Verifier == nil:
		return outbound.Proven{}, errNoVerifier
	}
	in := outbound.Incoming{Target: r.URL.RequestURI(), Header: r.Header, Body: raw}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		in.Certificate = r.TLS.VerifiedChains[0][0]
	}
	proven, err := h.cfg.Verifier.Verify(r.Context(), hook.Verify, in, h.cfg.Clock.Now())
	if err == nil && h.live().signs[hook.Verify] && signable.Match(raw) {
		return outbound.Proven{}, errSignedForAnybody
	}
	return proven, err
}

// once refuses a request whose signature was used before, unless it gets the
// answer of the first by its dedupe key. free lets it come again, if it made no run.
func (h *Handler) once(r *http.Request, found call, dedupe journal.Dedupe) (free func(), err error) {
	if found.proven.Until.IsZero() {
		return func() {}, nil
	}
	// Two connections have two keys, and what both signed is no replay.
	proven := found.proven
	proven.Mark = sha256.Sum256(append([]byte(found.hook.Verify+"\x00"), proven.Mark[:]...))
	if free, err = h.replays.take(proven, dedupe, h.cfg.Clock.Now()); err != nil {
		return nil, h.refuse(h.live(), r, err)
	}
	return free, nil
}

var (
	errNoHook     = errors.New("no webhook has this path")
	errNoVerifier = errors.New("no connection can check callers")
)

// refuse is what everybody gets who proved nothing. It asks in the schemes of
// all webhooks, whichever path was called.
func (h *Handler) refuse(live *hooks, r *http.Request, why error) error {
	if err := h.failures.take(callerOf(r), h.cfg.Clock.Now()); err != nil {
		return &refusal{err, why, true}
	}
	p := problem.New(http.StatusUnauthorized,
		"no webhook takes this request: its path is wrong, or it is not signed as the webhook demands; the server's log says which")
	for _, scheme := range live.schemes {
		p.Header.Add("WWW-Authenticate", scheme+` realm="hooks"`)
	}
	return &refusal{p, why, true}
}

// refusal is a problem of which the caller is not told why it is one.
type refusal struct {
	error
	why error
	// hidden tells that nobody may see whether there is a webhook at the path.
	hidden bool
}

func isHidden(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.hidden
}

func (r *refusal) Unwrap() error { return r.error }

// refused tells observers that a request made no run. hook is the one that it
// was for, if there is one.
func (h *Handler) refused(r *http.Request, hook *hook, err error) error {
	if !h.cfg.Observers.Watched() {
		return err
	}
	f := fact.HookRefused{At: fact.At{At: h.cfg.Clock.Now()}, Path: r.URL.Path, Caller: callerOf(r), Reason: err.Error()}
	if hook != nil {
		f.Flow, f.Node = hook.Flow.Name, hook.Node.ID
	}
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		f.Status, f.Reason = p.Status, p.Detail // its fields may hold what the body does
	}
	if hidden, ok := errors.AsType[*refusal](err); ok {
		f.Reason = hidden.why.Error()
	}
	fact.Tell(h.cfg.Observers, f)
	return err
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
