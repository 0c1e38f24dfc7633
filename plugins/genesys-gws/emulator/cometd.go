package emulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/emulator"
)

// maxWaiting is how many messages wait for a client that does not connect. The
// oldest go first.
const maxWaiting = 1000

// longPolling is the only transport: one request is held until there is news.
const longPolling = "long-polling"

// bayeux is a message of the Bayeux protocol, as a client sends it.
type bayeux struct {
	ID              json.RawMessage `json:"id,omitempty"`
	Channel         string          `json:"channel"`
	ClientID        string          `json:"clientId"`
	ConnectionType  string          `json:"connectionType"`
	ConnectionTypes []string        `json:"supportedConnectionTypes"`
	Subscription    json.RawMessage `json:"subscription"`
	Advice          struct {
		Timeout *int `json:"timeout"` // in milliseconds
	} `json:"advice"`
}

// subscriptions are the channels of a subscribe: one, or a list.
func (m bayeux) subscriptions() []string {
	var one string
	if json.Unmarshal(m.Subscription, &one) == nil {
		return []string{one}
	}
	var list []string
	_ = json.Unmarshal(m.Subscription, &list)
	return list
}

// reply is the answer to one message.
type reply map[string]any

func (m bayeux) reply() reply {
	r := reply{"channel": m.Channel, "successful": true}
	if m.ClientID != "" {
		r["clientId"] = m.ClientID
	}
	if m.ID != nil {
		r["id"] = m.ID
	}
	return r
}

func (r reply) fail(reason, reconnect string) reply {
	r["successful"], r["error"] = false, reason
	r["advice"] = reply{"reconnect": reconnect, "interval": 0}
	return r
}

// client is one who listens.
type client struct {
	user      *user
	topics    []string
	waiting   [][]byte // messages, as JSON but for a spoilt one
	connected bool     // has connected once
	gone      bool
	news      chan struct{} // has one entry where there is something to look at
}

func (c *client) wake() {
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// leave lets go of a connect that is held.
func (c *client) leave() {
	c.gone = true
	c.wake()
}

// cometd answers one request, which holds one message or several.
func (s *service) cometd(w http.ResponseWriter, r *http.Request, u *user) {
	messages, err := parseBayeux(r)
	if err != nil {
		emulator.WriteJSON(w, emulator.Inference, http.StatusBadRequest, []reply{{"successful": false, "error": "400::" + err.Error()}})
		return
	}
	var out [][]byte
	for _, m := range messages {
		news, answer := s.exchange(r, u, m)
		text, err := json.Marshal(answer)
		if err != nil {
			panic(err) // replies are made of what was JSON, and of texts
		}
		out = append(append(out, news...), text)
	}
	emulator.SetBasis(w, emulator.Inference)
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(http.StatusOK)
	// Joined by hand, for a spoilt notification is no JSON.
	parts := make([]string, len(out))
	for i, text := range out {
		parts[i] = string(text)
	}
	_, _ = w.Write([]byte("[" + strings.Join(parts, ",") + "]\n"))
}

func parseBayeux(r *http.Request) ([]bayeux, error) {
	var body json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, err
	}
	var list []bayeux
	if body[0] == '[' {
		err := json.Unmarshal(body, &list)
		return list, err
	}
	var one bayeux
	err := json.Unmarshal(body, &one)
	return []bayeux{one}, err
}

func (s *service) exchange(r *http.Request, u *user, m bayeux) (news [][]byte, answer reply) {
	if m.Channel == "/meta/handshake" {
		return nil, s.handshake(u, m)
	}
	s.mu.Lock()
	c := s.clients[m.ClientID]
	s.mu.Unlock()
	switch {
	case c == nil || c.user != u:
		return nil, m.reply().fail("402::Unknown client", "handshake")
	case m.Channel == "/meta/connect":
		return s.connect(r, c, m)
	case m.Channel == "/meta/subscribe" || m.Channel == "/meta/unsubscribe":
		return nil, s.subscribe(c, m)
	case m.Channel == "/meta/disconnect":
		s.disconnect(c, m)
		return nil, m.reply()
	default:
		return nil, m.reply().fail("403::Publish denied", "none")
	}
}

func (s *service) handshake(u *user, m bayeux) reply {
	if !slices.Contains(m.ConnectionTypes, longPolling) {
		answer := m.reply().fail("400::no connection type in common", "none")
		answer["supportedConnectionTypes"] = []string{longPolling}
		return answer
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := strings.ReplaceAll(s.world.NewID(), "-", "")
	s.clients[id] = &client{user: u, news: make(chan struct{}, 1)}
	answer := m.reply()
	answer["clientId"] = id
	answer["version"] = "1.0"
	answer["supportedConnectionTypes"] = []string{longPolling}
	answer["advice"] = s.advice()
	return answer
}

// advice tells a client how to go on.
func (s *service) advice() reply {
	return reply{"reconnect": "retry", "interval": 0, "timeout": s.settings.Load().CometDTimeoutMs}
}

// connect waits for news. The first connect of a client is answered at once, as
// CometD does.
func (s *service) connect(r *http.Request, c *client, m bayeux) (news [][]byte, answer reply) {
	if m.ConnectionType != longPolling {
		return nil, m.reply().fail("400::Unsupported connection type", "none")
	}
	timeout := s.settings.Load().CometDTimeoutMs
	if m.Advice.Timeout != nil {
		timeout = min(timeout, max(0, *m.Advice.Timeout))
	}
	s.mu.Lock()
	if !c.connected {
		c.connected, timeout = true, 0
	}
	s.mu.Unlock()
	news, gone := s.await(r, c, time.Duration(timeout)*time.Millisecond)
	if gone {
		return nil, m.reply().fail("402::Unknown client", "handshake")
	}
	answer = m.reply()
	answer["advice"] = s.advice()
	return news, answer
}

// await takes what waits for a client, and waits for something if need be.
func (s *service) await(r *http.Request, c *client, timeout time.Duration) (news [][]byte, gone bool) {
	over := time.NewTimer(timeout)
	defer over.Stop()
	for {
		s.mu.Lock()
		news, gone = c.waiting, c.gone
		c.waiting = nil
		s.mu.Unlock()
		if len(news) > 0 || gone || timeout == 0 {
			return news, gone
		}
		select {
		case <-c.news:
		case <-over.C:
			timeout = 0 // look once more
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		case <-s.world.Closing():
			panic(http.ErrAbortHandler)
		}
	}
}

func (s *service) subscribe(c *client, m bayeux) reply {
	answer := m.reply()
	answer["subscription"] = m.Subscription
	topics := m.subscriptions()
	if len(topics) == 0 {
		delete(answer, "subscription")
		return answer.fail("403::subscription_missing", "none")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, topic := range topics {
		c.topics = slices.DeleteFunc(c.topics, func(t string) bool { return t == topic })
		if m.Channel == "/meta/subscribe" {
			c.topics = append(c.topics, topic)
		}
	}
	return answer
}

func (s *service) disconnect(c *client, m bayeux) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, m.ClientID)
	c.leave()
}

// publish puts a notification before all clients of its user that want it.
func (s *service) publish(n notification) {
	text := slices.Concat([]byte(`{"channel":"`+n.Topic+`","data":`), n.raw, []byte("}"))
	for _, c := range s.clients {
		if c.user != n.user || !slices.ContainsFunc(c.topics, func(t string) bool { return covers(t, n.Topic) }) {
			continue
		}
		c.waiting = append(c.waiting, text)
		c.waiting = c.waiting[max(0, len(c.waiting)-maxWaiting):]
		c.wake()
	}
}

// covers tells whether a subscription is to a topic: by its name, or by /* for
// all of one level and /** for all below.
func covers(subscription, topic string) bool {
	if prefix, deep := strings.CutSuffix(subscription, "/**"); deep {
		return strings.HasPrefix(topic, prefix+"/")
	}
	if prefix, wide := strings.CutSuffix(subscription, "/*"); wide {
		rest, below := strings.CutPrefix(topic, prefix+"/")
		return below && !strings.Contains(rest, "/")
	}
	return subscription == topic
}
