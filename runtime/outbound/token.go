package outbound

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"

	"github.com/wendflow/wend/runtime/secret"
)

// token is what a token endpoint gave.
type token struct {
	access, refresh string        // access is empty once it was refused
	life            time.Duration // 0: until it is refused
	until           time.Time     // zero: until it is refused
}

// tokenCache is a credential that has to be fetched and lapses. However many
// calls need a token, one fetch is under way.
type tokenCache struct {
	fetch   func(ctx context.Context, refresh string) (*token, error) // refresh is "" or what may be traded for a new token
	now     func() time.Time
	timeout time.Duration
	mask    *mask
	refused refusals

	mu      sync.Mutex
	current *token // nil: none yet; lapsed ones stay for their refresh
	fetches singleflight.Group
}

func (c *tokenCache) add(ctx context.Context, r *http.Request) (func(*answer) bool, error) {
	t, fresh, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+t.access)
	return func(a *answer) bool {
		switch {
		case a.status != http.StatusUnauthorized:
			c.refused.clear()
		case fresh: // a token just made will not be bettered by another
			c.refused.note(errors.New("a token just made was refused with 401"))
		case c.refused.held() == nil:
			c.lapse(t)
			return true
		}
		return false
	}, nil
}

// token returns a token that should be good, and whether it was fetched for
// this call.
func (c *tokenCache) token(ctx context.Context) (t *token, fresh bool, err error) {
	if t := c.cached(); t != nil {
		return t, false, nil
	}
	t, err = shared(ctx, &c.fetches, "", c.timeout, c.renew)
	return t, true, err
}

func (c *tokenCache) cached() *token {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.current
	if t == nil || t.access == "" || !t.until.IsZero() && !c.now().Before(t.until) {
		return nil
	}
	return t
}

// lapse gives t up, unless a newer one has taken its place.
func (c *tokenCache) lapse(t *token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == t {
		c.current = &token{refresh: t.refresh}
	}
}

func (c *tokenCache) renew(ctx context.Context) (*token, error) {
	if t := c.cached(); t != nil {
		return t, nil // somebody was faster
	}
	if err := c.refused.held(); err != nil {
		return nil, err
	}
	asked := c.now()
	t, err := c.trade(ctx)
	if err != nil {
		if !errors.As(err, new(*awayError)) {
			c.refused.note(err)
		}
		return nil, err
	}
	t.until = lapses(asked, t.life)
	c.mask.addPassing(t.access, t.refresh)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = t
	return t, nil
}

// trade gets a token for the refresh token if there is one, else or if that is
// no longer taken, for the secrets.
func (c *tokenCache) trade(ctx context.Context) (*token, error) {
	if refresh := c.refresh(); refresh != "" {
		if t, err := c.fetchUsable(ctx, refresh); err == nil {
			if t.refresh == "" {
				t.refresh = refresh // not given anew: the old one stays good
			}
			return t, nil
		}
	}
	return c.fetchUsable(ctx, "")
}

// fetchUsable refuses a token that no call could bear: kept, it would spoil
// every call until it lapsed.
func (c *tokenCache) fetchUsable(ctx context.Context, refresh string) (*token, error) {
	t, err := c.fetch(ctx, refresh)
	if err != nil {
		return nil, err
	}
	for what, text := range map[string]string{"token": t.access, "refresh token": t.refresh} {
		if len(text) > mostToken {
			return nil, fmt.Errorf("the token endpoint gave a %s of %d bytes, more than %d", what, len(text), mostToken)
		}
	}
	if strings.ContainsFunc(t.access, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the token endpoint gave a token with a blank, a control character or one outside of ASCII, which no header can carry")
	}
	return t, nil
}

// mostToken is the longest token in bytes that is taken. Servers refuse headers
// beyond some 8 KiB.
const mostToken = 16 << 10

func (c *tokenCache) refresh() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		return ""
	}
	return c.current.refresh
}

// lapses takes a tenth off a token's life, at most half a minute, for the time
// that the calls bearing it are on their way.
func lapses(from time.Time, life time.Duration) time.Time {
	if life <= 0 {
		return time.Time{}
	}
	return from.Add(life - min(life/10, 30*time.Second))
}

func (m *maker) tokenProof(fetch func(ctx context.Context, refresh string) (*token, error)) proof {
	return proof{credential: &tokenCache{
		fetch: fetch, now: m.now, timeout: cmp.Or(m.Timeout, DefaultTimeout), mask: m.mask, refused: refusals{now: m.now},
	}}
}

// tokenURL reads where tokens come from.
func (m *maker) tokenURL() string { return m.endpoint("tokenURL", "secrets need") }

// endpoint reads where what a type needs comes from. It is the operator's word, so
// its host need not be listed, but everything else holds for it too. need begins
// to say why it is not in the clear.
func (m *maker) endpoint(name, need string) string {
	text := m.needText(name)
	u, err := url.Parse(text)
	switch {
	case text == "": // said already
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		m.errorf("settings."+name, "settings.%s: expected https://… with a host", name)
	case u.User != nil:
		m.errorf("settings."+name, "settings.%s holds a user name: use the secrets instead", name)
	case u.Scheme == "http" && !m.Private:
		m.errorf("settings."+name, "settings.%s: %s https, or private: true", name, need)
	}
	return text
}

// needText reads a setting that must be given.
func (m *maker) needText(name string) string {
	text := m.text(name, "")
	if text == "" && !slices.Contains(m.empty, name) {
		m.errorf("settings", "type %q needs settings.%s", m.Type, name)
	}
	return text
}

// grant is one way of OAuth 2 to get a token.
type grant struct {
	clientID, clientSecret string
	url                    string
	inBody                 bool // the client's id and secret go into the body
	params                 map[string]string
	refreshable            []string // the params that stay when a refresh token is traded
}

func (m *maker) grant(kind string, params map[string]string) (grant, bool) {
	g := grant{
		clientID: m.identity("clientId"), clientSecret: string(m.secrets["clientSecret"]), url: m.tokenURL(),
		params: map[string]string{"grant_type": kind},
	}
	g.inBody = m.oneOf("clientAuth", "header", "body") == "body"
	if scopes := m.list("scopes"); len(scopes) > 0 {
		g.params["scope"] = strings.Join(scopes, " ")
	}
	for name, v := range m.texts("tokenParams") {
		g.params[name] = v
	}
	for name := range g.params {
		g.refreshable = append(g.refreshable, name)
	}
	for name, v := range params {
		g.params[name] = v
	}
	if g.clientSecret != "" {
		m.basic(g.clientID, secret.Text(g.clientSecret)) // hides the pair
	}
	return g, m.oneOf("tokenFormat", "form", "json") == "json"
}

func makeClientCredentials(m *maker) proof {
	m.needIdentity("clientId")
	return m.grantProof(m.grant("client_credentials", nil))
}

func makePasswordGrant(m *maker) proof {
	return m.grantProof(m.grant("password", map[string]string{
		"username": m.needIdentity("username"),
		"password": string(m.secrets["password"]),
	}))
}

func (m *maker) grantProof(g grant, inJSON bool) proof {
	if inJSON {
		return m.tokenProof(func(ctx context.Context, refresh string) (*token, error) {
			return g.fetchJSON(ctx, m.transport, refresh)
		})
	}
	return m.tokenProof(func(ctx context.Context, refresh string) (*token, error) {
		return g.fetchForm(ctx, m.transport, refresh)
	})
}

// with returns the parameters of a request for a token.
func (g grant) with(refresh string) map[string]string {
	if refresh == "" {
		return g.params
	}
	params := map[string]string{}
	for _, name := range g.refreshable {
		params[name] = g.params[name]
	}
	params["grant_type"], params["refresh_token"] = "refresh_token", refresh
	return params
}

// fetchForm asks as RFC 6749 has it. The library's client-credentials flow
// lets the grant be overridden, so it serves all three.
func (g grant) fetchForm(ctx context.Context, transport http.RoundTripper, refresh string) (*token, error) {
	params := url.Values{}
	for name, v := range g.with(refresh) {
		params.Set(name, v)
	}
	flow := clientcredentials.Config{
		ClientID: g.clientID, ClientSecret: g.clientSecret, TokenURL: g.url,
		EndpointParams: params, AuthStyle: oauth2.AuthStyleInHeader,
	}
	if g.inBody || g.clientID == "" {
		flow.AuthStyle = oauth2.AuthStyleInParams
	}
	client := &http.Client{Transport: transport, CheckRedirect: stay}
	t, err := flow.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	if err != nil {
		return nil, tokenError(err)
	}
	life := time.Duration(0)
	if !t.Expiry.IsZero() {
		life = time.Until(t.Expiry).Round(time.Second) // the library adds the life to the machine's time
	}
	return &token{access: t.AccessToken, refresh: t.RefreshToken, life: life}, nil
}

// stay keeps the library from following redirects: the body holds secrets.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// tokenError leaves out the endpoint's body, which may echo what it was sent, or be a
// token that is not known to be one yet: the library quotes what it cannot read.
func tokenError(err error) error {
	var (
		refused *oauth2.RetrieveError
		wrapped *url.Error
	)
	if errors.As(err, &refused) && refused.Response != nil {
		return answeredBadly(refused.Response.StatusCode, refused.ErrorCode)
	}
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	switch {
	case wrapped == nil && strings.Contains(err.Error(), "missing access_token"):
		return errors.New(`the token endpoint answered without "access_token"`)
	case wrapped == nil && !errors.As(err, new(net.Error)) && !errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the token endpoint gave an answer that cannot be read as a token")
	}
	return away(0, fmt.Errorf("token endpoint: %w", err))
}

func answeredBadly(status int, code string) error {
	if code == "" {
		return away(status, fmt.Errorf("the token endpoint answered %d", status))
	}
	return away(status, fmt.Errorf("the token endpoint answered %d (%s)", status, code))
}

// fetchJSON asks with a JSON body, as servers older than the RFC want it.
func (g grant) fetchJSON(ctx context.Context, transport http.RoundTripper, refresh string) (*token, error) {
	params := g.with(refresh)
	if g.inBody {
		params = maps.Clone(params)
		params["client_id"], params["client_secret"] = g.clientID, g.clientSecret
	}
	r, err := jsonRequest(ctx, g.url, params)
	if err != nil {
		return nil, err
	}
	if g.clientID != "" && !g.inBody {
		r.SetBasicAuth(g.clientID, g.clientSecret)
	}
	return askJSON(ctx, transport, r, "access_token")
}

// makeAccessKey trades a pair of keys for a token in one POST.
func makeAccessKey(m *maker) proof {
	endpoint := m.tokenURL()
	field := m.text("tokenField", "access_token")
	pair := map[string]string{
		"accessKeyId":     m.needIdentity("accessKeyId"),
		"accessKeySecret": string(m.secrets["accessKeySecret"]),
	}
	return m.tokenProof(func(ctx context.Context, _ string) (*token, error) {
		r, err := jsonRequest(ctx, endpoint, pair)
		if err != nil {
			return nil, err
		}
		t, err := askJSON(ctx, m.transport, r, field)
		if err != nil {
			return nil, err
		}
		t.refresh = "" // the pair is all it takes
		return t, nil
	})
}

func jsonRequest(ctx context.Context, endpoint string, fields map[string]string) (*http.Request, error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	return r, nil
}

const maxTokenReply = 1 << 20

// askJSON sends a request for a token and reads it from the field of that name.
func askJSON(ctx context.Context, transport http.RoundTripper, r *http.Request, field string) (*token, error) {
	a, err := send(ctx, transport, r, maxTokenReply)
	if err != nil {
		return nil, unsent("token endpoint", err)
	}
	var fields map[string]any
	broken := json.Unmarshal(a.body, &fields)
	if a.status < 200 || a.status > 299 {
		return nil, answeredBadly(a.status, textOf(fields["error"]))
	}
	if broken != nil {
		return nil, fmt.Errorf("the token endpoint answered %d, but not with a JSON object", a.status)
	}
	access := textOf(fields[field])
	if access == "" {
		return nil, fmt.Errorf("the token endpoint answered %d without %q", a.status, field)
	}
	return &token{access: access, refresh: textOf(fields["refresh_token"]), life: seconds(fields["expires_in"])}, nil
}

// unsent says that no answer was had; one that is too large is an answer.
func unsent(what string, err error) error {
	err = fmt.Errorf("%s: %w", what, err)
	if errors.As(err, new(*oversizeError)) {
		return err
	}
	return away(0, err)
}

func textOf(v any) string {
	s, _ := v.(string)
	return s
}

// seconds reads a token's life, which some servers write as text.
func seconds(v any) time.Duration {
	n, ok := v.(float64)
	if text, is := v.(string); is {
		parsed, err := strconv.ParseFloat(text, 64)
		n, ok = parsed, err == nil
	}
	if !ok || n <= 0 || n > maxLife.Seconds() {
		return 0
	}
	return time.Duration(n * float64(time.Second))
}

const maxLife = 10 * 365 * 24 * time.Hour
