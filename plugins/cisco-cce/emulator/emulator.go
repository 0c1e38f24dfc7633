// Package emulator is a stand-in for the Digital Routing API of Cisco Contact
// Center Enterprise, as Webex Connect's CCE nodes use it: tasks are created,
// read and closed under /drapi/v1/tasks. It keeps tasks in memory, routes no
// contact to anybody and issues no tokens. What it had to guess says so in
// the header X-Emulator-Basis.
package emulator

import (
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/wendflow/wend/emulator"
)

const tasksPath = "/drapi/v1/tasks"

// service is the Digital Routing service with the reverse proxy before it.
type service struct {
	world    *emulator.World
	settings *emulator.Settings[Settings]
	webhook  *emulator.Webhook

	mu      sync.Mutex
	tasks   tasks
	limiter *rate.Limiter
}

// New returns the emulator "cisco-cce". Its settings are the JSON form of
// Settings. It fails if a setting or a fault of cfg makes no sense. The caller
// must close it.
func New(cfg emulator.Config) (*emulator.Vendor, error) {
	settings, err := emulator.NewSettings(defaults(), cfg.Settings, Settings.check)
	if err != nil {
		return nil, err
	}
	s := &service{world: emulator.NewWorld(cfg), settings: settings}
	s.webhook = emulator.NewWebhook(emulator.Inference, s.sweep)
	s.clear()
	return emulator.New(s.world, emulator.API{
		Name:    "cisco-cce",
		Port:    9101,
		Handler: s.api(),
		Control: s.control(),
		State:   func() any { return s.state() },
		Reset:   s.reset,
		Fail:    s.fail,
		Faults:  s.faults(),
		Close:   s.webhook.Close,
	})
}

// api serves what Webex Connect calls. Path and verb of the close are not
// public, so it answers to all that are likely.
func (s *service) api() http.Handler {
	guarded := http.NewServeMux()
	guarded.Handle("POST "+tasksPath, s.handler(s.create))
	guarded.Handle("GET "+tasksPath, s.handler(s.list))
	guarded.Handle("GET "+tasksPath+"/{id}", s.handler(s.get))
	for _, method := range []string{http.MethodPost, http.MethodPut} {
		for _, verb := range []string{"close", "end"} {
			guarded.Handle(method+" "+tasksPath+"/{id}/"+verb, s.handler(s.end))
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /drapi/v1/ping", s.ping)
	mux.Handle("/", s.guard(guarded))
	return mux
}

// locked runs do with the tasks as they stand now.
func (s *service) locked(do func(now time.Time, cfg Settings) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, cfg := s.world.Now(), s.settings.Load()
	s.tasks.sweep(now, cfg)
	return do(now, cfg)
}

// sweep lets the time that has passed take its effect.
func (s *service) sweep() {
	_ = s.locked(func(time.Time, Settings) error { return nil })
}

func (s *service) reset() {
	s.settings.Reset()
	s.webhook.Reset()
	s.clear()
}

func (s *service) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks = newTasks(s.announce)
	s.limiter = rate.NewLimiter(rate.Inf, 0)
}

// announce tells the webhook what became of a task.
func (s *service) announce(t *task, at time.Time) {
	if url := s.settings.Load().WebhookURL; url != "" {
		s.webhook.Send(url, t.event(at))
	}
}

func (s *service) ping(w http.ResponseWriter, r *http.Request) {
	s.track(w, r)
	emulator.WriteJSON(w, emulator.Decision, http.StatusOK, map[string]string{"status": "UP"})
}
