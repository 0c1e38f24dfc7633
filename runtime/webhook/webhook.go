// Package webhook serves /hooks/…: it holds a request against what the
// flow's webhook demands, starts the run and tells the caller what became of
// it. What it refuses has made no run. It does not read flows, run them or keep
// them, and it leaves slow clients to the http.Server.
package webhook

import (
	"cmp"
	"context"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/quota"
	"github.com/wendflow/wend/runtime/trigger"
)

// Prefix comes before the path of every webhook.
const Prefix = "/hooks/"

// MaxBody is the largest body, in bytes, where nobody says another.
const MaxBody = 256 << 10

// Verifier checks who calls. The real one is *outbound.Client.
type Verifier interface {
	// Verify reports whether a request is from the party of a connection, by
	// its raw body. The error is for the log.
	Verify(ctx context.Context, connection string, in outbound.Incoming, now time.Time) (outbound.Proven, error)
	// Proof names the header that Verify reads, in its canonical form, and the
	// scheme that asks for it. No flow, journal or log gets to see its value.
	Proof(connection string) (header, scheme string)
	// CheckToken reports whether a text is the token of a connection for
	// handshakes, and MAC is the HMAC-SHA-256 of a text by its key. Their errors
	// are for the log.
	CheckToken(connection, text string) error
	MAC(connection, text string) ([]byte, error)
}

// Config is what a Handler needs.
type Config struct {
	Flows    func() *catalog.Set // the live flows; they may change at any time
	Engine   *engine.Engine
	Verifier Verifier
	// MaxBody is the largest body in bytes. Defaults to MaxBody.
	MaxBody int64
	// Gate is where requests come in. Defaults to one without bounds.
	Gate quota.Gate
	// Wait is how long a caller waits for the response of a run before it gets
	// the run's address instead. Defaults to 25 s.
	Wait time.Duration
	// Rate is how many requests a second each webhook takes, and Burst how many
	// at once. Defaults to no limit, and to the requests of one second.
	Rate  float64
	Burst int
	// PerCaller is how many requests a second of one caller each webhook takes.
	// Defaults to no limit.
	PerCaller float64
	// Turns bounds the runs of each flow that are in progress. Defaults to one without
	// bounds.
	Turns *quota.Turns
	// Clock is the one that limits, signatures and Wait go by. Defaults to
	// clock.System.
	Clock clock.Clock
	// Observers are told of requests that are refused. Defaults to nobody.
	Observers *fact.Observers
	// Log gets what is wrong with webhooks themselves. Defaults to none.
	Log *slog.Logger
}

// Handler serves the webhooks of the live flows. It is safe for concurrent
// use.
type Handler struct {
	cfg      Config
	limits   *limits // by webhook
	callers  *limits // by webhook and caller
	failures *limits // by caller
	shakes   *limits // by caller
	replays  replays
	hooks    atomic.Pointer[hooks]
}

// New returns a handler that is ready to be mounted.
func New(cfg Config) *Handler {
	cfg.MaxBody = cmp.Or(cfg.MaxBody, MaxBody)
	cfg.Wait = cmp.Or(cfg.Wait, 25*time.Second)
	cfg.Burst = cmp.Or(cfg.Burst, int(math.Ceil(cfg.Rate)))
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	if cfg.Clock == nil {
		cfg.Clock = clock.System
	}
	if cfg.Turns == nil {
		cfg.Turns = &quota.Turns{}
	}
	return &Handler{
		cfg: cfg, limits: newLimits("requests", cfg.Rate, cfg.Burst),
		callers:  newLimits("requests of one caller", cfg.PerCaller, int(math.Ceil(cfg.PerCaller))),
		failures: newLimits("refused requests", failuresPerSecond, failuresBurst),
		shakes:   newLimits("handshakes", handshakesPerSecond, handshakesBurst),
	}
}

// Mount adds the routes of all webhooks, those of later flows included. Errors
// are problems; e.HTTPErrorHandler has to be one that knows them, such as
// problem.Handler.
func (h *Handler) Mount(e *echo.Echo) {
	e.Any(Prefix+"*", h.serve)
	// Any is the methods that echo knows; those that somebody made up are refused like them.
	e.RouteNotFound(Prefix+"*", h.serve)
}

// serve finds the webhook that is called. What browsers ask before they send the
// request of a page is answered without it.
func (h *Handler) serve(c echo.Context) error {
	leave, err := h.cfg.Gate.Enter(c.Request())
	if err != nil {
		return h.refused(c.Request(), nil, err)
	}
	defer leave()
	found, ok := h.live().forPage(c.Request())
	if !ok || preflight(c.Request()) == "" {
		found = h.live().find(c.Request(), c.Request().Method)
	}
	take := func(c echo.Context) error {
		err := h.take(c, found)
		if isHidden(err) {
			forgetPages(c.Response().Header())
		}
		return err
	}
	if found.hook != nil && found.hook.pages != nil && found.others == nil {
		return found.hook.pages(take)(c)
	}
	return take(c)
}

// take answers a handshake, or starts a run for what has passed all checks.
func (h *Handler) take(c echo.Context, found call) (err error) {
	if done, err := h.asked(c, found); done {
		return h.shaken(c, found, err)
	}
	if found, err = h.admit(c, found); err != nil {
		return h.refused(c.Request(), found.hook, err)
	}
	if done, err := h.answered(c, found); done {
		return h.shaken(c, found, err)
	}
	output, dedupe, err := h.read(c.Request(), found)
	if err != nil {
		return h.refused(c.Request(), found.hook, err)
	}
	free, err := h.once(c.Request(), found, dedupe)
	if err != nil {
		return h.refused(c.Request(), found.hook, err)
	}
	return h.run(c, found.hook, output, dedupe, free)
}

// shaken tells observers of a handshake, which makes no run whatever came of it.
func (h *Handler) shaken(c echo.Context, found call, err error) error {
	if err != nil {
		return h.refused(c.Request(), found.hook, err)
	}
	if hook := found.hook; h.cfg.Observers.Watched() {
		fact.Tell(h.cfg.Observers, fact.HookAsked{
			At: fact.At{At: h.cfg.Clock.Now()}, Path: c.Request().URL.Path, Caller: callerOf(c.Request()),
			Flow: hook.Flow.Name, Node: hook.Node.ID, Type: string(hook.Handshake.Type),
		})
	}
	return nil
}

// read makes of a request what its trigger gives, and what makes it the same as
// another.
func (h *Handler) read(r *http.Request, found call) (output map[string]any, dedupe journal.Dedupe, err error) {
	output, body, err := found.output(r, h.proof(found.hook))
	if err != nil {
		return nil, dedupe, err
	}
	dedupe, err = found.dedupe(output, body, h.cfg.Clock.Now())
	return output, dedupe, err
}

// Output is what a webhook gives to a run of a request that may go in; params are
// what the names in its path stand for. The error is a *problem.Problem.
func Output(found catalog.Hook, r *http.Request, params map[string]string, raw []byte) (map[string]any, error) {
	c := call{hook: &hook{Hook: found}, params: texts(params), raw: raw}
	output, _, err := c.output(r, "")
	return output, err
}

// output is what the trigger gives, and the body that it is made of.
func (c call) output(r *http.Request, proof string) (output map[string]any, body any, err error) {
	hook := c.hook.Hook.Hook
	body, charset, err := c.body(r)
	if err != nil {
		return nil, nil, err
	}
	// Else a parameter that cannot be read would count as one that is not there.
	if _, err := url.ParseQuery(r.URL.RawQuery); err != nil && hook.Query != nil {
		return nil, nil, problem.New(http.StatusBadRequest, "the query cannot be read: %s", err)
	}
	request := Request(r, proof)
	if c.params != nil {
		request["params"] = c.params
	}
	raw, err := trigger.Raw(hook, charset, c.raw)
	if err != nil {
		return nil, nil, err
	}
	if raw != nil {
		request["raw"] = raw
	}
	output, err = trigger.Output(hook, body, request)
	return output, body, err
}

// proof names the header that the webhook's connection reads now; "" for none.
func (h *Handler) proof(hook *hook) string {
	if hook.Verify == "" || h.cfg.Verifier == nil {
		return ""
	}
	header, _ := h.cfg.Verifier.Proof(hook.Verify)
	return header
}

// Limit changes how many requests a second each webhook takes, how many at
// once, and how many of one caller, as Config.Rate, Config.Burst and
// Config.PerCaller are.
func (h *Handler) Limit(perSecond float64, burst int, perCaller float64) {
	h.limits.set(perSecond, cmp.Or(burst, int(math.Ceil(perSecond))))
	h.callers.set(perCaller, int(math.Ceil(perCaller)))
}

// within counts a request against the limits of its webhook: first against that of
// its caller, so that what one may not do takes nothing from others.
func (h *Handler) within(hook *hook, r *http.Request) error {
	now := h.cfg.Clock.Now()
	if h.callers.limited() { // else nobody needs to know who it is
		if err := h.callers.take(hook.name+" "+callerOf(r), now); err != nil {
			return err
		}
	}
	return h.limits.take(hook.name, now)
}

// live returns the webhooks of the live flows, made ready once for each set of
// flows.
func (h *Handler) live() *hooks {
	set := h.cfg.Flows()
	if known := h.hooks.Load(); known != nil && known.set == set {
		return known
	}
	fresh := newHooks(set, h.cfg.Verifier)
	h.hooks.Store(fresh)
	return fresh
}

// retryAfter is the value of a Retry-After header: whole seconds, at least one.
func retryAfter(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}
