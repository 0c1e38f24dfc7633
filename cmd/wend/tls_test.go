package main_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	wend "github.com/wendflow/wend/cmd/wend"
)

// authority makes certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

// sign makes a certificate for an hour around now.
func (a *authority) sign(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := c, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return made, key
}

// caller makes a certificate by which a client says who it is.
func (a *authority) caller(subject pkix.Name, names ...string) *tls.Certificate {
	a.t.Helper()
	c, key := a.sign(&x509.Certificate{Subject: subject, DNSNames: names, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return &tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// takers are the webhooks that take a caller who has a certificate; "-" if there
// is no line to the server.
func takers(t *testing.T, addr string, trusted *x509.CertPool, has *tls.Certificate) string {
	t.Helper()
	secure := &tls.Config{RootCAs: trusted}
	if has != nil {
		// Also one of an authority that the server did not ask for.
		secure.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return has, nil }
	}
	transport := &http.Transport{TLSClientConfig: secure, ForceAttemptHTTP2: true}
	client := &http.Client{Transport: transport}
	var taken []string
	for _, name := range []string{"named", "subject", "printed", "all"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+addr+"/hooks/"+name, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Forwarded-Client-Cert", "Subject=\"CN=gateway,O=Example\"")
		res, err := client.Do(r)
		if err != nil {
			taken = []string{"-"}
			break
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			taken = append(taken, name)
		} else if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("/hooks/%s answers %d", name, res.StatusCode)
		}
	}
	transport.CloseIdleConnections()
	return strings.Join(taken, " ")
}

// TestCertificatesOfCallers: a webhook whose connection is of type mtls takes who
// has the certificate that it names, of the authority that the server trusts, and
// nobody else, whatever they say in headers.
func TestCertificatesOfCallers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	ours, theirs, others := newAuthority(t, "ours"), newAuthority(t, "theirs"), newAuthority(t, "others")
	cert, key := ours.sign(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, file("server.pem"), "CERTIFICATE", cert.Raw)
	writePEM(t, file("server.key"), "EC PRIVATE KEY", der)
	writePEM(t, file("callers.pem"), "CERTIFICATE", theirs.cert.Raw)
	gateway := theirs.caller(pkix.Name{CommonName: "gateway", Organization: []string{"Example"}}, "gateway.example.com")
	digest := sha256.Sum256(gateway.Leaf.Raw)
	config := fmt.Sprintf(`
connections:
  named: { type: mtls, settings: { names: [old.example.com, Gateway.example.com] } }
  subject: { type: mtls, settings: { subjects: ["CN=gateway,O=Example"] } }
  printed: { type: mtls, settings: { fingerprints: "%s" } }
  all: { type: mtls, settings: { names: [gateway.example.com], subjects: ["CN=other"] } }
server: { tls: { certFile: %q, keyFile: %q, clientCAFile: %q } }
`, strings.ToUpper(hex.EncodeToString(digest[:])), file("server.pem"), file("server.key"), file("callers.pem"))
	if err := os.WriteFile(file("wend.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var flows []string
	for _, name := range []string{"named", "subject", "printed", "all"} {
		flows = append(flows, file(name+".yaml"))
		src := "flow: " + name + "\ndurable: false\nnodes: { n1: { type: webhook, with: { path: /" + name + ", verify: " + name + " } } }\n"
		if err := os.WriteFile(file(name+".yaml"), []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	server, err := wend.Serve(ctx, file("wend.yaml"), flows, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); <-server.Ended })
	trusted := x509.NewCertPool()
	trusted.AddCert(ours.cert)
	old := theirs.caller(pkix.Name{CommonName: "x"}, "gateway.example.com")
	for _, test := range []struct {
		who  string
		has  *tls.Certificate
		want string // the webhooks that take it; "-" for no line at all
	}{
		{"the gateway", gateway, "named subject printed"},
		{"another of its name", old, "named"},
		{"another of its authority", theirs.caller(pkix.Name{CommonName: "gateway.example.com"}, "other.example.com"), ""},
		{"nobody", nil, ""},
		{"one whom another authority calls the gateway", others.caller(gateway.Leaf.Subject, gateway.Leaf.DNSNames...), "-"},
	} {
		if got := takers(t, server.Addr, trusted, test.has); got != test.want {
			t.Errorf("%s is taken by %q, want %q", test.who, got, test.want)
		}
	}
	// A hangup takes another authority, and keeps the old one where there is none to read.
	writePEM(t, file("callers.pem"), "CERTIFICATE", others.cert.Raw)
	server.Reload()
	if got := takers(t, server.Addr, trusted, gateway); got != "-" {
		t.Errorf("after a change of the authority the gateway is taken by %q", got)
	}
	renewed := others.caller(gateway.Leaf.Subject, gateway.Leaf.DNSNames...)
	if err := os.WriteFile(file("callers.pem"), []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	server.Reload()
	if got := takers(t, server.Addr, trusted, renewed); got != "named subject" {
		t.Errorf("the other authority's gateway is taken by %q", got)
	}
}
