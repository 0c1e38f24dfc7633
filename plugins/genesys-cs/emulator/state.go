package emulator

import (
	"encoding/json"
	"maps"
	"time"
)

// state is what GET /_emulator/state prints: everything, whatever its tenant and
// whatever was asked for.
type state struct {
	Services []serviceDump `json:"services"` // as they were started
}

type serviceDump struct {
	ID         serviceID                  `json:"service_id"`
	Tenant     string                     `json:"tenant"`
	CustomerID string                     `json:"customer_id,omitempty"`
	ContactKey string                     `json:"contact_key,omitempty"`
	Type       any                        `json:"service_type,omitempty"`
	Status     string                     `json:"status"`
	Started    map[string]any             `json:"started"`
	Completed  map[string]any             `json:"completed,omitempty"`
	Extensions map[string]json.RawMessage `json:"extensions,omitempty"`
	States     []stateDump                `json:"states,omitempty"`
	Tasks      []taskDump                 `json:"tasks"`
}

type stateDump struct {
	ID         int64                      `json:"state_id"`
	Type       any                        `json:"state_type,omitempty"`
	Status     string                     `json:"status"`
	Started    map[string]any             `json:"started"`
	Completed  map[string]any             `json:"completed,omitempty"`
	Extensions map[string]json.RawMessage `json:"extensions,omitempty"`
}

type taskDump struct {
	ID         int64                      `json:"task_id"`
	StateID    any                        `json:"state_id,omitempty"`
	Type       any                        `json:"task_type,omitempty"`
	Status     string                     `json:"status"`
	Started    map[string]any             `json:"started"`
	Completed  map[string]any             `json:"completed,omitempty"`
	Extensions map[string]json.RawMessage `json:"extensions,omitempty"`
}

func (s *site) state() state {
	st := state{Services: []serviceDump{}}
	_ = s.locked(func(_ time.Time, cfg Settings) error {
		for _, sv := range s.services {
			st.Services = append(st.Services, sv.dump(cfg))
		}
		return nil
	})
	return st
}

func (sv *service) dump(cfg Settings) serviceDump {
	d := serviceDump{
		ID: sv.id, Tenant: sv.tenant, CustomerID: sv.customer, ContactKey: sv.contact, Type: show(sv.kind, cfg),
		Status: sv.status(), Started: sv.started.shown(cfg), Completed: sv.ended(cfg), Extensions: maps.Clone(sv.attached),
		Tasks: []taskDump{},
	}
	for _, it := range sv.states {
		d.States = append(d.States, stateDump{
			it.id, show(it.kind, cfg), it.status(), it.started.shown(cfg), it.ended(cfg), maps.Clone(it.attached),
		})
	}
	for _, it := range sv.tasks {
		d.Tasks = append(d.Tasks, taskDump{
			it.id, it.state, show(it.kind, cfg), it.status(), it.started.shown(cfg), it.ended(cfg), maps.Clone(it.attached),
		})
	}
	return d
}

// ended is the end event, or nothing.
func (r *record) ended(cfg Settings) map[string]any {
	if r.completed == nil {
		return nil
	}
	return r.completed.shown(cfg)
}
