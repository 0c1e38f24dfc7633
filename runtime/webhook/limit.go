package webhook

import (
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/wendflow/wend/runtime/problem"
)

// limits bounds how often something happens under each of many names: requests
// to a webhook, or refused ones of a caller. It is safe for concurrent use.
type limits struct {
	what string

	mu     sync.Mutex
	rate   rate.Limit // 0: no limit
	burst  int
	byName map[string]*rate.Limiter
}

func newLimits(what string, perSecond float64, burst int) *limits {
	return &limits{what: what, rate: rate.Limit(perSecond), burst: burst, byName: map[string]*rate.Limiter{}}
}

// Of refused requests one caller may make these.
const (
	failuresPerSecond = 10
	failuresBurst     = 20
)

// mostNames bounds the memory that callers can fill. When they are more, all
// begin anew.
const mostNames = 10_000

// take refuses a request over the limit, and says when there is room again.
func (l *limits) take(name string, now time.Time) error {
	limiter := l.of(name)
	if limiter == nil {
		return nil
	}
	turn := limiter.ReserveN(now, 1)
	wait := turn.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	turn.CancelAt(now)
	p := problem.New(http.StatusTooManyRequests, "more than %g %s a second", float64(limiter.Limit()), l.what)
	p.Header.Set("Retry-After", retryAfter(wait))
	return p
}

// set changes the limit. All begin anew if it is another.
func (l *limits) set(perSecond float64, burst int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate != rate.Limit(perSecond) || l.burst != burst {
		l.rate, l.burst = rate.Limit(perSecond), burst
		clear(l.byName)
	}
}

// limited tells whether there is a limit.
func (l *limits) limited() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rate != 0
}

// of returns the limiter of a name; nil if there is no limit.
func (l *limits) of(name string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate == 0 {
		return nil
	}
	limiter := l.byName[name]
	if limiter == nil {
		if len(l.byName) >= mostNames {
			clear(l.byName)
		}
		limiter = rate.NewLimiter(l.rate, l.burst)
		l.byName[name] = limiter
	}
	return limiter
}
