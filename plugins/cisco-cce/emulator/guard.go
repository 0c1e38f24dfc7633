package emulator

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/time/rate"
)

const (
	roleAdmin = "admin"
	// trackingHeader has the vendor's spelling, which http.Header.Set would
	// change to Trackingid.
	trackingHeader = "TrackingID"
)

// guard stands before the tasks: the proxy's rate limit first, then the
// token, then its role.
func (s *service) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.track(w, r)
		if err := s.admitRequest(r); err != nil {
			writeError(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *service) admitRequest(r *http.Request) error {
	cfg := s.settings.Load()
	if !s.withinRate(cfg) {
		return tooMany()
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	roles, known := cfg.Tokens[token]
	switch {
	case !strings.EqualFold(scheme, "Bearer") || token == "":
		return unauthorized("no bearer token")
	case !known:
		return unauthorized("the token is unknown or expired")
	case !slices.Contains(roles, roleAdmin):
		return forbidden()
	}
	return nil
}

// withinRate takes one request out of the proxy's allowance.
func (s *service) withinRate(cfg Settings) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.world.Now()
	if limit := rate.Limit(cfg.Rate); cfg.Rate > 0 && s.limiter.Limit() != limit {
		s.limiter = rate.NewLimiter(limit, max(1, int(cfg.Rate)))
	}
	return cfg.Rate == 0 || s.limiter.AllowN(now, 1)
}

// track repeats the request's tracking id, or gives it one.
func (s *service) track(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get(trackingHeader)
	if id == "" {
		id = "Emulator_" + s.world.NewID()
	}
	w.Header()[trackingHeader] = []string{id}
}
