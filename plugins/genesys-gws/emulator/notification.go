package emulator

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"net/http"
	"time"
)

// firstReference is the referenceId of the first notification, as on the
// vendor's page.
const firstReference = 23

// maxNotifications is how many notifications are kept for people to see.
const maxNotifications = 1000

// The types of notifications.
const (
	statusChange        = "StatusChange"
	participantsUpdated = "ParticipantsUpdated"
)

// userData is that of the vendor's page, once the damage of the page is undone:
// the spaces after colons inside of texts, and None, which is null.
//
//go:embed userdata.json
var userData []byte

// message is what a notification says, with its fields in the order of the
// vendor's page.
type message struct {
	ReferenceID      int      `json:"referenceId,omitempty"`
	NotificationType string   `json:"notificationType"`
	MessageType      string   `json:"messageType"`
	Session          resource `json:"facebooksession"`
}

// resource is a session as the API shows it.
type resource struct {
	Comment            string          `json:"comment"`
	UserData           json.RawMessage `json:"userData"`
	ReceivedDate       string          `json:"receivedDate"`
	Type               string          `json:"facebooksessionType"`
	URI                string          `json:"uri"`
	Capabilities       []string        `json:"capabilities"`
	SuggestedQueueURIs []string        `json:"suggestedQueueUris"`
	State              string          `json:"state"`
	// Relevant is misspelt by the vendor.
	Relevant     []string      `json:"revelantResponseTemplateGroups"`
	Participants []participant `json:"participants"`
	ID           string        `json:"id"`
}

func (s *service) resource(fs *session, base string) resource {
	return resource{
		Comment:            "I am crazy about my test",
		UserData:           userData,
		ReceivedDate:       stamp(fs.received),
		Type:               "Inbound",
		URI:                base + "/facebooksessions/" + fs.id,
		Capabilities:       capabilities[fs.state],
		SuggestedQueueURIs: []string{base + "/queues/" + s.queues[0].ID},
		State:              fs.state,
		Relevant:           []string{},
		Participants:       fs.participants(),
		ID:                 fs.id,
	}
}

// notification is one that was sent, or should have been.
type notification struct {
	N       int    `json:"n"`
	Time    string `json:"time"`
	Topic   string `json:"topic"`
	User    string `json:"user"`
	Session string `json:"session"`
	Mishap  mishap `json:"mishap,omitempty"`
	// Data is the notification, or Text if it is no JSON.
	Data json.RawMessage `json:"data,omitempty"`
	Text string          `json:"text,omitempty"`

	user *user
	raw  []byte
}

// mishap is what befalls the notifications of an operation.
type mishap string

const (
	lost      mishap = "lost"      // is not sent
	duplicate mishap = "duplicate" // is sent twice
	malformed mishap = "malformed" // has None where null should be, as on the vendor's page
	damaged   mishap = "damaged"   // has a space after each colon, as on the vendor's page
)

type mishapKey struct{}

func (m mishap) mark(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), mishapKey{}, m))
}

func mishapOf(r *http.Request) mishap {
	m, _ := r.Context().Value(mishapKey{}).(mishap)
	return m
}

// spoil changes the text of a notification.
func (m mishap) spoil(text []byte) []byte {
	switch m {
	case malformed:
		return bytes.Replace(text, []byte(`"RRequestedSkills":null`), []byte(`"RRequestedSkills":None`), 1)
	case damaged:
		return bytes.ReplaceAll(text, []byte(":"), []byte(": "))
	default:
		return text
	}
}

// times is how often a notification is sent.
func (m mishap) times() int {
	switch m {
	case lost:
		return 0
	case duplicate:
		return 2
	default:
		return 1
	}
}

// refer takes the next referenceId.
func (c *change) refer() int {
	c.references++
	return c.references
}

// notify tells an agent what has become of a session.
func (c *change) notify(to *user, fs *session, kind string, reference int) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(message{reference, kind, "FacebooksessionStateChangeMessage", c.resource(fs, c.base)})
	if err != nil {
		panic(err) // the types above are all JSON
	}
	cfg := c.settings.Load()
	n := notification{
		Topic: cfg.Topic, User: to.UserName, Session: fs.id, Mishap: c.mishap,
		user: to, raw: c.mishap.spoil(bytes.TrimSpace(text.Bytes())),
	}
	if json.Valid(n.raw) {
		n.Data = n.raw
	} else {
		n.Text = string(n.raw)
	}
	if cfg.NotifyAfterMs == 0 {
		c.send(n)
		return
	}
	epoch := c.epoch
	time.AfterFunc(time.Duration(cfg.NotifyAfterMs)*time.Millisecond, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.epoch == epoch {
			c.send(n)
		}
	})
}

// send delivers a notification to everybody who wants it.
func (s *service) send(n notification) {
	n.Time = stamp(s.world.Now())
	times := n.Mishap.times()
	for range max(times, 1) { // a lost one is listed too
		n.N = s.lastNotification() + 1
		s.notifications = append(s.notifications, n)
	}
	if len(s.notifications) > maxNotifications {
		s.notifications = s.notifications[len(s.notifications)-maxNotifications:]
	}
	for range times {
		s.publish(n)
		if url := s.settings.Load().WebhookURL; url != "" {
			s.webhook.SendText(url, n.raw)
		}
	}
}

func (s *service) lastNotification() int {
	if len(s.notifications) == 0 {
		return 0
	}
	return s.notifications[len(s.notifications)-1].N
}
