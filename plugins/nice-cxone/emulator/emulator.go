// Package emulator is a stand-in for NICE CXone, as far as ending a contact
// goes: discovery, three ways to get a token, active contacts, the end of a
// contact and a signal to one, agents. It keeps everything in memory, routes no
// contact to anybody and runs no script. What it had to guess says so in the
// header X-Emulator-Basis.
package emulator

import (
	"net/http"
	"sync"

	"github.com/wendflow/wend/emulator"
)

// service is CXone: its identity provider and its API.
type service struct {
	world    *emulator.World
	settings *emulator.Settings[Settings]

	mu       sync.Mutex
	users    []*user
	keys     []*accessKey
	tokens   []*token
	contacts []*contact
}

// New returns the emulator "nice-cxone". Its settings are the JSON form of
// Settings. It fails if a setting or a fault of cfg makes no sense. The caller
// must close it.
func New(cfg emulator.Config) (*emulator.Vendor, error) {
	settings, err := emulator.NewSettings(defaults(), cfg.Settings, Settings.check)
	if err != nil {
		return nil, err
	}
	s := &service{world: emulator.NewWorld(cfg), settings: settings}
	s.clear()
	return emulator.New(s.world, emulator.API{
		Name:    "nice-cxone",
		Port:    9102,
		Handler: http.HandlerFunc(s.serve),
		Control: s.control(),
		State:   func() any { return s.state() },
		Reset:   s.reset,
		Fail:    s.fail,
		Faults:  s.faults(),
		Secrets: []string{"password", "client_secret", "accessKeySecret", "refresh_token"},
	})
}

func (s *service) reset() {
	s.settings.Reset()
	s.clear()
}

// clear puts back the people and contacts of the start. Nobody has a token.
func (s *service) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users, s.keys, s.contacts, s.tokens = users(), accessKeys(), contacts(s.world.Now()), nil
}
