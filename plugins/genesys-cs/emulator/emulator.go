// Package emulator is a stand-in for Genesys Context Services, as Genesys Mobile
// Services serve them: services, their states and their tasks are started,
// completed and read under /genesys/1/cs/services. It keeps them in memory, has no
// customer profiles and no interactions. What it had to guess says so in the
// header X-Emulator-Basis.
package emulator

import (
	"net/http"
	"sync"
	"time"

	"github.com/wendflow/wend/emulator"
)

// site is an installation of Context Services.
type site struct {
	world    *emulator.World
	settings *emulator.Settings[Settings]

	mu       sync.Mutex
	services []*service
	made     int64 // services that were started here
}

// New returns the emulator "genesys-cs". Its settings are the JSON form of
// Settings. It fails if a setting or a fault of cfg makes no sense. The caller
// must close it.
func New(cfg emulator.Config) (*emulator.Vendor, error) {
	settings, err := emulator.NewSettings(defaults(), cfg.Settings, Settings.check)
	if err != nil {
		return nil, err
	}
	s := &site{world: emulator.NewWorld(cfg), settings: settings}
	s.clear()
	return emulator.New(s.world, emulator.API{
		Name:    "genesys-cs",
		Port:    9103,
		Handler: s.api(),
		Control: s.control(),
		State:   func() any { return s.state() },
		Reset:   s.reset,
		Fail:    s.fail,
		Faults:  s.faults(),
	})
}

func (s *site) control() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/_emulator/settings", s.settings)
	return mux
}

func (s *site) reset() {
	s.settings.Reset()
	s.clear()
}

func (s *site) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.services = fixtures(s.world.Now())
	s.made = 0
}

// locked runs do with the services as they stand now.
func (s *site) locked(do func(now time.Time, cfg Settings) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, cfg := s.world.Now(), s.settings.Load()
	for _, sv := range s.services {
		sv.autoComplete(now, cfg)
	}
	return do(now, cfg)
}

// stamp writes a time as the API has it.
func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

const stampLayout = "2006-01-02T15:04:05.000Z"
