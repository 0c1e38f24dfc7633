package emulator

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/wendflow/wend/emulator"
)

// control serves what stands for the customers' and the administrator's side,
// and the settings.
func (s *service) control() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/_emulator/settings", s.settings)
	mux.HandleFunc("GET /_emulator/notifications", s.showNotifications)
	mux.HandleFunc("POST /_emulator/facebooksessions", s.addSession)
	mux.HandleFunc("POST /_emulator/csrf/rotate", done(s.rotate))
	mux.HandleFunc("POST /_emulator/logins/expire", done(s.expire))
	return mux
}

func done(do func()) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		do()
		w.WriteHeader(http.StatusNoContent)
	}
}

// showNotifications lists what was sent, of one session if the query has one.
func (s *service) showNotifications(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("session")
	s.mu.Lock()
	list := slices.Clone(s.notifications)
	s.mu.Unlock()
	list = slices.DeleteFunc(list, func(n notification) bool { return id != "" && n.Session != id })
	emulator.Answer(w, http.StatusOK, append([]notification{}, list...))
}

// addSession has one more customer write.
func (s *service) addSession(w http.ResponseWriter, r *http.Request) {
	var given struct {
		ID    string `json:"id"`
		State string `json:"state"`
		Owner string `json:"owner"` // user name
	}
	if r.ContentLength != 0 {
		if err := emulator.Decode(w, r, &given); err != nil {
			emulator.Refuse(w, http.StatusBadRequest, err)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := cmp.Or(given.ID, fmt.Sprintf("0002DaAVKJ0V%04X", 0x1000+len(s.sessions)))
	owner := s.user(cmp.Or(given.Owner, "a1"))
	state := cmp.Or(given.State, Invited)
	switch {
	case owner == nil:
		emulator.Refuse(w, http.StatusBadRequest, fmt.Errorf("no user %q", given.Owner))
		return
	case state == Queued || capabilities[state] == nil:
		emulator.Refuse(w, http.StatusBadRequest, fmt.Errorf("state %q: expected one of %s", state, strings.Join([]string{Invited, Chatting, Left, Completed}, ", ")))
		return
	case find(s.sessions, func(fs *session) bool { return fs.id == id }) != nil:
		emulator.Refuse(w, http.StatusConflict, fmt.Errorf("there is a session %q", id))
		return
	}
	fs := newSession(id, state, owner, s.world.Now())
	s.sessions = append(s.sessions, fs)
	emulator.Answer(w, http.StatusCreated, fs.record())
}

// record is a session as the state shows it.
type record struct {
	ID           string        `json:"id"`
	State        string        `json:"state"`
	Owner        string        `json:"owner"` // user name, "" while it is in a queue only
	SessionEnded bool          `json:"sessionEnded"`
	Queue        string        `json:"queue"` // "" for none
	Participants []participant `json:"participants"`
	History      []step        `json:"history"`
}

func (fs *session) record() record {
	r := record{
		ID: fs.id, State: fs.state, SessionEnded: fs.ended,
		Participants: fs.participants(), History: slices.Clone(fs.history),
	}
	if fs.owner != nil {
		r.Owner = fs.owner.UserName
	}
	if fs.queue != nil {
		r.Queue = fs.queue.Name
	}
	return r
}

// state is what GET /_emulator/state prints. It has no password, no cookie and
// no token.
type state struct {
	Sessions      []record            `json:"facebooksessions"`
	Users         []user              `json:"users"`
	Queues        []queue             `json:"queues"`
	Logins        int                 `json:"logins"`
	CometD        []listener          `json:"cometd"`
	Notifications int                 `json:"notifications"`
	Webhook       emulator.Deliveries `json:"webhook"`
}

type listener struct {
	User    string   `json:"user"`
	Topics  []string `json:"topics"`
	Waiting int      `json:"waiting"`
}

// state copies everything, for it is printed after the lock is gone.
func (s *service) state() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := state{
		Sessions: []record{}, Users: copied(s.users), Queues: copied(s.queues), Logins: len(s.logins), CometD: []listener{},
		Notifications: s.lastNotification(), Webhook: s.webhook.Deliveries(),
	}
	for _, fs := range s.sessions {
		st.Sessions = append(st.Sessions, fs.record())
	}
	for _, c := range s.clients {
		st.CometD = append(st.CometD, listener{c.user.UserName, append([]string{}, c.topics...), len(c.waiting)})
	}
	slices.SortFunc(st.CometD, func(a, b listener) int { return cmp.Compare(a.User, b.User) })
	return st
}

func copied[T any](pointers []*T) []T {
	values := make([]T, len(pointers))
	for i, p := range pointers {
		values[i] = *p
	}
	return values
}
