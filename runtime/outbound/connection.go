package outbound

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/secret"
)

// Connection is how we and one outside party reach and trust each other, as
// wend.yaml has it. It holds no secret, only references to them.
type Connection struct {
	Name string
	// Type is one of Types. Default "none".
	Type string
	// Secrets refer to what must not be in a file that is shared: "env:NAME",
	// "file:PATH" or "vault:PATH#KEY". Types says which ones a type needs.
	Secrets map[string]string
	// ForFlows are the names of those secrets that flows may put into their calls,
	// see Secrets. They may be others than those that the type uses.
	ForFlows []string
	// Hosts are those that calls may go to: "host", "host:port" or
	// "*.host" for everything below it. Without a port, the scheme's own port
	// is meant. The host of BaseURL is always among them.
	Hosts []string
	// BaseURL is put before a call's URL that is only a path.
	BaseURL string
	// Settings are the type's own and the plugin's.
	Settings map[string]any
	// Timeout bounds one call. Default 10 s.
	Timeout time.Duration
	// Private permits loopback, private and link-local addresses, and a
	// credential over plain http. Cloud metadata stays out of reach.
	Private bool
	TLS     TLS
	// Proxy is where calls go out by, "http://host:port" or "https://…", with the name
	// of a user whose password is the secret ProxyPassword. It resolves names, so
	// which addresses it reaches is its to say; only those written out are checked.
	// Default none: whatever the environment says.
	Proxy string
	Rate  Rate
	// Concurrency is how many calls may be under way at once. Default no limit.
	Concurrency int
	Breaker     Breaker
}

// TLS says whom to trust and who we are. Its zero value is the system's trust
// and no certificate of our own.
type TLS struct {
	CAFile     string // PEM; replaces the system's trust
	CertFile   string // PEM; with KeyFile, our client certificate
	KeyFile    string
	ServerName string // the name in their certificate, where it is not the host's
	Insecure   bool   // takes any certificate; only with Private
}

// Rate is how often calls may start. Calls over it wait their turn.
type Rate struct {
	PerSecond float64 // 0 is no limit
	Burst     int     // how many may start at once. Default 1
}

// Types returns the names of all connection types. What each takes from
// Secrets and Settings ("?" may be left out; names after "id" may stand in
// either place); all other settings are the plugin's:
//
//	none
//	basic       id username, secret password, nextPassword?
//	bearer      secret token, nextToken?
//	api-key     secret key, nextKey?; header? ("X-Api-Key") and prefix?, or query
//	hmac        secrets of any name, each a key that may fit; scheme?, one of Schemes, or
//	            header? ("X-Signature"), algorithm? (sha256, sha1, sha512),
//	            encoding? (hex, base64, base64url), prefix?, separator? (comma, blank),
//	            tolerance? ("5m"), timestampHeader? ("X-Timestamp") or timestampPrefix?,
//	            idHeader?, signed? ("{id}.{timestamp}.{body}"), publicURL? for {url} in
//	            it, keyEncoding? (text, base64, hex), keyPrefix?. With tolerance,
//	            timestampHeader or timestampPrefix the time of signing must be sent
//	            and signed, with idHeader the id. It makes no calls, so all its settings
//	            are these
//	jwt         issuer, audience, jwksURL, algorithms?, claims?, tolerance? ("1m"). It calls
//	            jwksURL, for which timeout, private and tls hold
//	mtls        subjects?, names? and fingerprints? of certificates, one of them at least
//	ed25519     publicKeys, and the settings of hmac but algorithm, keyEncoding and keyPrefix
//	oauth2-client-credentials
//	            id clientId, secret clientSecret; tokenURL, scopes?, clientAuth? (header,
//	            body), tokenFormat? (form, json), tokenParams?
//	oauth2-password
//	            id username, secret password, id clientId?, secret clientSecret?; the
//	            settings of oauth2-client-credentials
//	access-key  id accessKeyId, secret accessKeySecret; tokenURL, tokenField? ("access_token").
//	            Both are POSTed as JSON
//	session     id username? and secret password? for HTTP Basic; sessionPath,
//	            csrfNameHeader? ("X-CSRF-HEADER"), csrfTokenHeader? ("X-CSRF-TOKEN"),
//	            csrfText? ("csrf token") in a 403 that asks for a new token
func Types() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// FieldError is one mistake in one connection, or in Config.Allow if
// Connection is empty.
type FieldError struct {
	Connection string
	Field      string // as in wend.yaml: "type", "secrets.token", "hosts[1]"; "" for the whole
	Msg        string
	Word       string // what was written where one of Known was expected; else ""
	Known      []string
}

// Error names the connection and says what is wrong. It never holds a secret.
func (e *FieldError) Error() string {
	if e.Connection == "" {
		return e.Msg
	}
	return fmt.Sprintf("connection %q: %s", e.Connection, e.Msg)
}

func (c Connection) wrong(field, format string, a ...any) error {
	return &FieldError{Connection: c.Name, Field: field, Msg: fmt.Sprintf(format, a...)}
}

// Validate reports all that can be seen to be wrong without looking up a
// secret or reading a file: a joined error of *FieldError.
func (c Connection) Validate() error {
	k, err := c.kind()
	if err != nil {
		return errors.Join(err, c.validateAddress(), c.validateLimits())
	}
	m := &maker{Connection: c, secrets: map[string]secret.Text{}, mask: &mask{}}
	m.notEmpty(k)
	k.make(m)
	return errors.Join(c.validateSecrets(k), errors.Join(m.errs...), c.validateInbound(), c.validateAddress(), c.validateLimits())
}

// UnknownSettings reports the settings that neither the connection's type nor
// any of plugins has: a joined error of *FieldError. plugins are the names of
// the settings of all plugins that may call with the connection.
func (c Connection) UnknownSettings(plugins []string) error {
	k, wrong := c.kind()
	if wrong != nil {
		return nil //nolint:nilerr // said already
	}
	known := slices.Concat(k.identities, k.settings, plugins)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		if !slices.Contains(known, name) {
			errs = append(errs, c.unknownSetting(k, name, known, len(plugins) > 0))
		}
	}
	return errors.Join(errs...)
}

func (c Connection) unknownSetting(k kind, name string, known []string, orPlugin bool) error {
	msg := fmt.Sprintf("type %q has no setting %q", k.name, name)
	if orPlugin {
		msg += ", nor has a plugin"
	}
	if owners := settingOwners(name); len(owners) > 0 {
		msg += "; it is one of type " + strings.Join(owners, ", ")
	}
	return &FieldError{Connection: c.Name, Field: "settings." + name, Msg: msg, Word: name, Known: known}
}

// settingOwners names the types that have a setting.
func settingOwners(name string) []string {
	var owners []string
	for _, k := range kinds {
		if k.usesUp(name) {
			owners = append(owners, strconv.Quote(k.name))
		}
	}
	return owners
}

// validateInbound reports what a connection has for calls though it makes none.
// No plugin sees its settings, so that all must be its type's.
func (c Connection) validateInbound() error {
	if c.CanCall() {
		return nil
	}
	errs := []error{c.UnknownSettings(nil)}
	asks := c.Type == "jwt" // for keys
	for _, part := range []struct {
		field string
		given bool
	}{
		{"forFlows", len(c.ForFlows) > 0},
		{"hosts", len(c.Hosts) > 0},
		{"baseURL", c.BaseURL != ""},
		{"timeout", c.Timeout != 0 && !asks},
		{"private", c.Private && !asks},
		{"tls", c.TLS != TLS{} && !asks},
		{"proxy", c.Proxy != "" && !asks},
		{"rate", c.Rate != Rate{}},
		{"concurrency", c.Concurrency != 0},
		{"breaker", c.Breaker != Breaker{}},
	} {
		if part.given {
			errs = append(errs, c.wrong(part.field, "%s: type %q checks callers and makes no calls, so it means nothing here", part.field, c.Type))
		}
	}
	return errors.Join(errs...)
}

// kindName is Type, or what stands for it.
func (c Connection) kindName() string { return cmp.Or(c.Type, "none") }

func (c Connection) kind() (kind, error) {
	for _, k := range kinds {
		if k.name == c.kindName() {
			return k, nil
		}
	}
	return kind{}, &FieldError{Connection: c.Name, Field: "type", Msg: fmt.Sprintf("no connection type %q", c.Type), Word: c.Type, Known: Types()}
}

func (c Connection) validateSecrets(k kind) error {
	var errs []error
	for _, name := range k.secrets {
		if _, ok := c.Secrets[name]; !ok {
			errs = append(errs, c.wrong("secrets", "type %q needs the secret %q: write secrets: { %s: env:NAME } or file:PATH", k.name, name, name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		if err := secret.Check(c.Secrets[name]); err != nil {
			errs = append(errs, c.wrong("secrets."+name, "secret %q: %s", name, err))
		}
		known := k.knownSecrets()
		if c.Proxy != "" {
			known = append(known, ProxyPassword)
		}
		if !k.anySecrets && !slices.Contains(known, name) && !slices.Contains(c.ForFlows, name) {
			errs = append(errs, &FieldError{Connection: c.Name, Field: "secrets." + name, Msg: fmt.Sprintf("type %q uses no secret %q, and forFlows does not list it", k.name, name), Word: name, Known: known})
		}
	}
	for i, name := range c.ForFlows {
		if _, ok := c.Secrets[name]; !ok {
			errs = append(errs, &FieldError{
				Connection: c.Name, Field: fmt.Sprintf("forFlows[%d]", i), Msg: fmt.Sprintf("forFlows: there is no %q among the secrets", name),
				Word: name, Known: slices.Sorted(maps.Keys(c.Secrets)),
			})
		}
	}
	if k.anySecrets && len(c.Secrets) == 0 {
		errs = append(errs, c.wrong("secrets", "type %q needs at least one secret: write secrets: { key: env:NAME } or file:PATH", k.name))
	}
	return errors.Join(errs...)
}

func (c Connection) validateAddress() error {
	var errs []error
	if _, err := c.rules(); err != nil {
		errs = append(errs, err)
	}
	if c.Name == "" {
		errs = append(errs, c.wrong("", "a connection without a name"))
	}
	return errors.Join(append(errs, c.validateBaseURL(), c.validateProxy())...)
}

// ProxyPassword is the secret that the user of a Proxy needs.
const ProxyPassword = "proxyPassword"

func (c Connection) validateProxy() error {
	if c.Proxy == "" {
		return nil
	}
	u, err := url.Parse(c.Proxy)
	_, secret := c.Secrets[ProxyPassword]
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return c.wrong("proxy", "proxy: expected http://… or https://… with a host")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return c.wrong("proxy", "proxy: expected no path, no ? and no #")
	case hasPassword(u):
		return c.wrong("proxy", "proxy holds a password: write secrets: { %s: env:NAME } instead", ProxyPassword)
	case u.User != nil && !secret:
		return c.wrong("proxy", "proxy has a user, who needs the secret %q: write secrets: { %s: env:NAME }", ProxyPassword, ProxyPassword)
	case u.User == nil && secret:
		return c.wrong("proxy", "proxy has no user for the secret %q: write http://USER@…", ProxyPassword)
	}
	if _, err := originOf(u); err != nil {
		return c.wrong("proxy", "proxy: %s", err)
	}
	return nil
}

func hasPassword(u *url.URL) bool {
	_, has := u.User.Password()
	return has
}

func (c Connection) validateBaseURL() error {
	if c.BaseURL == "" {
		return nil
	}
	u, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return c.wrong("baseURL", "baseURL: expected http://… or https://… with a host")
	case u.User != nil:
		return c.wrong("baseURL", "baseURL holds a user name: use type: basic and secrets instead")
	case u.RawQuery != "" || u.Fragment != "":
		return c.wrong("baseURL", "baseURL: expected no ? and no #, since a call's path is put after it")
	case u.Scheme == "http" && !c.Private && (c.Type != "" && c.Type != "none" || len(c.ForFlows) > 0):
		return c.wrong("baseURL", "baseURL: a credential needs https, or private: true")
	}
	_, err = originOf(u)
	if err != nil {
		return c.wrong("baseURL", "baseURL: %s", err)
	}
	return nil
}

func (c Connection) validateLimits() error {
	var errs []error
	if c.Timeout < 0 {
		errs = append(errs, c.wrong("timeout", "timeout: expected more than 0"))
	}
	if c.Rate.PerSecond < 0 {
		errs = append(errs, c.wrong("rate.perSecond", "rate.perSecond: expected more than 0"))
	}
	if c.Rate.Burst < 0 {
		errs = append(errs, c.wrong("rate.burst", "rate.burst: expected at least 1"))
	}
	if c.Rate.Burst > 0 && c.Rate.PerSecond == 0 {
		errs = append(errs, c.wrong("rate", "rate: burst without perSecond limits nothing"))
	}
	if c.Concurrency < 0 {
		errs = append(errs, c.wrong("concurrency", "concurrency: expected at least 1"))
	}
	if c.Breaker.Failures < 0 {
		errs = append(errs, c.wrong("breaker.failures", "breaker.failures: expected at least 1"))
	}
	if c.Breaker.Pause < 0 {
		errs = append(errs, c.wrong("breaker.pause", "breaker.pause: expected more than 0"))
	}
	if c.Breaker.Pause > 0 && c.Breaker.Failures == 0 {
		errs = append(errs, c.wrong("breaker", "breaker: pause without failures never begins"))
	}
	return errors.Join(append(errs, c.validateTLS())...)
}

// ValidateTLS reports what is wrong with a TLS that is no connection's: a joined
// error of *FieldError.
func ValidateTLS(t TLS) error { return Connection{TLS: t}.validateTLS() }

func (c Connection) validateTLS() error {
	var errs []error
	if c.TLS.Insecure && !c.Private {
		errs = append(errs, c.wrong("tls.insecure", "tls.insecure needs private: true: name their CA with tls.caFile instead"))
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		errs = append(errs, c.wrong("tls", "tls: certFile and keyFile come together"))
	}
	if strings.ContainsAny(c.TLS.ServerName, ":/ ") && net.ParseIP(c.TLS.ServerName) == nil {
		errs = append(errs, c.wrong("tls.serverName", "tls.serverName: expected a name without scheme, port or path, not %q", c.TLS.ServerName))
	}
	return errors.Join(errs...)
}

// rules returns the hosts that the connection may call.
func (c Connection) rules() (hostRules, error) {
	var rules hostRules
	var errs []error
	for i, host := range c.Hosts {
		rule, err := parseRule(host)
		if err == nil && rule.every {
			err = errors.New(`"*": a credential needs named hosts`)
		}
		if err != nil {
			errs = append(errs, c.wrong(fmt.Sprintf("hosts[%d]", i), "hosts: %s", err))
		}
		rules = append(rules, rule)
	}
	if u, err := url.Parse(c.BaseURL); err == nil && u.Host != "" {
		if base, err := originOf(u); err == nil {
			rules = append(rules, hostRule{name: base.host, port: base.port})
		}
	}
	return rules, errors.Join(errs...)
}

// base returns BaseURL ready for a path to follow.
func (c Connection) base() string { return strings.TrimRight(c.BaseURL, "/") }
