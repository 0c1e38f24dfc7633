package main

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// behind lets requests that came by a trusted proxy count as those of its
// caller. Of anybody else X-Forwarded-For is not believed. Which proxies are
// trusted is asked for each request.
func behind(proxies func() []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if caller, ok := forwardedFor(proxies(), r); ok {
			forwarded := *r
			forwarded.RemoteAddr = net.JoinHostPort(caller.String(), "0")
			r = &forwarded
		}
		next.ServeHTTP(w, r)
	})
}

// forwardedFor goes back along the proxies, each of which has added whom it got
// the request from, to the first who is none of ours. What stands before may
// be anything.
func forwardedFor(proxies []netip.Prefix, r *http.Request) (caller netip.Addr, ok bool) {
	trusted := func(a netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	if len(proxies) == 0 {
		return netip.Addr{}, false
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !trusted(peer.Addr().Unmap()) {
		return netip.Addr{}, false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		if caller, ok = a.Unmap().WithZone(""), true; !trusted(caller) {
			break
		}
	}
	return caller, ok
}
