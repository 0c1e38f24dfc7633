package outbound

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// origin is where a call goes, in one spelling: lower case, no trailing dot,
// the port always there.
type origin struct {
	scheme, host, port string
}

func originOf(u *url.URL) (origin, error) {
	host, err := canonicalHost(u.Hostname())
	if err != nil {
		return origin{}, err
	}
	o := origin{scheme: u.Scheme, host: host, port: u.Port()}
	if o.port == "" {
		o.port = schemePort(u.Scheme)
	}
	if !validPort(o.port) {
		return origin{}, fmt.Errorf("port %q: expected 1 to 65535", o.port)
	}
	return o, nil
}

// String returns host:port as a person would write it into wend.yaml.
func (o origin) String() string {
	if o.port == schemePort(o.scheme) {
		return o.host
	}
	return net.JoinHostPort(o.host, o.port)
}

// urlHost returns what a URL of the origin has for its host.
func (o origin) urlHost() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.port == schemePort(o.scheme) {
		return host
	}
	return host + ":" + o.port
}

func schemePort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func canonicalHost(host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().WithZone("").String(), nil
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" {
		return "", errors.New("no host")
	}
	for _, r := range host {
		if r > 0x7f {
			return "", fmt.Errorf("host %q: write a name outside ASCII in its xn-- form", host)
		}
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-._", r) {
			return "", fmt.Errorf("host %q: %q has no place in a host name", host, r)
		}
	}
	return host, nil
}

// hostRule is one entry of a list of hosts.
type hostRule struct {
	name  string // canonical
	port  string // "" is the scheme's own
	below bool   // the names below name, not name itself
	every bool
}

type hostRules []hostRule

func parseRule(text string) (hostRule, error) {
	if text == "*" {
		return hostRule{every: true}, nil
	}
	if strings.ContainsAny(text, "/@?#") {
		return hostRule{}, fmt.Errorf("%q: expected host or host:port, without scheme, user or path", text)
	}
	name, port := splitPort(text)
	name, below := strings.CutPrefix(name, "*.")
	if strings.Contains(name, "*") {
		return hostRule{}, fmt.Errorf("%q: * stands only at the beginning, as in *.example.com", text)
	}
	if below && !strings.Contains(name, ".") {
		return hostRule{}, fmt.Errorf("%q is too wide: expected at least two names after *", text)
	}
	if port != "" && !validPort(port) {
		return hostRule{}, fmt.Errorf("%q: port %q: expected 1 to 65535", text, port)
	}
	host, err := canonicalHost(name)
	if err != nil {
		return hostRule{}, fmt.Errorf("%q: %w", text, err)
	}
	return hostRule{name: host, port: port, below: below}, nil
}

// splitPort cuts host:port; an IPv6 address may stand bare or in brackets.
func splitPort(text string) (host, port string) {
	if host, port, err := net.SplitHostPort(text); err == nil {
		return host, port
	}
	return strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"), ""
}

func (rules hostRules) match(o origin) bool {
	for _, r := range rules {
		if r.every || r.matchPort(o) && r.matchName(o.host) {
			return true
		}
	}
	return false
}

func (r hostRule) matchPort(o origin) bool {
	return o.port == r.port || r.port == "" && o.port == schemePort(o.scheme)
}

func (r hostRule) matchName(host string) bool {
	if r.below {
		return strings.HasSuffix(host, "."+r.name)
	}
	return host == r.name
}

// ValidateAllow reports what is wrong with a list for Config.Allow: a joined
// error of *FieldError.
func ValidateAllow(hosts []string) error {
	_, err := allowRules(hosts)
	return err
}

func allowRules(hosts []string) (hostRules, error) {
	var rules hostRules
	var errs []error
	for i, host := range hosts {
		rule, err := parseRule(host)
		if err != nil {
			errs = append(errs, &FieldError{Field: fmt.Sprintf("allow[%d]", i), Msg: "outbound.allow: " + err.Error()})
		}
		rules = append(rules, rule)
	}
	return rules, errors.Join(errs...)
}
