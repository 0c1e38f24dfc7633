package outbound

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/secret"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// kind is one type of connection.
type kind struct {
	name string
	// secrets must be given, optional ones may.
	secrets, optional []string
	// identities say who we are and need not be hidden: each may stand among
	// the secrets or the settings, and is not redacted.
	identities []string
	anySecrets bool // any name will do, and at least one
	inbound    bool // only for checking callers; it makes no calls
	settings   []string
	make       func(*maker) proof
}

// kinds is the catalogue of connection types.
var kinds = []kind{
	{name: "none", make: func(*maker) proof { return proof{} }},
	{name: "basic", secrets: []string{"password"}, optional: []string{nextPassword}, identities: []string{"username"}, make: makeBasic},
	{name: "bearer", secrets: []string{"token"}, optional: []string{nextToken}, make: makeBearer},
	{
		name: "api-key", secrets: []string{"key"}, optional: []string{nextKey}, make: makeAPIKey,
		settings: []string{"header", "query", "prefix"},
	},
	{
		name: "hmac", inbound: true, anySecrets: true, optional: []string{handshakeToken}, make: makeHMAC,
		settings: SignatureSettings(),
	},
	{name: "jwt", inbound: true, settings: []string{"issuer", "audience", "jwksURL", "algorithms", "claims", "tolerance"}, make: makeJWT},
	{name: "mtls", inbound: true, settings: []string{"subjects", "names", "fingerprints"}, make: makeMTLS},
	{name: "ed25519", inbound: true, settings: slices.Concat(signatureSettings, []string{"publicKeys"}), make: makeEd25519},
	{
		name: "oauth2-client-credentials", secrets: []string{"clientSecret"}, identities: []string{"clientId"},
		settings: oauthSettings, make: makeClientCredentials,
	},
	{
		name: "oauth2-password", secrets: []string{"password"}, optional: []string{"clientSecret"}, identities: []string{"username", "clientId"},
		settings: oauthSettings, make: makePasswordGrant,
	},
	{
		name: "access-key", secrets: []string{"accessKeySecret"}, identities: []string{"accessKeyId"},
		settings: []string{"tokenURL", "tokenField"}, make: makeAccessKey,
	},
	{
		name: "session", optional: []string{"password"}, identities: []string{"username"},
		settings: []string{"sessionPath", "csrfNameHeader", "csrfTokenHeader", "csrfText"}, make: makeSession,
	},
}

// Secrets that callers may use beside the one that is ours, so that it can be
// changed one side at a time.
const (
	nextPassword = "nextPassword"
	nextToken    = "nextToken"
	nextKey      = "nextKey"
)

var oauthSettings = []string{"tokenURL", "scopes", "clientAuth", "tokenFormat", "tokenParams"}

func (k kind) knownSecrets() []string { return slices.Concat(k.identities, k.secrets, k.optional) }

// usesUp tells whether a setting is the type's own, so that the plugin does
// not see it.
func (k kind) usesUp(setting string) bool {
	return slices.Contains(k.settings, setting) || slices.Contains(k.identities, setting)
}

// proof is what a type gives a connection. The zero proof is that of "none".
type proof struct {
	credential credential    // nil: calls go without
	verifier   verifier      // nil: it cannot check a caller
	tokens     []secret.Text // of these its party and we agreed upon one for handshakes
	headers    []string      // canonical names that the credential sets, and no call may
	query      string        // the same for a query parameter
}

// maker reads what one connection's proof is made from, and collects what is
// wrong with it. While a Connection is only validated there are no secrets.
type maker struct {
	Connection
	secrets   map[string]secret.Text
	mask      *mask
	transport http.RoundTripper // for endpoints that give tokens
	now       func() time.Time
	errs      []error
	empty     []string // settings that notEmpty reported
}

func (m *maker) errorf(field, format string, a ...any) {
	m.errs = append(m.errs, m.wrong(field, format, a...))
}

// someSecrets are those of the names that are given.
func (m *maker) someSecrets(names ...string) []secret.Text {
	var texts []secret.Text
	for _, name := range names {
		if text, ok := m.secrets[name]; ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// identity returns who we are, from the secrets or else the settings.
func (m *maker) identity(name string) string {
	if s, ok := m.secrets[name]; ok {
		return string(s)
	}
	return m.text(name, "")
}

func (m *maker) needIdentity(name string) string {
	_, given := m.Secrets[name]
	if _, twice := m.Settings[name]; given && twice {
		m.errorf("settings."+name, "%q stands among the secrets and among the settings: expected it once", name)
	}
	id := m.identity(name)
	if id == "" && !given && !slices.Contains(m.empty, name) {
		m.errorf("secrets", "type %q needs %q, among its secrets or its settings", m.Type, name)
	}
	return id
}

// notEmpty reports settings of the type that are given and hold nothing, which
// would be taken for left out. A prefix may be empty.
func (m *maker) notEmpty(k kind) {
	for _, name := range slices.Concat(k.identities, k.settings) {
		v, given := m.Settings[name]
		text, isText := v.(string)
		list, isList := v.([]any)
		if given && name != "prefix" && (isText && strings.TrimSpace(text) == "" || isList && len(list) == 0) {
			m.errorf("settings."+name, "settings.%s is empty: give it a value, or leave the key out", name)
			m.empty = append(m.empty, name)
		}
	}
}

func (m *maker) text(name, fallback string) string {
	if slices.Contains(m.empty, name) {
		return fallback // said already
	}
	switch v := m.Settings[name].(type) {
	case nil:
		return fallback
	case string:
		return v
	default:
		m.errorf("settings."+name, "settings.%s: expected text, not %v", name, v)
		return fallback
	}
}

func (m *maker) oneOf(name string, known ...string) string {
	v := m.text(name, known[0])
	if !slices.Contains(known, v) {
		m.noChoice("settings."+name, name, v, known)
	}
	return v
}

// noChoice reports a word in a setting that is none of those it takes.
func (m *maker) noChoice(field, setting, word string, known []string) {
	m.errs = append(m.errs, &FieldError{
		Connection: m.Name, Field: field,
		Msg: fmt.Sprintf("settings.%s: no such choice as %q", setting, word), Word: word, Known: known,
	})
}

func (m *maker) duration(name string) time.Duration {
	v := m.Settings[name]
	if v == nil || slices.Contains(m.empty, name) {
		return 0
	}
	text, _ := v.(string)
	d, err := yamldoc.ParseDuration(text)
	switch {
	case err != nil:
		m.errorf("settings."+name, `settings.%s: expected a duration such as "5m", not "%v"`, name, v)
	case d <= 0:
		m.errorf("settings."+name, `settings.%s: expected more than 0, such as "5m", not %q`, name, text)
	}
	return max(d, 0)
}

// list reads a list of text, or text with blanks between its entries.
func (m *maker) list(name string) []string {
	values, ok := m.Settings[name].([]any)
	if !ok {
		return strings.Fields(m.text(name, ""))
	}
	var list []string
	for _, v := range values {
		s, ok := v.(string)
		if !ok {
			m.errorf("settings."+name, "settings.%s: expected text, not %v", name, v)
		}
		list = append(list, s)
	}
	return list
}

// texts reads a map of text to text.
func (m *maker) texts(name string) map[string]string {
	if m.Settings[name] == nil {
		return nil
	}
	values, ok := m.Settings[name].(map[string]any)
	if !ok {
		m.errorf("settings."+name, "settings.%s: expected a map of names to text", name)
	}
	texts := make(map[string]string, len(values))
	for key, v := range values {
		s, ok := v.(string)
		if !ok {
			m.errorf("settings."+name+"."+key, "settings.%s.%s: expected text, not %v", name, key, v)
		}
		texts[key] = s
	}
	return texts
}
