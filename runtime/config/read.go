package config

import (
	"errors"
	"net"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/outbound"
)

func (r *reader) config(root *value, c *Config) {
	r.fields(*root,
		field{"connections", func(v value) { c.Connections = r.connections(v) }},
		field{"outbound", func(v value) { r.outbound(v, &c.Outbound) }},
		field{"server", func(v value) { r.server(v, &c.Server) }},
		field{"limits", func(v value) { r.limits(v, &c.Limits) }},
		field{"variables", func(v value) { c.Variables = r.variables(v) }},
	)
}

var (
	connectionName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
	variableName   = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*|[0-9]+)$`)
)

func (r *reader) connections(v value) []outbound.Connection {
	var connections []outbound.Connection
	for _, e := range r.entries(v) {
		if !connectionName.MatchString(e.key.Value) {
			r.list.Errorf(r.pos(e.key), diag.InvalidName, "connection %q: expected a name of letters, digits, _ and -", e.key.Value)
		}
		connections = append(connections, r.connection(e))
	}
	return connections
}

func (r *reader) connection(e entry) outbound.Connection {
	c := outbound.Connection{Name: e.key.Value}
	before := r.misread
	r.fields(e.value,
		field{"type", r.text(&c.Type)},
		field{"secrets", func(v value) { c.Secrets = r.secrets(v) }},
		field{"hosts", r.texts(&c.Hosts)},
		field{"baseURL", r.text(&c.BaseURL)},
		field{"settings", func(v value) { c.Settings = r.settings(v) }},
		field{"timeout", r.duration(&c.Timeout)},
		field{"private", r.boolean(&c.Private)},
		field{"tls", func(v value) { r.tls(v, &c.TLS) }},
		field{"rate", func(v value) { r.rate(v, &c.Rate.PerSecond, &c.Rate.Burst) }},
		field{"concurrency", r.count(&c.Concurrency)},
	)
	if r.misread == before { // what could not be read would look as if it were missing
		r.refused(e.value.path, c.Validate())
	}
	return c
}

// refused places what outbound says is wrong below path.
func (r *reader) refused(path string, err error) {
	for _, err := range unjoin(err) {
		var field *outbound.FieldError
		if !errors.As(err, &field) {
			continue
		}
		pos := nearest(r.places, r.file, strings.TrimSuffix(path+"."+field.Field, "."))
		e := r.list.Errorf(pos, codeOf(field), "%s", field)
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

// secrets reads references. It repeats nothing of what stands there instead,
// which may be a secret.
func (r *reader) secrets(v value) map[string]string {
	if v.node.Kind != yaml.MappingNode {
		r.misfit(v, InvalidValue, "expected a mapping such as { token: env:NAME }", "")
		return nil
	}
	secrets := map[string]string{}
	for _, e := range r.entries(v) {
		if ref, ok := r.reference(e.value); ok {
			secrets[e.key.Value] = ref
		}
	}
	return secrets
}

func (r *reader) reference(v value) (ref string, ok bool) {
	if v.node.Kind != yaml.ScalarNode || v.node.Tag == "!!null" {
		r.misfit(v, LiteralSecret, "expected env:NAME or file:PATH, which say where the secret is", "")
		return "", false
	}
	return v.node.Value, true
}

// settings reads what is the plugin's and the type's own to check.
func (r *reader) settings(v value) map[string]any {
	settings := map[string]any{}
	for _, e := range r.entries(v) {
		if slices.Contains(secretWords, strings.ToLower(e.key.Value)) {
			r.list.Errorf(r.pos(e.key), LiteralSecret, "%s: plugins see settings, and files are shared", e.value.path).Hint = "move it to secrets: { " + e.key.Value + ": env:NAME }"
			continue
		}
		settings[e.key.Value] = r.data(e.value)
	}
	return settings
}

// secretWords are settings that can only be secrets, in lower case.
var secretWords = []string{"password", "token", "secret", "clientsecret", "accesskeysecret", "apikey", "privatekey"}

func (r *reader) tls(v value, t *outbound.TLS) {
	r.fields(v,
		field{"caFile", r.text(&t.CAFile)},
		field{"certFile", r.text(&t.CertFile)},
		field{"keyFile", r.text(&t.KeyFile)},
		field{"serverName", r.text(&t.ServerName)},
		field{"insecure", r.boolean(&t.Insecure)},
	)
}

func (r *reader) rate(v value, perSecond *float64, burst *int) {
	r.fields(v,
		field{"perSecond", r.number(perSecond)},
		field{"burst", r.count(burst)},
	)
}

func (r *reader) outbound(v value, o *Outbound) {
	r.fields(v, field{"allow", r.texts(&o.Allow)})
	r.refused(v.path, outbound.ValidateAllow(o.Allow))
}

func (r *reader) server(v value, s *Server) {
	r.fields(v,
		field{"addr", r.address(&s.Addr)},
		field{"token", func(v value) { s.Token = r.token(v) }},
		field{"requests", func(v value) { r.requests(v, &s.Requests) }},
		field{"retention", func(v value) {
			r.fields(v, field{"age", r.duration(&s.Retention.Age)}, field{"size", r.size(&s.Retention.Size)})
		}},
	)
}

func (r *reader) token(v value) string {
	ref, ok := r.reference(v)
	if !ok {
		return ""
	}
	if err := outbound.ValidateReference(ref); err != nil {
		r.list.Errorf(r.pos(v.node), LiteralSecret, "%s: %s", v.path, err)
	}
	return ref
}

func (r *reader) requests(v value, q *Requests) {
	r.rate(v, &q.PerSecond, &q.Burst)
	if q.Burst > 0 && q.PerSecond == 0 {
		r.list.Errorf(nearest(r.places, r.file, v.path), InvalidValue, "%s: burst without perSecond limits nothing", v.path)
	}
}

func (r *reader) address(to *string) func(value) {
	return func(v value) {
		var text string
		r.text(&text)(v)
		if text == "" {
			return
		}
		if _, _, err := net.SplitHostPort(text); err != nil {
			r.expected(v, `host:port such as "127.0.0.1:8080"`)
			return
		}
		*to = text
	}
}

func (r *reader) limits(v value, l *Limits) {
	r.fields(v,
		field{"body", r.size(&l.Body)},
		field{"reply", r.size(&l.Reply)},
		field{"plugin", func(v value) { r.pluginLimits(v, &l.Plugin) }},
	)
}

func (r *reader) pluginLimits(v value, p *Plugin) {
	r.fields(v,
		field{"fuel", r.bigCount(&p.Fuel)},
		field{"memory", r.size(&p.Memory)},
		field{"calls", r.count(&p.Calls)},
		field{"depth", r.count(&p.Depth)},
		field{"wall", r.duration(&p.Wall)},
		field{"input", r.size(&p.Input)},
		field{"output", r.size(&p.Output)},
		field{"reply", r.size(&p.Reply)},
		field{"log", r.size(&p.Log)},
	)
}

func (r *reader) variables(v value) map[string]any {
	variables := map[string]any{}
	for _, e := range r.entries(v) {
		if !variableName.MatchString(e.key.Value) {
			r.list.Errorf(r.pos(e.key), diag.InvalidName, "variable %q: expected a name of letters, digits and _, or digits only", e.key.Value)
		}
		variables[e.key.Value] = r.data(e.value)
	}
	return variables
}
