package quota

import (
	"context"
	"slices"
	"sync"

	"github.com/wendflow/wend/runtime/problem"
)

// Turns bounds how much of each name goes on at one time: what is more waits for
// its turn, in the order in which it came, and what finds too many waiting has to
// come back. The zero Turns is without bounds. It is safe for concurrent use.
type Turns struct {
	mu          sync.Mutex
	most, queue int
	lanes       map[string]*lane // those with something under way
}

type lane struct {
	under   int
	waiting []chan struct{} // closed when their turn has come
}

// Set changes how much may go on of each name, 0 being no limit, and how much
// may wait. What goes on goes on, and what waits keeps its place.
func (t *Turns) Set(most, queue int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.most, t.queue = most, queue
	for _, l := range t.lanes {
		t.next(l)
	}
}

// Enter waits for a turn until ctx ends. leave gives it back; calling it again
// does nothing. The error is a *problem.Problem.
func (t *Turns) Enter(ctx context.Context, name string) (leave func(), err error) {
	t.mu.Lock()
	if t.lanes == nil {
		t.lanes = map[string]*lane{}
	}
	l := t.lanes[name]
	if l == nil {
		l = &lane{}
		t.lanes[name] = l
	}
	leave = sync.OnceFunc(func() { t.leave(name, l) })
	if t.most == 0 || l.under < t.most && len(l.waiting) == 0 {
		l.under++
		t.mu.Unlock()
		return leave, nil
	}
	if len(l.waiting) >= t.queue {
		defer t.mu.Unlock()
		return nil, tooMany()
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	t.mu.Unlock()
	select {
	case <-turn:
		return leave, nil
	case <-ctx.Done():
		if !t.giveUp(l, turn) {
			leave() // it came just then
		}
		return nil, tooMany()
	}
}

// Waiting is how many wait for their turn.
func (t *Turns) Waiting(name string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.lanes[name]; l != nil {
		return len(l.waiting)
	}
	return 0
}

func (t *Turns) leave(name string, l *lane) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.under--
	t.next(l)
	if l.under == 0 && len(l.waiting) == 0 {
		delete(t.lanes, name)
	}
}

// next lets go on who waits and may. t.mu is held.
func (t *Turns) next(l *lane) {
	for len(l.waiting) > 0 && (t.most == 0 || l.under < t.most) {
		l.under++
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
	}
}

// giveUp takes somebody out of those who wait; false if the turn has come.
func (t *Turns) giveUp(l *lane, turn chan struct{}) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := slices.Index(l.waiting, turn)
	if at < 0 {
		return false
	}
	l.waiting = slices.Delete(l.waiting, at, at+1)
	return true
}

// tooMany tells no numbers: they are how busy a flow is.
func tooMany() *problem.Problem { return Busy("runs of the flow are in progress") }
