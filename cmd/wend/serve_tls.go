package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/infile"
)

// serverTLS reads who we are to callers, and who vouches for them; nil without
// a certificate. A caller needs none: who does is for its webhook to say.
func serverTLS(c config.ServerTLS) (*tls.Config, error) {
	if c.CertFile == "" {
		return nil, nil
	}
	texts := map[string][]byte{} // by file
	for _, file := range []string{c.CertFile, c.KeyFile, c.ClientCAFile} {
		if file == "" {
			continue
		}
		text, err := infile.Read(file, infile.MostText)
		if err != nil {
			return nil, fmt.Errorf("server.tls: %w", err)
		}
		texts[file] = text
	}
	pair, err := tls.X509KeyPair(texts[c.CertFile], texts[c.KeyFile])
	if err != nil {
		return nil, fmt.Errorf("server.tls: %s and %s: %w", c.CertFile, c.KeyFile, err)
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	if c.ClientCAFile == "" {
		return secure, nil
	}
	secure.ClientCAs, secure.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
	if !secure.ClientCAs.AppendCertsFromPEM(texts[c.ClientCAFile]) {
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
