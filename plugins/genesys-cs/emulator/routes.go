package emulator

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wendflow/wend/emulator"
)

const (
	basePath     = "/genesys/1/cs"
	servicesPath = basePath + "/services"
	servicePath  = servicesPath + "/{service}"
)

// handler answers a call that has passed the guard, with the services locked.
type handler func(w http.ResponseWriter, r request) error

// verbs are the handlers of a path by their HTTP method.
type verbs map[string]handler

// api serves what applications call.
func (s *site) api() http.Handler {
	mux := http.NewServeMux()
	for path, verbs := range s.routes() {
		mux.HandleFunc(path, s.guarded(verbs))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, notFound("no resource '%s'", r.URL.Path))
	})
	return mux
}

func (s *site) routes() map[string]verbs {
	routes := map[string]verbs{
		servicesPath + "/start":                    {http.MethodPost: s.startService},
		servicePath:                                {http.MethodGet: s.getService},
		servicePath + "/end":                       {http.MethodPost: s.endService},
		basePath + "/metadata/business-attributes": {http.MethodGet: s.allAttributes},
		basePath + "/metadata/business-attributes/{attribute}": {http.MethodGet: s.oneAttribute},
	}
	for _, p := range []part{statePart(), taskPart()} {
		path := servicePath + "/" + p.path
		routes[path] = verbs{http.MethodGet: s.list(p, "")}
		routes[path+"/active"] = verbs{http.MethodGet: s.list(p, "active")}
		routes[path+"/completed"] = verbs{http.MethodGet: s.list(p, "completed")}
		routes[path+"/start"] = verbs{http.MethodPost: s.start(p)}
		routes[path+"/{id}"] = verbs{http.MethodGet: s.get(p)}
		routes[path+"/{id}/end"] = verbs{http.MethodPost: s.end(p)}
	}
	return routes
}

// guarded lets the call that may be made through to the handler of its method.
func (s *site) guarded(verbs verbs) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := s.locked(func(now time.Time, cfg Settings) error {
			admitted, err := admit(r, cfg, now)
			if err != nil {
				return err
			}
			handle, known := verbs[r.Method]
			if !known {
				w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(verbs)), ", "))
				return &apiError{http.StatusMethodNotAllowed, fmt.Sprintf("method %s is not allowed here", r.Method)}
			}
			return handle(w, admitted)
		})
		if err != nil {
			writeError(w, err)
		}
	}
}

func (s *site) startService(w http.ResponseWriter, r request) error {
	e, err := readEvent(r, serviceStart())
	if err != nil {
		return err
	}
	if e.fields["customer_id"] == nil && e.fields["contact_key"] == nil {
		return badRequest("customer_id or contact_key is mandatory")
	}
	if err := checkType("service_type", e, r.cfg); err != nil {
		return err
	}
	sv := newService(s.newID(r.cfg), r.tenant, e, r.now)
	s.services = append(s.services, sv)
	emulator.WriteJSON(w, emulator.Inference, r.cfg.Start, map[string]any{"service_id": sv.id})
	return nil
}

func (s *site) newID(cfg Settings) serviceID {
	if cfg.ServiceIDs == "text" {
		return serviceID(s.world.NewID())
	}
	s.made++
	return serviceID(strconv.FormatInt(cfg.FirstServiceID+s.made-1, 10))
}

// checkType holds what is started to its type, if it must have one.
func checkType(name string, e event, cfg Settings) error {
	if cfg.TypesMandatory && e.fields[name] == nil {
		return badRequest("%s is mandatory", name)
	}
	return nil
}

// service finds the service of a request, among those of its tenant.
func (s *site) service(r request) (*service, error) {
	id := r.PathValue("service")
	i := slices.IndexFunc(s.services, func(sv *service) bool { return string(sv.id) == id && sv.tenant == r.tenant })
	if i < 0 {
		return nil, notFound("service %s does not exist", id)
	}
	return s.services[i], nil
}

// item finds the service and the part of it that a request is about.
func (s *site) item(p part, r request) (*service, *item, error) {
	sv, err := s.service(r)
	if err != nil {
		return nil, nil, err
	}
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 32)
	if err != nil || id < 0 {
		return nil, nil, badRequest("%s '%s': expected an integer of 32 bits", p.idName, r.PathValue("id"))
	}
	it := p.find(sv, id)
	if it == nil {
		return nil, nil, notFound("%s %d does not exist in service %s", p.name, id, sv.id)
	}
	return sv, it, nil
}

func (s *site) getService(w http.ResponseWriter, r request) error {
	sv, err := s.service(r)
	if err != nil {
		return err
	}
	emulator.WriteJSON(w, emulator.Inference, http.StatusOK, sv.shown(r.cfg, extensions(r)))
	return nil
}

func (s *site) endService(w http.ResponseWriter, r request) error {
	sv, err := s.service(r)
	if err != nil {
		return err
	}
	e, err := readEvent(r, end())
	if err != nil {
		return err
	}
	if sv.completed != nil {
		return repeated(w, r.cfg, "service", sv.id)
	}
	sv.end(e, r.now)
	noContent(w, emulator.Inference)
	return nil
}

// start starts a state or a task of a service.
func (s *site) start(p part) handler {
	return func(w http.ResponseWriter, r request) error {
		sv, err := s.service(r)
		if err != nil {
			return err
		}
		e, err := readEvent(r, p.start)
		if err != nil {
			return err
		}
		if err := checkType(p.typeName, e, r.cfg); err != nil {
			return err
		}
		if err := checkOpen(sv, e); err != nil {
			return err
		}
		it := p.add(sv, e, r.now)
		emulator.WriteJSON(w, emulator.Inference, r.cfg.Start, map[string]any{p.idName: it.id})
		return nil
	}
}

// checkOpen says whether something can be started in a service, and in the state
// that the event names.
func checkOpen(sv *service, e event) error {
	if sv.completed != nil {
		return badRequest("service %s is already completed", sv.id)
	}
	id, named := e.fields["state_id"].(int64)
	if !named {
		return nil
	}
	if state := statePart().find(sv, id); state == nil || state.completed != nil {
		return badRequest("state %d is not an active state of service %s", id, sv.id)
	}
	return nil
}

// end completes a state or a task.
func (s *site) end(p part) handler {
	return func(w http.ResponseWriter, r request) error {
		sv, it, err := s.item(p, r)
		if err != nil {
			return err
		}
		e, err := readEvent(r, end())
		if err != nil {
			return err
		}
		// Only a task that has a state can contradict one.
		if state := e.take("state_id"); state != nil && it.state != nil && state != it.state {
			return badRequest("%s %d is of state %v, not of state %v", p.name, it.id, it.state, state)
		}
		if it.completed != nil {
			return repeated(w, r.cfg, p.name, it.id)
		}
		it.complete(e)
		sv.changed = r.now
		noContent(w, p.ends)
		return nil
	}
}

// repeated answers the completion of what is completed already.
func repeated(w http.ResponseWriter, cfg Settings, what string, id any) error {
	if cfg.Repeat == http.StatusNoContent {
		noContent(w, emulator.Decision)
		return nil
	}
	return alreadyCompleted(cfg.Repeat, what, id)
}

func noContent(w http.ResponseWriter, b emulator.Basis) {
	emulator.SetBasis(w, b)
	w.WriteHeader(http.StatusNoContent)
}

func (s *site) get(p part) handler {
	return func(w http.ResponseWriter, r request) error {
		sv, it, err := s.item(p, r)
		if err != nil {
			return err
		}
		emulator.WriteJSON(w, emulator.Public, http.StatusOK, p.shown(sv, it, r.cfg, extensions(r)))
		return nil
	}
}

// list answers with the states or tasks of a service that the query asks for.
func (s *site) list(p part, status string) handler {
	return func(w http.ResponseWriter, r request) error {
		sv, err := s.service(r)
		if err != nil {
			return err
		}
		wanted, err := filter(p, r)
		if err != nil {
			return err
		}
		found := []map[string]any{}
		for _, it := range *p.of(sv) {
			if (status == "" || status == it.status()) && wanted(it) {
				found = append(found, p.shown(sv, it, r.cfg, extensions(r)))
			}
		}
		emulator.WriteJSON(w, emulator.Public, http.StatusOK, found)
		return nil
	}
}

// filter is what the parameters of a query ask for.
func filter(p part, r request) (func(*item) bool, error) {
	types := names(r, p.typeName+"s")
	state := r.URL.Query().Get("state_id")
	if _, err := strconv.ParseInt(state, 10, 32); state != "" && err != nil {
		return nil, badRequest("state_id '%s': expected an integer of 32 bits", state)
	}
	return func(it *item) bool {
		if state != "" && fmt.Sprint(it.state) != state {
			return false
		}
		kind, has := it.kind.(Value)
		return len(types) == 0 || has && (slices.Contains(types, strconv.FormatInt(kind.ID, 10)) || slices.Contains(types, kind.Name))
	}, nil
}

func extensions(r request) []string { return names(r, "extensions") }

// names is a parameter that holds names with commas between them.
func names(r request, parameter string) []string {
	text := r.URL.Query().Get(parameter)
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}
