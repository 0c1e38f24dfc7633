package config

import (
	"errors"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/secret"
	"github.com/wendflow/wend/runtime/secret/vault"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// reader takes a Config out of a document.
type reader struct {
	yamldoc.Reader
	doc *yamldoc.Document
}

func (r *reader) config(root yamldoc.Value, c *Config) {
	hasVault := false
	r.Object(yamldoc.Field{What: "the configuration", Value: root}, nil,
		yamldoc.Key{Name: "connections", MayBeBlank: true, Read: yamldoc.Into(&c.Connections, r.connections)},
		yamldoc.Key{Name: "outbound", MayBeBlank: true, Read: func(f yamldoc.Field) { r.outbound(f, &c.Outbound) }},
		yamldoc.Key{Name: "server", MayBeBlank: true, Read: func(f yamldoc.Field) { r.server(f, &c.Server) }},
		yamldoc.Key{Name: "vault", Read: func(f yamldoc.Field) { hasVault = true; r.vault(f, &c.Vault) }},
		yamldoc.Key{Name: "limits", MayBeBlank: true, Read: func(f yamldoc.Field) { r.limits(f, &c.Limits) }},
		yamldoc.Key{Name: "telemetry", MayBeBlank: true, Read: func(f yamldoc.Field) { r.telemetry(f, &c.Telemetry) }},
		yamldoc.Key{Name: "variables", MayBeBlank: true, Read: yamldoc.Into(&c.Variables, r.variables)},
	)
	r.needAuthority(c)
	if !hasVault {
		r.needNoVault(c)
	}
}

// needNoVault reports references to a vault where there is none.
func (r *reader) needNoVault(c *Config) {
	report := func(path, ref string) {
		if secret.InStore(ref) {
			r.Mistakes.Errorf(r.doc.Pos(path), InvalidConnection, "%q refers to a vault, and there is none here", path).
				Hint = "say where it is, at the top of the file: vault: { address: https://…, … }"
		}
	}
	for _, connection := range c.Connections {
		for _, name := range slices.Sorted(maps.Keys(connection.Secrets)) {
			report("connections."+connection.Name+".secrets."+name, connection.Secrets[name])
		}
	}
	report("server.token", c.Server.Token)
}

func (r *reader) connections(f yamldoc.Field) []outbound.Connection {
	var connections []outbound.Connection
	for _, e := range r.Entries(f, "from names to connections") {
		if !yamldoc.IsConnection(e.Key.Value) {
			r.Mistakes.Errorf(e.Key.Pos, diag.InvalidName, "connection %q: expected a name of letters, digits, _ and -", e.Key.Value)
		}
		connections = append(connections, r.connection(e))
	}
	return connections
}

func (r *reader) connection(f yamldoc.Field) outbound.Connection {
	c := outbound.Connection{Name: f.Key.Value}
	before := r.Misread
	r.Object(f, map[string]string{
		"token": "secrets", "password": "secrets", "key": "secrets", "apiKey": "secrets", "clientId": "secrets", "clientSecret": "secrets", "credentials": "secrets",
		"username": "settings", "user": "settings", "headers": "settings", "config": "settings", "url": "baseURL", "endpoint": "baseURL", "rateLimit": "rate", "ssl": "tls",
	},
		yamldoc.Key{Name: "type", Read: yamldoc.Into(&c.Type, r.Str)},
		yamldoc.Key{Name: "secrets", Read: yamldoc.Into(&c.Secrets, r.secrets)},
		yamldoc.Key{Name: "forFlows", Read: yamldoc.Into(&c.ForFlows, r.Strs)},
		yamldoc.Key{Name: "hosts", Read: yamldoc.Into(&c.Hosts, r.Strs)},
		yamldoc.Key{Name: "baseURL", Read: yamldoc.Into(&c.BaseURL, r.Str)},
		yamldoc.Key{Name: "settings", Read: yamldoc.Into(&c.Settings, r.settings)},
		yamldoc.Key{Name: "timeout", Read: yamldoc.Into(&c.Timeout, r.duration)},
		yamldoc.Key{Name: "private", Read: yamldoc.Into(&c.Private, r.Bool)},
		yamldoc.Key{Name: "tls", Read: func(f yamldoc.Field) { r.tls(f, &c.TLS) }},
		yamldoc.Key{Name: "proxy", Read: yamldoc.Into(&c.Proxy, r.Str)},
		yamldoc.Key{Name: "rate", Read: func(f yamldoc.Field) { r.rate(f, &c.Rate.PerSecond, &c.Rate.Burst) }},
		yamldoc.Key{Name: "concurrency", Read: yamldoc.Into(&c.Concurrency, r.Count)},
		yamldoc.Key{Name: "breaker", Read: func(f yamldoc.Field) { r.breaker(f, &c.Breaker) }},
	)
	if r.Misread == before { // what could not be read would look as if it were missing
		r.refused(f.Path, c.Validate())
	}
	return c
}

func (r *reader) duration(f yamldoc.Field) time.Duration { return r.Duration(f, 1).Value }

// refused places what outbound says is wrong below path.
func (r *reader) refused(path string, err error) {
	for _, err := range unjoin(err) {
		var field *outbound.FieldError
		if !errors.As(err, &field) {
			continue
		}
		pos := r.doc.Pos(strings.TrimSuffix(path+"."+field.Field, "."))
		e := r.Mistakes.Errorf(pos, codeOf(field), "%s", field)
		if field.Word != "" {
			e.Hint = diag.Suggest(field.Word, field.Known)
		}
	}
}

// unjoin takes errors.Join apart, however deep.
func unjoin(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	}
	var all []error
	for _, err := range joined.Unwrap() {
		all = append(all, unjoin(err)...)
	}
	return all
}

func codeOf(e *outbound.FieldError) diag.Code {
	if strings.HasPrefix(e.Field, "secrets.") && e.Word == "" {
		return LiteralSecret
	}
	return InvalidConnection
}

const whereSecret = "env:NAME or file:PATH, which say where the secret is"

// secrets reads references. It repeats nothing of what stands there instead,
// which may be a secret.
func (r *reader) secrets(f yamldoc.Field) map[string]string {
	if s, ok := f.Value.(*yamldoc.Scalar); ok && s.Data != nil {
		r.Misread++
		r.Mistakes.Errorf(s.Text.Pos, diag.WrongType, "%s is one value, expected a mapping such as { token: env:NAME }", f)
		return nil
	}
	secrets := map[string]string{}
	for _, e := range r.Entries(f, "such as { token: env:NAME }") {
		if ref, ok := r.reference(e); ok {
			secrets[e.Key.Value] = ref
		}
	}
	return secrets
}

func (r *reader) reference(f yamldoc.Field) (ref string, ok bool) {
	s, ok := f.Value.(*yamldoc.Scalar)
	if !ok {
		r.Misread++
		r.Mistakes.Errorf(f.Value.Pos(), LiteralSecret, "%s: expected %s", f, whereSecret)
		return "", false
	}
	if s.Data == nil || strings.TrimSpace(s.Value) == "" {
		r.Blank(f, whereSecret)
		return "", false
	}
	return s.Value, true
}

// settings reads what is the plugin's and the type's own to check.
func (r *reader) settings(f yamldoc.Field) map[string]any {
	settings := map[string]any{}
	for _, e := range r.Entries(f, "") {
		if slices.Contains(secretWords, strings.ToLower(e.Key.Value)) {
			r.Mistakes.Errorf(e.Key.Pos, LiteralSecret, "%s: plugins see settings, and files are shared", e).Hint = "move it to secrets: { " + e.Key.Value + ": env:NAME }"
			continue
		}
		if s, ok := e.Value.(*yamldoc.Scalar); ok && s.Data == nil && !s.Lost() {
			r.Blank(e, "a value")
			continue
		}
		settings[e.Key.Value] = r.Data(e)
	}
	return settings
}

// secretWords are settings that can only be secrets, in lower case.
var secretWords = []string{"password", "token", "secret", "clientsecret", "accesskeysecret", "apikey", "privatekey"}

func (r *reader) tls(f yamldoc.Field, t *outbound.TLS) {
	r.Object(f, nil, append(r.trust(t), yamldoc.Key{Name: "insecure", Read: yamldoc.Into(&t.Insecure, r.Bool)})...)
}

func (r *reader) trust(t *outbound.TLS) []yamldoc.Key {
	return []yamldoc.Key{
		{Name: "caFile", Read: yamldoc.Into(&t.CAFile, r.Str)},
		{Name: "certFile", Read: yamldoc.Into(&t.CertFile, r.Str)},
		{Name: "keyFile", Read: yamldoc.Into(&t.KeyFile, r.Str)},
		{Name: "serverName", Read: yamldoc.Into(&t.ServerName, r.Str)},
	}
}

func (r *reader) rate(f yamldoc.Field, perSecond *float64, burst *int, more ...yamldoc.Key) {
	if isEmpty(f.Value) {
		r.Blank(f, "perSecond, and burst if it is not the same")
		return
	}
	r.Object(f, nil, append([]yamldoc.Key{
		{Name: "perSecond", Read: yamldoc.Into(perSecond, r.Above)},
		{Name: "burst", Read: yamldoc.Into(burst, r.Count)},
	}, more...)...)
}

func (r *reader) breaker(f yamldoc.Field, b *outbound.Breaker) {
	if isEmpty(f.Value) {
		r.Blank(f, "failures, and pause if it is not 30s")
		return
	}
	r.Object(f, nil,
		yamldoc.Key{Name: "failures", Read: yamldoc.Into(&b.Failures, r.Count)},
		yamldoc.Key{Name: "pause", Read: yamldoc.Into(&b.Pause, r.duration)},
	)
}

func (r *reader) vault(f yamldoc.Field, v *Vault) {
	before := r.Misread
	ways := 0
	way := func(read func(yamldoc.Field)) func(yamldoc.Field) {
		return func(f yamldoc.Field) { ways++; read(f) }
	}
	is := r.Object(f, nil,
		yamldoc.Key{Name: "address", Required: true, Read: yamldoc.Into(&v.Address, r.vaultAddress)},
		yamldoc.Key{Name: "namespace", Read: yamldoc.Into(&v.Namespace, r.Str)},
		yamldoc.Key{Name: "token", Read: way(yamldoc.Into(&v.Token, r.ownReference))},
		yamldoc.Key{Name: "appRole", Read: way(func(f yamldoc.Field) { r.appRole(f, &v.AppRole) })},
		yamldoc.Key{Name: "kubernetes", Read: way(func(f yamldoc.Field) { r.kubernetes(f, &v.Kubernetes) })},
		yamldoc.Key{Name: "tls", Read: func(f yamldoc.Field) { r.Object(f, nil, r.trust(&v.TLS)...) }},
	)
	if is && ways != 1 {
		r.Mistakes.Errorf(r.doc.Pos(f.Path), InvalidValue, "%s: expected one of token, appRole and kubernetes, which say who we are there", f)
	}
	if r.Misread == before {
		r.refused(f.Path, outbound.ValidateTLS(v.TLS))
	}
}

// vaultAddress reads where a vault is: the token goes there, so it is in the clear
// only to this machine, where an agent may listen.
func (r *reader) vaultAddress(f yamldoc.Field) string {
	text := r.Str(f)
	u, err := url.Parse(text)
	bare := err == nil && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "" && strings.Trim(u.Path, "/") == ""
	switch {
	case text == "": // said already
	case !bare || u.Scheme != "https" && u.Scheme != "http":
		r.Refuse(f, `the address of a vault such as "https://vault.example.com:8200"`)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		r.Refuse(f, "https://…, since a token goes there; http only for this machine, 127.0.0.1")
	default:
		return text
	}
	return ""
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func (r *reader) appRole(f yamldoc.Field, a *vault.AppRole) {
	r.Object(f, nil,
		yamldoc.Key{Name: "roleId", Required: true, Read: yamldoc.Into(&a.RoleID, r.Str)},
		yamldoc.Key{Name: "secretId", Required: true, Read: yamldoc.Into(&a.SecretID, r.ownReference)},
		yamldoc.Key{Name: "mount", Read: yamldoc.Into(&a.Mount, r.mount)},
	)
}

func (r *reader) kubernetes(f yamldoc.Field, k *vault.Kubernetes) {
	r.Object(f, nil,
		yamldoc.Key{Name: "role", Required: true, Read: yamldoc.Into(&k.Role, r.Str)},
		yamldoc.Key{Name: "tokenFile", Read: yamldoc.Into(&k.TokenFile, r.Str)},
		yamldoc.Key{Name: "mount", Read: yamldoc.Into(&k.Mount, r.mount)},
	)
}

// mount reads where a way to log in is mounted, a part of an address.
func (r *reader) mount(f yamldoc.Field) string {
	text := r.Str(f)
	if text != "" && !mountForm.MatchString(text) {
		r.Refuse(f, `where it is mounted, without auth/ before it, such as "approle"`)
		return ""
	}
	return text
}

var mountForm = regexp.MustCompile(`^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$`)

// ownReference reads a reference to what opens a vault, which cannot be in it.
func (r *reader) ownReference(f yamldoc.Field) string {
	ref := r.token(f)
	if secret.InStore(ref) {
		r.Refuse(f, "env:NAME or file:PATH, since a vault is not opened with what is in it")
		return ""
	}
	return ref
}

func (r *reader) outbound(f yamldoc.Field, o *Outbound) {
	r.Object(f, map[string]string{"hosts": "allow", "allowlist": "allow", "whitelist": "allow", "allowed": "allow"}, yamldoc.Key{Name: "allow", Read: yamldoc.Into(&o.Allow, r.Strs)})
	r.refused(f.Path, outbound.ValidateAllow(o.Allow))
}

func (r *reader) server(f yamldoc.Field, s *Server) {
	r.Object(f, map[string]string{"port": "addr", "host": "addr", "listen": "addr", "bind": "addr", "address": "addr", "apiKey": "token", "rate": "requests", "https": "tls"},
		yamldoc.Key{Name: "addr", Read: yamldoc.Into(&s.Addr, r.address)},
		yamldoc.Key{Name: "token", Read: yamldoc.Into(&s.Token, r.token)},
		yamldoc.Key{Name: "requests", Read: func(f yamldoc.Field) { r.requests(f, &s.Requests) }},
		yamldoc.Key{Name: "retention", Read: func(f yamldoc.Field) { r.retention(f, &s.Retention) }},
		yamldoc.Key{Name: "proxies", Read: yamldoc.Into(&s.Proxies, r.proxies)},
		yamldoc.Key{Name: "tls", Read: func(f yamldoc.Field) { r.serverTLS(f, &s.TLS) }},
	)
}

func (r *reader) serverTLS(f yamldoc.Field, t *ServerTLS) {
	r.Object(f, nil,
		yamldoc.Key{Name: "certFile", Required: true, Read: yamldoc.Into(&t.CertFile, r.Str)},
		yamldoc.Key{Name: "keyFile", Required: true, Read: yamldoc.Into(&t.KeyFile, r.Str)},
		yamldoc.Key{Name: "clientCAFile", Read: yamldoc.Into(&t.ClientCAFile, r.Str)},
	)
}

// needAuthority reports connections by certificates of callers where no
// authority is named.
func (r *reader) needAuthority(c *Config) {
	for _, connection := range c.Connections {
		if connection.Type == "mtls" && c.Server.TLS.ClientCAFile == "" {
			r.Mistakes.Errorf(r.doc.Pos("connections."+connection.Name+".type"), InvalidConnection, "connection %q: type \"mtls\" needs server.tls.clientCAFile: the authority that vouches for callers", connection.Name).
				Hint = "say server: { tls: { certFile: …, keyFile: …, clientCAFile: … } }"
		}
	}
}

func (r *reader) proxies(f yamldoc.Field) []netip.Prefix {
	var list []netip.Prefix
	for _, item := range r.Items(f) {
		text := r.Str(item)
		prefix, err := netip.ParsePrefix(text)
		if addr, is := netip.ParseAddr(text); is == nil {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		switch {
		case text == "": // said already
		case err != nil:
			r.Refuse(item, `an address or a network such as "10.0.0.0/8"`)
		default:
			list = append(list, prefix.Masked())
		}
	}
	return list
}

// isEmpty tells of {}, which limits nothing where a limit is due.
func isEmpty(v yamldoc.Value) bool {
	m, ok := v.(*yamldoc.Map)
	return ok && len(m.Entries) == 0
}

func (r *reader) retention(f yamldoc.Field, to *Retention) {
	if isEmpty(f.Value) {
		r.Blank(f, "age, size or versions")
		return
	}
	r.Object(f, nil,
		yamldoc.Key{Name: "age", Read: yamldoc.Into(&to.Age, r.duration)},
		yamldoc.Key{Name: "size", Read: yamldoc.Into(&to.Size, r.Size)},
		yamldoc.Key{Name: "versions", Read: yamldoc.Into(&to.Versions, r.Count)},
	)
}

func (r *reader) token(f yamldoc.Field) string {
	ref, ok := r.reference(f)
	if !ok {
		return ""
	}
	if err := secret.Check(ref); err != nil {
		r.Mistakes.Errorf(f.Value.Pos(), LiteralSecret, "%s: %s", f, err)
	}
	return ref
}

func (r *reader) requests(f yamldoc.Field, q *Requests) {
	before := r.Misread
	r.rate(f, &q.PerSecond, &q.Burst, yamldoc.Key{Name: "perCaller", Read: yamldoc.Into(&q.PerCaller, r.Above)})
	if q.Burst > 0 && q.PerSecond == 0 && r.Misread == before {
		r.Mistakes.Errorf(r.doc.Pos(f.Path), InvalidValue, "%s: burst without perSecond limits nothing", f)
	}
}

func (r *reader) address(f yamldoc.Field) string {
	text := r.Str(f)
	if text == "" {
		return ""
	}
	if _, _, err := net.SplitHostPort(text); err != nil {
		r.Refuse(f, `host:port such as "127.0.0.1:8080"`)
		return ""
	}
	return text
}

func (r *reader) telemetry(f yamldoc.Field, t *Telemetry) {
	r.Object(f, nil,
		yamldoc.Key{Name: "traces", Read: func(f yamldoc.Field) { r.traces(f, &t.Traces) }},
		yamldoc.Key{Name: "metrics", Read: yamldoc.Into(&t.Metrics, r.sink)},
		yamldoc.Key{Name: "logs", Read: yamldoc.Into(&t.Logs, r.sink)},
	)
}

const wantEndpoint = "the endpoint of an OTLP receiver"

func (r *reader) sink(f yamldoc.Field) (s Sink) {
	if isEmpty(f.Value) {
		r.Blank(f, wantEndpoint)
		return s
	}
	r.Object(f, nil, yamldoc.Key{Name: "endpoint", Read: yamldoc.Into(&s.Endpoint, r.endpoint)})
	return s
}

func (r *reader) traces(f yamldoc.Field, t *Traces) {
	if isEmpty(f.Value) {
		r.Blank(f, wantEndpoint)
		return
	}
	before := r.Misread
	r.Object(f, nil,
		yamldoc.Key{Name: "endpoint", Read: yamldoc.Into(&t.Endpoint, r.endpoint)},
		yamldoc.Key{Name: "sample", Read: yamldoc.Into(&t.Sample, r.part)},
	)
	if t.Sample > 0 && t.Endpoint == "" && r.Misread == before {
		r.Mistakes.Errorf(r.doc.Pos(f.Path), InvalidValue, "%s: sample without endpoint sends nothing", f)
	}
}

func (r *reader) endpoint(f yamldoc.Field) string {
	text := r.Str(f)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		r.Refuse(f, `the address of an OTLP receiver over HTTP such as "http://127.0.0.1:4318"`)
		return ""
	}
	return text
}

func (r *reader) part(f yamldoc.Field) float64 {
	n := r.Above(f)
	if n > 1 {
		r.Refuse(f, "a number above 0, and 1 at most")
		return 0
	}
	return n
}

func (r *reader) limits(f yamldoc.Field, l *Limits) {
	r.Object(f, nil,
		yamldoc.Key{Name: "body", Read: yamldoc.Into(&l.Body, r.Size)},
		yamldoc.Key{Name: "reply", Read: yamldoc.Into(&l.Reply, r.Size)},
		yamldoc.Key{Name: "plugin", Read: func(f yamldoc.Field) { r.pluginLimits(f, &l.Plugin) }},
		yamldoc.Key{Name: "requests", Read: yamldoc.Into(&l.Requests, r.Count)},
		yamldoc.Key{Name: "runs", Read: yamldoc.Into(&l.Runs, r.Count)},
		yamldoc.Key{Name: "queue", Read: yamldoc.Into(&l.Queue, r.Count)},
		yamldoc.Key{Name: "bodies", Read: yamldoc.Into(&l.Bodies, r.Size)},
		yamldoc.Key{Name: "streams", Read: yamldoc.Into(&l.Streams, r.Count)},
		yamldoc.Key{Name: "events", Read: yamldoc.Into(&l.Events, r.Count)},
		yamldoc.Key{Name: "nodes", Read: yamldoc.Into(&l.Nodes, r.Count)},
		yamldoc.Key{Name: "value", Read: yamldoc.Into(&l.Value, r.Size)},
		yamldoc.Key{Name: "run", Read: yamldoc.Into(&l.Run, r.Size)},
		yamldoc.Key{Name: "journal", Read: yamldoc.Into(&l.Journal, r.Size)},
		yamldoc.Key{Name: "visits", Read: yamldoc.Into(&l.Visits, r.Count)},
		yamldoc.Key{Name: "depth", Read: yamldoc.Into(&l.Depth, r.Count)},
		yamldoc.Key{Name: "store", Read: func(f yamldoc.Field) { r.store(f, &l.Store) }},
	)
}

func (r *reader) store(f yamldoc.Field, s *Store) {
	if isEmpty(f.Value) {
		r.Blank(f, "value, keys or size")
		return
	}
	r.Object(f, nil,
		yamldoc.Key{Name: "value", Read: yamldoc.Into(&s.Value, r.Size)},
		yamldoc.Key{Name: "keys", Read: yamldoc.Into(&s.Keys, r.Count)},
		yamldoc.Key{Name: "size", Read: yamldoc.Into(&s.Size, r.Size)},
	)
}

func (r *reader) pluginLimits(f yamldoc.Field, p *Plugin) {
	r.Object(f, nil,
		yamldoc.Key{Name: "fuel", Read: func(f yamldoc.Field) { p.Fuel = int64(r.Count(f)) }},
		yamldoc.Key{Name: "memory", Read: yamldoc.Into(&p.Memory, r.Size)},
		yamldoc.Key{Name: "calls", Read: yamldoc.Into(&p.Calls, r.Count)},
		yamldoc.Key{Name: "depth", Read: yamldoc.Into(&p.Depth, r.Count)},
		yamldoc.Key{Name: "wall", Read: yamldoc.Into(&p.Wall, r.duration)},
		yamldoc.Key{Name: "input", Read: yamldoc.Into(&p.Input, r.Size)},
		yamldoc.Key{Name: "output", Read: yamldoc.Into(&p.Output, r.Size)},
		yamldoc.Key{Name: "reply", Read: yamldoc.Into(&p.Reply, r.Size)},
		yamldoc.Key{Name: "log", Read: yamldoc.Into(&p.Log, r.Size)},
	)
}

func (r *reader) variables(f yamldoc.Field) map[string]any {
	variables := map[string]any{}
	for _, e := range r.Entries(f, "from names to values") {
		if !yamldoc.IsVariable(e.Key.Value) {
			r.Mistakes.Errorf(e.Key.Pos, diag.InvalidName, "variable %q: expected a name of letters, digits and _, or digits only", e.Key.Value)
		}
		if s, ok := e.Value.(*yamldoc.Scalar); ok && s.Data == nil && s.Value == "" && !s.Lost() {
			r.Blank(e, `a value, or null or "" if that is meant`)
		}
		r.warnSecrets(e.Key.Value, e.Value)
		variables[e.Key.Value] = r.Data(e)
	}
	return variables
}

// warnSecrets warns of what looks like a secret: flows, pages and logs show
// variables.
func (r *reader) warnSecrets(name string, v yamldoc.Value) {
	yamldoc.Texts(name, v, func(name string, t yamldoc.Text) {
		if what := secret.Looks(name, t.Value); what != "" {
			r.Mistakes.Warnf(t.Pos, LiteralSecret, "this looks like %s: variables are stored with runs, and shown", what).
				Hint = "let a connection add it: secrets: { NAME: env:NAME }"
		}
	})
}
