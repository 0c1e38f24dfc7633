// Package outbound makes the HTTP calls that nodes ask for. Nothing else
// in a server dials: it knows the connections, holds their secrets, adds the
// credential, and refuses what policy forbids, on every hop and for every
// resolved address. It does not journal, does not repeat what may have
// happened, and does not judge what a reply means.
package outbound

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"os"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/secret"
	"github.com/wendflow/wend/sdk/wire"
)

// Config is what a Client is made from.
type Config struct {
	Connections []Connection
	// Late looks up the secrets of a connection when it is first needed, and
	// not in New: who has no use for a party needs no credential for it.
	Late bool
	// Allow lists the hosts for calls without a connection, as
	// Connection.Hosts does; "*" is every public host. Default none.
	Allow []string
	// Env looks up the environment variables that secrets refer to. Default os.LookupEnv.
	Env func(name string) (string, bool)
	// Store has the secrets that are kept elsewhere. Default none.
	Store secret.Store
	// Clock is the one that tokens lapse by and rates are kept by. What bounds
	// an exchange on the network is the time of the machine, whatever the
	// clock: who does not answer does so in no other time. Default
	// clock.System.
	Clock clock.Clock
	// UserAgent is sent where the call names none. Default "wend".
	UserAgent string
	// MaxReply is the largest reply body in bytes, once decompressed. Default 1 MiB.
	MaxReply int64
	// Resolver turns host names into addresses. Default net.DefaultResolver.
	Resolver *net.Resolver
}

func (cfg Config) withDefaults() Config {
	if cfg.Env == nil {
		cfg.Env = os.LookupEnv
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.System
	}
	cfg.UserAgent = cmp.Or(cfg.UserAgent, "wend")
	cfg.MaxReply = cmp.Or(cfg.MaxReply, 1<<20)
	cfg.Resolver = cmp.Or(cfg.Resolver, net.DefaultResolver)
	return cfg
}

// Client makes calls and checks the signatures of callers. It is safe for
// concurrent use. Whoever made it calls Close.
type Client struct {
	pools *pools
	mu    sync.Mutex // one Reload at a time
	now   atomic.Pointer[parties]
}

// parties are those that there are at one time.
type parties struct {
	cfg       Config
	slots     map[string]*slot
	anonymous *conn // for calls that name no connection
}

// New resolves the secrets of all connections, unless Config.Late, and prepares
// their transports; it dials nobody. Its error joins all that is wrong with
// them, a *FieldError for each mistake.
func New(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	c := &Client{pools: newPools(cfg.Resolver)}
	now, err := c.parties(cfg, nil)
	if err != nil {
		return nil, err
	}
	c.now.Store(now)
	return c, nil
}

// parties are those of cfg. What was counted for those before goes on.
func (c *Client) parties(cfg Config, before map[string]*slot) (*parties, error) {
	p := &parties{cfg: cfg, slots: make(map[string]*slot, len(cfg.Connections))}
	var errs []error
	for _, connection := range cfg.Connections {
		if _, twice := p.slots[connection.Name]; twice {
			errs = append(errs, connection.wrong("", "is defined twice"))
			continue
		}
		counts := newTally()
		if was := before[connection.Name]; was != nil {
			counts = was.tally
		}
		s := newSlot(connection, cfg, c.pools, counts)
		p.slots[connection.Name] = s
		if cfg.Late {
			errs = append(errs, connection.Validate())
			continue
		}
		_, err := s.get()
		errs = append(errs, err)
	}
	var err error
	p.anonymous, err = newAnonymous(cfg, c.pools)
	return p, errors.Join(append(errs, err)...)
}

// Reload takes other connections, hosts for calls without one, and a limit of
// replies, and looks up anew the secrets and certificates of connections in
// use. One that is as it was keeps its tokens, sessions and limits; what was
// made with secrets of before is dropped. Calls under way go on with what they
// began with.
//
// err joins all that is wrong with connections, and then nothing has changed.
// stale is a joined error of *FieldError about secrets and certificates that
// cannot be read now: a connection that is else as it was goes on with the old.
func (c *Client) Reload(connections []Connection, allow []string, maxReply int64) (stale, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.now.Load()
	cfg := before.cfg
	cfg.Connections, cfg.Allow, cfg.MaxReply, cfg.Late = connections, allow, maxReply, true
	cfg = cfg.withDefaults()
	now, err := c.parties(cfg, before.slots)
	if err != nil {
		return nil, err
	}
	var lost []error
	var dropped []*conn
	for name, was := range before.slots {
		had := was.ready.Load()
		if had == nil {
			continue
		}
		s := now.slots[name]
		if s == nil {
			dropped = append(dropped, had)
			continue
		}
		same := reflect.DeepEqual(s.connection, was.connection)
		found := s.connection.stamps()
		fresh, err := s.open()
		switch {
		case err != nil && same:
			lost = append(lost, err)
			had.stamps.Store(&found)
			s.ready.Store(had)
		case err != nil: // told when it is needed
			dropped = append(dropped, had)
		case same && fresh.madeLike(had):
			had.stamps.Store(&found)
			s.ready.Store(had)
		default:
			s.ready.Store(fresh)
			dropped = append(dropped, had)
		}
	}
	c.now.Store(now)
	for _, d := range dropped {
		c.closeOwn(d)
	}
	return errors.Join(lost...), nil
}

// closeOwn closes the idle lines that no other connection shares.
func (c *Client) closeOwn(of *conn) {
	if t, ok := of.transport.(*http.Transport); ok && t != c.pools.public && t != c.pools.private {
		t.CloseIdleConnections()
	}
}

// Request is one call of a node, with what the host adds to it.
type Request struct {
	Connection string // "" for a call without one
	Call       wire.Call
	Secrets    Secrets
	// Key is the Idempotency-Key of a call that is not GET, HEAD or OPTIONS; others carry none.
	Key string
	// Timeout bounds the call, waiting for its turn included. The shorter of
	// it and the connection's own holds. Default the connection's.
	Timeout time.Duration
	// TraceParent is sent as the traceparent header unless it is empty.
	TraceParent string
}

// Do makes one call and returns what came of it. The caller must be busy, by the
// client's clock. Every way to fail is a reply
// with a Failure and a Message that says what to do about it:
//
//   - Refused: policy forbids the call, and nothing was sent; or policy forbids
//     where a redirect leads; or the reply is over Config.MaxReply, and then the
//     message says that the call was made.
//   - Refused as well: the call carries a secret that is not in ForFlows, or where it cannot be.
//   - Unauthorized: the token endpoint or the session refused a credential, or
//     there is none: a secret cannot be read.
//   - Unreachable: DNS, TLS, a refused or a broken connection, also to the token
//     endpoint, or one that answered 429 or 5xx. The message says whether the
//     call had been sent, so that it may have happened.
//   - Unreachable as well: the breaker of the connection is open, and nothing was
//     sent. The reply has a header retry-after then, in seconds.
//   - Timeout: no complete reply within the call's time or ctx's deadline, or not
//     sent, since the rate, the concurrency or a Retry-After of the other side
//     would not have let it go within it.
//   - Interrupted: ctx was cancelled.
//
// GET and HEAD follow up to five redirects, each held against the same rules;
// a redirect to another origin goes without the credential. A call is never
// repeated unless the other side refused it for a stale credential.
//
// The reply holds no secret of the connection: cookies are left out, and a
// credential that is echoed reads "•••".
func (c *Client) Do(ctx context.Context, r Request) wire.Reply {
	conn, refusal := c.find(r.Connection)
	if refusal != nil {
		return *refusal
	}
	return conn.do(ctx, r)
}

// Settings returns the settings of a connection that are meant for the
// plugin: all but those its type uses up. The caller owns the map. It is nil
// if there is no such connection.
func (c *Client) Settings(connection string) map[string]any {
	s := c.slot(connection)
	if s == nil {
		return nil
	}
	return s.connection.PluginSettings()
}

// Address returns the scheme and the host that a call with this URL goes by, or ""
// if there is none.
func (c *Client) Address(connection, url string) (scheme, host string) {
	conn, refusal := c.find(connection)
	if refusal != nil {
		return "", ""
	}
	u, err := conn.resolve(url)
	if err != nil {
		return "", ""
	}
	return u.Scheme, u.Host
}

// Has tells whether there is a connection of that name.
func (c *Client) Has(name string) bool { return c.slot(name) != nil }

// slot returns the place of a connection as it is now, or nil.
func (c *Client) slot(name string) *slot { return c.now.Load().slots[name] }

// Names returns the names of all connections, sorted.
func (c *Client) Names() []string { return slices.Sorted(maps.Keys(c.now.Load().slots)) }

// Close gives up idle connections. Calls under way go on.
func (c *Client) Close() {
	c.pools.close()
	for _, s := range c.now.Load().slots {
		if ready := s.ready.Load(); ready != nil {
			c.closeOwn(ready)
		}
	}
}
