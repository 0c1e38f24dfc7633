// Package auth decides who may ask a server at all: who bears which token and
// what that is good for, and which web pages a browser may ask for. What callers
// of webhooks prove is package outbound's.
package auth

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/problem"
)

// Pages keeps web pages of others from asking through a visitor's browser, for
// reading too. A server that demands no token (open) is for this machine alone, so
// it answers only under a name of this machine: a page whose host was made to
// resolve to it has another. What takes says of a request is let through: it is
// for one that pages of others are meant to ask.
func Pages(open func() bool, takes func(*http.Request) bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := checkPage(c.Request(), open(), takes); err != nil {
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
			"host %q: a server without a token answers only under localhost, 127.0.0.1 or [::1]", host)
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

// Harden says on all answers that a browser is to take them for nothing but what
// they are; on those that are ours, and not of a flow, also that they are no page,
// nobody's frame and nothing to keep.
func Harden(ours func(*http.Request) bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			header := c.Response().Header()
			header.Set("X-Content-Type-Options", "nosniff")
			header.Set("Referrer-Policy", "no-referrer")
			if ours(c.Request()) {
				header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
				header.Set("X-Frame-Options", "DENY")
				header.Set("Cross-Origin-Resource-Policy", "same-origin")
				header.Set("Cache-Control", "no-store")
			}
			return next(c)
		}
	}
}
