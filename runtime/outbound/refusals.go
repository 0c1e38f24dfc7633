package outbound

import (
	"fmt"
	"sync"
	"time"
)

// refusals keeps a credential that was refused from being offered again with
// every call, which locks accounts. After each refusal it holds back for twice
// as long, up to a minute. It is safe for concurrent use.
type refusals struct {
	now func() time.Time

	mu    sync.Mutex
	last  error
	wait  time.Duration
	until time.Time
	once  bool // a refusal was let pass since the credential was last taken
}

const (
	firstHold = time.Second
	mostHold  = time.Minute
)

// held returns the refusal that is still to be waited out, or nil.
func (r *refusals) held() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := r.until.Sub(r.now())
	if r.last == nil || left <= 0 {
		return nil
	}
	return fmt.Errorf("%w; it is not asked again for %s", r.last, left.Round(time.Millisecond))
}

func (r *refusals) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wait = max(firstHold, min(2*r.wait, mostHold))
	r.last, r.until = err, r.now().Add(r.wait)
}

// passes lets the first refusal pass that comes after the credential was taken.
func (r *refusals) passes() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := !r.once
	r.once = true
	return first
}

// clear says that the credential was taken.
func (r *refusals) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last, r.wait, r.once = nil, 0, false
}
