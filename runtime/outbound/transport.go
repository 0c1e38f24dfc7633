package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"time"
)

// pools are the transports that connections share. What may be dialled decides
// who shares: a connection that may not reach a private address must not find
// a line to one open.
type pools struct {
	resolver        *net.Resolver
	public, private *http.Transport
	special         []*http.Transport // with a TLS configuration of their own
}

func newPools(resolver *net.Resolver) *pools {
	return &pools{
		resolver: resolver,
		public:   newTransport(resolver, false, nil),
		private:  newTransport(resolver, true, nil),
	}
}

func (p *pools) transport(c Connection) (*http.Transport, error) {
	switch {
	case c.TLS != (TLS{}):
		secure, err := c.tlsConfig()
		if err != nil {
			return nil, err
		}
		t := newTransport(p.resolver, c.Private, secure)
		p.special = append(p.special, t)
		return t, nil
	case c.Private:
		return p.private, nil
	default:
		return p.public, nil
	}
}

func (p *pools) close() {
	for _, t := range append(p.special, p.public, p.private) {
		t.CloseIdleConnections()
	}
}

// newTransport takes no proxy from the environment: a proxy would resolve and
// dial where no check of ours sees it.
func newTransport(resolver *net.Resolver, private bool, secure *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, Resolver: resolver, Control: guard(private)}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        secure,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true, // a dialer of one's own turns it off else
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		// A line that waits for its answer holds both buffers. Calls and
		// replies are small, and what is larger passes them by.
		WriteBufferSize: 1 << 10,
		ReadBufferSize:  2 << 10,
	}
}

// maxIdlePerHost is large because a burst of calls to one vendor is the normal
// case; idle lines go away after IdleConnTimeout.
const maxIdlePerHost = 16384

func (c Connection) tlsConfig() (*tls.Config, error) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.TLS.ServerName, InsecureSkipVerify: c.TLS.Insecure}
	if c.TLS.CAFile != "" {
		pem, err := os.ReadFile(c.TLS.CAFile)
		if err != nil {
			return nil, c.wrong("tls.caFile", "tls.caFile: %s", err)
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(pem) {
			return nil, c.wrong("tls.caFile", "tls.caFile: no certificate in %s: expected PEM", c.TLS.CAFile)
		}
	}
	if c.TLS.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.TLS.CertFile, c.TLS.KeyFile)
		if err != nil {
			return nil, c.wrong("tls.certFile", "tls.certFile: %s", err)
		}
		secure.Certificates = []tls.Certificate{pair}
	}
	return secure, nil
}

// named gives requests that we make on our own account our name.
type named struct {
	http.RoundTripper
	userAgent string
}

func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", n.userAgent)
	return n.RoundTripper.RoundTrip(r)
}
