// Package quota bounds what many callers together can make grow: requests that
// are being answered, the bytes of their bodies, streams. It counts what is in
// use and what was refused, for those who watch. What one caller may do by
// itself is bounded where it is done.
package quota

import (
	"net/http"
	"sync/atomic"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/problem"
)

// Quota is what there is of something. A nil Quota is without bounds and counts
// nothing. It is safe for concurrent use.
type Quota struct {
	name                string
	most, used, refused atomic.Int64
}

// New returns a Quota of that many. The name is the key of the configuration
// that sets it, without "limits.".
func New(name string, most int64) *Quota {
	q := &Quota{name: name}
	q.Set(most)
	return q
}

// Set changes how much there is. What was taken stays taken.
func (q *Quota) Set(most int64) { q.most.Store(most) }

// Take takes n; false if less than that is left. Give it back.
func (q *Quota) Take(n int64) bool {
	if q == nil {
		return true
	}
	if q.used.Add(n) > q.most.Load() {
		q.used.Add(-n)
		q.refused.Add(1)
		return false
	}
	return true
}

// Give gives back what was taken.
func (q *Quota) Give(n int64) {
	if q != nil {
		q.used.Add(-n)
	}
}

// Figure is how much of a quota is used.
type Figure struct {
	Name    string `json:"name"`
	Used    int64  `json:"used"`
	Most    int64  `json:"most"`
	Refused int64  `json:"refused"` // since the start
}

// Figure returns how much is used now.
func (q *Quota) Figure() Figure {
	return Figure{Name: q.name, Used: q.used.Load(), Most: q.most.Load(), Refused: q.refused.Load()}
}

// Gate is where requests come in.
type Gate struct {
	Requests *Quota // being answered
	Bodies   *Quota // bytes of their bodies
	MaxBody  int64  // of one; what is reserved where the caller does not say
}

// Enter lets a request in until leave is called, or says that it has to come
// back. The error is a *problem.Problem.
func (g Gate) Enter(r *http.Request) (leave func(), err error) {
	size := min(r.ContentLength, g.MaxBody) // a longer one is refused unread
	if size < 0 {
		size = g.MaxBody
	}
	if !g.Requests.Take(1) {
		return nil, Busy("%d requests are being answered", g.Requests.most.Load())
	}
	if !g.Bodies.Take(size) {
		g.Requests.Give(1)
		return nil, Busy("the bodies of requests that are being answered take %d bytes", g.Bodies.most.Load())
	}
	return func() {
		g.Requests.Give(1)
		g.Bodies.Give(size)
	}, nil
}

// Let is Enter as what a server does before its handlers.
func (g Gate) Let(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		leave, err := g.Enter(c.Request())
		if err != nil {
			return err
		}
		defer leave()
		return next(c)
	}
}

// Busy is the problem that there is as much as there may be.
func Busy(format string, a ...any) *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, format+", as many as may be at one time; come back", a...)
	p.Header.Set("Retry-After", "1")
	return p
}
