package emulator

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wendflow/wend/emulator"
)

const (
	noToken   = "00000000-0000-0000-0000-000000000000"
	nobody    = "sip:unknown@unknown"
	algorithm = "BestQualifiedMostResponsibleAgent"
	// vendorTime is how LUCS writes a time, with the seven digits of .NET.
	vendorTime = "02.01.2006 15:04:05.0000000Z"
	// longRona keeps the assigned tasks of the start with their agents.
	longRona    = time.Hour
	defaultRona = 50 * time.Second // the vendor's example
)

// local is the zone of CurrentSystemTime on the vendor's page.
var local = time.FixedZone("", 2*60*60)

// seedCreated is when the task of the vendor's page was created.
var seedCreated = time.Date(2019, 6, 27, 11, 58, 35, 499691100, time.UTC)

// firstTasks are those of the start: the one of the vendor's page in the queue,
// which nobody is looked for, two that wait for their agents' answer, and one
// that is established.
func (l *lucs) firstTasks() []*task {
	all := capabilities{true, true, true, true, true}
	newTask := func(id, externalID, caller string) *task {
		return &task{
			id: id, externalID: externalID, caller: caller, service: l.services[0], required: all,
			rona: longRona, state: inQueue, position: 1, created: l.clock, queued: l.clock,
		}
	}
	waiting := newTask("488e2892-16c2-48a2-9040-f7f96157ad77", "testingtask123", "Johnny HasaProblem Again")
	waiting.created, waiting.queued = seedCreated, seedCreated
	waiting.preferred = []string{"sip:smoky.aa@dev.local", "sip:smoky.bb@dev.local", "sip:smoky.cc@dev.local"}
	waiting.preferredOnly = true
	tasks := []*task{
		waiting,
		newTask("6a1d4c0e-52f3-4d0c-9d6b-3f1f6f6f0a01", "unanswered-1", "Vera Vogel"),
		newTask("6a1d4c0e-52f3-4d0c-9d6b-3f1f6f6f0a02", "answered-2", "Walter Weiss"),
		newTask("6a1d4c0e-52f3-4d0c-9d6b-3f1f6f6f0a03", "handled-3", "Xenia Xu"),
	}
	for i, t := range tasks[1:] {
		t.state, t.agent, t.assignedAt = assigned, l.users[3+i], l.clock
		t.token = "0406e2d8-92ec-4017-b3d6-caf2848c680" + strconv.Itoa(i+1)
		t.distribute, t.agent.task = true, t
	}
	l.establish(tasks[3])
	return tasks
}

// task returns the task with the id, or nil.
func (l *lucs) task(id string) *task {
	i := slices.IndexFunc(l.tasks, func(t *task) bool { return strings.EqualFold(t.id, id) })
	if i < 0 {
		return nil
	}
	return l.tasks[i]
}

// taskEntry is a task as the API gives it.
type taskEntry struct {
	ID                  string `json:"Id"`
	ExternalTaskID      string `json:"ExternalTaskId"`
	Type                string
	State               string
	CustomerIdentifier  string
	Created             string
	QueueStarted        string
	Connected           *string
	InitialModalityType string
	OriginType          string
	OriginTypeCustom    *string
	ContextParameters   []parameter
	ReservedUserObject  *reservedUser
}

type parameter struct{ Name, Value string }

type reservedUser struct {
	ID                    string `json:"Id"`
	DisplayName           string
	OrganizationUnitName  string
	SipURI                string `json:"SipUri"`
	UserPrincipalName     string
	SecurityIdentifier    string
	SamAccountName        string
	AgentProfileName      string
	ResponsibleSinceLevel int
	SelectionAlgorithm    string
}

// show writes a task as the API gives it now.
func (l *lucs) show(t *task) taskEntry {
	entry := taskEntry{
		ID: t.id, ExternalTaskID: t.externalID, Type: "ExternalNonBlocking", State: t.state, CustomerIdentifier: t.caller,
		Created: t.created.Format(vendorTime), QueueStarted: t.created.Format(vendorTime),
		InitialModalityType: "External", OriginType: "Unknown",
		ContextParameters: l.parameters(t),
	}
	if !t.establishAt.IsZero() && !l.settings.Load().SeedQuirks {
		at := t.establishAt.Format(vendorTime)
		entry.Connected = &at
	}
	if u := t.agent; u != nil {
		entry.ReservedUserObject = &reservedUser{
			u.ID, u.DisplayName, u.OrganizationUnitName, u.SipURI, u.UserPrincipalName, u.SecurityIdentifier,
			u.SamAccountName, u.AgentProfileName, u.ResponsibleSinceLevel, algorithm,
		}
	}
	return entry
}

// parameters are the context parameters, in the order of the vendor's page.
func (l *lucs) parameters(t *task) []parameter {
	token, agent := noToken, nobody
	if t.agent != nil {
		token, agent = t.token, t.agent.SipURI
	}
	return []parameter{
		{"ServiceCulture", t.service.Culture},
		{"InitialQueuePosition", strconv.Itoa(t.position)},
		{"ServiceSipUri", t.service.SipURI},
		{"SessionAgentToken", token},
		{"CurrentSystemTime", l.clock.In(local).Format("1/2/2006 3:04 PM")},
		{"ServiceTelNumber", t.service.TelNumber},
		{"ExternalTaskId", t.externalID},
		{"ServiceDisplayName", t.service.DisplayName},
		{"AgentSipUri", agent},
	}
}

// basis is what a task that is shown rests on: of the states between InQueue and
// Terminated not even the names are published.
func (t *task) basis() emulator.Basis {
	if t.state == inQueue || t.state == terminated {
		return emulator.Seed
	}
	return emulator.Decision
}
