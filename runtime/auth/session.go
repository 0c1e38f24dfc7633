package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/problem"
)

// Names of what a browser has of a session. A page cannot read the cookie, and sends
// the header with all that changes something: a page of another site may have a
// browser send a cookie, but not this header.
const (
	SessionCookie = "wend_session"
	SessionHeader = "X-CSRF-Token"
)

const (
	sessionTime  = 12 * time.Hour
	mostSessions = 1000
)

// Session stands for a token in a browser. It is as good as the token is at each
// request, so it ends with it, and after 12 hours.
type Session struct {
	ID   string // the cookie's
	CSRF string // the header's
	Ends time.Time

	token [sha256.Size]byte // digest
}

// sessions are those of one server, which forgets them when it stops.
type sessions struct {
	mu   sync.Mutex
	byID map[[sha256.Size]byte]*Session // by digests, so that no time tells of an id
}

// add puts a session there, in the place of the oldest if there are too many.
func (all *sessions) add(s *Session) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for len(all.byID) >= mostSessions {
		var oldest [sha256.Size]byte
		var ends time.Time
		for id, s := range all.byID {
			if ends.IsZero() || s.Ends.Before(ends) {
				oldest, ends = id, s.Ends
			}
		}
		delete(all.byID, oldest)
	}
	all.byID[sha256.Sum256([]byte(s.ID))] = s
}

// find returns the session of a request, nil if it has none that goes on.
func (all *sessions) find(r *http.Request, now time.Time) *Session {
	cookie, err := r.Cookie(SessionCookie)
	if err != nil {
		return nil
	}
	id := sha256.Sum256([]byte(cookie.Value))
	all.mu.Lock()
	defer all.mu.Unlock()
	s := all.byID[id]
	if s != nil && !now.Before(s.Ends) {
		delete(all.byID, id)
		return nil
	}
	return s
}

func (all *sessions) remove(s *Session) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.byID, sha256.Sum256([]byte(s.ID)))
}

// Begin begins a session for who bears a token. There is none where no token is
// demanded.
func (g *Guard) Begin(r *http.Request) (*Session, error) {
	digest, bears := bearer(r.Header)
	who, err := g.who(digest, bears)
	if err != nil || who.Name == Anybody {
		return nil, err
	}
	s := &Session{ID: random(), CSRF: random(), Ends: g.now().Add(sessionTime), token: digest}
	g.sessions.add(s)
	return s, nil
}

// Session returns that of a request, or nil.
func (g *Guard) Session(r *http.Request) *Session {
	if r.Header.Get("Authorization") != "" {
		return nil // a token is stronger
	}
	return g.sessions.find(r, g.now())
}

// End ends a session.
func (g *Guard) End(s *Session) { g.sessions.remove(s) }

// checkPage refuses what changes something without the session's header.
func (s *Session) checkPage(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	given, want := sha256.Sum256([]byte(r.Header.Get(SessionHeader))), sha256.Sum256([]byte(s.CSRF))
	if !same(given[:], want[:]) {
		return problem.New(http.StatusForbidden, "a session changes something with the header %s only, as the answer that began it has it", SessionHeader)
	}
	return nil
}

func random() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}
