package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wendflow/wend/sdk/wire"
)

// answer is a complete response.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (c *conn) do(ctx context.Context, r Request) wire.Reply {
	within := c.timeout
	if r.Timeout > 0 {
		within = min(within, r.Timeout)
	}
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var a *answer
	o, err := c.outgoing(r)
	if err == nil {
		a, err = c.exchange(bounded, o)
	}
	if left, ok := errors.AsType[*openError](err); ok {
		c.tally.kept[byBreaker].Add(1)
		return c.left(left)
	}
	if err != nil {
		return c.failure(bounded, within, err)
	}
	return c.reply(a)
}

func (c *conn) exchange(ctx context.Context, o *outgoing) (*answer, error) {
	if err := c.gate.check(); err != nil {
		return nil, err // before it waits for nothing
	}
	leave, err := c.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return c.follow(ctx, o)
}

const maxRedirects = 5

// follow sends the call, and once more to each place that a reply to a GET or
// HEAD redirects it to. A call that left its origin stays without credential.
func (c *conn) follow(ctx context.Context, o *outgoing) (*answer, error) {
	trusted := true
	for hop := 0; ; hop++ {
		a, err := c.try(ctx, o, trusted)
		if err != nil {
			return nil, err
		}
		next := o.redirect(a)
		if next == "" {
			return a, nil
		}
		if hop == maxRedirects {
			return nil, refuse("more than %d redirects", maxRedirects)
		}
		from := o.origin
		if o, err = c.hop(o, next, trusted); err != nil {
			return nil, err
		}
		trusted = trusted && o.origin == from
	}
}

// redirect returns where the reply sends the call, or "" if it is not to follow.
func (o *outgoing) redirect(a *answer) string {
	if o.method != http.MethodGet && o.method != http.MethodHead {
		return ""
	}
	switch a.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return a.header.Get("Location")
	}
	return ""
}

// hop holds a redirect against the same rules as the call.
func (c *conn) hop(o *outgoing, location string, trusted bool) (*outgoing, error) {
	u, err := o.url.Parse(location)
	if err != nil {
		return nil, refuse("redirect from %q: %s", o.origin, err)
	}
	at, err := c.permit(u)
	if err != nil {
		return nil, refuse("redirect from %q: %s", o.origin, err)
	}
	if (!trusted || at != o.origin) && c.mask.shows(location) {
		return nil, refuse("redirect from %q to %q would carry the credential along", o.origin, at)
	}
	asWritten(u)
	if c.query != "" {
		dropParameter(u, c.query) // it is added anew
	}
	if o.carry != nil {
		for name := range o.carry.query {
			dropParameter(u, name)
		}
	}
	return o.to(u, at), nil
}

func dropParameter(u *url.URL, name string) {
	query := u.Query()
	if query.Has(name) {
		query.Del(name)
		u.RawQuery = query.Encode()
	}
}

// try sends one hop, and a second time if it was refused for a credential that
// had gone stale.
func (c *conn) try(ctx context.Context, o *outgoing, trusted bool) (*answer, error) {
	for attempt := 0; ; attempt++ {
		if err := c.turn(ctx); err != nil {
			return nil, err
		}
		a, stale, err := c.once(ctx, o, trusted)
		if err != nil || !stale || attempt > 0 {
			return a, err
		}
	}
}

// once sends one hop, if the breaker lets it.
func (c *conn) once(ctx context.Context, o *outgoing, trusted bool) (a *answer, stale bool, err error) {
	r := o.request()
	if trusted && o.carry != nil {
		o.carry.add(r)
	}
	learn := learnNothing
	if trusted && c.credential != nil {
		if learn, err = c.credential.add(ctx, r); err != nil {
			return nil, false, &credentialError{err}
		}
	}
	done, err := c.gate.pass()
	if err != nil {
		return nil, false, err
	}
	a, err = send(ctx, c.transport, r, c.maxReply)
	done(a, err)
	if err != nil {
		return nil, false, err
	}
	return a, learn(a), nil
}

// credentialError says that there was no credential to send a call with.
type credentialError struct{ error }

func (e *credentialError) Unwrap() error { return e.error }

// awayError says that whoever gives credentials could not be asked, or was in no
// state to answer: nothing is known against the credential.
type awayError struct{ error }

func (e *awayError) Unwrap() error { return e.error }

// away marks err by the status that came with it, 0 being none.
func away(status int, err error) error {
	if status == 0 || status == http.StatusTooManyRequests || status >= http.StatusInternalServerError {
		return &awayError{err}
	}
	return err
}

// lostError is a call that got no complete answer.
type lostError struct {
	error
	sent   bool // a line was open, so that the other side may have the call
	status int  // 0 unless the reply broke off in its body
}

func (e *lostError) Unwrap() error { return e.error }

// oversizeError is an answer that is not read to its end.
type oversizeError struct {
	status int
	limit  int64
}

func (e *oversizeError) Error() string {
	return fmt.Sprintf("answered %d, but the reply is larger than %d bytes", e.status, e.limit)
}

// send makes one exchange. It does not go through http.Client, which would
// follow redirects and put the whole URL into its errors.
func send(ctx context.Context, transport http.RoundTripper, r *http.Request, maxReply int64) (*answer, error) {
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }}
	response, err := transport.RoundTrip(r.WithContext(httptrace.WithClientTrace(ctx, trace)))
	if err != nil {
		return nil, &lostError{error: err, sent: sent.Load()}
	}
	defer response.Body.Close()
	if response.StatusCode < http.StatusOK { // 101, for a protocol that nobody asked for, or nonsense such as 000
		return nil, &lostError{error: fmt.Errorf("answered with the status %03d, which is no end of a call", response.StatusCode), sent: true}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxReply+1))
	if err != nil {
		return nil, &lostError{error: err, sent: true, status: response.StatusCode}
	}
	if int64(len(body)) > maxReply {
		return nil, &oversizeError{response.StatusCode, maxReply}
	}
	return &answer{response.StatusCode, response.Header, body}, nil
}

// reply is what the node may see of an answer.
func (c *conn) reply(a *answer) wire.Reply {
	headers := make(map[string][]string, len(a.header))
	for name, values := range a.header {
		if name == "Set-Cookie" || name == "Set-Cookie2" {
			continue
		}
		kept := make([]string, len(values))
		for i, v := range values {
			kept[i] = c.mask.hide(v)
		}
		name = c.mask.hideName(strings.ToLower(name))
		headers[name] = append(headers[name], kept...)
	}
	return wire.Reply{Status: a.status, Headers: headers, Body: c.mask.hideBody(a.body)}
}

// failure says why there is no answer.
func (c *conn) failure(ctx context.Context, within time.Duration, err error) wire.Reply {
	failure, msg := c.classify(ctx, within, err)
	return wire.Reply{Failure: failure, Message: c.mask.hide(msg)}
}

func (c *conn) classify(ctx context.Context, within time.Duration, err error) (wire.Failure, string) {
	var (
		address *addressError
		cred    *credentialError
		known   *failureError
		large   *oversizeError
	)
	switch {
	case errors.As(err, &address): // the call's own, or that of the token endpoint
		return wire.Refused, c.explain(address)
	case errors.As(err, &cred):
		return c.withoutCredential(ctx, within, cred)
	case errors.As(err, &known):
		return known.failure, known.msg
	case errors.As(err, &large):
		return wire.Refused, "the call was made and " + large.Error()
	default:
		return lost(ctx, within, err)
	}
}

func (c *conn) withoutCredential(ctx context.Context, within time.Duration, err error) (wire.Failure, string) {
	failure := wire.Unauthorized
	if errors.As(err, new(*awayError)) {
		failure = wire.Unreachable
	}
	switch {
	case ctx.Err() == nil:
		return failure, fmt.Sprintf("no credential for %s: %s", c.what(), err)
	case errors.Is(ctx.Err(), context.Canceled):
		return wire.Interrupted, "the call was given up" + fate(false)
	default:
		return wire.Timeout, fmt.Sprintf("no credential for %s within %s", c.what(), about(within)) + fate(false)
	}
}

func lost(ctx context.Context, within time.Duration, err error) (wire.Failure, string) {
	var broken *lostError
	isBroken := errors.As(err, &broken)
	sent := fate(isBroken && broken.sent)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return wire.Interrupted, "the call was given up" + sent
	case ctx.Err() != nil:
		return wire.Timeout, fmt.Sprintf("no complete reply within %s", about(within)) + sent
	case isBroken && broken.status != 0:
		return wire.Unreachable, fmt.Sprintf("answered %d, then the reply broke off: %s", broken.status, err)
	default:
		return wire.Unreachable, err.Error() + sent
	}
}

// about is a length of time without the fractions that nobody wrote: of a node's
// timeout some milliseconds are over when its call begins.
func about(d time.Duration) time.Duration {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second)
	case d >= time.Second:
		return d.Round(100 * time.Millisecond)
	default:
		return d.Round(time.Millisecond)
	}
}

// fate says whether the other side may have acted on the call.
func fate(sent bool) string {
	if sent {
		return "; it had been sent, so it may have been done"
	}
	return "; it had not been sent"
}

func (c *conn) explain(e *addressError) string {
	switch {
	case e.never:
		return fmt.Sprintf("%s: no call may go there", e)
	case c.name == "":
		return fmt.Sprintf("%s: only a connection with private: true may call it", e)
	default:
		return fmt.Sprintf("%s: if it is meant, set private: true for connection %q in wend.yaml", e, c.name)
	}
}
