package outbound

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/wendflow/wend/sdk/wire"
)

// failureError is a failure that its finder can name.
type failureError struct {
	failure wire.Failure
	msg     string
}

func (e *failureError) Error() string { return e.msg }

func refuse(format string, a ...any) error {
	return &failureError{wire.Refused, fmt.Sprintf(format, a...)}
}

// outgoing is a call that policy lets pass, ready to be sent any number of times.
type outgoing struct {
	method string
	url    *url.URL
	origin origin
	header http.Header
	body   []byte
	carry  *carried // nil: nothing
}

func (o *outgoing) safe() bool {
	return o.method == http.MethodGet || o.method == http.MethodHead || o.method == http.MethodOptions
}

// request makes a new request, whose header the credential may add to.
func (o *outgoing) request() *http.Request {
	r := &http.Request{
		Method: o.method, URL: o.url, Host: o.url.Host, Header: o.header.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if len(o.body) > 0 {
		r.ContentLength = int64(len(o.body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(o.body)), nil }
		r.Body, _ = r.GetBody()
	}
	return r
}

// to returns the same call for another address, as a redirect asks for.
func (o *outgoing) to(u *url.URL, at origin) *outgoing {
	next := *o
	next.url, next.origin = u, at
	return &next
}

// outgoing holds a call against all rules that need no network.
func (c *conn) outgoing(r Request) (*outgoing, error) {
	if c.inbound {
		return nil, refuse("connection %q is of type %q, which only checks callers: use another connection for calls", c.name, c.kind)
	}
	method, err := methodOf(r.Call.Method)
	if err != nil {
		return nil, err
	}
	u, err := c.resolve(r.Call.URL)
	if err != nil {
		return nil, err
	}
	at, err := c.permit(u)
	if err != nil {
		return nil, err
	}
	if err := c.permitCredential(u, at); err != nil {
		return nil, err
	}
	header, err := c.headerOf(r.Call.Headers)
	if err != nil {
		return nil, err
	}
	o := &outgoing{method: method, url: u, origin: at, header: header, body: r.Call.Body}
	if o.carry, err = c.carry(o, r.Secrets); err != nil {
		return nil, err
	}
	c.addOwn(o, r)
	return o, nil
}

// addOwn adds what the host, not the node, has to say.
func (c *conn) addOwn(o *outgoing, r Request) {
	if o.header.Get("User-Agent") == "" {
		o.header.Set("User-Agent", c.userAgent)
	}
	if httpguts.ValidHeaderFieldValue(r.TraceParent) && r.TraceParent != "" {
		o.header.Set("Traceparent", r.TraceParent)
	}
	if r.Key != "" && !o.safe() {
		setQuietly(o.header, "Idempotency-Key", r.Key)
	}
}

// setQuietly sets a header under a spelling that net/http does not know. It
// takes a request with an Idempotency-Key for one that it may send again on
// its own when the connection breaks; our parties have promised no such thing.
func setQuietly(h http.Header, name, value string) { h[strings.ToLower(name)] = []string{value} }

func methodOf(text string) (string, error) {
	method := strings.ToUpper(text)
	switch {
	case method == "":
		return http.MethodGet, nil
	case !httpguts.ValidHeaderFieldName(method): // both are tokens
		return "", refuse("method %q: expected a word such as GET or POST", text)
	case method == http.MethodConnect || method == http.MethodTrace:
		return "", refuse("method %s is not for calls", method)
	}
	return method, nil
}

// resolve returns the absolute address that text means.
func (c *conn) resolve(text string) (*url.URL, error) {
	if !absolute(text) {
		if c.base == "" {
			return nil, refuse("call to %q: it is only a path, and %s", text, c.noBase())
		}
		text = join(c.base, text)
	}
	u, err := url.Parse(text)
	if err != nil {
		// The error quotes the text, and says what is wrong with it.
		return nil, refuse("call's URL: %s", err)
	}
	asWritten(u)
	return u, staysBelow(text, u)
}

// asWritten drops the fragment and escapes what cannot stand in a request line.
// What is escaped already stays so: of a path with an "é" in it net/url would
// escape the meaning anew, and make a "/" of the "%2F" beside it.
func asWritten(u *url.URL) {
	u.Fragment, u.RawFragment = "", ""
	u.RawPath = escapeRest(u.RawPath)
	u.RawQuery = escapeRest(u.RawQuery)
}

// staysBelow refuses a path that servers and proxies take for another one than
// it reads: most resolve "..", and some take "\" for "/".
func staysBelow(text string, u *url.URL) error {
	for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
		if !strings.Contains(segment, ".") && !strings.Contains(segment, "%2") {
			continue // most have neither
		}
		switch dots.Replace(segment) {
		case ".", "..":
			return refuse("call to %q: the part %q of its path would lead elsewhere", text, segment)
		}
	}
	if path, _, _ := strings.Cut(text, "?"); strings.Contains(path, `\`) {
		return refuse("call to %q: %q has no place in a path; write %q", text, `\`, "%5C")
	}
	return nil
}

var dots = strings.NewReplacer("%2e", ".", "%2E", ".")

// escapeRest escapes what cannot stand in a request line, or be seen there.
// net/http sends a query as it is.
func escapeRest(text string) string {
	if strings.IndexFunc(text, notOfAddress) < 0 {
		return text
	}
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; notOfAddress(rune(c)) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func notOfAddress(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{|}", r)
}

// absolute tells whether text begins with a scheme, in the words of RFC 3986.
func absolute(text string) bool {
	i := strings.IndexAny(text, ":/?#")
	return i > 0 && text[i] == ':'
}

// join puts path after base, whatever path begins with, so that no path can
// name another host.
func join(base, path string) string {
	if path == "" || path[0] == '?' {
		return base + path
	}
	return base + "/" + strings.TrimLeft(path, "/")
}

// permit holds an address against the rules for hosts.
func (c *conn) permit(u *url.URL) (origin, error) {
	if u.Scheme != "http" && u.Scheme != "https" {
		return origin{}, refuse("scheme %q: expected http or https", u.Scheme)
	}
	if u.User != nil {
		return origin{}, refuse("the URL holds a user name: put it into a connection of type basic")
	}
	if u.Hostname() == "" {
		return origin{}, refuse("the URL names no host")
	}
	at, err := originOf(u)
	if err != nil {
		return origin{}, refuse("the URL's %s", err)
	}
	if !c.hosts.match(at) {
		return origin{}, refuse("host %q is not allowed for %s: add it to %s in wend.yaml", at, c.what(), c.hostsKey())
	}
	if c.proxied {
		if err := c.permitAddress(at); err != nil {
			return origin{}, err
		}
	}
	u.Host = at.urlHost()
	return at, nil
}

// permitCredential holds an address against the rules for the credential that
// would go there.
func (c *conn) permitCredential(u *url.URL, at origin) error {
	if c.credential != nil && u.Scheme != "https" && !c.private {
		return refuse("host %q: %s adds a credential, which needs https, or private: true", at, c.what())
	}
	if c.query != "" && u.Query().Has(c.query) {
		return refuse("query parameter %q is set by %s, not by the call", c.query, c.what())
	}
	return nil
}

func (c *conn) what() string {
	if c.name == "" {
		return "calls without a connection"
	}
	return fmt.Sprintf("connection %q", c.name)
}

func (c *conn) noBase() string {
	if c.name == "" {
		return "without a connection there is no baseURL before it"
	}
	return c.what() + " has no baseURL"
}

func (c *conn) hostsKey() string {
	if c.name == "" {
		return "outbound.allow"
	}
	return "connections." + c.name + ".hosts"
}

// reserved says why a call may not set a header itself.
var reserved = map[string]string{
	"Authorization":       "credentials come from the connection",
	"Proxy-Authorization": "credentials come from the connection",
	"Cookie":              "cookies are kept by the connection",
	"Host":                "it follows from the URL",
	"Content-Length":      "it follows from the body",
	"Accept-Encoding":     "replies are decompressed here",
	"Idempotency-Key":     "it is derived from the run",
	"Connection":          "it is about one hop, not about the call",
	"Proxy-Connection":    "it is about one hop, not about the call",
	"Keep-Alive":          "it is about one hop, not about the call",
	"Te":                  "it is about one hop, not about the call",
	"Trailer":             "it is about one hop, not about the call",
	"Transfer-Encoding":   "it is about one hop, not about the call",
	"Upgrade":             "it is about one hop, not about the call",
	"Expect":              "it is about one hop, not about the call",
}

func (c *conn) headerOf(headers map[string]string) (http.Header, error) {
	h := make(http.Header, len(headers)+3)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		value := headers[name]
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return nil, refuse("header %q: not a header's name", name)
		case !httpguts.ValidHeaderFieldValue(value):
			return nil, refuse("header %q: its value holds a line break or another control character", name)
		case reserved[canonical] != "":
			return nil, refuse("header %q is not for the call to set: %s", name, reserved[canonical])
		case slices.Contains(c.headers, canonical):
			return nil, refuse("header %q is set by %s, not by the call", name, c.what())
		case h[canonical] != nil:
			return nil, refuse("header %q is given twice", name)
		}
		if canonical == "X-Idempotency-Key" {
			setQuietly(h, name, value)
			continue
		}
		h[canonical] = []string{value}
	}
	return h, nil
}
