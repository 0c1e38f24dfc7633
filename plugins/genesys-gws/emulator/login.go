package emulator

import (
	"crypto/subtle"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/emulator"
)

const (
	sessionCookie   = "JSESSIONID"
	csrfNameHeader  = "X-CSRF-HEADER"
	csrfTokenHeader = "X-CSRF-TOKEN"
)

// login is an HTTP session: who called, and the token that their calls must
// bear. The token lives as long as it does.
type login struct {
	user *user
	csrf string
	used time.Time
}

// guard stands before the whole API: who calls comes first, then the token.
func (s *service) guard(next func(http.ResponseWriter, *http.Request, *user)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cfg := s.settings.Load()
		l, fresh, err := s.logIn(w, r, cfg)
		if err != nil {
			s.writeError(w, err)
			return
		}
		switch {
		case !cfg.CSRF:
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			w.Header().Set(csrfNameHeader, cfg.CSRFHeader)
			w.Header().Set(csrfTokenHeader, l.csrf)
		case fresh || !equal(r.Header.Get(cfg.CSRFHeader), l.csrf):
			refuseCSRF(w) // nobody can know the token of a session that begins with this call
			return
		}
		next(w, r, l.user)
	})
}

// logIn finds the caller's HTTP session by its cookie, or opens one for who
// proves to be a user. What it returns is a copy.
func (s *service) logIn(w http.ResponseWriter, r *http.Request, cfg Settings) (found login, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.login(r, cfg)
	if name, password, basic := r.BasicAuth(); basic {
		u := s.user(name)
		if u == nil || !equal(password, u.password) {
			return login{}, false, refuse(codeUnauthenticated, "the user name or the password is wrong")
		}
		if l == nil || l.user != u {
			l, fresh = s.open(w, u), true
		}
	}
	if l == nil {
		return login{}, false, refuse(codeUnauthenticated, "not authenticated")
	}
	l.used = s.world.Now()
	return *l, fresh, nil
}

// login is the HTTP session whose cookie a request bears, if it still lives.
func (s *service) login(r *http.Request, cfg Settings) *login {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	l := s.logins[cookie.Value]
	if l != nil && s.world.Now().Sub(l.used) >= time.Duration(cfg.SessionSeconds)*time.Second {
		delete(s.logins, cookie.Value)
		return nil
	}
	return l
}

func (s *service) open(w http.ResponseWriter, u *user) *login {
	id := strings.ReplaceAll(s.world.NewID(), "-", "")
	l := &login{user: u, csrf: s.world.NewID()}
	s.logins[id] = l
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: id, Path: "/", HttpOnly: true})
	return l
}

func equal(given, want string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
}

// rotate gives every HTTP session another token.
func (s *service) rotate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.logins)) { // so that a seed gives the same tokens
		s.logins[id].csrf = s.world.NewID()
	}
}

// expire ends all HTTP sessions.
func (s *service) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.logins)
}

// me answers who the caller is. That it brings the token is public, what else it
// says is not.
func (s *service) me(w http.ResponseWriter, r *http.Request, u *user) error {
	emulator.WriteJSON(w, emulator.Inference, http.StatusOK, map[string]any{
		"statusCode": codeOK,
		"user": map[string]any{
			"id": u.ID, "userName": u.UserName, "firstName": u.FirstName, "lastName": u.LastName, "uri": address(r, "/users/"+u.ID),
		},
	})
	return nil
}

// work starts or ends the agent's contact centre session.
func (s *service) work(w http.ResponseWriter, r *http.Request, u *user) error {
	req, err := parseRequest(r.Body)
	if err != nil {
		return err
	}
	switch {
	case req.Operation == "StartContactCenterSession" && len(req.Channels) == 0:
		return refuse(codeMissing, "channels is missing")
	case req.Operation == "StartContactCenterSession":
		s.setStarted(u, true)
	case req.Operation == "EndContactCenterSession":
		s.setStarted(u, false)
	default:
		return unknownOperation(req.Operation)
	}
	emulator.WriteJSON(w, emulator.Inference, http.StatusOK, map[string]any{"statusCode": codeOK})
	return nil
}

func (s *service) setStarted(u *user, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.Started = is
}
