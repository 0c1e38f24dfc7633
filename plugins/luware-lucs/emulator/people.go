package emulator

import (
	"slices"
	"strings"
	"time"
)

// The presences of a user. That of one who did not answer is RONA.
const (
	online = "Online"
	rona   = "RONA"
)

func presences() []string { return []string{online, "Busy", "DoNotDisturb", "Away", "Offline", rona} }

// service is one that tasks are made for.
type service struct {
	ID          string
	DisplayName string
	SipURI      string
	TelNumber   string
	Culture     string
}

// user is an agent.
type user struct {
	ID                    string
	DisplayName           string
	OrganizationUnitName  string
	SipURI                string
	UserPrincipalName     string
	SecurityIdentifier    string
	SamAccountName        string
	AgentProfileName      string
	ResponsibleSinceLevel int

	service   string // id of the service whose agent it is
	can       capabilities
	assistant bool // whether Agent Assistant runs, by which the presence can be set from here
	presence  string
	since     time.Time // when the presence was set
	blocked   bool
	task      *task // the one on hand, assigned or established
}

// capabilities are what a task requires and an agent can do.
type capabilities struct {
	Im                  bool
	Audio               bool
	Video               bool
	DesktopSharing      bool
	ConversationContext bool
}

// cover tells whether all that is required is among the capabilities.
func (c capabilities) cover(required capabilities) bool {
	return (c.Im || !required.Im) && (c.Audio || !required.Audio) && (c.Video || !required.Video) &&
		(c.DesktopSharing || !required.DesktopSharing) && (c.ConversationContext || !required.ConversationContext)
}

const (
	customerCare = "7830678b-03b1-4e71-af33-a3987142519f" // that of the vendor's page
	nightDesk    = "b5a5dd29-95b5-4b1c-8a0f-0c6a6a4a2f10" // has no agents
)

func services() []*service {
	return []*service{
		{customerCare, "Business Customer Care", "sip:smoky.businesss@dev.local", "+41000000000", "en-GB"},
		{nightDesk, "Night Desk", "sip:smoky.night@dev.local", "+41000000001", "de-CH"},
	}
}

// users are those of the start, the first as on the vendor's page. The last
// three hold the tasks of the start.
func users() []*user {
	all := capabilities{true, true, true, true, true}
	text := capabilities{Im: true, ConversationContext: true}
	return []*user{
		newUser("275cb3e3-4d73-4012-9033-c58daa50ad4e", "Alisa Abbot", "smoky.aa", "76261", 1, all, true),
		newUser("3f0f3c0e-8d7e-4d0e-9a53-7d5c4f1f0b02", "Bruno Baker", "smoky.bb", "76262", 2, all, true),
		newUser("4a1e4d1f-9e8f-4e1f-8b64-8e6d501a1c03", "Clara Cole", "smoky.cc", "76263", 2, text, false),
		newUser("5b2f5e20-af90-4f20-9c75-9f7e612b2d04", "Dana Doyle", "smoky.dd", "76264", 3, all, true),
		newUser("6c306f31-b0a1-4031-8d86-a08f723c3e05", "Emil Ernst", "smoky.ee", "76265", 3, all, true),
		newUser("7d417042-c1b2-4142-9e97-b190834d4f06", "Fay Frost", "smoky.ff", "76266", 3, all, false),
	}
}

func newUser(id, name, account, rid string, level int, can capabilities, assistant bool) *user {
	return &user{
		ID: id, DisplayName: name, OrganizationUnitName: "Insurance Services", SipURI: "sip:" + account + "@dev.local",
		UserPrincipalName: account + "@dev.local", SecurityIdentifier: "S-1-5-21-870184815-4058679007-2540742146-" + rid,
		SamAccountName: account, AgentProfileName: "Eastern Division", ResponsibleSinceLevel: level,
		service: customerCare, can: can, assistant: assistant, presence: online,
	}
}

func (l *lucs) service(id string) *service {
	i := slices.IndexFunc(l.services, func(b *service) bool { return strings.EqualFold(b.ID, id) })
	if i < 0 {
		return nil
	}
	return l.services[i]
}

// user returns the user with the id or the address, or nil.
func (l *lucs) user(name string) *user {
	i := slices.IndexFunc(l.users, func(u *user) bool {
		return strings.EqualFold(u.ID, name) || strings.EqualFold(u.SipURI, name)
	})
	if i < 0 {
		return nil
	}
	return l.users[i]
}

// selectable tells whether a user can be given a task. To be blocked is no
// presence.
func (l *lucs) selectable(u *user) bool {
	return u.presence == online && !u.blocked && u.task == nil && !l.settings.Load().NoSelectableAgents
}

// userEntry is a user as the API lists them.
type userEntry struct {
	ID                    string `json:"Id"`
	DisplayName           string
	OrganizationUnitName  string
	SipURI                string `json:"SipUri"`
	UserPrincipalName     string
	SecurityIdentifier    string
	SamAccountName        string
	AgentProfileName      string
	ResponsibleSinceLevel int
	Presence              string
	IsSelectable          bool
	IsBlockedByLuwareAPI  bool `json:"IsBlockedByLuwareApi"`
}

func (l *lucs) entry(u *user) userEntry {
	return userEntry{
		u.ID, u.DisplayName, u.OrganizationUnitName, u.SipURI, u.UserPrincipalName, u.SecurityIdentifier,
		u.SamAccountName, u.AgentProfileName, u.ResponsibleSinceLevel, u.presence, l.selectable(u), u.blocked,
	}
}

type serviceEntry struct {
	ID          string `json:"Id"`
	DisplayName string
	SipURI      string `json:"SipUri"`
	TelNumber   string
	Culture     string
}
