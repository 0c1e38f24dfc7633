package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/infile"
)

// mostPEM bounds a file of certificates or of a key.
const mostPEM = 4 << 20

// serverTLS reads who we are to callers, and who vouches for them; nil without
// a certificate. A caller needs none: who does is for its webhook to say.
func serverTLS(c config.ServerTLS) (*tls.Config, error) {
	if c.CertFile == "" {
		return nil, nil
	}
	var parts [2][]byte
	for i, file := range []string{c.CertFile, c.KeyFile} {
		text, err := infile.Read(file, mostPEM)
		if err != nil {
			return nil, fmt.Errorf("server.tls: %w", err)
		}
		parts[i] = text
	}
	pair, err := tls.X509KeyPair(parts[0], parts[1])
	if err != nil {
		return nil, fmt.Errorf("server.tls: %s and %s: %w", c.CertFile, c.KeyFile, err)
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	if c.ClientCAFile == "" {
		return secure, nil
	}
	text, err := infile.Read(c.ClientCAFile, mostPEM)
	if err != nil {
		return nil, fmt.Errorf("server.tls: %w", err)
	}
	secure.ClientCAs, secure.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
	if !secure.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("server.tls: no certificate in %s: expected PEM", c.ClientCAFile)
	}
	return secure, nil
}

// schemeOf is what addresses of a server begin with.
func schemeOf(c *config.Config) string {
	if c.Server.TLS.CertFile != "" {
		return "https://"
	}
	return "http://"
}

// tlsNow is for a listener whose certificates may be changed while it listens.
func (s *server) tlsNow() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.tls.Load(), nil },
	}
}

// reloadTLS takes certificates as they are now. Whether there is TLS at all counts
// from a start on.
func (s *server) reloadTLS(c config.ServerTLS) {
	if s.tls.Load() == nil || c.CertFile == "" {
		return
	}
	secure, err := serverTLS(c)
	if err != nil {
		s.log.Error("the server's certificates cannot be read, the old ones stay in force", "error", err)
		return
	}
	s.tls.Store(secure)
}
