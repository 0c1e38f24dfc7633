// Package emulator is a stand-in for Luware LUCS, as far as external tasks go:
// services, their users with presence and blocking, tasks that are distributed
// among them, and the clock that takes a task from an agent who does not answer.
// It keeps everything in memory and rings nobody. What it had to guess says so
// in the header X-Emulator-Basis.
package emulator

import (
	"net/http"
	"sync"
	"time"

	"github.com/wendflow/wend/emulator"
)

// lucs is the system with its API.
type lucs struct {
	world    *emulator.World
	settings *emulator.Settings[Settings]

	mu       sync.Mutex
	clock    time.Time // up to when everything due has happened
	services []*service
	users    []*user
	tasks    []*task
}

// New returns the emulator "luware-lucs". Its settings are the JSON form of
// Settings. It fails if a setting or a fault of cfg makes no sense. The caller
// must close it.
func New(cfg emulator.Config) (*emulator.Vendor, error) {
	settings, err := emulator.NewSettings(defaults(), cfg.Settings, Settings.check)
	if err != nil {
		return nil, err
	}
	l := &lucs{world: emulator.NewWorld(cfg), settings: settings}
	l.clear()
	return emulator.New(l.world, emulator.API{
		Name:    "luware-lucs",
		Port:    9105,
		Handler: http.HandlerFunc(l.serve),
		Control: l.control(),
		State:   func() any { return l.state() },
		Reset:   l.reset,
		Fail:    l.fail,
		Faults:  map[string]http.HandlerFunc{"crash_after": l.crashAfter},
		Secrets: []string{"X-Api-Key"},
	})
}

func (l *lucs) reset() {
	l.settings.Reset()
	l.clear()
}

// clear puts back the services, users and tasks of the start.
func (l *lucs) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock = l.world.Now()
	l.services, l.users = services(), users()
	l.tasks = l.firstTasks()
}
