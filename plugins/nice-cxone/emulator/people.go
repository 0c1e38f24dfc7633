package emulator

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The permissions that the API asks for. Their names are ours.
const (
	mayEnd        = "EndContact"
	maySignal     = "SignalContact"
	mayViewAgents = "ViewAgents"
	mayView       = "ViewContacts"
)

// user is an agent with a security profile.
type user struct {
	AgentID     int64    `json:"agentId"`
	UserName    string   `json:"userName"`
	FirstName   string   `json:"firstName"`
	LastName    string   `json:"lastName"`
	Active      bool     `json:"active"`
	Permissions []string `json:"permissions"`

	password string // for the Central flow only
}

// users are those of the start: one who may do all, one who may not end
// contacts, one who left.
func users() []*user {
	all := []string{mayEnd, maySignal, mayView, mayViewAgents}
	return []*user{
		{100001, "vera.security", "Vera", "Security", true, all, "vera-password"},
		{100002, "tom.reader", "Tom", "Reader", true, []string{mayView, mayViewAgents}, "tom-password"},
		{100003, "ina.gone", "Ina", "Gone", false, all, "ina-password"},
	}
}

func (s *service) user(agentID int64) *user {
	i := slices.IndexFunc(s.users, func(u *user) bool { return u.AgentID == agentID })
	if i < 0 {
		return nil
	}
	return s.users[i]
}

// userOf returns the user with the agent id or the name in text.
func (s *service) userOf(text string) *user {
	if id, err := strconv.ParseInt(text, 10, 64); err == nil {
		return s.user(id)
	}
	i := slices.IndexFunc(s.users, func(u *user) bool { return strings.EqualFold(u.UserName, text) })
	if i < 0 {
		return nil
	}
	return s.users[i]
}

// accessKey stands for a user at the token endpoints.
type accessKey struct {
	ID      string `json:"accessKeyId"`
	AgentID int64  `json:"agentId"`
	Revoked bool   `json:"revoked"`

	secret string
}

func accessKeys() []*accessKey {
	return []*accessKey{
		{ID: "vera-key", AgentID: 100001, secret: "vera-key-secret"},
		{ID: "tom-key", AgentID: 100002, secret: "tom-key-secret"},
		{ID: "ina-key", AgentID: 100003, secret: "ina-key-secret"},
	}
}

func (s *service) key(id string) *accessKey {
	i := slices.IndexFunc(s.keys, func(k *accessKey) bool { return k.ID == id })
	if i < 0 {
		return nil
	}
	return s.keys[i]
}

// The application that may ask for tokens: for auth/token by client id and
// secret, for the Central flow as name@vendor of a business unit.
const (
	clientID     = "wend-client"
	clientSecret = "wend-client-secret"
	application  = "wend@wendflow"
	businessUnit = 4711
)

// token is what a user's requests bear.
type token struct {
	access, refresh string
	agentID         int64
	issued, expires time.Time
}

// issue gives a user a new token.
func (s *service) issue(u *user, now time.Time, cfg Settings) *token {
	t := &token{
		access:  "access-" + s.world.NewID(),
		refresh: "refresh-" + s.world.NewID(),
		agentID: u.AgentID,
		issued:  now,
		expires: now.Add(time.Duration(cfg.TokenSeconds) * time.Second),
	}
	s.tokens = append(s.tokens, t)
	return t
}

// bearer returns the user whose token is in an Authorization header, or nil.
func (s *service) bearer(header string, now time.Time) *user {
	scheme, access, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	for _, t := range s.tokens {
		if t.access == access && now.Before(t.expires) {
			if u := s.user(t.agentID); u != nil && u.Active {
				return u
			}
		}
	}
	return nil
}
