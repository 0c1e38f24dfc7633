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
	"os"
	"slices"
	"time"

	"github.com/wendflow/wend/runtime/clock"
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
	slots     map[string]*slot
	anonymous *conn // for calls that name no connection
	pools     *pools
}

// New resolves the secrets of all connections, unless Config.Late, and prepares
// their transports; it dials nobody. Its error joins all that is wrong with
// them, a *FieldError for each mistake.
func New(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	c := &Client{slots: make(map[string]*slot, len(cfg.Connections)), pools: newPools(cfg.Resolver)}
	var errs []error
	for _, connection := range cfg.Connections {
		if _, twice := c.slots[connection.Name]; twice {
			errs = append(errs, connection.wrong("", "is defined twice"))
			continue
		}
		s := &slot{connection: connection, open: func() (*conn, error) { return newConn(connection, cfg, c.pools) }}
		c.slots[connection.Name] = s
		if cfg.Late {
			errs = append(errs, connection.Validate())
			continue
		}
		_, err := s.get()
		errs = append(errs, err)
	}
	var err error
	c.anonymous, err = newAnonymous(cfg, c.pools)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return c, nil
}

// Request is one call of a node, with what the host adds to it.
type Request struct {
	Connection string // "" for a call without one
	Call       wire.Call
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
//   - Unauthorized: the token endpoint or the session refused a credential, or
//     there is none: a secret cannot be read.
//   - Unreachable: DNS, TLS, a refused or a broken connection, also to the token
//     endpoint, or one that answered 429 or 5xx. The message says whether the
//     call had been sent, so that it may have happened.
//   - Timeout: no complete reply within the call's time or ctx's deadline.
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
	if !c.Has(connection) {
		return nil
	}
	return c.slots[connection].connection.PluginSettings()
}

// Host returns the host that a call with this URL goes to, or "" if there is
// none.
func (c *Client) Host(connection, url string) string {
	conn, refusal := c.find(connection)
	if refusal != nil {
		return ""
	}
	u, err := conn.resolve(url)
	if err != nil {
		return ""
	}
	return u.Host
}

// Has tells whether there is a connection of that name.
func (c *Client) Has(name string) bool { return c.slots[name] != nil }

// Names returns the names of all connections, sorted.
func (c *Client) Names() []string { return slices.Sorted(maps.Keys(c.slots)) }

// Close gives up idle connections. Calls under way go on.
func (c *Client) Close() { c.pools.close() }
