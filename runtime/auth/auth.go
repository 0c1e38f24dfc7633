// Package auth decides who may ask a server at all: who bears its token, and
// which web pages a browser may ask for. What callers of webhooks prove is
// package outbound's.
package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/problem"
)

// LeastToken is the shortest token in bytes that a server takes: one that
// cannot be guessed by trying.
const LeastToken = 16

// CheckToken says what is wrong with a token that a server is to demand.
func CheckToken(token string) error {
	switch {
	case strings.TrimSpace(token) == "":
		return errors.New("the token is blank, which would let everybody in")
	case len(token) < LeastToken:
		return fmt.Errorf("the token has %d bytes, expected at least %d; `openssl rand -hex 32` makes a good one", len(token), LeastToken)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("the token holds a blank, a control character or one outside of ASCII, which no header can carry")
	default:
		return nil
	}
}

// Bearer refuses who does not bear the token. Digests are compared, so that the
// time it takes tells neither the token nor its length. An empty token lets
// everybody pass.
func Bearer(token string) echo.MiddlewareFunc {
	want := sha256.Sum256([]byte(token))
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if token == "" {
			return next
		}
		return func(c echo.Context) error {
			scheme, given, _ := strings.Cut(c.Request().Header.Get("Authorization"), " ")
			got := sha256.Sum256([]byte(strings.TrimSpace(given)))
			if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
				p := problem.New(http.StatusUnauthorized, "expected the API's token, as Authorization: Bearer")
				p.Header.Set("WWW-Authenticate", `Bearer realm="wend"`)
				return p
			}
			return next(c)
		}
	}
}

// Pages keeps web pages of others from asking through a visitor's browser, for
// reading too. A server without a token (open) is for this machine alone, so it
// answers only under a name of this machine: a page whose host was made to
// resolve to it has another. What takes says of a request is let through: it is
// for one that pages of others are meant to ask.
func Pages(open bool, takes func(*http.Request) bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := checkPage(c.Request(), open, takes); err != nil {
				return err
			}
			return next(c)
		}
	}
}

func checkPage(r *http.Request, open bool, takes func(*http.Request) bool) error {
	host := hostname(r.Host)
	switch origin := r.Header.Get("Origin"); {
	case open && !Loopback(host):
		return problem.New(http.StatusForbidden,
			"host %q: a server without server.token answers only under localhost, 127.0.0.1 or [::1]", host)
	case origin != "" && takes(r):
		return nil
	case r.Header.Get("Sec-Fetch-Site") == "cross-site":
		return problem.New(http.StatusForbidden, "a page of another site asks here, which is not allowed")
	case origin != "" && !sameOrigin(origin, r.Host):
		return problem.New(http.StatusForbidden, "a page of %q asks here, which is not allowed", origin)
	default:
		return nil
	}
}

// sameOrigin tells whether a page's origin is this server, as far as its Host
// tells, or another port of this machine while the server is there too.
func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" { // "null" is a page that hides where it is from
		return false
	}
	return strings.EqualFold(u.Host, host) || Loopback(u.Hostname()) && Loopback(hostname(host))
}

func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

// Loopback tells whether a host is a name or address that stays on this machine.
func Loopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
