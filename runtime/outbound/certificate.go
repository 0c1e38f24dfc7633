package outbound

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// certified checks the certificate that a caller has, of an authority that the
// server trusts.
type certified struct {
	subjects, names []string
	fingerprints    [][]byte
}

func makeMTLS(m *maker) proof {
	v := certified{subjects: m.list("subjects"), names: m.list("names")}
	for i, text := range m.list("fingerprints") {
		digest, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
		if err != nil || len(digest) != sha256.Size {
			m.errorf(fmt.Sprintf("settings.fingerprints[%d]", i), "settings.fingerprints: expected the SHA-256 of a certificate in hex, not %q", text)
		}
		v.fingerprints = append(v.fingerprints, digest)
	}
	if len(v.subjects)+len(v.names)+len(v.fingerprints) == 0 && len(m.empty) == 0 {
		m.errorf("settings", "type %q needs settings.names, settings.subjects or settings.fingerprints: an authority vouches for many", m.Type)
	}
	return proof{verifier: v}
}

// proof: there is nothing to hide, and no header to ask for one.
func (certified) proof() (header, scheme string) { return "", "" }

func (certified) sign(Incoming, time.Time) (map[string]string, error) {
	return nil, fmt.Errorf("%w: give curl the caller's --cert and --key", ErrUnsignable)
}

func (v certified) verify(_ context.Context, in Incoming, _ time.Time) (Proven, error) {
	c := in.Certificate
	if c == nil {
		return Proven{}, errors.New("the caller has no certificate of an authority that server.tls.clientCAFile names")
	}
	digest := sha256.Sum256(c.Raw)
	for _, part := range []struct {
		what  string
		given bool
		fits  bool
	}{
		{"subject", len(v.subjects) > 0, slices.Contains(v.subjects, c.Subject.String())},
		{"name", len(v.names) > 0, slices.ContainsFunc(namesOf(c), func(name string) bool {
			return slices.ContainsFunc(v.names, func(want string) bool { return strings.EqualFold(name, want) })
		})},
		{"fingerprint", len(v.fingerprints) > 0, slices.ContainsFunc(v.fingerprints, func(want []byte) bool { return string(want) == string(digest[:]) })},
	} {
		if part.given && !part.fits {
			return Proven{}, fmt.Errorf("the caller's certificate %q has another %s", c.Subject, part.what)
		}
	}
	return Proven{}, nil
}

// namesOf are the alternative names of a certificate. Its common name is none.
func namesOf(c *x509.Certificate) []string {
	names := slices.Concat(c.DNSNames, c.EmailAddresses)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}
