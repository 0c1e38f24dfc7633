package emulator

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	discoveryPath = "/.well-known/cxone-configuration"
	tokenPath     = "/auth/token"
	accessKeyPath = "/authentication/v1/token/access-key"
	centralPath   = "/InContactAuthorizationServer/Token"
)

// serve finds who answers. It does not leave that to http.ServeMux, which would
// redirect a path with an empty segment instead of refusing it.
func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.EqualFold(r.URL.Path, discoveryPath):
		s.discover(w, r)
	case isTokenPath(r.URL.Path):
		s.grant(w, r)
	default:
		s.serveAPI(w, r)
	}
}

func isTokenPath(path string) bool {
	return slices.ContainsFunc([]string{tokenPath, accessKeyPath, centralPath}, func(p string) bool {
		return strings.EqualFold(p, path)
	})
}

// request is a request to the API, by a user, about the id in its path.
type request struct {
	*http.Request

	id   string
	user *user
	now  time.Time
	cfg  Settings
}

// operation is one operation of the API.
type operation struct {
	method     string
	path       []string // after the version; "" stands for an id
	permission string
	do         func(*service, http.ResponseWriter, request) error
}

func operations() []operation {
	return []operation{
		{"GET", []string{"contacts", "active"}, mayView, (*service).listActive},
		{"POST", []string{"contacts", "", "end"}, mayEnd, (*service).end},
		{"POST", []string{"interactions", "", "signal"}, maySignal, (*service).signal},
		{"GET", []string{"agents"}, mayViewAgents, (*service).listAgents},
		{"GET", []string{"agents", ""}, mayViewAgents, (*service).getAgent},
	}
}

func (s *service) serveAPI(w http.ResponseWriter, r *http.Request) {
	s.correlate(w)
	if err := s.callAPI(w, r); err != nil {
		writeError(w, err)
	}
}

// callAPI asks in the order of the real service's parts: the route, its method,
// the token, the permission, and only then what the request is about.
func (s *service) callAPI(w http.ResponseWriter, r *http.Request) error {
	op, id, allowed := route(r.Method, r.URL.Path)
	switch {
	case len(allowed) == 0:
		return resourceNotFound()
	case op.do == nil:
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return methodNotAllowed()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	req := request{Request: r, id: id, now: s.world.Now(), cfg: s.settings.Load()}
	req.user = s.bearer(r.Header.Get("Authorization"), req.now)
	if req.user == nil {
		return unauthorized()
	}
	if !slices.Contains(req.user.Permissions, op.permission) {
		return forbidden()
	}
	return op.do(s, w, req)
}

var version = regexp.MustCompile(`^v[0-9]+\.[0-9]+$`)

// route finds the operation of a path. Its do is nil if the path has others
// only, whose methods are those allowed.
func route(method, path string) (found operation, id string, allowed []string) {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(segments) < 3 || !strings.EqualFold(segments[0], "incontactapi") ||
		!strings.EqualFold(segments[1], "services") || !version.MatchString(segments[2]) {
		return operation{}, "", nil
	}
	for _, op := range operations() {
		given, matches := match(op.path, segments[3:])
		if !matches {
			continue
		}
		allowed = append(allowed, op.method)
		if op.method == method {
			found, id = op, given
		}
	}
	return found, id, allowed
}

// match holds the segments of a path against an operation's. An id is anything
// but nothing.
func match(pattern, segments []string) (id string, matches bool) {
	if len(pattern) != len(segments) {
		return "", false
	}
	for i, segment := range segments {
		switch {
		case pattern[i] == "" && segment != "":
			id = segment
		case pattern[i] == "" || !strings.EqualFold(pattern[i], segment):
			return "", false
		}
	}
	return id, true
}

// correlate marks a reply, as the real service does.
func (s *service) correlate(w http.ResponseWriter) {
	w.Header()["CorrelationId"] = []string{s.world.NewID()} // Set would change its spelling
}
