package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/emulator"
)

const prefix = "/v1.0/"

// The roles of an API key.
const (
	tasksManage = "TasksManage"
	usersManage = "UsersManage"
)

// request is a request about the id in its path.
type request struct {
	*http.Request

	id string
}

// operation is one operation of the API.
type operation struct {
	method string
	path   []string // after the prefix; "" stands for an id
	role   string   // that the key must have, if any
	do     func(*lucs, http.ResponseWriter, request) error
}

func operations() []operation {
	return []operation{
		{"POST", []string{"tasks"}, tasksManage, (*lucs).create},
		{"GET", []string{"tasks", ""}, "", (*lucs).get},
		{"POST", []string{"tasks", "", "refresh"}, tasksManage, (*lucs).refresh},
		{"POST", []string{"tasks", "", "setestablished"}, tasksManage, (*lucs).setEstablished},
		{"POST", []string{"tasks", "", "terminate"}, tasksManage, (*lucs).end},
		{"GET", []string{"services"}, "", (*lucs).listServices},
		{"GET", []string{"services", "", "tasks"}, "", (*lucs).listTasks},
		{"GET", []string{"services", "", "users"}, "", (*lucs).listUsers},
		{"POST", []string{"users", "", "block"}, usersManage, (*lucs).block},
		{"POST", []string{"users", "", "unblock"}, usersManage, (*lucs).unblock},
		{"POST", []string{"users", "", "setpresence"}, usersManage, (*lucs).presence},
	}
}

func (l *lucs) serve(w http.ResponseWriter, r *http.Request) {
	if err := l.call(w, r); err != nil {
		writeError(w, err)
	}
}

// call asks in the order of the parts of a site on IIS: the key, the route, its
// method, the role, and only then what the request is about.
func (l *lucs) call(w http.ResponseWriter, r *http.Request) error {
	roles, known := l.settings.Load().Keys[keyOf(r)]
	if !known {
		return unauthorized()
	}
	op, id, found := route(r.Method, r.URL.Path)
	switch {
	case !found:
		return &apiError{http.StatusNotFound, "No HTTP resource was found that matches the request URI '" + r.URL.Path + "'."}
	case op.do == nil:
		return &apiError{http.StatusMethodNotAllowed, "The requested resource does not support http method '" + r.Method + "'."}
	case op.role != "" && !slices.Contains(roles, op.role):
		return unauthorized()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle(l.world.Now())
	return op.do(l, w, request{r, id})
}

// keyOf is the key of a request: in its header, or the password of HTTP Basic.
func keyOf(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	return r.Header.Get("X-Api-Key")
}

// route finds the operation of a path. Its do is nil if the path has others
// only.
func route(method, path string) (op operation, id string, found bool) {
	if len(path) < len(prefix) || !strings.EqualFold(path[:len(prefix)], prefix) {
		return operation{}, "", false
	}
	segments := strings.Split(path[len(prefix):], "/")
	for _, o := range operations() {
		given, matches := match(o.path, segments)
		if !matches {
			continue
		}
		found = true
		if o.method == method {
			return o, given, true
		}
	}
	return operation{}, "", found
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

// newTask is the body of POST tasks.
type newTask struct {
	ExternalTaskID              string `json:"ExternalTaskId"`
	Service                     string
	Caller                      string
	PreferredAgents             []string
	ConsiderPreferredAgentsOnly bool
	Required                    *capabilities
	DistributeToAgent           *bool
	RonaTimeout                 *int `json:"DistributeToAgentRONATimeoutInSeconds"`
}

// create makes a task. The external id may have been used before.
func (l *lucs) create(w http.ResponseWriter, r request) error {
	var given newTask
	if err := decode(r.Request, &given); err != nil {
		return err
	}
	switch {
	case given.Service == "":
		return badRequest("The Service field is required.")
	case given.Required == nil:
		return badRequest("The Required field is required.")
	case given.DistributeToAgent == nil:
		return badRequest("The DistributeToAgent field is required.")
	case given.RonaTimeout != nil && *given.RonaTimeout < 1:
		return badRequest("The DistributeToAgentRONATimeoutInSeconds field must be positive.")
	}
	b := l.service(given.Service)
	if b == nil {
		return noSuch("service", given.Service)
	}
	t := &task{
		id: l.world.NewID(), externalID: given.ExternalTaskID, caller: given.Caller, service: b,
		required: *given.Required, preferred: given.PreferredAgents, preferredOnly: given.ConsiderPreferredAgentsOnly,
		distribute: *given.DistributeToAgent, rona: defaultRona,
		state: inQueue, position: l.waiting(b) + 1, created: l.clock, queued: l.clock,
	}
	if given.RonaTimeout != nil {
		t.rona = time.Duration(*given.RonaTimeout) * time.Second
	}
	l.tasks = append(l.tasks, t)
	l.writeID(w, t.id)
	return nil
}

func (l *lucs) writeID(w http.ResponseWriter, id string) {
	if l.settings.Load().NewID == idAsJSON {
		emulator.WriteJSON(w, emulator.Seed, http.StatusOK, id)
		return
	}
	emulator.SetBasis(w, emulator.Seed)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, id)
}

// waiting is how many tasks are in the queue of a service.
func (l *lucs) waiting(b *service) int {
	n := 0
	for _, t := range l.tasks {
		if t.service == b && t.state == inQueue {
			n++
		}
	}
	return n
}

func (l *lucs) get(w http.ResponseWriter, r request) error {
	t := l.task(r.id)
	cfg := l.settings.Load()
	switch {
	case t == nil && cfg.MissingAsEmpty:
		emulator.WriteJSON(w, emulator.Decision, http.StatusOK, []taskEntry{})
	case t == nil:
		return noSuch("task", r.id)
	case cfg.Single:
		emulator.WriteJSON(w, emulator.Decision, http.StatusOK, l.show(t))
	default:
		emulator.WriteJSON(w, t.basis(), http.StatusOK, []taskEntry{l.show(t)})
	}
	return nil
}

func (l *lucs) listTasks(w http.ResponseWriter, r request) error {
	b := l.service(r.id)
	if b == nil {
		return noSuch("service", r.id)
	}
	found, basis := []taskEntry{}, emulator.Seed
	for _, t := range l.tasks {
		if t.service != b {
			continue
		}
		found = append(found, l.show(t))
		if t.basis() != emulator.Seed {
			basis = t.basis()
		}
	}
	emulator.WriteJSON(w, basis, http.StatusOK, found)
	return nil
}

// refresh puts a task whose agent does not answer back into the queue.
func (l *lucs) refresh(w http.ResponseWriter, r request) error {
	t := l.task(r.id)
	if t == nil {
		return noSuch("task", r.id)
	}
	setRona := strings.EqualFold(r.URL.Query().Get("SetAgentOnRona"), "true")
	switch {
	case t.state == established || t.state == terminated:
		return l.forbids("The task is " + strings.ToLower(t.state) + " and cannot be refreshed.")
	case t.state == assigned && setRona && !t.agent.assistant:
		return l.forbids("The task is assigned and the RONA status may not be set remotely.")
	case t.state == inQueue:
		done(w, emulator.Decision)
		return nil
	}
	l.requeue(t, setRona)
	done(w, emulator.Seed)
	return nil
}

// setEstablished says that the agent has confirmed the task. Of a task that
// nobody is looked for, another system says so.
func (l *lucs) setEstablished(w http.ResponseWriter, r request) error {
	t := l.task(r.id)
	switch {
	case t == nil:
		return noSuch("task", r.id)
	case t.state == inQueue && t.distribute:
		return l.forbids("The task is not assigned to an agent.")
	case t.state == established || t.state == terminated:
		return l.forbids("The task is " + strings.ToLower(t.state) + " and cannot be set established again.")
	}
	basis := emulator.Seed
	if t.state == inQueue {
		basis = emulator.Decision
	}
	l.establish(t)
	done(w, basis)
	return nil
}

// end terminates a task. One that has ended is not found anymore.
func (l *lucs) end(w http.ResponseWriter, r request) error {
	t := l.task(r.id)
	if t == nil || t.state == terminated {
		return noSuch("task", r.id)
	}
	basis := emulator.Seed
	if t.state != established {
		if l.settings.Load().StrictTerminate {
			return l.forbids("The task is not established and cannot be terminated.")
		}
		basis = emulator.Decision
	}
	l.terminate(t)
	emulator.WriteJSON(w, basis, http.StatusOK, l.show(t))
	return nil
}

func (l *lucs) listServices(w http.ResponseWriter, _ request) error {
	found := []serviceEntry{}
	for _, b := range l.services {
		found = append(found, serviceEntry(*b))
	}
	emulator.WriteJSON(w, emulator.Decision, http.StatusOK, found)
	return nil
}

func (l *lucs) listUsers(w http.ResponseWriter, r request) error {
	b := l.service(r.id)
	if b == nil {
		return noSuch("service", r.id)
	}
	found := []userEntry{}
	for _, u := range l.users {
		if u.service == b.ID {
			found = append(found, l.entry(u))
		}
	}
	emulator.WriteJSON(w, emulator.Decision, http.StatusOK, found)
	return nil
}

func (l *lucs) block(w http.ResponseWriter, r request) error   { return l.setBlocked(w, r, true) }
func (l *lucs) unblock(w http.ResponseWriter, r request) error { return l.setBlocked(w, r, false) }

func (l *lucs) setBlocked(w http.ResponseWriter, r request, blocked bool) error {
	u := l.user(r.id)
	if u == nil {
		return noSuch("user", r.id)
	}
	u.blocked = blocked
	done(w, emulator.Public)
	return nil
}

func (l *lucs) presence(w http.ResponseWriter, r request) error {
	var given struct{ Presence string }
	if err := decode(r.Request, &given); err != nil {
		return err
	}
	u := l.user(r.id)
	i := slices.IndexFunc(presences(), func(p string) bool { return strings.EqualFold(p, given.Presence) })
	switch {
	case u == nil:
		return noSuch("user", r.id)
	case i < 0:
		return badRequest(fmt.Sprintf("The Presence field must be one of %s.", strings.Join(presences(), ", ")))
	}
	l.setPresence(u, presences()[i])
	done(w, emulator.Public)
	return nil
}

// done answers 200 without a body.
func done(w http.ResponseWriter, b emulator.Basis) {
	emulator.SetBasis(w, b)
	w.WriteHeader(http.StatusOK)
}

// decode reads a body as ASP.NET does: names in any case, unknown ones left out.
func decode(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return badRequest("The request body could not be read.")
	}
	if err := json.Unmarshal(body, into); err != nil {
		return badRequest("The request is invalid: " + err.Error())
	}
	return nil
}
