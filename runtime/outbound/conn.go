package outbound

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/time/rate"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/secret"
	"github.com/wendflow/wend/sdk/wire"
)

// conn is a Connection ready for use. It is safe for concurrent use.
type conn struct {
	name, kind string
	inbound    bool // it only checks callers
	base       string
	hosts      hostRules
	private    bool
	proxied    bool
	settings   map[string]any // the plugin's
	timeout    time.Duration
	userAgent  string
	maxReply   int64

	// What it was made from besides its configuration.
	secrets map[string]secret.Text
	files   tlsFiles
	stamps  *atomic.Pointer[stamps] // of all files, when they were read last
	// named are the names of all secrets, forFlows of those that calls may carry;
	// anySecret says that they are not known.
	named, forFlows []string
	anySecret       bool

	proof
	mask      *mask
	transport http.RoundTripper
	clock     clock.Clock
	limiter   *rate.Limiter
	slots     chan struct{} // nil: no limit
	gate      *gate
	tally     *tally
}

// DefaultTimeout is how long a call may take where neither its connection nor its
// node says.
const DefaultTimeout = 10 * time.Second

// madeLike tells whether two conns of the same Connection are the same for all
// whom they talk to.
func (c *conn) madeLike(other *conn) bool {
	return c.maxReply == other.maxReply && c.files == other.files && maps.Equal(c.secrets, other.secrets)
}

func newConn(connection Connection, cfg Config, pools *pools, tally *tally) (*conn, error) {
	k, err := connection.kind()
	if err != nil {
		return nil, connection.Validate()
	}
	found := connection.stamps()
	secrets, unknown := connection.lookUpSecrets(secret.Sources{Env: cfg.Env, Store: cfg.Store})
	files, unread := connection.readTLS()
	if err := errors.Join(connection.Validate(), unknown, unread); err != nil {
		return nil, err
	}
	proxy := connection.proxy(secrets)
	transport, err := pools.transport(connection, files, proxy)
	if err != nil {
		return nil, err
	}
	rules, err := connection.rules()
	if err != nil {
		return nil, err
	}
	m := &maker{
		Connection: connection, secrets: secrets, mask: &mask{}, now: cfg.Clock.Now,
		transport: named{transport, cfg.UserAgent},
	}
	m.hideSecrets(k)
	if proxy != nil && proxy.User != nil {
		m.basic(proxy.User.Username(), secrets[ProxyPassword]) // hides the pair
	}
	c := &conn{
		name: connection.Name, kind: k.name, inbound: k.inbound, base: connection.base(), hosts: rules, private: connection.Private, proxied: proxy != nil,
		named: slices.Sorted(maps.Keys(connection.Secrets)), forFlows: connection.ForFlows,
		settings: connection.PluginSettings(), timeout: cmp.Or(connection.Timeout, DefaultTimeout),
		userAgent: cfg.UserAgent, maxReply: cfg.MaxReply, secrets: secrets, files: files,
		proof: k.make(m), mask: m.mask, transport: transport, clock: cfg.Clock, limiter: limiterOf(connection.Rate),
		gate: newGate(connection.Breaker, cfg.Clock.Now), tally: tally,
	}
	c.stamps = new(atomic.Pointer[stamps])
	c.stamps.Store(&found)
	if connection.Concurrency > 0 {
		c.slots = make(chan struct{}, connection.Concurrency)
	}
	return c, errors.Join(m.errs...)
}

// proxy is where calls go out by, nil if they go out by themselves.
func (c Connection) proxy(secrets map[string]secret.Text) *url.URL {
	if c.Proxy == "" {
		return nil
	}
	u, err := url.Parse(c.Proxy)
	if err != nil {
		return nil // Validate tells
	}
	if u.User != nil {
		u.User = url.UserPassword(u.User.Username(), string(secrets[ProxyPassword]))
	}
	return u
}

func newAnonymous(cfg Config, pools *pools) (*conn, error) {
	c := &conn{
		kind: "none", timeout: DefaultTimeout, userAgent: cfg.UserAgent, maxReply: cfg.MaxReply,
		mask: &mask{}, transport: pools.public, clock: cfg.Clock, limiter: limiterOf(Rate{}),
		gate: newGate(Breaker{}, cfg.Clock.Now), tally: newTally(),
	}
	var err error
	c.hosts, err = allowRules(cfg.Allow)
	return c, err
}

func limiterOf(r Rate) *rate.Limiter {
	if r.PerSecond == 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(r.PerSecond), cmp.Or(r.Burst, 1))
}

func (c Connection) lookUpSecrets(from secret.Sources) (map[string]secret.Text, error) {
	secrets := make(map[string]secret.Text, len(c.Secrets))
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		if secret.Check(c.Secrets[name]) != nil {
			continue // Validate tells
		}
		text, err := from.Read(c.Secrets[name])
		if err == nil && !httpguts.ValidHeaderFieldValue(string(text)) {
			err = errors.New("holds a line break or another control character")
		}
		if err != nil {
			errs = append(errs, c.wrong("secrets."+name, "secret %q: %s", name, err))
		}
		secrets[name] = text
	}
	return secrets, errors.Join(errs...)
}

// PluginSettings returns the settings that plugins see: all but those of the
// connection's own type. They are no secrets, and none is looked up.
func (c Connection) PluginSettings() map[string]any {
	k, _ := c.kind() // an unknown one takes no settings
	settings := make(map[string]any, len(c.Settings))
	for name, v := range c.Settings {
		if !k.usesUp(name) {
			settings[name] = v
		}
	}
	return settings
}

// enter waits for one of the connection's slots; leave gives it back. Who came
// first is first.
func (c *conn) enter(ctx context.Context) (leave func(), err error) {
	if c.slots == nil {
		c.tally.underWay.Add(1)
		return func() { c.tally.underWay.Add(-1) }, nil
	}
	select {
	case c.slots <- struct{}{}:
	default:
		err = c.tally.wait(c.clock, func() error {
			select {
			case c.slots <- struct{}{}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}
	if err != nil {
		return nil, c.heldBack(ctx, byConcurrency)
	}
	c.tally.underWay.Add(1)
	return func() {
		c.tally.underWay.Add(-1)
		<-c.slots
	}, nil
}

// turn waits until a call may go out: as long as the other side asked us to by
// Retry-After, and then for the rate. It does not begin to wait if that would be
// after the deadline.
func (c *conn) turn(ctx context.Context) error {
	for {
		asked := c.gate.pause()
		if asked == 0 || c.name == "" { // calls without a connection go to parties that know nothing of each other
			return c.pace(ctx)
		}
		if err := c.sleep(ctx, asked, byRetryAfter); err != nil {
			return err
		}
	}
}

func (c *conn) pace(ctx context.Context) error {
	now := c.clock.Now()
	turn := c.limiter.ReserveN(now, 1)
	wait := turn.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	if err := c.sleep(ctx, wait, byRate); err != nil {
		turn.CancelAt(c.clock.Now())
		return err
	}
	return nil
}

func (c *conn) heldBack(ctx context.Context, limit string) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return &failureError{wire.Interrupted, "the call was given up" + fate(false)}
	}
	c.tally.kept[limit].Add(1)
	msg := fmt.Sprintf("the %s limit of %s did not let the call go in time", limit, c.what())
	if limit == byRetryAfter {
		msg = fmt.Sprintf("the other side of %s asked by Retry-After for no calls for another %s, which is longer than this one may take", c.what(), roundUp(c.gate.pause()))
	}
	return &failureError{wire.Timeout, msg + fate(false)}
}
