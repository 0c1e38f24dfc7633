package outbound

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/secret"
)

// Incoming is a request as it came in, before anything of it is parsed.
type Incoming struct {
	// Target is its path and its query, as they were sent.
	Target string
	Header http.Header
	Body   []byte
	// Certificate is the caller's, of an authority that we trust to name callers;
	// nil if it has none.
	Certificate *x509.Certificate
}

// Proven is what a proof says beside whom a request is from. It is zero where a
// proof says nothing more.
type Proven struct {
	// ID is what the sender calls its message, in each attempt to deliver it. It
	// is signed.
	ID string
	// Mark is another for each message and time of signing, and Until is when
	// the proof will be too old. Without a time of signing both are zero.
	Mark  Mark
	Until time.Time
}

// Mark tells proofs apart.
type Mark [sha256.Size]byte

// verifier checks that a caller knows what only the party of a connection can
// know. It is safe for concurrent use.
type verifier interface {
	verify(ctx context.Context, in Incoming, now time.Time) (Proven, error)
	// proof names the header that holds what nobody else must see, in its
	// canonical form, and the scheme of RFC 9110 by which it is asked for.
	proof() (header, scheme string)
	// sign returns the headers by which verify knows the party of the connection,
	// or an error of ErrUnsignable.
	sign(in Incoming, now time.Time) (map[string]string, error)
}

// ErrUnsignable is what Sign fails with where we can check what the party of a
// connection proves, and cannot prove it in its place.
var ErrUnsignable = errors.New("only the sender can sign")

// Sign returns the headers by which Verify takes a request for one of the
// connection's party. They are secrets, or signed with one.
func (c *Client) Sign(connection string, in Incoming, now time.Time) (map[string]string, error) {
	conn, err := c.party(connection)
	switch {
	case err != nil:
		return nil, err
	case conn.verifier == nil:
		return nil, fmt.Errorf("connection %q of type %q cannot check callers", connection, conn.kind)
	}
	headers, err := conn.verifier.sign(in, now)
	if err != nil {
		return nil, fmt.Errorf("sign by connection %q: %w", connection, err)
	}
	return headers, nil
}

// Verify reports whether a request that came in is from the party of a
// connection: by a signature over its raw body, or by the credential that it
// bears. The error says what is wrong and holds no secret.
func (c *Client) Verify(ctx context.Context, connection string, in Incoming, now time.Time) (Proven, error) {
	s := c.slot(connection)
	if s == nil {
		return Proven{}, fmt.Errorf("no connection %q", connection)
	}
	conn, err := s.get()
	switch {
	case err != nil:
		return Proven{}, fmt.Errorf("verify by connection %q: %w", connection, err)
	case conn.verifier == nil:
		return Proven{}, fmt.Errorf("connection %q of type %q cannot check callers", connection, conn.kind)
	}
	proven, err := conn.verifier.verify(ctx, in, now)
	if err != nil {
		return Proven{}, fmt.Errorf("verify by connection %q: %w", connection, err)
	}
	return proven, nil
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
	case len(conn.tokens) == 0:
		return fmt.Errorf("connection %q has no token for handshakes", connection)
	case !isOneOf(text, conn.tokens):
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
	if !ok || len(s.macKeys) == 0 {
		return nil, fmt.Errorf("connection %q of type %q has no key to sign with", connection, conn.kind)
	}
	mac := hmac.New(sha256.New, s.macKeys[0])
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
	case "hmac", "ed25519", "jwt", "mtls", "basic", "bearer":
		return true
	case "api-key":
		// A key in the query would stand in every log on the way.
		return c.Settings["query"] == nil
	default:
		return false
	}
}

// CanCall tells whether calls can go out with the connection.
func (c Connection) CanCall() bool {
	k, err := c.kind()
	return err != nil || !k.inbound
}

// headerVerifier wants one header to have one of several values.
type headerVerifier struct {
	name   string
	scheme string        // what the value begins with, in any case; "" for none
	want   []secret.Text // with the scheme; the first is the one that we would send
}

func (v headerVerifier) verify(_ context.Context, in Incoming, _ time.Time) (Proven, error) {
	values := in.Header.Values(v.name)
	if len(values) != 1 {
		return Proven{}, fmt.Errorf("header %q: expected once, not %d times", v.name, len(values))
	}
	got := values[0]
	if n := len(v.scheme); n > 0 {
		if len(got) <= n || !strings.EqualFold(got[:n], v.scheme) || got[n] != ' ' {
			return Proven{}, fmt.Errorf("header %q: expected the scheme %s", v.name, v.scheme)
		}
		got = v.scheme + got[n:]
	}
	if !isOneOf(got, v.want) {
		return Proven{}, fmt.Errorf("header %q: not the credential that was expected", v.name)
	}
	return Proven{}, nil
}

func (v headerVerifier) proof() (header, scheme string) {
	return v.name, cmp.Or(v.scheme, "ApiKey")
}

func (v headerVerifier) sign(Incoming, time.Time) (map[string]string, error) {
	return map[string]string{v.name: string(v.want[0])}, nil
}

// isOneOf compares digests, and with all, so that its time tells neither a
// length nor which it was.
func isOneOf(text string, wanted []secret.Text) bool {
	got, found := sha256.Sum256([]byte(text)), 0
	for _, want := range wanted {
		digest := sha256.Sum256([]byte(want))
		found |= subtle.ConstantTimeCompare(got[:], digest[:])
	}
	return found == 1
}
