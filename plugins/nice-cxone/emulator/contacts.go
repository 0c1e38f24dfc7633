package emulator

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wendflow/wend/emulator"
)

// The states of a contact.
const (
	active = "Active"
	ended  = "Ended"
)

const terminateScript = "TerminateScript"

// contact is one contact, of a script of one type.
type contact struct {
	ID               int64               `json:"contactId"`
	MediaType        string              `json:"mediaType"`
	Skill            string              `json:"skill"`
	State            string              `json:"state"`
	Started          string              `json:"startedAt"`
	EndedAt          string              `json:"endedAt,omitempty"`
	EndedBy          int64               `json:"endedBy,omitempty"`
	DisconnectReason string              `json:"disconnectReason,omitempty"`
	Signals          []map[string]string `json:"signals,omitempty"`
}

// mediaTypes are the script types that End a Contact supports.
func mediaTypes() []string {
	return []string{"Generic", "Email", "Chat", "Phone", "Voicemail", "Work Item", "SMS"}
}

const firstContact = 450100000001

// contacts are those of the start: one stuck in each script type's queue, one
// more with the largest id there can be, and one that has ended.
func contacts(now time.Time) []*contact {
	var all []*contact
	for i, mediaType := range mediaTypes() {
		all = append(all, newContact(firstContact+int64(i), mediaType, "Stuck", now))
	}
	largest := newContact(1<<63-1, "Phone", "Stuck", now)
	gone := newContact(450100000100, "Chat", "Support", now)
	gone.State, gone.EndedAt, gone.DisconnectReason = ended, stamp(now), "CustomerHangup"
	return append(all, largest, gone)
}

func newContact(id int64, mediaType, skill string, now time.Time) *contact {
	return &contact{ID: id, MediaType: mediaType, Skill: skill, State: active, Started: stamp(now)}
}

// contact returns the contact with the id in text, or nil: letters and special
// characters are no different from a number that nobody has.
func (s *service) contact(text string) *contact {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil
	}
	i := slices.IndexFunc(s.contacts, func(c *contact) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return s.contacts[i]
}

// end disconnects a contact. One that has ended is not an active contact.
func (s *service) end(w http.ResponseWriter, r request) error {
	c := s.contact(r.id)
	if c == nil {
		return invalidContactID(http.StatusNotFound)
	}
	if c.State != active {
		if r.cfg.Ended == http.StatusAccepted {
			accept(w, emulator.Decision, r.cfg.Ended)
			return nil
		}
		return invalidContactID(r.cfg.Ended).guessed(emulator.Decision)
	}
	c.State, c.EndedAt, c.EndedBy, c.DisconnectReason = ended, stamp(r.now), r.user.AgentID, terminateScript
	accept(w, emulator.Inference, r.cfg.End)
	return nil
}

// signal gives p1 to p9 to the script of a contact.
func (s *service) signal(w http.ResponseWriter, r request) error {
	c := s.contact(r.id)
	if c == nil || c.State != active {
		return invalidContactID(http.StatusNotFound)
	}
	c.Signals = append(c.Signals, signals(r.URL.Query()))
	accept(w, emulator.Public, http.StatusAccepted)
	return nil
}

func signals(query url.Values) map[string]string {
	given := map[string]string{}
	for i := 1; i <= 9; i++ {
		if name := "p" + strconv.Itoa(i); query.Has(name) {
			given[name] = query.Get(name)
		}
	}
	return given
}

// accept answers without a body; the status' words are in a header.
func accept(w http.ResponseWriter, b emulator.Basis, status int) {
	emulator.SetBasis(w, b)
	describe(w, http.StatusText(status))
	w.WriteHeader(status)
}

// activeContact is a contact as the API lists it.
type activeContact struct {
	ID        int64  `json:"contactId"`
	MediaType string `json:"mediaTypeName"`
	Skill     string `json:"skillName"`
	State     string `json:"stateName"`
	Started   string `json:"contactStartDate"`
}

func (s *service) listActive(w http.ResponseWriter, r request) error {
	found := []activeContact{}
	for _, c := range s.contacts {
		if c.State == active {
			found = append(found, activeContact{c.ID, c.MediaType, c.Skill, c.State, c.Started})
		}
	}
	answer(w, emulator.Inference, map[string]any{
		"totalRecords": len(found), "businessUnitId": businessUnit, "lastPollTime": stamp(r.now), "activeContacts": found,
	})
	return nil
}

// agent is a user as the API lists it.
type agent struct {
	AgentID   int64  `json:"agentId"`
	UserName  string `json:"userName"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	Active    bool   `json:"isActive"`
}

// listAgents answers with the agents whose name holds searchString.
func (s *service) listAgents(w http.ResponseWriter, r request) error {
	search := strings.ToLower(r.URL.Query().Get("searchString"))
	found := []agent{}
	for _, u := range s.users {
		if strings.Contains(strings.ToLower(u.UserName+" "+u.FirstName+" "+u.LastName), search) {
			found = append(found, u.listed())
		}
	}
	answerAgents(w, found)
	return nil
}

func (s *service) getAgent(w http.ResponseWriter, r request) error {
	id, err := strconv.ParseInt(r.id, 10, 64)
	u := s.user(id)
	if err != nil || u == nil {
		return &apiError{http.StatusNotFound, "not_found", "InvalidAgentId", emulator.Decision}
	}
	answerAgents(w, []agent{u.listed()})
	return nil
}

func (u *user) listed() agent {
	return agent{u.AgentID, u.UserName, u.FirstName, u.LastName, u.Active}
}

func answerAgents(w http.ResponseWriter, found []agent) {
	answer(w, emulator.Inference, map[string]any{"businessUnitId": businessUnit, "totalRecords": len(found), "agents": found})
}

// answer writes the body of a success.
func answer(w http.ResponseWriter, b emulator.Basis, value any) {
	describe(w, http.StatusText(http.StatusOK))
	emulator.WriteJSON(w, b, http.StatusOK, value)
}

// stamp writes a time as the emulator's bodies have it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
