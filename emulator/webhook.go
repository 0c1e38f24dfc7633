package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// deliveryTime bounds one delivery.
	deliveryTime = 5 * time.Second
	// waitingEvents is how many events may wait for a slow receiver.
	waitingEvents = 1000
	// sweepEvery is how often time-driven changes are looked for while there
	// is a receiver to be told of them.
	sweepEvery = 100 * time.Millisecond
)

// Webhook tells a receiver what happens in an emulator: one event after the
// other, in order, each once. A delivery that fails is counted and not made
// again. It starts with the first event, and is safe for concurrent use. Close
// it, as API.Close or in it.
type Webhook struct {
	basis Basis
	sweep func()
	queue chan delivery
	start func()
	stop  context.CancelFunc
	done  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	count  Deliveries
}

type delivery struct {
	url  string
	body []byte
}

// Deliveries is what became of the events of a Webhook since it was reset.
type Deliveries struct {
	Delivered int    `json:"delivered"`
	Failed    int    `json:"failed"`
	LastError string `json:"lastError,omitempty"`
}

// NewWebhook returns a webhook whose events rest on basis. From the first event
// on, sweep is called every 100 ms: it finds what happens by time alone, and
// may be nil.
func NewWebhook(basis Basis, sweep func()) *Webhook {
	if sweep == nil {
		sweep = func() {}
	}
	ctx, stop := context.WithCancel(context.Background())
	h := &Webhook{basis: basis, sweep: sweep, queue: make(chan delivery, waitingEvents), stop: stop}
	h.start = sync.OnceFunc(func() {
		h.done.Go(func() { h.run(ctx) })
	})
	return h
}

// Send has event posted to url, as JSON of what it is now. It never blocks; of
// events that a slow receiver leaves waiting those over 1000 count as failed.
// After Close it does nothing. It panics if event cannot be JSON, which is a
// mistake in the emulator.
func (h *Webhook) Send(url string, event any) {
	body, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	h.SendText(url, body)
}

// SendText is Send for an event that is written already, and need not be JSON:
// some vendors' is not. The text must not be changed afterwards.
func (h *Webhook) SendText(url string, body []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.start()
	select {
	case h.queue <- delivery{url, body}:
	default:
		h.count.Failed++
		h.count.LastError = fmt.Sprintf("more than %d events wait", waitingEvents)
	}
}

func (h *Webhook) run(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case d := <-h.queue:
			h.note(h.deliver(ctx, d))
		case <-ticker.C:
			h.sweep()
		case <-ctx.Done():
			return
		}
	}
}

func (h *Webhook) deliver(ctx context.Context, d delivery) error {
	ctx, cancel := context.WithTimeout(ctx, deliveryTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(d.body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(basisHeader, string(h.basis))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s answered %s", d.url, resp.Status)
	}
	return nil
}

func (h *Webhook) note(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.count.Failed++
		h.count.LastError = err.Error()
		return
	}
	h.count.Delivered++
}

// Deliveries returns what became of the events.
func (h *Webhook) Deliveries() Deliveries {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// Reset counts anew. Events that wait are delivered nevertheless.
func (h *Webhook) Reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count = Deliveries{}
}

// Close stops deliveries, the present one too, and waits until that is done.
func (h *Webhook) Close() error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.stop()
	h.done.Wait()
	return nil
}
