package emulator

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Settings are the switches of this emulator: the guesses that another
// installation may prove wrong, and the numbers of its site.
type Settings struct {
	// Existing is the HTTP status of 20200 TASK_ALREADY_EXISTS: 409, 400 or
	// 200. Defaults to 409.
	Existing int `json:"existing"`
	// Closed is the HTTP status of closing a closed task: 200 or 400.
	// Defaults to 200.
	Closed int `json:"closed"`
	// Adopt lets a close of an unknown id succeed, as if the task had been
	// created before the emulator was started. Defaults to false.
	Adopt bool `json:"adopt"`
	// Tokens are the bearer tokens with the roles of each; admin may do all,
	// the others nothing. Defaults to cce-admin and cce-agent.
	Tokens map[string][]string `json:"tokens"`
	// Quota is how many tasks of a media type may wait at one time; a negative
	// number is no limit. Defaults to 50 email, 40 social, 5 telephony, 5 chat.
	Quota map[string]int `json:"quota"`
	// Rate is the requests per second that the reverse proxy lets through; 0
	// is no limit. Defaults to 100.
	Rate float64 `json:"rate"`
	// QueueAfterMs is how long a task stays CREATED; -1 is for ever. Defaults
	// to 1000.
	QueueAfterMs int `json:"queueAfterMs"`
	// RouteAfterMs is how long a task stays QUEUED; -1 is until it is routed
	// by hand or its queue time is over. Defaults to -1.
	RouteAfterMs int `json:"routeAfterMs"`
	// ScriptSelectors that are configured; a task with another is closed
	// instead of queued. Defaults to none, which stands for all.
	ScriptSelectors []string `json:"scriptSelectors"`
	// UserVariables are the names of the ECC variables that are defined,
	// beside Digital Routing's own (user_DR_…). Defaults to none, which stands
	// for all.
	UserVariables []string `json:"userVariables"`
	// WebhookURL is told of every change of a task's state. Defaults to none.
	WebhookURL string `json:"webhookUrl"`
}

func defaults() Settings {
	return Settings{
		Existing:        409,
		Closed:          200,
		Tokens:          map[string][]string{"cce-admin": {roleAdmin}, "cce-agent": {"agent"}},
		Quota:           map[string]int{"email": 50, "social": 40, "telephony": 5, "chat": 5},
		Rate:            100,
		QueueAfterMs:    1000,
		RouteAfterMs:    -1,
		ScriptSelectors: []string{},
		UserVariables:   []string{},
	}
}

func (s Settings) check() error {
	if !slices.Contains([]int{200, 400, 409}, s.Existing) {
		return fmt.Errorf("existing %d: expected 409, 400 or 200", s.Existing)
	}
	if s.Closed != 200 && s.Closed != 400 {
		return fmt.Errorf("closed %d: expected 200 or 400", s.Closed)
	}
	if s.Rate < 0 {
		return fmt.Errorf("rate %v: expected requests per second, or 0 for no limit", s.Rate)
	}
	for media := range s.Quota {
		if !slices.Contains(quotaMedia(), media) {
			return fmt.Errorf("quota of %q: expected one of %s", media, strings.Join(quotaMedia(), ", "))
		}
	}
	if u, err := url.Parse(s.WebhookURL); err != nil || (s.WebhookURL != "" && u.Host == "") {
		return fmt.Errorf("webhookUrl %q: expected an absolute URL", s.WebhookURL)
	}
	return nil
}

// quotaMedia are the media types that have a queue of their own.
func quotaMedia() []string { return slices.Sorted(maps.Keys(defaults().Quota)) }

// full reports whether no further task of a media type may wait.
func (s Settings) full(media string, waiting int) bool {
	limit, limited := s.Quota[media]
	return limited && limit >= 0 && waiting >= limit
}

// after returns the time that lies ms later, and whether it ever comes.
func after(t time.Time, ms int) (time.Time, bool) {
	return t.Add(time.Duration(ms) * time.Millisecond), ms >= 0
}
