package emulator

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// The states of a session. Chatting and Completed are in the vendor's pages.
const (
	Queued    = "Queued" // with no agent
	Invited   = "Invited"
	Chatting  = "Chatting"
	Left      = "Left"
	Completed = "Completed"
)

// capabilities say what an agent may do in each state. Those of Chatting and
// Completed are in the vendor's pages.
var capabilities = map[string][]string{
	Queued:    {},
	Invited:   {"Accept", "Reject"},
	Chatting:  {"Transfer", "Complete", "Leave", "InFocus", "SendMessage", "SendStartTypingNotification", "SendStopTypingNotification"},
	Left:      {"Complete"},
	Completed: {},
}

// session is a conversation with a customer over Facebook.
type session struct {
	id       string
	state    string
	owner    *user  // nil while it is in a queue only
	queue    *queue // where it was put, or nil
	ended    bool   // for the customer
	received time.Time
	agents   []participant
	history  []step
}

// step is one change of a session, for people.
type step struct {
	State     string `json:"state"`
	Operation string `json:"operation,omitempty"`
	By        string `json:"by,omitempty"`
	Time      string `json:"time"`
}

// participant is who takes part in a session.
type participant struct {
	Nickname   string `json:"nickname"`
	Type       string `json:"type"`
	ID         string `json:"id"`
	Visibility string `json:"visibility"`
	// ParticipantID says the same as ID, as on the vendor's page.
	ParticipantID string `json:"participantId"`
}

// customer is the one of the vendor's page.
var customer = participant{"VitaliyOnv", "Customer", "007355E6EDFA0107", "All", "007355E6EDFA0107"}

// sessions are those that there are from the start: the ids of the vendor's
// pages, one for each shipped flow, and one for each state.
func sessions(users []*user, now time.Time) []*session {
	var list []*session
	for _, at := range []struct {
		id, state string
		owner     int
	}{
		{"0002DaAVKJ0V0095", Chatting, 0},
		{"0002DaAVKJ0V0096", Chatting, 0},
		{"0002DaAVKJ0V0097", Chatting, 0},
		{"0002DaAVKJ0V0098", Chatting, 0},
		{"01QQQG2MU214P05W", Chatting, 0},
		{"01QQQG2MU214P05X", Chatting, 0},
		{"0071023821aec011", Invited, 0},
		{"0000Wa9CAM6W00FF", Invited, 0},
		{"0002DaAVKJ0V00A0", Left, 0},
		{"0002DaAVKJ0V00A1", Completed, 0},
		{"0002DaAVKJ0V00B2", Chatting, 1},
		{"0002DaAVKJ0V00B3", Chatting, 2},
		{"0002DaAVKJ0V00B4", Chatting, 3},
		{"0002DaAVKJ0V00B5", Chatting, 4},
	} {
		list = append(list, newSession(at.id, at.state, users[at.owner], now))
	}
	return list
}

func newSession(id, state string, owner *user, now time.Time) *session {
	s := &session{id: id, owner: owner, received: now, ended: state == Left || state == Completed}
	if state == Chatting {
		s.join(owner, owner.FirstName+" "+owner.LastName)
	}
	s.enter(state, "", "", now)
	return s
}

func (s *session) enter(state, operation, by string, now time.Time) {
	s.state = state
	s.history = append(s.history, step{state, operation, by, stamp(now)})
}

func (s *session) join(u *user, nickname string) {
	s.agents = append(s.agents, participant{nickname, "Agent", u.ID, "All", u.ID})
}

func (s *session) participants() []participant {
	if s.state == Invited || s.state == Queued {
		return []participant{}
	}
	return append(slices.Clone(s.agents), customer)
}

// stamp writes a time as the vendor's receivedDate, once the damage of its page
// is undone.
func stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05.000-0700") }

// operation is what an agent can do with a session.
type operation struct {
	from  []string // the states it is allowed in
	check func(*service, *request) error
	do    func(*change)
}

// change is an operation under way.
type change struct {
	*service

	session *session
	by      *user
	req     request
	base    string // the address of the API, for links
	mishap  mishap
	now     time.Time
	// reference is the referenceId of the reply, 0 for none.
	reference int
}

var operations = map[string]operation{
	"Complete": {[]string{Chatting, Left}, (*service).checkQueue, (*change).complete},
	"Accept":   {[]string{Invited}, (*service).checkNickname, (*change).accept},
	"Reject":   {[]string{Invited}, nil, (*change).reject},
	"Leave":    {[]string{Chatting}, nil, (*change).leave},
	"Transfer": {[]string{Chatting}, (*service).checkTarget, (*change).transfer},
}

func (s *service) checkQueue(req *request) error {
	switch {
	case req.QueueName == nil:
		return nil
	case *req.QueueName == "":
		return refuse(codeInvalid, "queueName is empty")
	}
	req.queue = find(s.queues, func(q *queue) bool { return q.Name == *req.QueueName })
	if req.queue == nil {
		return refuse(codeNotFound, "no queue %q", *req.QueueName)
	}
	return nil
}

func (s *service) checkNickname(req *request) error {
	if req.Nickname == "" {
		return refuse(codeMissing, "nickname is missing")
	}
	return nil
}

// checkTarget finds whom a transfer goes to, by a path or the address of one.
func (s *service) checkTarget(req *request) error {
	target := req.TargetPath
	if target == "" {
		target = req.TargetURI
	}
	if target == "" {
		return refuse(codeMissing, "targetPath is missing")
	}
	u, err := url.Parse(target)
	if err != nil {
		return refuse(codeInvalid, "targetPath %q is no path", target)
	}
	parts := strings.Split(u.Path, "/")
	if len(parts) >= 2 {
		kind, id := parts[len(parts)-2], parts[len(parts)-1]
		switch kind {
		case "users":
			req.user = find(s.users, func(u *user) bool { return u.ID == id })
		case "queues", "contacts": // the vendor's sample of a queue is a contact
			req.queue = find(s.queues, func(q *queue) bool { return q.ID == id })
		}
	}
	if req.user == nil && req.queue == nil {
		return refuse(codeNotFound, "no user or queue %q", target)
	}
	return nil
}

// complete ends the agent's work, and the customer's session if need be.
func (c *change) complete() {
	c.session.queue = c.req.queue
	c.end(Completed)
	c.notify(c.by, c.session, statusChange, c.refer())
}

// end ends the customer's session, if that has not happened yet.
func (c *change) end(state string) {
	c.session.ended = true
	c.session.agents = nil
	c.enter(state)
}

func (c *change) accept() {
	c.enter(Chatting)
	c.notify(c.by, c.session, statusChange, c.refer())
	c.session.join(c.by, c.req.Nickname)
	c.notify(c.by, c.session, participantsUpdated, 0)
}

// reject is the end for this agent; the customer's session goes on.
func (c *change) reject() {
	c.enter(Completed)
	c.notify(c.by, c.session, statusChange, c.refer())
}

// leave ends the customer's session too, since there is no conference here.
func (c *change) leave() {
	c.end(Left)
	c.notify(c.by, c.session, statusChange, 0)
}

// transfer is the end for this agent, and the beginning for the next.
func (c *change) transfer() {
	c.session.agents = nil
	c.session.owner, c.session.queue = c.req.user, c.req.queue
	before := *c.session
	before.state = Completed
	c.reference = c.refer()
	c.notify(c.by, &before, statusChange, c.reference)
	if c.req.user == nil {
		c.enter(Queued)
		return
	}
	c.enter(Invited)
	c.notify(c.req.user, c.session, statusChange, 0)
}

func (c *change) enter(state string) { c.session.enter(state, c.req.Operation, c.by.UserName, c.now) }
