package emulator

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wendflow/wend/emulator"
)

// control serves what stands for the agents' side, and the settings.
func (s *service) control() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/_emulator/settings", s.settings)
	mux.HandleFunc("POST /_emulator/tasks/{id}/route", s.moveBy(route))
	mux.HandleFunc("POST /_emulator/tasks/{id}/transfer", s.moveBy(transfer))
	return mux
}

// order is the body of a route, if it has one.
type order struct {
	Agent string `json:"agent"` // Agent Skill Target ID
}

// route gives a waiting task to an agent.
func route(t *task, o order, now time.Time) error {
	if !t.waiting() {
		return fmt.Errorf("task %q is %s; only a task that is %s or %s can be routed", t.id, t.state, Created, Queued)
	}
	if t.state == Created {
		t.enter(Queued, "", now)
	}
	t.agent = cmp.Or(o.Agent, t.details.PreferredOwner, "1001")
	t.enter(Routed, "", now)
	return nil
}

// transfer takes a task from its agent. It must be created again in 15 s.
func transfer(t *task, _ order, now time.Time) error {
	if t.state != Routed {
		return fmt.Errorf("task %q is %s; only a task that is %s can be transferred", t.id, t.state, Routed)
	}
	t.agent = ""
	t.enter(Transferred, "", now)
	return nil
}

func (s *service) moveBy(move func(*task, order, time.Time) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var o order
		if r.ContentLength != 0 {
			if err := emulator.Decode(w, r, &o); err != nil {
				emulator.Refuse(w, http.StatusBadRequest, err)
				return
			}
		}
		var moved record
		err := s.locked(func(now time.Time, _ Settings) error {
			t := s.tasks.byID[strings.ToLower(r.PathValue("id"))]
			if t == nil {
				return noTask(r.PathValue("id"))
			}
			err := move(t, o, now)
			moved = t.record()
			return err
		})
		if e, ok := errors.AsType[*apiError](err); ok {
			emulator.Refuse(w, e.status, err)
			return
		}
		if err != nil {
			emulator.Refuse(w, http.StatusConflict, err)
			return
		}
		emulator.Answer(w, http.StatusOK, moved)
	}
}

// state is what GET /_emulator/state prints.
type state struct {
	Tasks   []record             `json:"tasks"` // by creation
	Queues  map[string]queueSize `json:"queues"`
	Webhook emulator.Deliveries  `json:"webhook"`
}

type queueSize struct {
	Waiting int `json:"waiting"`
	Quota   int `json:"quota"`
}

func (s *service) state() state {
	st := state{Tasks: []record{}, Queues: map[string]queueSize{}, Webhook: s.webhook.Deliveries()}
	_ = s.locked(func(_ time.Time, cfg Settings) error {
		for _, t := range s.tasks.all() {
			st.Tasks = append(st.Tasks, t.record())
		}
		for media, quota := range cfg.Quota {
			st.Queues[media] = queueSize{Waiting: s.tasks.waiting(media), Quota: quota}
		}
		return nil
	})
	return st
}
