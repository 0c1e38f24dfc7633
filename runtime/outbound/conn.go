package outbound

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
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
	base       string
	hosts      hostRules
	private    bool
	settings   map[string]any // the plugin's
	timeout    time.Duration
	userAgent  string
	maxReply   int64

	// What it was made from besides its configuration.
	secrets map[string]secret.Text
	files   tlsFiles
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
}

// DefaultTimeout is how long a call may take where neither its connection nor its
// node says.
const DefaultTimeout = 10 * time.Second

// madeLike tells whether two conns of the same Connection are the same for all
// whom they talk to.
func (c *conn) madeLike(other *conn) bool {
	return c.maxReply == other.maxReply && c.files == other.files && maps.Equal(c.secrets, other.secrets)
}

func newConn(connection Connection, cfg Config, pools *pools) (*conn, error) {
	k, err := connection.kind()
	if err != nil {
		return nil, connection.Validate()
	}
	secrets, unknown := connection.lookUpSecrets(cfg.Env)
	files, unread := connection.readTLS()
	if err := errors.Join(connection.Validate(), unknown, unread); err != nil {
		return nil, err
	}
	transport, err := pools.transport(connection, files)
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
	c := &conn{
		name: connection.Name, kind: k.name, base: connection.base(), hosts: rules, private: connection.Private,
		named: slices.Sorted(maps.Keys(connection.Secrets)), forFlows: connection.ForFlows,
		settings: connection.PluginSettings(), timeout: cmp.Or(connection.Timeout, DefaultTimeout),
		userAgent: cfg.UserAgent, maxReply: cfg.MaxReply, secrets: secrets, files: files,
		proof: k.make(m), mask: m.mask, transport: transport, clock: cfg.Clock, limiter: limiterOf(connection.Rate),
	}
	if connection.Concurrency > 0 {
		c.slots = make(chan struct{}, connection.Concurrency)
	}
	return c, errors.Join(m.errs...)
}

func newAnonymous(cfg Config, pools *pools) (*conn, error) {
	c := &conn{
		kind: "none", timeout: DefaultTimeout, userAgent: cfg.UserAgent, maxReply: cfg.MaxReply,
		mask: &mask{}, transport: pools.public, clock: cfg.Clock, limiter: limiterOf(Rate{}),
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

func (c Connection) lookUpSecrets(env func(string) (string, bool)) (map[string]secret.Text, error) {
	secrets := make(map[string]secret.Text, len(c.Secrets))
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		if secret.Check(c.Secrets[name]) != nil {
			continue // Validate tells
		}
		text, err := secret.Read(c.Secrets[name], env)
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

// enter waits for one of the connection's slots; leave gives it back.
func (c *conn) enter(ctx context.Context) (leave func(), err error) {
	if c.slots == nil {
		return func() {}, nil
	}
	select {
	case c.slots <- struct{}{}:
		return func() { <-c.slots }, nil
	case <-ctx.Done():
		return nil, c.heldBack(ctx, "concurrency")
	}
}

// pace waits until the rate limit lets one more call go. It does not begin to
// wait if that would be after the deadline.
func (c *conn) pace(ctx context.Context) error {
	now := c.clock.Now()
	turn := c.limiter.ReserveN(now, 1)
	wait := turn.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
		turn.CancelAt(now)
		return c.heldBack(ctx, "rate")
	}
	if clock.Sleep(ctx, c.clock, wait) != nil {
		turn.CancelAt(c.clock.Now())
		return c.heldBack(ctx, "rate")
	}
	return nil
}

func (c *conn) heldBack(ctx context.Context, limit string) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return &failureError{wire.Interrupted, "the call was given up" + fate(false)}
	}
	return &failureError{wire.Timeout, fmt.Sprintf("the %s limit of %s did not let the call go in time", limit, c.what()) + fate(false)}
}
