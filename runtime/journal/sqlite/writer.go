package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wendflow/wend/runtime/journal"
)

// maxBatch is how many requests one transaction takes at most.
const maxBatch = 512

// writer is the only one who writes. Requests that come while it commits are
// committed together next.
type writer struct {
	db   *sql.DB
	tx   *tx
	made *commits
	tell func(Commit)  // or nil
	work chan struct{} // holds one token: there is something to look at
	gone chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex
	queue   []*request
	closed  bool
	failure error // of the last transaction
}

// request is one deed. An error that does not mean a failed database must
// leave nothing written. It may be called again after its transaction was
// rolled back.
type request struct {
	do    func(*tx) error
	since time.Time
	err   error
	done  chan struct{}
	state atomic.Int32 // queued, taken or withdrawn
}

const (
	queued int32 = iota
	taken
	withdrawn
)

func newWriter(ctx context.Context, db *sql.DB, conn *sql.Conn, made *commits, cfg Config) (*writer, error) {
	t, err := newTx(ctx, conn)
	if err != nil {
		return nil, errors.Join(err, made.close())
	}
	w := &writer{db: db, tx: t, made: made, tell: cfg.Committed, work: make(chan struct{}, 1), gone: make(chan struct{})}
	go w.run()
	return w, nil
}

// write waits until the deed is on disk. When ctx ends before its transaction
// has begun, it is not done at all.
func (w *writer) write(ctx context.Context, do func(*tx) error) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	r := &request{do: do, since: time.Now(), done: make(chan struct{})}
	if err := w.enqueue(r); err != nil {
		return err
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
	}
	if r.state.CompareAndSwap(queued, withdrawn) {
		return context.Cause(ctx)
	}
	<-r.done
	return r.err
}

func (w *writer) enqueue(r *request) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return journal.ErrClosed
	}
	w.queue = append(w.queue, r)
	w.wake()
	return nil
}

func (w *writer) wake() {
	select {
	case w.work <- struct{}{}:
	default:
	}
}

// usable fails if there is nothing to do any more.
func (w *writer) usable(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return journal.ErrClosed
	}
	return context.Cause(ctx)
}

func (w *writer) run() {
	defer close(w.gone)
	for range w.work {
		for batch := w.next(); len(batch) > 0; batch = w.next() {
			w.commit(batch)
			for _, r := range batch {
				close(r.done)
			}
		}
		if w.finished() {
			return
		}
	}
}

// next takes the requests that are still wanted.
func (w *writer) next() []*request {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), maxBatch)
	batch := make([]*request, 0, n)
	for _, r := range w.queue[:n] {
		if r.state.CompareAndSwap(queued, taken) {
			batch = append(batch, r)
		}
	}
	w.queue = w.queue[n:]
	return batch
}

func (w *writer) finished() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed && len(w.queue) == 0
}

// commit does the requests in one transaction. If the database fails, each is
// done again in a transaction of its own, so that one which cannot be done
// takes no other with it.
func (w *writer) commit(batch []*request) {
	err := w.attempt(batch)
	if err == nil {
		return
	}
	if len(batch) == 1 {
		batch[0].err = err
		return
	}
	for i := range batch {
		if err := w.attempt(batch[i : i+1]); err != nil {
			batch[i].err = err
		}
	}
}

// attempt does the requests in one transaction, and says how that went.
func (w *writer) attempt(batch []*request) error {
	began, c := time.Now(), Commit{Writes: len(batch)}
	for _, r := range batch {
		c.Waited = max(c.Waited, began.Sub(r.since))
	}
	c.Err = w.transact(batch)
	c.Took = time.Since(began)
	w.mu.Lock()
	w.failure = c.Err
	w.mu.Unlock()
	if w.tell != nil {
		w.tell(c)
	}
	return c.Err
}

// lately is what the last transaction failed by, or nil.
func (w *writer) lately() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}

func (w *writer) transact(batch []*request) error {
	if err := w.tx.begin(); err != nil {
		return err
	}
	for _, r := range batch {
		if r.err = r.do(w.tx); failed(r.err) {
			w.tx.rollback()
			return r.err
		}
	}
	if _, err := w.tx.exec(sqlCount, w.made.last+1); err != nil {
		w.tx.rollback()
		return err
	}
	if err := w.tx.commit(); err != nil {
		w.tx.rollback()
		return err
	}
	w.made.count()
	return nil
}

// waiting is how many requests wait, and for how long the first does.
func (w *writer) waiting() (n int, oldest time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) > 0 {
		oldest = time.Since(w.queue[0].since)
	}
	return len(w.queue), oldest
}

// stop takes no more requests and waits for those under way. It is false if
// the writer was stopped before.
func (w *writer) stop() bool {
	w.mu.Lock()
	first := !w.closed
	w.closed = true
	w.wake()
	w.mu.Unlock()
	<-w.gone
	return first
}

// close ends the connection. Call stop first.
func (w *writer) close() error {
	w.stop()
	return errors.Join(w.tx.close(), w.db.Close(), w.made.close())
}
