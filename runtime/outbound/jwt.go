package outbound

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/sync/singleflight"
)

// issued checks a token that an issuer signed, by the keys that it publishes.
type issued struct {
	issuer     string
	audiences  jwt.Audience // any will do
	algorithms []jose.SignatureAlgorithm
	claims     map[string]string // that the token must have beside
	tolerance  time.Duration
	keys       *keySet
}

// jwtAlgorithms are those that a token may be signed by. Those of a shared key
// are not among them, since a public one would pass for it.
var jwtAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

const (
	jwtTolerance = time.Minute
	// mostTolerated keeps a tolerance from making tokens without end of them.
	mostTolerated = time.Hour
)

func makeJWT(m *maker) proof {
	v := issued{issuer: m.needText("issuer"), audiences: m.list("audience"), claims: m.texts("claims"), tolerance: m.duration("tolerance")}
	if len(v.audiences) == 0 && !slices.Contains(m.empty, "audience") {
		m.errorf("settings", "type %q needs settings.audience: whom the issuer makes tokens for, which is us", m.Type)
	}
	if v.tolerance > mostTolerated {
		m.errorf("settings.tolerance", "settings.tolerance: expected 1h at most")
	}
	v.tolerance = cmp.Or(v.tolerance, jwtTolerance)
	algorithms := m.list("algorithms")
	for i, name := range algorithms {
		if !slices.Contains(jwtAlgorithms, name) {
			m.noChoice(fmt.Sprintf("settings.algorithms[%d]", i), "algorithms", name, jwtAlgorithms)
		}
	}
	if len(algorithms) == 0 {
		algorithms = jwtAlgorithms
	}
	for _, name := range algorithms {
		v.algorithms = append(v.algorithms, jose.SignatureAlgorithm(name))
	}
	v.keys = &keySet{url: m.endpoint("jwksURL", "keys that others could change prove nothing: they need"), transport: m.transport, timeout: cmp.Or(m.Timeout, DefaultTimeout)}
	return proof{verifier: v}
}

func (v issued) proof() (header, scheme string) { return "Authorization", "Bearer" }

func (v issued) sign(Incoming, time.Time) (map[string]string, error) {
	return nil, fmt.Errorf("%w: tokens come from %s", ErrUnsignable, v.issuer)
}

func (v issued) verify(ctx context.Context, in Incoming, now time.Time) (Proven, error) {
	values := in.Header.Values("Authorization")
	if len(values) != 1 {
		return Proven{}, fmt.Errorf("header %q: expected once, not %d times", "Authorization", len(values))
	}
	scheme, text, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return Proven{}, fmt.Errorf("header %q: expected the scheme Bearer", "Authorization")
	}
	if len(text) > mostToken {
		return Proven{}, fmt.Errorf("the token has %d bytes, more than %d", len(text), mostToken)
	}
	token, err := jwt.ParseSigned(strings.TrimSpace(text), v.algorithms)
	if err != nil || len(token.Headers) != 1 {
		return Proven{}, errors.New("the token is no JWT, or signed by an algorithm that is not taken")
	}
	return Proven{}, v.check(ctx, token, now)
}

// check finds the key of a token, and says what is wrong with what it claims.
func (v issued) check(ctx context.Context, token *jwt.JSONWebToken, now time.Time) error {
	header := token.Headers[0]
	keys, err := v.keys.find(ctx, header.KeyID, now)
	if err != nil {
		return err
	}
	var claims jwt.Claims
	var all map[string]any
	signed := slices.ContainsFunc(keys, func(key jose.JSONWebKey) bool {
		return (key.Algorithm == "" || key.Algorithm == header.Algorithm) && token.Claims(key.Key, &claims, &all) == nil
	})
	if !signed {
		return fmt.Errorf("the token is not signed by a key of %s", v.issuer)
	}
	if claims.Expiry == nil {
		return errors.New("the token has no end (exp)")
	}
	err = claims.ValidateWithLeeway(jwt.Expected{Issuer: v.issuer, AnyAudience: v.audiences, Time: now}, v.tolerance)
	if err != nil {
		return fmt.Errorf("the token: %w", err)
	}
	for name, want := range v.claims {
		if got, ok := all[name].(string); !ok || got != want {
			return fmt.Errorf("the token's claim %q is not %q", name, want)
		}
	}
	return nil
}

// keySet are the keys that an issuer publishes. They are fetched when a token
// needs them, for all who wait, and again when they are old or lack a key, but not
// more often than every keysApart, whatever tokens come. It is safe for concurrent use.
type keySet struct {
	url       string
	transport http.RoundTripper
	timeout   time.Duration

	fetches singleflight.Group
	mu      sync.Mutex
	keys    []jose.JSONWebKey
	fetched time.Time // when keys came
	asked   time.Time // when they were last asked for
	failed  error     // what came of that
}

const (
	keysFresh = time.Hour
	// keysApart bounds what tokens with invented keys can have us ask.
	keysApart = 30 * time.Second
	// keysLast is how long keys are used that cannot be had anew.
	keysLast = 24 * time.Hour
	mostKeys = 100
)

// find returns the keys of an id; all, if the token names none.
func (s *keySet) find(ctx context.Context, id string, now time.Time) ([]jose.JSONWebKey, error) {
	found, ask := s.look(id, now)
	if ask {
		_, err := shared(ctx, &s.fetches, "", s.timeout, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, s.renew(ctx, now)
		})
		if found, _ = s.look(id, now); err != nil && len(found) == 0 {
			return nil, err
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return nil, s.failed
	}
	return nil, fmt.Errorf("no key %q at %s", id, s.url)
}

// look returns the keys that are there, and whether to ask for others.
func (s *keySet) look(id string, now time.Time) (found []jose.JSONWebKey, ask bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.fetched); s.keys != nil && age < keysLast {
		for _, key := range s.keys {
			if id == "" || key.KeyID == id {
				found = append(found, key)
			}
		}
	}
	old := now.Sub(s.fetched) >= keysFresh || len(found) == 0
	return found, old && now.Sub(s.asked) >= keysApart
}

func (s *keySet) renew(ctx context.Context, now time.Time) error {
	s.mu.Lock()
	if now.Sub(s.asked) < keysApart { // somebody was faster
		defer s.mu.Unlock()
		return s.failed
	}
	s.asked = now
	s.mu.Unlock()
	keys, err := s.fetch(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed = err; err == nil {
		s.keys, s.fetched = keys, now
	}
	return err
}

func (s *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	a, err := send(ctx, s.transport, r, maxTokenReply)
	if err != nil {
		return nil, fmt.Errorf("keys of the issuer: %w", err)
	}
	if a.status != http.StatusOK {
		return nil, fmt.Errorf("keys of the issuer: %s answered %d", s.url, a.status)
	}
	return readKeys(a.body)
}

// readKeys takes the keys that can check signatures, and passes over those that
// it does not understand, as RFC 7517 has it.
func readKeys(doc []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(doc, &set); err != nil {
		return nil, errors.New("keys of the issuer: expected a JSON object with keys")
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys[:min(len(set.Keys), mostKeys)] {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) == nil && key.Valid() && key.IsPublic() && key.Use != "enc" {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("keys of the issuer: none that checks signatures")
	}
	return keys, nil
}
