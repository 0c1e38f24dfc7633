// Package vault reads secrets from HashiCorp Vault, or from what speaks its HTTP
// API: the newest versions of entries of a KV engine of version 2. What was read
// is kept until Forget, so that no call waits for Vault. It writes nothing there
// but a login, and the renewal of a token.
package vault

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/secret"
)

// Config says where Vault is and who we are there: by Token, AppRole or
// Kubernetes. It holds no secret.
type Config struct {
	Address   string // such as https://vault.example.com:8200
	Namespace string // of Vault Enterprise; may be empty
	Token     string // refers to a token: env:NAME or file:PATH
	AppRole   AppRole
	// Kubernetes logs in with the token that Kubernetes gives a pod.
	Kubernetes Kubernetes
}

// AppRole is a login for programs.
type AppRole struct {
	RoleID   string
	SecretID string // refers to it: env:NAME or file:PATH
	Mount    string // Default "approle"
}

// Kubernetes is a login of a pod.
type Kubernetes struct {
	Role      string
	TokenFile string // Default DefaultTokenFile
	Mount     string // Default "kubernetes"
}

// DefaultTokenFile is where Kubernetes puts the token of a pod.
const DefaultTokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// Store is a vault. It is safe for concurrent use.
type Store struct {
	cfg    Config
	own    secret.Sources // of our own credential
	client *http.Client
	clock  clock.Clock
	log    *slog.Logger

	mu    sync.Mutex // one asks at a time
	kept  map[string]map[string]any
	holds map[string]hold // by path; "" is for all
	token string          // of a login
	until time.Time       // it lapses; zero: it does not
}

// hold keeps what failed from being asked again at once.
type hold struct {
	err   error
	wait  time.Duration
	until time.Time
}

const (
	firstHold = time.Second
	mostHold  = time.Minute
	// patience bounds one exchange. A start waits for it once, whatever there is to
	// read.
	patience = 5 * time.Second
	mostBody = 1 << 20
)

// New asks nothing yet. transport dials Vault, env looks up environment variables.
func New(cfg Config, transport http.RoundTripper, env func(string) (string, bool), by clock.Clock, log *slog.Logger) *Store {
	cfg.Address = strings.TrimRight(cfg.Address, "/")
	cfg.AppRole.Mount = cmp.Or(cfg.AppRole.Mount, "approle")
	cfg.Kubernetes.Mount = cmp.Or(cfg.Kubernetes.Mount, "kubernetes")
	cfg.Kubernetes.TokenFile = cmp.Or(cfg.Kubernetes.TokenFile, DefaultTokenFile)
	s := &Store{
		cfg: cfg, own: secret.Sources{Env: env}, clock: by, log: log,
		// A redirect would take the token along.
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	s.Forget()
	return s
}

// Forget has everything read anew when it is needed next, and logs in anew.
func (s *Store) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept, s.holds, s.token = map[string]map[string]any{}, map[string]hold{}, ""
}

// Read implements secret.Store. An entry is asked for once; what failed is asked for
// again no sooner than after a second, two, up to a minute.
func (s *Store) Read(e secret.Entry) (secret.Text, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fields, ok := s.kept[e.Path]
	if !ok {
		if err := s.held(e.Path); err != nil {
			return "", err
		}
		var err error
		if fields, err = s.fetch(context.Background(), e.Path); err != nil {
			s.note(e.Path, err)
			return "", err
		}
		s.kept[e.Path] = fields
		delete(s.holds, e.Path)
		delete(s.holds, "")
	}
	return value(e, fields)
}

func value(e secret.Entry, fields map[string]any) (secret.Text, error) {
	v, ok := fields[e.Key]
	if !ok {
		return "", fmt.Errorf("vault: %q has no %q: expected one of %q", e.Path, e.Key, slices.Sorted(maps.Keys(fields)))
	}
	text, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("vault: %q of %q is no text", e.Key, e.Path)
	}
	return secret.Text(text), nil
}

// held returns why a path is not asked for yet.
func (s *Store) held(path string) error {
	for _, at := range []string{"", path} {
		if h := s.holds[at]; h.err != nil && s.clock.Now().Before(h.until) {
			return h.err
		}
	}
	return nil
}

// note has a path that failed wait, or all of them if Vault itself does not answer.
func (s *Store) note(path string, err error) {
	if errors.As(err, new(*awayError)) {
		path = ""
	}
	wait := max(firstHold, min(2*s.holds[path].wait, mostHold))
	s.holds[path] = hold{err, wait, s.clock.Now().Add(wait)}
}

// awayError says that Vault could not be asked: nothing is known of what it has.
type awayError struct{ error }

func (e *awayError) Unwrap() error { return e.error }

// fetch reads the newest version of an entry, logging in if need be.
func (s *Store) fetch(ctx context.Context, path string) (map[string]any, error) {
	for attempt := 0; ; attempt++ {
		token, fresh, err := s.login(ctx)
		if err != nil {
			return nil, err
		}
		status, body, err := s.exchange(ctx, http.MethodGet, path, token, nil)
		switch {
		case err != nil:
			return nil, err
		case status == http.StatusForbidden && !fresh && attempt == 0:
			s.token = "" // it may have been revoked
		case status == http.StatusForbidden:
			return nil, fmt.Errorf("vault answered 403 to the reading of %q: the token is not good, or its policy does not let it read this", path)
		case status == http.StatusNotFound:
			return nil, fmt.Errorf("vault has nothing at %q, or its newest version was deleted", path)
		case status != http.StatusOK:
			return nil, fmt.Errorf("vault answered %d to the reading of %q", status, path)
		default:
			return decodeEntry(path, body)
		}
	}
}

// decodeEntry reads what a KV engine of version 2 answers.
func decodeEntry(path string, body []byte) (map[string]any, error) {
	var doc struct {
		Data struct {
			Data map[string]any `json:"data"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &doc); err != nil || doc.Data.Data == nil {
		return nil, fmt.Errorf("vault: the answer for %q holds no secret with versions: expected a KV engine of version 2", path)
	}
	return doc.Data.Data, nil
}

// login returns a token to ask with, and whether it was got just now.
func (s *Store) login(ctx context.Context) (token string, fresh bool, err error) {
	if s.cfg.Token != "" {
		text, err := s.own.Read(s.cfg.Token)
		return string(text), true, wrap("vault: our token", err)
	}
	if s.token != "" && (s.until.IsZero() || s.clock.Now().Before(s.until)) {
		return s.token, false, nil
	}
	mount, proof, err := s.proof()
	if err != nil {
		return "", false, err
	}
	asked := s.clock.Now()
	status, body, err := s.exchange(ctx, http.MethodPost, "auth/"+mount+"/login", "", proof)
	if err != nil {
		return "", false, err
	}
	if status != http.StatusOK {
		return "", false, fmt.Errorf("vault answered %d to our login at auth/%s: the role or its secret is not good", status, mount)
	}
	lease, err := decodeLease(body)
	if err != nil || lease.token == "" {
		return "", false, fmt.Errorf("vault answered our login at auth/%s without a token", mount)
	}
	s.token, s.until = lease.token, time.Time{}
	if lease.length > 0 {
		s.until = asked.Add(lease.length * 9 / 10)
	}
	return s.token, true, nil
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// proof is what we log in with, and where.
func (s *Store) proof() (mount string, proof map[string]string, err error) {
	if role := s.cfg.AppRole; role.RoleID != "" {
		id, err := s.own.Read(role.SecretID)
		return role.Mount, map[string]string{"role_id": role.RoleID, "secret_id": string(id)}, wrap("vault: the secret id of our role", err)
	}
	k := s.cfg.Kubernetes
	jwt, err := s.own.Read("file:" + k.TokenFile)
	return k.Mount, map[string]string{"role": k.Role, "jwt": string(jwt)}, wrap("vault: the token of the pod", err)
}

// lease is what Vault says of a token.
type lease struct {
	token     string
	length    time.Duration // 0: it does not lapse
	renewable bool
}

func decodeLease(body []byte) (lease, error) {
	var doc struct {
		Auth struct {
			Token     string `json:"client_token"`
			Duration  int64  `json:"lease_duration"` // s
			Renewable bool   `json:"renewable"`
		} `json:"auth"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return lease{}, errors.New("vault: an answer that is no JSON object")
	}
	seconds := max(0, min(doc.Auth.Duration, int64(mostLease/time.Second)))
	return lease{doc.Auth.Token, time.Duration(seconds) * time.Second, doc.Auth.Renewable}, nil
}

const mostLease = 10 * 365 * 24 * time.Hour

// exchange asks Vault one thing. That it is away is an *awayError.
func (s *Store) exchange(ctx context.Context, method, path, token string, fields map[string]string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := s.request(ctx, method, path, token, fields)
	if err != nil {
		return 0, nil, err
	}
	response, err := s.client.Do(r)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // without the address, which is said here
		}
		return 0, nil, &awayError{fmt.Errorf("vault at %s cannot be asked: %w", s.cfg.Address, err)}
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, mostBody+1))
	switch status = response.StatusCode; {
	case err != nil:
		return 0, nil, &awayError{fmt.Errorf("vault at %s broke off its answer: %w", s.cfg.Address, err)}
	case len(body) > mostBody:
		return 0, nil, fmt.Errorf("vault answered more than %d bytes", mostBody)
	case status == http.StatusServiceUnavailable:
		return 0, nil, &awayError{fmt.Errorf("vault at %s answered 503: it is sealed, or in maintenance", s.cfg.Address)}
	case status/100 == 3:
		return 0, nil, &awayError{fmt.Errorf("vault at %s answered %d, and our token is not sent elsewhere: expected the address of a node that answers itself", s.cfg.Address, status)}
	case status == http.StatusTooManyRequests || status > 471 && status < 474 || status/100 == 5:
		return 0, nil, &awayError{fmt.Errorf("vault at %s answered %d", s.cfg.Address, status)}
	}
	return status, body, nil
}

func (s *Store) request(ctx context.Context, method, path, token string, fields map[string]string) (*http.Request, error) {
	var body []byte
	if fields != nil {
		var err error
		if body, err = json.Marshal(fields); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, s.cfg.Address+"/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	r.Header.Set("X-Vault-Request", "true")
	if token != "" {
		r.Header.Set("X-Vault-Token", token)
	}
	if s.cfg.Namespace != "" {
		r.Header.Set("X-Vault-Namespace", s.cfg.Namespace)
	}
	return r, nil
}

// How long a token rests that is not renewed now.
const (
	afterFailure = time.Minute
	whileGood    = time.Hour
)

// Keep renews the token that we were given, until ctx ends. One of a login needs
// none: it is got anew.
func (s *Store) Keep(ctx context.Context) {
	if s.cfg.Token == "" {
		return
	}
	said := ""
	for {
		wait, err := s.renew(ctx)
		if err != nil && err.Error() != said && ctx.Err() == nil {
			said = err.Error()
			s.log.Error("our token for vault is not renewed", "error", err)
		} else if err == nil {
			said = ""
		}
		if clock.Sleep(ctx, s.clock, wait) != nil {
			return
		}
	}
}

// renew renews our token once, and says how long that holds.
func (s *Store) renew(ctx context.Context) (wait time.Duration, err error) {
	token, _, err := s.login(ctx)
	if err != nil {
		return afterFailure, err
	}
	status, body, err := s.exchange(ctx, http.MethodPost, "auth/token/renew-self", token, map[string]string{})
	if err != nil {
		return afterFailure, err
	}
	if status != http.StatusOK {
		return afterFailure, errors.New("vault answered " + strconv.Itoa(status) + " to the renewal")
	}
	l, err := decodeLease(body)
	switch {
	case err != nil:
		return afterFailure, err
	case l.length == 0: // it does not lapse
		return whileGood, nil
	case !l.renewable:
		return whileGood, fmt.Errorf("it cannot be, and ends in %s: give another, or let us log in by appRole or kubernetes", l.length)
	}
	return max(time.Second, l.length*2/3), nil
}
