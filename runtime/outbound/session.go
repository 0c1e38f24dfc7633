package outbound

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/sync/singleflight"
)

// sessions is a credential of cookies and an anti-forgery token. A session is
// opened by a GET whose answer sets the cookies and may name, in two headers,
// the header that unsafe calls have to repeat and its value. Each origin has a
// session of its own.
type sessions struct {
	path        string // of the GET
	basic       string // Authorization of every request, or ""
	nameHeader  string // the answer's header that names the token's header
	tokenHeader string // the answer's header that holds the token
	refusal     string // lower-case text of a 403 about a bad token
	timeout     time.Duration
	transport   http.RoundTripper
	mask        *mask

	mu    sync.Mutex
	open  map[string]*session // by scheme://host
	opens singleflight.Group

	refused refusals
}

func makeSession(m *maker) proof {
	s := &sessions{
		path:        m.text("sessionPath", ""),
		nameHeader:  m.headerName("csrfNameHeader", "X-CSRF-HEADER"),
		tokenHeader: m.headerName("csrfTokenHeader", "X-CSRF-TOKEN"),
		refusal:     strings.ToLower(m.text("csrfText", "csrf token")),
		timeout:     cmp.Or(m.Timeout, DefaultTimeout),
		transport:   m.transport, mask: m.mask, open: map[string]*session{}, refused: refusals{now: m.now},
	}
	if !strings.HasPrefix(s.path, "/") && !slices.Contains(m.empty, "sessionPath") {
		m.errorf("settings", `type "session" needs settings.sessionPath: the path whose GET opens a session, beginning with /`)
	}
	if _, ok := m.Secrets["password"]; ok {
		s.basic = m.basic(m.needIdentity("username"), m.secrets["password"])
	} else if m.Settings["username"] != nil || m.Secrets["username"] != "" {
		m.errorf("secrets", `type "session" has "username" without the secret "password"`)
	}
	return proof{credential: s, headers: []string{s.tokenHeader}}
}

func (s *sessions) add(ctx context.Context, r *http.Request) (func(*answer) bool, error) {
	session, fresh, err := s.session(ctx, r.URL)
	if err != nil {
		return nil, err
	}
	if s.basic != "" {
		r.Header.Set("Authorization", s.basic)
	}
	session.addTo(r)
	return func(a *answer) bool {
		renewed := s.note(session, r.URL, a)
		badToken := a.status == http.StatusForbidden && strings.Contains(strings.ToLower(string(a.body)), s.refusal)
		switch {
		case badToken && renewed:
			return true
		case !badToken && a.status != http.StatusUnauthorized:
			s.refused.clear()
		case fresh && (!badToken || !s.refused.passes()):
			s.refused.note(fmt.Errorf("a session just opened was refused with %d", a.status))
			if badToken {
				s.forget(r.URL, session)
			}
		case s.refused.held() == nil:
			s.forget(r.URL, session)
			return true
		}
		return false
	}, nil
}

// session returns the open session of u's origin, or opens one.
func (s *sessions) session(ctx context.Context, u *url.URL) (open *session, fresh bool, err error) {
	if open := s.opened(u); open != nil {
		return open, false, nil
	}
	open, err = shared(ctx, &s.opens, siteOf(u), s.timeout, func(ctx context.Context) (*session, error) {
		if open := s.opened(u); open != nil {
			return open, nil // somebody was faster
		}
		if err := s.refused.held(); err != nil {
			return nil, err
		}
		open, err := s.start(ctx, u)
		if err != nil && !errors.As(err, new(*awayError)) {
			s.refused.note(err)
		}
		return open, err
	})
	return open, true, err
}

func siteOf(u *url.URL) string { return u.Scheme + "://" + u.Host }

func (s *sessions) opened(u *url.URL) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[siteOf(u)]
}

// forget closes a session, unless a newer one has taken its place.
func (s *sessions) forget(u *url.URL, old *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[siteOf(u)] == old {
		delete(s.open, siteOf(u))
	}
}

func (s *sessions) start(ctx context.Context, u *url.URL) (*session, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, siteOf(u)+s.path, http.NoBody)
	if err != nil {
		return nil, err
	}
	if s.basic != "" {
		r.Header.Set("Authorization", s.basic)
	}
	a, err := send(ctx, s.transport, r, maxTokenReply)
	if err != nil {
		return nil, unsent("session from "+s.path, err)
	}
	if a.status < 200 || a.status > 299 {
		return nil, away(a.status, fmt.Errorf("session from %s: answered %d", s.path, a.status))
	}
	open, err := newSession()
	if err != nil {
		return nil, err
	}
	s.note(open, r.URL, a)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[siteOf(u)] = open
	return open, nil
}

// note takes over the cookies and the token that an answer brings, and tells
// whether there was a new token.
func (s *sessions) note(open *session, u *url.URL, a *answer) (renewed bool) {
	cookies := (&http.Response{Header: a.header}).Cookies()
	for _, c := range cookies {
		s.mask.addCookie(c.Value)
	}
	open.jar.SetCookies(u, cookies)
	token := a.header.Get(s.tokenHeader)
	if token == "" || !httpguts.ValidHeaderFieldValue(token) {
		return false
	}
	s.mask.addPassing(token)
	return open.rotate(s.headerFor(a), token)
}

// headerFor returns the header that an answer wants the token in.
func (s *sessions) headerFor(a *answer) string {
	name := textproto.CanonicalMIMEHeaderKey(a.header.Get(s.nameHeader))
	if !httpguts.ValidHeaderFieldName(name) || reserved[name] != "" {
		return s.tokenHeader
	}
	return name
}

// session is what one origin gave. It is safe for concurrent use.
type session struct {
	jar *cookiejar.Jar

	mu          sync.Mutex
	name, token string // "" while the other side wants none
}

func newSession() (*session, error) {
	jar, err := cookiejar.New(nil)
	return &session{jar: jar}, err
}

func (s *session) addTo(r *http.Request) {
	for _, c := range s.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != "" && r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions {
		r.Header.Set(s.name, s.token)
	}
}

func (s *session) rotate(name, token string) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed = s.token != token
	s.name, s.token = name, token
	return changed
}
