// Package emulator is a stand-in for Genesys Web Services, as far as Facebook
// sessions go: the operations of an agent on them, the HTTP session and the CSRF
// token that every call needs, and the notifications that follow, by CometD
// long-polling. It keeps everything in memory, routes no interaction to anybody
// and talks to no Facebook. What it had to guess says so in the header
// X-Emulator-Basis.
package emulator

import (
	"net/http"
	"sync"

	"github.com/wendflow/wend/emulator"
)

// service is Web Services with everything behind it.
type service struct {
	world    *emulator.World
	settings *emulator.Settings[Settings]
	webhook  *emulator.Webhook
	handler  http.Handler // of the vendor's API

	mu            sync.Mutex
	epoch         int // counts the resets
	users         []*user
	queues        []*queue
	logins        map[string]*login // by JSESSIONID
	sessions      []*session
	references    int // the last referenceId
	notifications []notification
	clients       map[string]*client // of CometD, by clientId
}

// New returns the emulator "genesys-gws". Its settings are the JSON form of
// Settings. It fails if a setting or a fault of cfg makes no sense. The caller
// must close it.
func New(cfg emulator.Config) (*emulator.Vendor, error) {
	settings, err := emulator.NewSettings(defaults(), cfg.Settings, Settings.check)
	if err != nil {
		return nil, err
	}
	s := &service{world: emulator.NewWorld(cfg), settings: settings, webhook: emulator.NewWebhook(emulator.Decision, nil)}
	s.handler = s.api()
	s.clear()
	return emulator.New(s.world, emulator.API{
		Name:    "genesys-gws",
		Port:    9104,
		Handler: s.handler,
		Control: s.control(),
		State:   func() any { return s.state() },
		Reset:   s.reset,
		Fail:    s.fail,
		Faults:  s.faults(),
		Secrets: []string{"X-CSRF-TOKEN"},
		Close:   s.webhook.Close,
	})
}

func (s *service) reset() {
	s.settings.Reset()
	s.webhook.Reset()
	s.clear()
}

// clear puts back the users, queues and sessions of the start. Nobody is logged
// in.
func (s *service) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch++
	for _, c := range s.clients {
		c.leave()
	}
	s.users, s.queues = users(), queues()
	s.logins, s.clients = map[string]*login{}, map[string]*client{}
	s.sessions = sessions(s.users, s.world.Now())
	s.references, s.notifications = firstReference-1, nil
}
