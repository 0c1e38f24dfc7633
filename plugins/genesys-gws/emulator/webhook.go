package emulator

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// deliveryTime bounds one delivery.
	deliveryTime = 5 * time.Second
	// waitingDeliveries is how many may wait for a slow receiver.
	waitingDeliveries = 1000
)

// emitter posts notifications one by one, in order, each once: a delivery that
// fails is counted and not made again. It starts with the first.
type emitter struct {
	queue chan delivery
	start func()
	stop  context.CancelFunc
	done  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	count  deliveries
}

type delivery struct {
	url  string
	body []byte
}

// deliveries is what became of the notifications.
type deliveries struct {
	Delivered int    `json:"delivered"`
	Failed    int    `json:"failed"`
	LastError string `json:"lastError,omitempty"`
}

func newEmitter() *emitter {
	ctx, stop := context.WithCancel(context.Background())
	e := &emitter{queue: make(chan delivery, waitingDeliveries), stop: stop}
	e.start = sync.OnceFunc(func() {
		e.done.Go(func() { e.run(ctx) })
	})
	return e
}

// send queues a delivery. It never blocks.
func (e *emitter) send(url string, body []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.start()
	select {
	case e.queue <- delivery{url, body}:
	default:
		e.count.Failed++
		e.count.LastError = fmt.Sprintf("more than %d notifications wait", waitingDeliveries)
	}
}

func (e *emitter) run(ctx context.Context) {
	for {
		select {
		case d := <-e.queue:
			e.note(deliver(ctx, d))
		case <-ctx.Done():
			return
		}
	}
}

func deliver(ctx context.Context, d delivery) error {
	ctx, cancel := context.WithTimeout(ctx, deliveryTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(d.body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Emulator-Basis", "decision")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s answered %s", d.url, resp.Status)
	}
	return nil
}

func (e *emitter) note(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.count.Failed++
		e.count.LastError = err.Error()
		return
	}
	e.count.Delivered++
}

func (e *emitter) deliveries() deliveries {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count
}

func (e *emitter) reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.count = deliveries{}
}

// close stops deliveries, the present one too, and waits until that is done.
func (e *emitter) close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.stop()
	e.done.Wait()
	return nil
}
