package outbound

import (
	"fmt"
	"maps"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// Rules tell before any run which calls are refused in every run: the rules of
// Client.Do that need neither secrets nor the network. They are immutable and
// safe for concurrent use.
type Rules struct {
	conns map[string]*conn // "" is for calls without a connection
	known bool
}

// RulesOf returns the rules of a configuration, with what Config.Connections
// and Config.Allow have. Mistakes in these are not told; New tells them.
func RulesOf(connections []Connection, allow []string) *Rules {
	anonymous := &conn{kind: "none"}
	anonymous.hosts, _ = allowRules(allow)
	r := &Rules{conns: map[string]*conn{"": anonymous}, known: true}
	for _, c := range connections {
		k, err := c.kind()
		if err != nil || c.Validate() != nil {
			continue
		}
		rules, _ := c.rules()
		m := &maker{Connection: c, mask: &mask{}}
		r.conns[c.Name] = &conn{name: c.Name, kind: k.name, inbound: k.inbound, base: c.base(), hosts: rules, private: c.Private, proof: k.make(m), named: slices.Sorted(maps.Keys(c.Secrets)), forFlows: c.ForFlows}
	}
	return r
}

// GeneralRules are those that hold in every configuration.
func GeneralRules() *Rules {
	return &Rules{conns: map[string]*conn{"": {kind: "none", hosts: hostRules{{every: true}}}}}
}

// Plan is what is known of a call before it is made.
type Plan struct {
	Connection string
	Method     string            // "" if nothing is known of it
	URL        string            // the same
	AnyHost    bool              // the URL has a host that is not known yet
	Headers    map[string]string // "" for a value that is not known yet
	Query      []string          // names of parameters that are added to the URL
	Secrets    Secrets
}

// Refusal is why a call is refused, and the part of it that makes it so.
type Refusal struct {
	Part []string // "method", "url", or "headers" and a name, or "query" and a name, or "secrets" and a place
	Msg  string
	Hint string // what to do instead; may be empty
	// Word was written where one of Known was expected; else it is empty.
	Word  string
	Known []string
}

// Refusals tells all that is wrong with a call. It says nothing of a connection
// that is not known.
func (r *Rules) Refusals(p Plan) []Refusal {
	c := r.conns[p.Connection]
	if c == nil && r.known {
		return nil // said already, if it is none
	}
	if c == nil {
		// Where it leads is for the configuration to say.
		c = &conn{name: p.Connection, kind: "none", base: "https://example.com", hosts: hostRules{{every: true}}, private: true, anySecret: true}
	}
	if c.inbound {
		return nil // said already
	}
	var all []Refusal
	if p.Method != "" {
		if _, err := methodOf(p.Method); err != nil {
			all = append(all, Refusal{Part: []string{"method"}, Msg: err.Error()})
		}
	}
	if p.URL != "" {
		if err := c.refusesURL(p); err != nil {
			all = append(all, Refusal{Part: []string{"url"}, Msg: err.Error(), Hint: c.hintForURL(p.URL)})
		}
	}
	return slices.Concat(all, c.refusesHeaders(p.Headers), c.refusesQuery(p.Query), c.refusesSecrets(p))
}

func (c *conn) refusesURL(p Plan) error {
	u, err := c.resolve(p.URL)
	if err != nil {
		return err
	}
	anywhere := *c
	anywhere.hosts = hostRules{{every: true}}
	at, err := anywhere.permit(u)
	if err != nil {
		return err
	}
	if !p.AnyHost {
		if err := c.permitAddress(at); err != nil {
			return err
		}
		if _, err := c.permit(u); err != nil {
			return err
		}
	}
	return c.permitCredential(u, at)
}

// permitAddress refuses a host that is an address which no call may reach. What
// a name stands for is known when it is called.
func (c *conn) permitAddress(at origin) error {
	host := at.host
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		host = "127.0.0.1"
	}
	addr, name := netip.ParseAddr(host)
	if name != nil {
		return nil //nolint:nilerr // it is a name
	}
	if refused := judge(addr); refused != nil && (refused.never || !c.private) {
		return refuse("%s", c.explain(refused))
	}
	return nil
}

func (c *conn) hintForURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || c.name != "":
		return ""
	case !absolute(text) && hostLike(text):
		return fmt.Sprintf("write %q", "https://"+strings.TrimLeft(text, "/"))
	case !absolute(text):
		return "name a connection that has one, or write the whole address, such as https://example.com/…"
	case u.Scheme != "http" && u.Scheme != "https" && u.Opaque != "" && strings.ContainsAny(u.Opaque[:1], "0123456789"): // host:port
		return fmt.Sprintf("write %q", "https://"+text)
	}
	return ""
}

// hostLike tells of a text that looks like an address without its scheme.
func hostLike(text string) bool {
	if strings.HasPrefix(text, "//") {
		return true
	}
	host, _, _ := strings.Cut(text, "/")
	return strings.Contains(strings.Trim(host, "."), ".")
}

func (c *conn) refusesHeaders(headers map[string]string) []Refusal {
	var all []Refusal
	before := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		part := []string{"headers", name}
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if first, twice := before[canonical]; twice {
			all = append(all, Refusal{Part: part, Msg: fmt.Sprintf("header %q is %q again, and is given twice", name, first), Hint: "keep one of them"})
			continue
		}
		before[canonical] = name
		if _, err := c.headerOf(map[string]string{name: headers[name]}); err != nil {
			all = append(all, Refusal{Part: part, Msg: err.Error(), Hint: c.hintForHeader(canonical)})
		}
	}
	return all
}

func (c *conn) hintForHeader(canonical string) string {
	switch {
	case reserved[canonical] == "" && !slices.Contains(c.headers, canonical):
		return ""
	case strings.HasSuffix(canonical, "Authorization") && (c.name == "" || c.credential == nil):
		return `leave it out, and name a connection under "connection", of a type such as "bearer", "basic" or "api-key"`
	case canonical == "Cookie":
		return `leave it out; a connection of type "session" logs in and keeps cookies`
	}
	return "leave it out"
}

func (c *conn) refusesQuery(names []string) []Refusal {
	if c.query == "" || !slices.Contains(names, c.query) {
		return nil
	}
	return []Refusal{{Part: []string{"query", c.query}, Msg: fmt.Sprintf("query parameter %q is set by %s, not by the call", c.query, c.what()), Hint: "leave it out"}}
}
