package emulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/emulator"
)

// control serves what stands for the administrator's side, and the settings.
func (s *service) control() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/_emulator/settings", s.settings)
	mux.HandleFunc("POST /_emulator/contacts", s.addContact)
	mux.HandleFunc("POST /_emulator/tokens/expire", s.expireTokens)
	for verb, is := range map[string]bool{"activate": true, "deactivate": false} {
		mux.HandleFunc("POST /_emulator/users/{user}/"+verb, s.setActive(is))
	}
	for verb, is := range map[string]bool{"revoke": true, "restore": false} {
		mux.HandleFunc("POST /_emulator/keys/{key}/"+verb, s.setRevoked(is))
	}
	return mux
}

// addContact makes one more contact that is stuck.
func (s *service) addContact(w http.ResponseWriter, r *http.Request) {
	var given struct {
		ID        int64  `json:"contactId"`
		MediaType string `json:"mediaType"`
		Skill     string `json:"skill"`
	}
	if err := emulator.Decode(w, r, &given); err != nil {
		emulator.Refuse(w, http.StatusBadRequest, err)
		return
	}
	if !slices.Contains(mediaTypes(), given.MediaType) {
		emulator.Refuse(w, http.StatusBadRequest,
			fmt.Errorf("mediaType %q: expected one of %s", given.MediaType, strings.Join(mediaTypes(), ", ")))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if given.ID <= 0 {
		given.ID = s.freeID()
	}
	if slices.ContainsFunc(s.contacts, func(c *contact) bool { return c.ID == given.ID }) {
		emulator.Refuse(w, http.StatusConflict, fmt.Errorf("there is a contact %d", given.ID))
		return
	}
	c := newContact(given.ID, given.MediaType, given.Skill, s.world.Now())
	s.contacts = append(s.contacts, c)
	emulator.Answer(w, http.StatusCreated, c)
}

// freeID is the next id after those of the start.
func (s *service) freeID() int64 { return firstContact + 1000 + int64(len(s.contacts)) }

// expireTokens ends the life of all tokens, as if an hour had passed.
func (s *service) expireTokens(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tokens {
		t.expires = s.world.Now()
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *service) setActive(is bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		u := s.userOf(r.PathValue("user"))
		if u == nil {
			emulator.Refuse(w, http.StatusNotFound, fmt.Errorf("no user %q", r.PathValue("user")))
			return
		}
		u.Active = is
		emulator.Answer(w, http.StatusOK, u)
	}
}

func (s *service) setRevoked(is bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		k := s.key(r.PathValue("key"))
		if k == nil {
			emulator.Refuse(w, http.StatusNotFound, fmt.Errorf("no access key %q", r.PathValue("key")))
			return
		}
		k.Revoked = is
		emulator.Answer(w, http.StatusOK, k)
	}
}

// state is what GET /_emulator/state prints. It has no secret and no token.
type state struct {
	Contacts   []contact    `json:"contacts"`
	Users      []user       `json:"users"`
	AccessKeys []accessKey  `json:"accessKeys"`
	Tokens     []tokenState `json:"tokens"`
}

type tokenState struct {
	AgentID int64  `json:"agentId"`
	Issued  string `json:"issuedAt"`
	Expires string `json:"expiresAt"`
	Expired bool   `json:"expired"`
}

// state copies everything, for it is printed after the lock is gone.
func (s *service) state() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := state{
		Contacts: copied(s.contacts), Users: copied(s.users), AccessKeys: copied(s.keys),
		Tokens: []tokenState{},
	}
	now := s.world.Now()
	for _, t := range s.tokens {
		st.Tokens = append(st.Tokens, t.state(now))
	}
	return st
}

func (t *token) state(now time.Time) tokenState {
	return tokenState{t.agentID, stamp(t.issued), stamp(t.expires), !now.Before(t.expires)}
}

func copied[T any](pointers []*T) []T {
	values := make([]T, len(pointers))
	for i, p := range pointers {
		values[i] = *p
	}
	return values
}
