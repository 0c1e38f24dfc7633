package emulator

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// The states of a task. InQueue and Terminated are the vendor's, the others ours.
const (
	inQueue     = "InQueue"
	assigned    = "Assigned"
	established = "Established"
	terminated  = "Terminated"
)

// task is an external task.
type task struct {
	id            string
	externalID    string
	caller        string
	service       *service
	required      capabilities
	preferred     []string
	preferredOnly bool
	distribute    bool
	rona          time.Duration // how long an agent has to answer

	state       string
	position    int       // in the queue, at the start
	created     time.Time // and first queued
	queued      time.Time // last
	assignedAt  time.Time
	establishAt time.Time
	ended       time.Time
	agent       *user  // also of a task that has ended
	passed      *user  // who was last asked and did not answer
	token       string // of the agent's session
	ronas       int    // how often nobody answered in time
}

// settle lets everything happen that was due by now, in the order in which it
// was due.
func (l *lucs) settle(now time.Time) {
	l.distribute()
	for {
		next := l.nextDue()
		if next.IsZero() || next.After(now) {
			break
		}
		l.clock = next
		l.ringOut()
		l.recover()
		l.distribute()
	}
	l.clock = now
	l.distribute()
	l.forget()
}

// nextDue is when the next thing happens by itself, or zero.
func (l *lucs) nextDue() time.Time {
	var next time.Time
	consider := func(at time.Time) {
		if at.After(l.clock) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, t := range l.tasks {
		switch {
		case t.state == assigned:
			consider(t.assignedAt.Add(t.rona))
		case t.state == inQueue && t.distribute:
			consider(l.distributable(t))
		}
	}
	for _, u := range l.users {
		if u.presence == rona {
			consider(l.recovery(u))
		}
	}
	return next
}

// ringOut takes the tasks from the agents whose time to answer is over.
func (l *lucs) ringOut() {
	for _, t := range l.tasks {
		if t.state == assigned && !t.assignedAt.Add(t.rona).After(l.clock) {
			t.ronas++
			l.requeue(t, t.agent.assistant)
		}
	}
}

// requeue puts an assigned task back into the queue.
func (l *lucs) requeue(t *task, setRona bool) {
	agent := t.agent
	agent.task = nil
	if setRona {
		l.setPresence(agent, rona)
	}
	t.state, t.queued, t.passed, t.agent, t.token = inQueue, l.clock, agent, nil, ""
}

func (l *lucs) setPresence(u *user, presence string) {
	u.presence, u.since = presence, l.clock
}

// recovery is when a user in RONA is online again, or zero.
func (l *lucs) recovery(u *user) time.Time {
	seconds := l.settings.Load().RonaSeconds
	if seconds == 0 {
		return time.Time{}
	}
	return u.since.Add(time.Duration(seconds) * time.Second)
}

func (l *lucs) recover() {
	for _, u := range l.users {
		if at := l.recovery(u); u.presence == rona && !at.IsZero() && !at.After(l.clock) {
			l.setPresence(u, online)
		}
	}
}

// distributable is from when on a task in the queue may be given to an agent.
func (l *lucs) distributable(t *task) time.Time {
	return t.queued.Add(time.Duration(l.settings.Load().DistributeAfterMs) * time.Millisecond)
}

// distribute gives the tasks in the queue to agents, those that have waited
// longest first.
func (l *lucs) distribute() {
	waiting := slices.DeleteFunc(slices.Clone(l.tasks), func(t *task) bool {
		return t.state != inQueue || !t.distribute || l.distributable(t).After(l.clock)
	})
	slices.SortStableFunc(waiting, func(a, b *task) int { return a.queued.Compare(b.queued) })
	for _, t := range waiting {
		if u := l.choose(t); u != nil {
			l.assign(t, u)
		}
	}
}

func (l *lucs) assign(t *task, u *user) {
	t.state, t.agent, t.assignedAt, t.token = assigned, u, l.clock, l.world.NewID()
	u.task = t
}

// choose selects an agent: a preferred one, in the order given, or else by the
// service's policy, BestQualifiedMostResponsibleAgent. Who was asked last is
// asked again only if there is nobody else.
func (l *lucs) choose(t *task) *user {
	var candidates []*user
	for _, u := range l.users {
		preferred := t.preference(u) < len(t.preferred)
		if u.service == t.service.ID && u.can.cover(t.required) && l.selectable(u) && (preferred || !t.preferredOnly) {
			candidates = append(candidates, u)
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	return slices.MinFunc(candidates, func(a, b *user) int {
		return cmp.Or(
			compareBool(a == t.passed, b == t.passed),
			cmp.Compare(t.preference(a), t.preference(b)),
			cmp.Compare(a.ResponsibleSinceLevel, b.ResponsibleSinceLevel),
		)
	})
}

// preference is the place of a user among the preferred agents, or one after
// the last.
func (t *task) preference(u *user) int {
	i := slices.IndexFunc(t.preferred, func(sip string) bool { return strings.EqualFold(strings.TrimSpace(sip), u.SipURI) })
	if i < 0 {
		return len(t.preferred)
	}
	return i
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// establish says that the agent has confirmed the task.
func (l *lucs) establish(t *task) {
	t.state, t.establishAt = established, l.clock
}

// terminate ends a task. Its agent is free for the next.
func (l *lucs) terminate(t *task) {
	t.state, t.ended = terminated, l.clock
	if t.agent != nil {
		t.agent.task = nil
	}
}

// forget drops the tasks that ended long ago.
func (l *lucs) forget() {
	keep := time.Duration(l.settings.Load().ForgetSeconds) * time.Second
	l.tasks = slices.DeleteFunc(l.tasks, func(t *task) bool {
		return t.state == terminated && !t.ended.Add(keep).After(l.clock)
	})
}
