package outbound

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
)

// Judge says why no ordinary call may go to addr, "" if it may, and whether
// not even a private connection may.
func Judge(addr netip.Addr) (why string, never bool) {
	if refused := judge(addr); refused != nil {
		return refused.why, refused.never
	}
	return "", false
}

// HostMatches tells whether rule lets a call to rawURL pass.
func HostMatches(rule, rawURL string) (bool, error) {
	parsed, err := parseRule(rule)
	if err != nil {
		return false, err
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return false, err
	}
	at, err := originOf(u)
	return hostRules{parsed}.match(at), err
}

// Redact hides every secret of every connection in s.
func (c *Client) Redact(s string) string {
	for _, slot := range c.now.Load().slots {
		if conn, err := slot.get(); err == nil {
			s = conn.mask.hide(s)
		}
	}
	return s
}

// Join puts a call's path after a baseURL.
func Join(base, path string) string { return join(base, path) }

// DialBy has calls go out over the lines that dial opens. No address is checked.
func (c *Client) DialBy(dial func(ctx context.Context, network, addr string) (net.Conn, error)) {
	for _, t := range []*http.Transport{c.pools.public, c.pools.private} {
		t.DialContext = dial
		t.DisableKeepAlives = true
	}
}
