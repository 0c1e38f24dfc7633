package emulator

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/wendflow/wend/emulator"
)

// api serves the API, CometD included.
func (s *service) api() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, do func(http.ResponseWriter, *http.Request, *user) error) {
		mux.Handle(pattern, s.guard(func(w http.ResponseWriter, r *http.Request, u *user) {
			if err := do(w, r, u); err != nil {
				s.writeError(w, err)
			}
		}))
	}
	handle("GET /api/v2/me", s.me)
	handle("POST /api/v2/me", s.work)
	for _, segment := range segments() {
		handle("GET /api/v2/me/"+segment, s.list)
		handle("GET /api/v2/me/"+segment+"/{id}", s.get)
		handle("POST /api/v2/me/"+segment+"/{id}", s.operate)
	}
	cometd := s.guard(s.cometd)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cfg := s.settings.Load()
		switch {
		case r.URL.Path == cfg.CometDPath || strings.HasPrefix(r.URL.Path, cfg.CometDPath+"/"):
			cometd.ServeHTTP(w, r)
		case !cfg.serves(r.URL.Path):
			emulator.SetBasis(w, emulator.Decision)
			http.NotFound(w, r)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// serves tells whether the name of the sessions in a path, if there is one, is
// one that this installation knows.
func (s Settings) serves(path string) bool {
	rest, found := strings.CutPrefix(path, "/api/v2/me/")
	name, _, _ := strings.Cut(rest, "/")
	return !found || slices.Contains(s.Segments, name)
}

// request is the body of a POST.
type request struct {
	Operation  string   `json:"operationName"`
	QueueName  *string  `json:"queueName"`
	Nickname   string   `json:"nickname"`
	TargetPath string   `json:"targetPath"`
	TargetURI  string   `json:"targetUri"`
	Channels   []string `json:"channels"`

	queue *queue
	user  *user
}

func parseRequest(body io.Reader) (request, error) {
	var req request
	text, err := io.ReadAll(body)
	if err != nil {
		return req, err
	}
	if err := json.Unmarshal(text, &req); err != nil {
		return req, refuse(codeInvalid, "the body is no JSON object of the kind: %s", err)
	}
	if req.Operation == "" {
		return req, refuse(codeMissing, "operationName is missing")
	}
	return req, nil
}

func unknownOperation(name string) error { return refuse(codeState, "no operation %q", name) }

// operate answers an operation on a session. An error means that nothing was
// changed.
func (s *service) operate(w http.ResponseWriter, r *http.Request, by *user) error {
	req, err := parseRequest(r.Body)
	if err != nil {
		return err
	}
	reference, err := s.change(r, by, req)
	if err != nil {
		return err
	}
	reply := map[string]any{"statusCode": codeOK}
	if reference != 0 {
		reply["referenceId"] = reference
	}
	emulator.WriteJSON(w, emulator.Public, http.StatusOK, reply)
	return nil
}

func (s *service) change(r *http.Request, by *user, req request) (reference int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := mayWork(by); err != nil {
		return 0, err
	}
	op, known := operations[req.Operation]
	if !known {
		return 0, unknownOperation(req.Operation)
	}
	fs, err := s.own(r.PathValue("id"), by)
	if err != nil {
		return 0, err
	}
	if !by.Started {
		return 0, refuse(codeState, "no contact center session is started")
	}
	if !slices.Contains(op.from, fs.state) {
		return 0, refuse(codeState, "%s is not valid for a session that is %s", req.Operation, fs.state)
	}
	if op.check != nil {
		if err := op.check(s, &req); err != nil {
			return 0, err
		}
	}
	c := &change{service: s, session: fs, by: by, req: req, base: address(r, ""), mishap: mishapOf(r), now: s.world.Now()}
	op.do(c)
	return c.reference, nil
}

// mayWork tells whether an agent may do anything at all with media other than
// voice.
func mayWork(u *user) error {
	switch {
	case u.ChangePassword:
		return refuse(codePassword, "the password must be changed")
	case !u.has(featureMultimedia):
		return refuse(codePermission, "the feature %s is required", featureMultimedia)
	}
	return nil
}

// own finds a session that is the caller's.
func (s *service) own(id string, by *user) (*session, error) {
	fs := find(s.sessions, func(fs *session) bool { return fs.id == id })
	switch {
	case fs == nil:
		return nil, refuse(codeNotFound, "no facebooksession %q", id)
	case fs.owner != by:
		return nil, refuse(codeForbidden, "the facebooksession is not yours")
	}
	return fs, nil
}

func (s *service) get(w http.ResponseWriter, r *http.Request, by *user) error {
	res, err := s.show(r, by)
	if err != nil {
		return err
	}
	emulator.WriteJSON(w, emulator.Inference, http.StatusOK, map[string]any{"statusCode": codeOK, "facebooksession": res})
	return nil
}

func (s *service) show(r *http.Request, by *user) (resource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := mayWork(by); err != nil {
		return resource{}, err
	}
	fs, err := s.own(r.PathValue("id"), by)
	if err != nil {
		return resource{}, err
	}
	return s.resource(fs, address(r, "")), nil
}

// list answers with the caller's sessions: their addresses, or with fields=* all
// of them.
func (s *service) list(w http.ResponseWriter, r *http.Request, by *user) error {
	if err := mayWork(by); err != nil {
		return err
	}
	uris, resources := []string{}, []resource{}
	for _, res := range s.resources(by, address(r, "")) {
		uris, resources = append(uris, res.URI), append(resources, res)
	}
	reply := map[string]any{"statusCode": codeOK, "uris": uris}
	if r.URL.Query().Get("fields") == "*" {
		reply = map[string]any{"statusCode": codeOK, "facebooksessions": resources}
	}
	emulator.WriteJSON(w, emulator.Inference, http.StatusOK, reply)
	return nil
}

func (s *service) resources(by *user, base string) []resource {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []resource
	for _, fs := range s.sessions {
		if fs.owner == by {
			list = append(list, s.resource(fs, base))
		}
	}
	return list
}

// address is that of a resource, as the caller reaches it.
func address(r *http.Request, path string) string { return "http://" + r.Host + "/api/v2" + path }
