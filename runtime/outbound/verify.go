package outbound

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1" // older senders sign with it; in an HMAC its collisions do no harm
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/wendflow/wend/runtime/secret"
)

// verifier checks that a caller knows what only the party of a connection can
// know. It is safe for concurrent use.
type verifier interface {
	verify(header http.Header, body []byte, now time.Time) error
	// proof names the header that holds what nobody else must see, in its
	// canonical form, and the scheme of RFC 9110 by which it is asked for.
	proof() (header, scheme string)
	// sign returns the headers by which verify knows the party of the connection.
	sign(body []byte, now time.Time) map[string]string
}

// Sign returns the headers by which Verify takes a request with that body for
// one of the connection's party. They are secrets, or signed with one.
func (c *Client) Sign(connection string, body []byte, now time.Time) (map[string]string, error) {
	s := c.slot(connection)
	if s == nil {
		return nil, fmt.Errorf("no connection %q", connection)
	}
	conn, err := s.get()
	switch {
	case err != nil:
		return nil, err
	case conn.verifier == nil:
		return nil, fmt.Errorf("connection %q of type %q cannot check callers", connection, conn.kind)
	}
	return conn.verifier.sign(body, now), nil
}

// Verify reports whether a request that came in is from the party of a
// connection: by the signature over its raw body (hmac), or by the credential
// it bears (basic, bearer, api-key in a header). The error says what is wrong
// and holds no secret.
func (c *Client) Verify(connection string, header http.Header, body []byte, now time.Time) error {
	s := c.slot(connection)
	if s == nil {
		return fmt.Errorf("no connection %q", connection)
	}
	conn, err := s.get()
	switch {
	case err != nil:
		return fmt.Errorf("verify by connection %q: %w", connection, err)
	case conn.verifier == nil:
		return fmt.Errorf("connection %q of type %q cannot check callers", connection, conn.kind)
	}
	if err := conn.verifier.verify(header, body, now); err != nil {
		return fmt.Errorf("verify by connection %q: %w", connection, err)
	}
	return nil
}

// Proof names the header in which callers prove to a connection who they are,
// in its canonical form, and the scheme for a WWW-Authenticate that asks for
// it. Whoever sees the header's value could pass for them. Both are "" if the
// connection checks no callers.
func (c *Client) Proof(connection string) (header, scheme string) {
	s := c.slot(connection)
	if s == nil {
		return "", ""
	}
	return s.header, s.scheme
}

// CheckToken reports whether a text is the token that the party of a connection
// and we agreed upon for handshakes: the secret "verifyToken" of an hmac
// connection, or the token of a bearer. It takes the same time for any text.
func (c *Client) CheckToken(connection, text string) error {
	conn, err := c.party(connection)
	switch {
	case err != nil:
		return err
	case conn.token == "":
		return fmt.Errorf("connection %q has no token for handshakes", connection)
	case !sameText(text, string(conn.token)):
		return fmt.Errorf("not the token of connection %q", connection)
	default:
		return nil
	}
}

// MAC returns the HMAC with SHA-256 of a text, by the first key of an hmac
// connection in the order of their names: the answer to a sender that asks
// whether we know the key.
func (c *Client) MAC(connection, text string) ([]byte, error) {
	conn, err := c.party(connection)
	if err != nil {
		return nil, err
	}
	s, ok := conn.verifier.(signature)
	if !ok || len(s.keys) == 0 {
		return nil, fmt.Errorf("connection %q of type %q has no key to sign with", connection, conn.kind)
	}
	mac := hmac.New(sha256.New, []byte(s.keys[0]))
	mac.Write([]byte(text))
	return mac.Sum(nil), nil
}

func (c *Client) party(connection string) (*conn, error) {
	s := c.slot(connection)
	if s == nil {
		return nil, fmt.Errorf("no connection %q", connection)
	}
	return s.get()
}

// HasToken tells whether the connection has what CheckToken needs.
func (c Connection) HasToken() bool {
	_, given := c.Secrets[handshakeToken]
	return c.Type == "bearer" || c.Type == "hmac" && given
}

// CanSign tells whether the connection has what MAC needs.
func (c Connection) CanSign() bool { return c.Type == "hmac" }

// CanVerify tells whether callers can be checked with the connection.
func (c Connection) CanVerify() bool {
	switch c.Type {
	case "hmac", "basic", "bearer":
		return true
	case "api-key":
		// A key in the query would stand in every log on the way.
		return c.Settings["query"] == nil
	default:
		return false
	}
}

// CanCall tells whether calls can go out with the connection.
func (c Connection) CanCall() bool { return c.Type != "hmac" }

// headerVerifier wants one header to have one value.
type headerVerifier struct {
	name   string
	scheme string      // what the value begins with, in any case; "" for none
	want   secret.Text // with the scheme
}

func (v headerVerifier) verify(header http.Header, _ []byte, _ time.Time) error {
	values := header.Values(v.name)
	if len(values) != 1 {
		return fmt.Errorf("header %q: expected once, not %d times", v.name, len(values))
	}
	got := values[0]
	if n := len(v.scheme); n > 0 {
		if len(got) <= n || !strings.EqualFold(got[:n], v.scheme) || got[n] != ' ' {
			return fmt.Errorf("header %q: expected the scheme %s", v.name, v.scheme)
		}
		got = v.scheme + got[n:]
	}
	if !sameText(got, string(v.want)) {
		return fmt.Errorf("header %q: not the credential that was expected", v.name)
	}
	return nil
}

func (v headerVerifier) proof() (header, scheme string) {
	return v.name, cmp.Or(v.scheme, "ApiKey")
}

func (v headerVerifier) sign([]byte, time.Time) map[string]string {
	return map[string]string{v.name: string(v.want)}
}

// sameText compares digests, so that its time does not tell a length either.
func sameText(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// signature checks an HMAC.
type signature struct {
	keys      []secret.Text // any may fit, so that keys can be changed one side at a time
	header    string
	prefix    string
	hash      func() hash.Hash
	decode    func(string) ([]byte, error)
	encoding  string
	signed    string // what is signed, with {body} and {timestamp}
	timestamp string // header, or ""
	tolerance time.Duration
}

const defaultTolerance = 5 * time.Minute

func makeHMAC(m *maker) proof {
	algorithm := m.oneOf("algorithm", "sha256", "sha1", "sha512")
	v := signature{
		header:    m.headerName("header", "X-Signature"),
		prefix:    m.signaturePrefix(algorithm),
		encoding:  m.oneOf("encoding", "hex", "base64", "base64url"),
		tolerance: m.duration("tolerance"),
	}
	v.hash = hashes[algorithm]
	v.decode = decoders[v.encoding]
	if m.Settings["timestampHeader"] != nil || v.tolerance > 0 {
		v.timestamp = m.headerName("timestampHeader", "X-Timestamp")
		if v.timestamp == v.header {
			m.errorf("settings.timestampHeader", "settings.timestampHeader: header %q holds the signature", v.header)
		}
	}
	v.signed = m.signedText(v.timestamp != "")
	if v.tolerance == 0 {
		v.tolerance = defaultTolerance
	}
	for _, name := range slices.Sorted(maps.Keys(m.secrets)) {
		if name != handshakeToken {
			v.keys = append(v.keys, m.secrets[name])
		}
	}
	if _, given := m.Secrets[handshakeToken]; given && len(m.Secrets) == 1 {
		m.errorf("secrets", "type %q needs a key beside %q, which signs nothing", m.Type, handshakeToken)
	}
	return proof{verifier: v, inbound: true, token: m.secrets[handshakeToken]}
}

// handshakeToken is the secret of an hmac connection that is no key.
const handshakeToken = "verifyToken"

var hashes = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}

var decoders = map[string]func(string) ([]byte, error){
	"hex":       hex.DecodeString,
	"base64":    base64.StdEncoding.DecodeString,
	"base64url": func(s string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "=")) },
}

var encoders = map[string]func([]byte) string{
	"hex": hex.EncodeToString, "base64": base64.StdEncoding.EncodeToString, "base64url": base64.RawURLEncoding.EncodeToString,
}

// placeholder is what stands in braces or looks like a template.
var placeholder = regexp.MustCompile(`\{[^{}]*\}|\$\([^()]*\)`)

func (m *maker) signedText(stamped bool) string {
	fallback := "{body}"
	if stamped {
		fallback = "{timestamp}.{body}"
	}
	signed := m.text("signed", fallback)
	known := []string{"{body}", "{timestamp}"}
	for _, word := range placeholder.FindAllString(signed, -1) {
		if !slices.Contains(known, word) {
			m.errs = append(m.errs, &FieldError{
				Connection: m.Name, Field: "settings.signed",
				Msg: "settings.signed: no such placeholder as " + strconv.Quote(word), Word: word, Known: known,
			})
			return signed
		}
	}
	switch {
	case strings.Count(signed, "{body}") != 1:
		m.errorf("settings.signed", "settings.signed: expected {body} in it, once")
	case stamped && !strings.Contains(signed, "{timestamp}"):
		m.errorf("settings.signed", "settings.signed: expected {timestamp} in it; a time that is not signed proves nothing")
	case !stamped && strings.Contains(signed, "{timestamp}"):
		m.errorf("settings.signed", "settings.signed: {timestamp} needs settings.timestampHeader")
	case strings.ContainsAny(placeholder.ReplaceAllString(signed, ""), "{}"):
		m.errorf("settings.signed", "settings.signed: a brace without its other half")
	}
	return signed
}

// valuePrefix reads what a header's value begins with, and reports what no
// value can: blanks around values are taken off on the way.
func (m *maker) valuePrefix() string {
	prefix := m.text("prefix", "")
	switch {
	case strings.TrimLeft(prefix, " \t") != prefix:
		m.errorf("settings.prefix", "settings.prefix: %q can never match, since a header's value begins with no blank", prefix)
	case !httpguts.ValidHeaderFieldValue(prefix):
		m.errorf("settings.prefix", "settings.prefix: %q can never match, since a header's value holds no control characters", prefix)
	}
	return prefix
}

// signaturePrefix reports a prefix, too, that no signature of the algorithm has.
func (m *maker) signaturePrefix(algorithm string) string {
	prefix := m.valuePrefix()
	if strings.Contains(prefix, ",") {
		m.errorf("settings.prefix", "settings.prefix: %q can never match, since commas stand between signatures", prefix)
	}
	named := strings.ToLower(strings.Trim(strings.ReplaceAll(prefix, "sha-", "sha"), " =:-_"))
	if hashes[named] != nil && hashes[algorithm] != nil && named != algorithm {
		m.errorf("settings.prefix", "settings.prefix: %q can never match: it names %s, and settings.algorithm is %s", prefix, named, algorithm)
	}
	return prefix
}

func (s signature) verify(header http.Header, body []byte, now time.Time) error {
	given := header.Values(s.header)
	if len(given) == 0 {
		return fmt.Errorf("header %q with the signature is missing", s.header)
	}
	stamp, err := s.checkTime(header, now)
	if err != nil {
		return err
	}
	candidates, err := s.candidates(given)
	if err != nil {
		return err
	}
	if !s.matches(candidates, stamp, body) {
		return fmt.Errorf("header %q: the signature does not fit the body", s.header)
	}
	return nil
}

func (s signature) proof() (header, scheme string) { return s.header, "Signature" }

// candidates decodes the signatures; a sender that changes its key may give
// several, with commas between.
func (s signature) candidates(given []string) ([][]byte, error) {
	var candidates [][]byte
	for _, text := range strings.Split(strings.Join(given, ","), ",") {
		text, ok := strings.CutPrefix(strings.TrimSpace(text), s.prefix)
		if !ok {
			continue
		}
		if mac, err := s.decode(text); err == nil {
			candidates = append(candidates, mac)
		}
	}
	if len(candidates) == 0 {
		return nil, fmt.Errorf("header %q: expected %q and a signature in %s", s.header, s.prefix, s.encoding)
	}
	return candidates, nil
}

func (s signature) matches(candidates [][]byte, stamp string, body []byte) bool {
	fits := false
	for _, key := range s.keys {
		want := s.mac(key, stamp, body)
		for _, candidate := range candidates {
			fits = hmac.Equal(want, candidate) || fits
		}
	}
	return fits
}

func (s signature) mac(key secret.Text, stamp string, body []byte) []byte {
	before, after, _ := strings.Cut(s.signed, "{body}")
	mac := hmac.New(s.hash, []byte(key))
	mac.Write([]byte(strings.ReplaceAll(before, "{timestamp}", stamp)))
	mac.Write(body)
	mac.Write([]byte(strings.ReplaceAll(after, "{timestamp}", stamp)))
	return mac.Sum(nil)
}

func (s signature) sign(body []byte, now time.Time) map[string]string {
	headers := map[string]string{}
	stamp := ""
	if s.timestamp != "" {
		stamp = strconv.FormatInt(now.Unix(), 10)
		headers[s.timestamp] = stamp
	}
	headers[s.header] = s.prefix + encoders[s.encoding](s.mac(s.keys[0], stamp, body))
	return headers
}

// checkTime returns the timestamp as it was signed.
func (s signature) checkTime(header http.Header, now time.Time) (string, error) {
	if s.timestamp == "" {
		return "", nil
	}
	stamp := header.Get(s.timestamp)
	if stamp == "" {
		return "", fmt.Errorf("header %q with the time of signing is missing", s.timestamp)
	}
	at, err := parseStamp(stamp)
	if err != nil {
		return "", fmt.Errorf("header %q: %w", s.timestamp, err)
	}
	if age := now.Sub(at); age.Abs() > s.tolerance {
		return "", fmt.Errorf("header %q is %s off, and %s is tolerated", s.timestamp, age.Abs().Round(time.Second), s.tolerance)
	}
	return stamp, nil
}

// parseStamp reads Unix time in seconds or milliseconds, or RFC 3339.
func parseStamp(text string) (time.Time, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n > 1e11 { // seconds would be in the year 5138
			return time.UnixMilli(n), nil
		}
		return time.Unix(n, 0), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	return time.Time{}, errors.New("expected Unix time or RFC 3339")
}
