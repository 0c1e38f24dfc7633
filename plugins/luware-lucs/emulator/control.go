package emulator

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/wendflow/wend/emulator"
)

// control serves what stands for the agent's side, and the settings.
func (l *lucs) control() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/_emulator/settings", l.settings)
	mux.HandleFunc("POST /_emulator/tasks/{id}/accept", l.accept)
	return mux
}

// accept lets the agent confirm a task in Agent Assistant.
func (l *lucs) accept(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle(l.world.Now())
	t := l.task(r.PathValue("id"))
	switch {
	case t == nil:
		emulator.Refuse(w, http.StatusNotFound, fmt.Errorf("no task %q", r.PathValue("id")))
	case t.state != assigned:
		emulator.Refuse(w, http.StatusConflict, errors.New("the task is "+t.state+", expected "+assigned))
	default:
		l.establish(t)
		emulator.Answer(w, http.StatusOK, t.dump())
	}
}

// state is what GET /_emulator/state prints.
type state struct {
	Tasks []taskState `json:"tasks"`
	Users []userState `json:"users"`
}

type taskState struct {
	ID             string `json:"taskId"`
	ExternalTaskID string `json:"externalTaskId"`
	Service        string `json:"service"`
	State          string `json:"state"`
	Distribute     bool   `json:"distributeToAgent"`
	Agent          string `json:"agent,omitempty"`
	Ronas          int    `json:"ronas"`
	RonaAt         string `json:"ronaAt,omitempty"`
	Created        string `json:"createdAt"`
	Established    string `json:"establishedAt,omitempty"`
	Ended          string `json:"endedAt,omitempty"`
}

type userState struct {
	SipURI          string `json:"sipUri"`
	DisplayName     string `json:"displayName"`
	Presence        string `json:"presence"`
	Blocked         bool   `json:"blocked"`
	Selectable      bool   `json:"selectable"`
	AgentAssistant  bool   `json:"agentAssistant"`
	TaskOnHand      string `json:"taskId,omitempty"`
	ResponsibleFrom int    `json:"responsibleSinceLevel"`
}

// state tells what is so now.
func (l *lucs) state() state {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle(l.world.Now())
	st := state{Tasks: []taskState{}, Users: []userState{}}
	for _, t := range l.tasks {
		st.Tasks = append(st.Tasks, t.dump())
	}
	for _, u := range l.users {
		entry := userState{
			SipURI: u.SipURI, DisplayName: u.DisplayName, Presence: u.presence, Blocked: u.blocked,
			Selectable: l.selectable(u), AgentAssistant: u.assistant, ResponsibleFrom: u.ResponsibleSinceLevel,
		}
		if u.task != nil {
			entry.TaskOnHand = u.task.id
		}
		st.Users = append(st.Users, entry)
	}
	return st
}

func (t *task) dump() taskState {
	entry := taskState{
		ID: t.id, ExternalTaskID: t.externalID, Service: t.service.DisplayName, State: t.state,
		Distribute: t.distribute, Ronas: t.ronas,
		Created: stamp(t.created), Established: stamp(t.establishAt), Ended: stamp(t.ended),
	}
	if t.agent != nil {
		entry.Agent = t.agent.SipURI
	}
	if t.state == assigned {
		entry.RonaAt = stamp(t.assignedAt.Add(t.rona))
	}
	return entry
}

// stamp writes a time for people and programs of today, or nothing.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
