package webhook

import (
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/wendflow/wend/runtime/problem"
)

// limits bounds the requests to each webhook, so that one sender does not
// starve the others. It is safe for concurrent use.
type limits struct {
	rate  rate.Limit // 0: no limit
	burst int

	mu     sync.Mutex
	byPath map[string]*rate.Limiter // only of paths that are or were served
}

func newLimits(perSecond float64, burst int) *limits {
	return &limits{rate: rate.Limit(perSecond), burst: burst, byPath: map[string]*rate.Limiter{}}
}

// take refuses a request over the limit, and says when there is room again.
func (l *limits) take(path string, now time.Time) error {
	if l.rate == 0 {
		return nil
	}
	turn := l.of(path).ReserveN(now, 1)
	wait := turn.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	turn.CancelAt(now)
	p := problem.New(http.StatusTooManyRequests, "more than %g requests a second", float64(l.rate))
	p.Header.Set("Retry-After", retryAfter(wait))
	return p
}

func (l *limits) of(path string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.byPath[path]
	if limiter == nil {
		limiter = rate.NewLimiter(l.rate, l.burst)
		l.byPath[path] = limiter
	}
	return limiter
}
