package outbound

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/sync/singleflight"

	"github.com/wendflow/wend/runtime/secret"
)

// credential adds a connection's proof of who we are to its requests. It is
// safe for concurrent use.
type credential interface {
	// add puts the proof on r, having it made first if need be. The caller
	// hands the answer to learn, which says whether the proof had gone stale
	// and another attempt with a new one makes sense.
	add(ctx context.Context, r *http.Request) (learn func(*answer) (stale bool), err error)
}

// shared runs fetch for everybody who waits under the same key. The one who
// happened to come first does not take it along when it gives up.
func shared[T any](ctx context.Context, g *singleflight.Group, key string, timeout time.Duration, fetch func(context.Context) (T, error)) (T, error) {
	done := g.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		return fetch(ctx)
	})
	var none T
	select {
	case result := <-done:
		if result.Err != nil {
			return none, result.Err
		}
		return result.Val.(T), nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

func learnNothing(*answer) bool { return false }

// fixedHeader is a credential that never changes.
type fixedHeader struct{ name, value string }

func (f fixedHeader) add(_ context.Context, r *http.Request) (func(*answer) bool, error) {
	r.Header.Set(f.name, f.value)
	return learnNothing, nil
}

// fixedQuery is a credential in the query, for parties that know no better.
type fixedQuery struct{ name, value string }

func (f fixedQuery) add(_ context.Context, r *http.Request) (func(*answer) bool, error) {
	u := *r.URL
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += url.QueryEscape(f.name) + "=" + url.QueryEscape(f.value)
	r.URL = &u
	return learnNothing, nil
}

func makeBasic(m *maker) proof {
	username := m.needIdentity("username")
	if strings.Contains(username, ":") {
		m.errorf("settings.username", "username: a colon has no place in it")
	}
	value := m.basic(username, m.secrets["password"])
	v := headerVerifier{name: "Authorization", scheme: "Basic", want: []secret.Text{secret.Text(value)}}
	for _, next := range m.someSecrets(nextPassword) {
		v.want = append(v.want, secret.Text(m.basic(username, next)))
	}
	return proof{credential: fixedHeader{"Authorization", value}, verifier: v}
}

// basic returns the header of HTTP Basic, and has it hidden.
func (m *maker) basic(username string, password secret.Text) string {
	pair := base64.StdEncoding.EncodeToString([]byte(username + ":" + string(password)))
	if password != "" {
		m.mask.add(pair)
	}
	return "Basic " + pair
}

func makeBearer(m *maker) proof {
	tokens := m.someSecrets("token", nextToken)
	return proof{
		credential: fixedHeader{"Authorization", "Bearer " + string(m.secrets["token"])},
		verifier:   headerVerifier{name: "Authorization", scheme: "Bearer", want: after("Bearer ", tokens)},
		tokens:     tokens,
	}
}

func makeAPIKey(m *maker) proof {
	key := string(m.secrets["key"])
	query := m.text("query", "")
	if query != "" {
		if m.Settings["header"] != nil || m.Settings["prefix"] != nil {
			m.errorf("settings.query", "settings.query: the key goes into the query or into a header, not both")
		}
		return proof{credential: fixedQuery{query, key}, query: query}
	}
	name, prefix := m.headerName("header", "X-Api-Key"), m.valuePrefix()
	return proof{
		credential: fixedHeader{name, prefix + key},
		verifier:   headerVerifier{name: name, want: after(prefix, m.someSecrets("key", nextKey))},
		headers:    []string{name},
	}
}

// after puts the same before each text.
func after(prefix string, texts []secret.Text) []secret.Text {
	all := make([]secret.Text, len(texts))
	for i, text := range texts {
		all[i] = secret.Text(prefix) + text
	}
	return all
}

// headerName reads a setting that names a header, in its canonical form.
func (m *maker) headerName(setting, fallback string) string {
	name := m.text(setting, fallback)
	if !httpguts.ValidHeaderFieldName(name) {
		m.errorf("settings."+setting, "settings.%s: %q is not a header's name", setting, name)
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	if reserved[name] != "" && name != "Authorization" {
		m.errorf("settings."+setting, "settings.%s: header %q is not for credentials: %s", setting, name, reserved[name])
	}
	return name
}

// hideSecrets has all secrets hidden that are not just names.
func (m *maker) hideSecrets(k kind) {
	for name, text := range m.secrets {
		if !slices.Contains(k.identities, name) {
			m.mask.add(string(text))
		}
	}
}
