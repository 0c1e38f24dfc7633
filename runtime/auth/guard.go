package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/problem"
)

// Names of those who have no token on file. No such token can have one of them.
const (
	// ByServerToken bears server.token.
	ByServerToken = "server.token"
	// Anybody asks a server that demands no token.
	Anybody = "(anybody)"
)

// Known is for whoever may ask anything.
const Known Scope = ""

// Identity is who asks.
type Identity struct {
	Name   string // of the token
	scopes []Scope
	flows  []string // nil: all
}

// Scopes are what somebody may do.
func (i *Identity) Scopes() []Scope { return i.scopes }

// May tells whether somebody may do what a scope is for.
func (i *Identity) May(s Scope) bool {
	return slices.Contains(i.scopes, s) || slices.Contains(i.scopes, Admin)
}

// Sees tells whether a flow is there for somebody.
func (i *Identity) Sees(flow string) bool { return !i.Limited() || slices.Contains(i.flows, flow) }

// Limited tells whether somebody sees certain flows only.
func (i *Identity) Limited() bool { return i.flows != nil }

// Flows are the names of those that somebody sees who is limited.
func (i *Identity) Flows() []string { return i.flows }

// everybody may do all.
func everybody(name string) *Identity { return &Identity{Name: name, scopes: []Scope{Admin}} }

// Guard knows who may ask. It is safe for concurrent use.
type Guard struct {
	token  []byte  // digest of server.token; nil: none
	tokens *Tokens // nil: none
	now    func() time.Time

	sessions *sessions
}

// NewGuard returns a guard that lets in who bears token, if it is not empty, and
// who bears one of tokens, if these are not nil. If neither is there, everybody
// may do all.
func NewGuard(token string, tokens *Tokens, now func() time.Time) *Guard {
	g := &Guard{tokens: tokens, now: now, sessions: &sessions{byID: map[[sha256.Size]byte]*Session{}}}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		g.token = sum[:]
	}
	return g
}

// Open tells whether no token is demanded.
func (g *Guard) Open() bool {
	return g.token == nil && (g.tokens == nil || !g.tokens.demanded())
}

// bearer is the digest of the token that a header has; bears says that there is one.
func bearer(header http.Header) (digest [sha256.Size]byte, bears bool) {
	scheme, text, _ := strings.Cut(header.Get("Authorization"), " ")
	return sha256.Sum256([]byte(strings.TrimSpace(text))), strings.EqualFold(scheme, "Bearer")
}

// Who tells who asks, by a token or by a session, or returns the problem that it is
// nobody who may.
func (g *Guard) Who(r *http.Request) (*Identity, error) {
	if s := g.Session(r); s != nil {
		who, err := g.who(s.token, true)
		if err == nil {
			err = s.checkPage(r)
		}
		return who, err
	}
	return g.who(bearer(r.Header))
}

func (g *Guard) who(digest [sha256.Size]byte, bears bool) (*Identity, error) {
	var onFile *Token
	var made bool
	var unread error
	if g.tokens != nil {
		onFile, made, unread = g.tokens.good(digest[:])
	}
	switch {
	case g.token != nil && bears && same(digest[:], g.token):
		return everybody(ByServerToken), nil
	case g.token == nil && !made:
		return everybody(Anybody), nil
	case unread != nil && bears:
		p := problem.New(http.StatusServiceUnavailable, "the server cannot read its tokens; its log says why")
		p.Header.Set("Retry-After", "5")
		return nil, p
	case onFile == nil || !bears:
		return nil, challenge(http.StatusUnauthorized, "", "expected the API's token, as Authorization: Bearer")
	case onFile.Expired(g.now()):
		return nil, challenge(http.StatusUnauthorized, `, error="invalid_token"`, "token \""+onFile.Name+"\" has expired, at "+onFile.Expires.UTC().Format(time.RFC3339))
	}
	return &Identity{Name: onFile.Name, scopes: onFile.Scopes, flows: onFile.Flows}, nil
}

// same compares digests, so that the time it takes tells neither a token nor its
// length.
func same(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// challenge is a problem that says, after RFC 6750, what is wrong with a token.
func challenge(status int, params, detail string) *problem.Problem {
	p := problem.New(status, "%s", detail)
	p.Header.Set("WWW-Authenticate", `Bearer realm="wend"`+params)
	return p
}

// whoKey is where a request's Identity is.
const whoKey = "wend.who"

// For lets through who may do what a scope is for; whoever is known at all, if it is
// Known. Handlers learn from Of who it is.
func (g *Guard) For(scope Scope) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			who, err := g.Who(c.Request())
			if err != nil {
				return err
			}
			c.Set(whoKey, who)
			if scope == Known {
				return next(c)
			}
			if err := who.Needs(scope); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// Needs returns the problem that somebody may not do what a scope is for; nil if
// they may.
func (i *Identity) Needs(scope Scope) error {
	if i.May(scope) {
		return nil
	}
	return challenge(http.StatusForbidden, `, error="insufficient_scope", scope="`+string(scope)+`"`,
		"token \""+i.Name+"\" has no scope \""+string(scope)+"\", which this needs; it has "+listed(i.scopes))
}

// NeedsAll returns the problem that somebody is limited to certain flows; what says
// what is not theirs alone.
func (i *Identity) NeedsAll(what string) error {
	if !i.Limited() {
		return nil
	}
	return problem.New(http.StatusForbidden, "token %q is for %s only, and %s", i.Name, flows(i.flows), what)
}

func flows(names []string) string {
	if len(names) == 1 {
		return "flow \"" + names[0] + "\""
	}
	return "flows \"" + strings.Join(names, "\", \"") + "\""
}

// Of returns who asks, where For has let the request through; Anybody elsewhere.
func Of(c echo.Context) *Identity {
	if who, ok := c.Get(whoKey).(*Identity); ok {
		return who
	}
	return &Identity{Name: Anybody, flows: []string{}}
}

// Audited writes a line for the audit of each request that For let through, or
// refused for its scope. about says what it is about, when it is answered.
func Audited(log *slog.Logger, action string, about func(echo.Context) []slog.Attr) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			who, known := c.Get(whoKey).(*Identity)
			if !known {
				return err // nobody: the answer is 401
			}
			status := c.Response().Status
			if err != nil {
				status = problem.Status(err)
			}
			Audit(c.Request().Context(), log, who, action, c.Request().RemoteAddr, status, about(c)...)
			return err
		}
	}
}
