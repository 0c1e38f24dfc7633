package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/wendflow/wend/runtime/infile"
)

// pools are the transports that connections share. What may be dialled decides
// who shares: a connection that may not reach a private address must not find
// a line to one open.
type pools struct {
	resolver        *net.Resolver
	public, private *http.Transport
}

func newPools(resolver *net.Resolver) *pools {
	return &pools{
		resolver: resolver,
		public:   newTransport(resolver, false, nil),
		private:  newTransport(resolver, true, nil),
	}
}

// transport returns the one for a connection, which is its own if it has a TLS
// configuration, made from files, or a proxy, which is nil else.
func (p *pools) transport(c Connection, files tlsFiles, proxy *url.URL) (*http.Transport, error) {
	switch {
	case c.TLS != (TLS{}) || proxy != nil:
		secure, err := c.tlsConfig(files)
		if err != nil {
			return nil, err
		}
		// The proxy alone is dialled, and that it may be private is the operator's word.
		t := newTransport(p.resolver, c.Private || proxy != nil, secure)
		if proxy != nil {
			t.Proxy = http.ProxyURL(proxy)
		}
		return t, nil
	case c.Private:
		return p.private, nil
	default:
		return p.public, nil
	}
}

// Transport dials an outside service that wend.yaml names and that is no
// connection, such as a vault. It may have a private address; those where clouds
// keep the credentials of their machines are refused all the same. Certificates are
// read now; a mistake in them is a joined error of *FieldError.
func Transport(t TLS) (*http.Transport, error) {
	c := Connection{TLS: t, Private: true}
	files, err := c.readTLS()
	if err != nil {
		return nil, err
	}
	secure, err := c.tlsConfig(files)
	if err != nil {
		return nil, errors.Join(err)
	}
	return newTransport(net.DefaultResolver, true, secure), nil
}

func (p *pools) close() {
	p.public.CloseIdleConnections()
	p.private.CloseIdleConnections()
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
		// What net/http says itself does not tell whose answer it is.
		OnProxyConnectResponse: func(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			return fmt.Errorf("proxy %q lets the call not through: it answered %d %s", proxy.Host, answer.StatusCode, http.StatusText(answer.StatusCode))
		},
	}
}

// maxIdlePerHost is large because a burst of calls to one vendor is the normal
// case; idle lines go away after IdleConnTimeout.
const maxIdlePerHost = 16384

// tlsFiles is what the files of a connection's TLS hold.
type tlsFiles struct{ ca, cert, key string }

func (c Connection) readTLS() (files tlsFiles, err error) {
	for _, part := range []struct {
		field, path string
		to          *string
	}{
		{"tls.caFile", c.TLS.CAFile, &files.ca},
		{"tls.certFile", c.TLS.CertFile, &files.cert},
		{"tls.keyFile", c.TLS.KeyFile, &files.key},
	} {
		if part.path == "" || part.to != &files.ca && (c.TLS.CertFile == "" || c.TLS.KeyFile == "") {
			continue // Validate tells of half a pair
		}
		content, failed := infile.Read(part.path, mostPEM)
		if failed != nil {
			err = errors.Join(err, c.wrong(part.field, "%s: %s", part.field, failed))
		}
		*part.to = string(content)
	}
	return files, err
}

// mostPEM bounds a file of certificates: those that all systems trust together
// have 200 KB.
const mostPEM = 4 << 20

func (c Connection) tlsConfig(files tlsFiles) (*tls.Config, error) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.TLS.ServerName, InsecureSkipVerify: c.TLS.Insecure}
	if c.TLS.CAFile != "" {
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM([]byte(files.ca)) {
			return nil, c.wrong("tls.caFile", "tls.caFile: no certificate in %s: expected PEM", c.TLS.CAFile)
		}
	}
	if c.TLS.CertFile != "" {
		pair, err := tls.X509KeyPair([]byte(files.cert), []byte(files.key))
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
