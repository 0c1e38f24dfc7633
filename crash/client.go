package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// deal is one thing that a client wants of a flow, and all that it was told.
type deal struct {
	Flow    string
	Item    string // tells it apart from all others, and is in the body
	Answers []answer
	Lost    int       // requests without an answer
	Refused int       // with 503: no run was made, or nothing is promised
	Told    time.Time // by when the event for it was accepted; zero: there is none
}

// answer is what a client got for a request.
type answer struct {
	At     time.Time
	Key    string // dedupe key of the request, if it had one
	Status int
	Run    string
	Body   string
}

// clients use the server, whatever becomes of it.
type clients struct {
	target *target
	http   *http.Client
	seed   uint64

	mu    sync.Mutex
	deals []*deal
	odd   []string       // answers that nobody should get
	said  map[string]int // what refusals said
}

func newClients(t *target, seed uint64) *clients {
	transport := &http.Transport{MaxIdleConnsPerHost: 1024}
	return &clients{target: t, http: &http.Client{Transport: transport, Timeout: time.Minute}, seed: seed, said: map[string]int{}}
}

// kinds are the deals, each as often as it is to be had.
var kinds = []func(*clients, context.Context, *rand.Rand, string) error{
	one("charge"), one("charge"), one("charge"), one("charge-later"), one("charge-later"), one("charge-later"),
	one("put"), one("put"), one("count"), one("count"), one("answer-first"), one("answer-first"), one("later"), one("retry"), one("retry"),
	one("close-task"), one("close-task"), one("forget"), one("batch"),
	(*clients).order, (*clients).order, (*clients).order, (*clients).again,
	(*clients).eventAfter, (*clients).eventAfter, (*clients).eventBefore, (*clients).race, (*clients).race, (*clients).twins,
}

// work makes deals until enough is closed, and then brings those under way to
// their end.
func (c *clients) work(ctx context.Context, n int, enough <-chan struct{}) error {
	var group errgroup.Group
	for k := range n {
		random := rand.New(rand.NewPCG(c.seed, uint64(k)+1))
		group.Go(func() error {
			for nr := 0; ; nr++ {
				select {
				case <-enough:
					return nil
				default:
				}
				kind := kinds[random.IntN(len(kinds))]
				if err := kind(c, ctx, random, fmt.Sprintf("%d-%d", k, nr)); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

func (c *clients) deal(flow, item string) *deal {
	d := &deal{Flow: flow, Item: item}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deals = append(c.deals, d)
	return d
}

// one asks once, and is content if there is no answer.
func one(flow string) func(*clients, context.Context, *rand.Rand, string) error {
	return func(c *clients, ctx context.Context, _ *rand.Rand, item string) error {
		_, err := c.askAs(ctx, c.deal(flow, item), "")
		return err
	}
}

// order asks twice at the same instant, each until there is an answer.
func (c *clients) order(ctx context.Context, _ *rand.Rand, item string) error {
	d := c.deal("order", item)
	var group errgroup.Group
	for range 2 {
		group.Go(func() error { return c.insist(ctx, d) })
	}
	return group.Wait()
}

// again asks like order, and comes again with the same key when the run failed.
func (c *clients) again(ctx context.Context, _ *rand.Rand, item string) error {
	d := c.deal("again", item)
	var group errgroup.Group
	for range 2 {
		group.Go(func() error { return c.insist(ctx, d) })
	}
	return group.Wait()
}

func (c *clients) eventAfter(ctx context.Context, random *rand.Rand, item string) error {
	d := c.deal("await", item)
	if err := c.insist(ctx, d); err != nil {
		return err
	}
	pause(ctx, between(random, 0, 300))
	return c.tell(ctx, random, d)
}

func (c *clients) eventBefore(ctx context.Context, random *rand.Rand, item string) error {
	d := c.deal("await", item)
	if err := c.tell(ctx, random, d); err != nil {
		return err
	}
	return c.insist(ctx, d)
}

// race sends the event about when the run gives up waiting.
func (c *clients) race(ctx context.Context, random *rand.Rand, item string) error {
	d := c.deal("race", item)
	if err := c.insist(ctx, d); err != nil {
		return err
	}
	pause(ctx, between(random, 400, 600))
	return c.tell(ctx, random, d)
}

// twins are two runs that wait for one event. They have one item, and each a
// key of its own.
func (c *clients) twins(ctx context.Context, random *rand.Rand, item string) error {
	d := c.deal("race", item)
	for _, key := range []string{item + "-a", item + "-b"} {
		if err := c.insistOn(ctx, d, key); err != nil {
			return err
		}
	}
	pause(ctx, between(random, 0, 300))
	return c.tell(ctx, random, d)
}

// tell sends the event for a deal, to the API or by a flow, sometimes twice at
// once, until it is accepted.
func (c *clients) tell(ctx context.Context, random *rand.Rand, d *deal) error {
	send := c.tellAPI
	if random.IntN(2) == 0 {
		told := c.deal("tell", d.Item)
		send = func(ctx context.Context, _ *deal) error { return c.insist(ctx, told) }
	}
	var group errgroup.Group
	for range 1 + random.IntN(3)/2 {
		group.Go(func() error { return send(ctx, d) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	d.Told = time.Now()
	return nil
}

func (c *clients) tellAPI(ctx context.Context, d *deal) error {
	body := map[string]any{"key": d.Item, "id": d.Item, "data": map[string]any{"nr": d.Item}}
	for {
		got, err := c.post(ctx, "/api/v1/events/paid", "", body)
		if err != nil {
			return err
		}
		if got != nil && got.Status == http.StatusAccepted {
			return nil
		}
		c.sort(d, got)
		pause(ctx, 20*time.Millisecond)
	}
}

// insist asks with the item as dedupe key until there is an answer.
func (c *clients) insist(ctx context.Context, d *deal) error { return c.insistOn(ctx, d, d.Item) }

func (c *clients) insistOn(ctx context.Context, d *deal, key string) error {
	for {
		ok, err := c.askAs(ctx, d, key)
		if ok || err != nil {
			return err
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// askAs makes one request and files what came of it. It is false if nothing
// was promised. The error is that of ctx.
func (c *clients) askAs(ctx context.Context, d *deal, key string) (bool, error) {
	got, err := c.post(ctx, "/hooks/"+d.Flow, key, map[string]any{"item": d.Item, "nr": d.Item})
	if err != nil {
		return false, err
	}
	return c.sort(d, got), nil
}

// sort files an answer.
func (c *clients) sort(d *deal, got *answer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case got == nil:
		d.Lost++
		return false
	case got.Status == http.StatusOK || got.Status == http.StatusAccepted:
		d.Answers = append(d.Answers, *got)
		return true
	case got.Status == http.StatusServiceUnavailable || got.Status == http.StatusGatewayTimeout,
		got.Status == http.StatusBadGateway && d.Flow == "again":
		d.Refused++
		c.said[fmt.Sprintf("%d %s", got.Status, detail(got.Body))]++
		return false
	default:
		c.odd = append(c.odd, fmt.Sprintf("%s %s: %d %s", d.Flow, d.Item, got.Status, got.Body))
		return true
	}
}

// detail is what a problem document says.
func detail(body string) string {
	var problem struct{ Detail string }
	if err := json.Unmarshal([]byte(body), &problem); err != nil || problem.Detail == "" {
		return body
	}
	return problem.Detail
}

// post sends a request to whatever server there is. The answer is nil if there
// is none, because the server is gone; the error is that of ctx.
func (c *clients) post(ctx context.Context, path, key string, body any) (*answer, error) {
	base, err := c.target.await(ctx)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	// Without it net/http would send a request again on its own.
	r.GetBody = nil
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("X-Event-Id", key)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, gone(ctx, err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, gone(ctx, err)
	}
	return &answer{
		At: time.Now(), Key: key, Status: response.StatusCode,
		Run: response.Header.Get("Wend-Run"), Body: string(bytes.TrimSpace(got)),
	}, nil
}

// gone makes nothing of an error that a server causes which is killed.
func gone(ctx context.Context, err error) error {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("no answer within a minute: %w", err)
	}
	return context.Cause(ctx)
}

func between(random *rand.Rand, from, to int) time.Duration {
	return time.Duration(from+random.IntN(to-from)) * time.Millisecond
}
