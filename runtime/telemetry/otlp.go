package telemetry

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	otlp "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Receiver is an OTLP receiver over HTTP, and who we are to it.
type Receiver struct {
	// Endpoint is its address, to which /v1/traces, /v1/metrics or /v1/logs is added.
	Endpoint string
	// Version is that of this program, and Instance tells this process from all
	// others.
	Version, Instance string
	// Log gets that something cannot be sent, once until it can again.
	Log *slog.Logger
}

const (
	// A request has batchItems at most, and about batchBytes before it is
	// compressed. No item waits longer than batchEvery to be in one.
	batchItems = 512
	batchBytes = 1 << 20
	batchEvery = 2 * time.Second
	// mostBatches wait to be sent. More is dropped, for runs wait for nobody here.
	mostBatches = 15
	// sendWithin is how long the receiver has for a request, and lastWithin for
	// all that is left when the server stops.
	sendWithin = 10 * time.Second
	lastWithin = 5 * time.Second
)

// schema is the version of the semantic conventions that the names of attributes
// are from. Those that begin with "wend." are ours.
const schema = "https://opentelemetry.io/schemas/1.43.0"

// sender sends one kind of telemetry to a receiver. All kinds lie in a request in
// the same way, in fields of the same numbers. It is used by one goroutine.
type sender struct {
	to      Receiver
	what    string // for the log
	url     string
	client  *http.Client
	failing bool

	resource, scope, schema message
	body                    bytes.Buffer
	zip                     *gzip.Writer // nil: what stays on this machine is not worth it
}

// Fields of ExportTraceServiceRequest, ResourceSpans and ScopeSpans, and of those
// of metrics and logs.
const (
	resourcesField                        = 1
	resourceField, scopesField, nameField = 1, 2, 3
	scopeField, itemField, scopeNameField = 1, 2, 3
	resourceAttribute                     = 1
)

func newSender(to Receiver, what, path string) *sender {
	resource := message(nil).attr(resourceAttribute, "service.name", "wend").
		attr(resourceAttribute, "service.version", to.Version).
		attr(resourceAttribute, "service.instance.id", to.Instance)
	scope := message(nil).text(1, "github.com/wendflow/wend").text(2, to.Version)
	s := &sender{
		to: to, what: what, url: strings.TrimSuffix(to.Endpoint, "/") + path, client: &http.Client{Timeout: sendWithin},
		resource: message(nil).bytes(resourceField, resource), scope: message(nil).bytes(scopeField, scope),
		schema: message(nil).text(nameField, schema),
	}
	if !near(to.Endpoint) {
		s.compress()
	}
	return s
}

// compress has all requests compressed. Most of a batch is the same again and
// again, which the quickest way finds too.
func (s *sender) compress() { s.zip, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) } // it is a level

// near tells of an endpoint on this machine.
func near(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
}

// send sends items once, and tells how many the receiver did not take. One that
// is away for a while costs items, not memory: collectors queue and try again, we
// do not.
func (s *sender) send(ctx context.Context, b batch) (lost int) {
	rejected, err := s.post(ctx, b.items)
	switch {
	case err != nil:
		if !s.failing {
			s.to.Log.Warn(s.what+" cannot be sent, and are dropped until they can", "endpoint", s.to.Endpoint, "error", err)
		}
		s.failing = true
		return b.count
	case s.failing:
		s.to.Log.Info(s.what+" can be sent again", "endpoint", s.to.Endpoint)
	}
	s.failing = false
	return min(rejected, b.count)
}

// post tells how many items the receiver rejected of a request that it took.
func (s *sender) post(ctx context.Context, items message) (rejected int, err error) {
	if err := s.write(items); err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(s.body.Bytes()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	if s.zip != nil {
		r.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }() // nothing is read of it but what follows
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return 0, fmt.Errorf("%s answered %s", s.url, resp.Status)
	}
	if err != nil {
		return 0, err
	}
	return s.rejected(body), nil
}

// rejected reads what a receiver says that it did not take. The answers for spans,
// metrics and log records have the same fields.
func (s *sender) rejected(body []byte) int {
	var answer otlp.ExportTraceServiceResponse
	if proto.Unmarshal(body, &answer) != nil || answer.GetPartialSuccess().GetRejectedSpans() <= 0 {
		return 0 // or in a form of its own, with a status that says it took them
	}
	partial := answer.GetPartialSuccess()
	s.to.Log.Warn(s.what+" are refused by their receiver", "endpoint", s.to.Endpoint, "count", partial.GetRejectedSpans(), "error", partial.GetErrorMessage())
	return int(partial.GetRejectedSpans())
}

// write makes the request: the resource with its one scope, which has all items.
func (s *sender) write(items message) error {
	s.body.Reset()
	inner := len(s.scope) + len(items) + len(s.schema)
	outer := len(s.resource) + tagSize + protowire.SizeBytes(inner) + len(s.schema)
	head := protowire.AppendTag(nil, resourcesField, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(outer))
	head = append(head, s.resource...)
	head = protowire.AppendTag(head, scopesField, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(inner))
	parts := [][]byte{head, s.scope, items, s.schema, s.schema}
	if s.zip == nil {
		for _, part := range parts {
			s.body.Write(part)
		}
		return nil
	}
	s.zip.Reset(&s.body)
	for _, part := range parts {
		if _, err := s.zip.Write(part); err != nil {
			return err
		}
	}
	return s.zip.Close()
}

// batch is what goes out together.
type batch struct {
	items message // each as the field that it is of its scope
	count int
}

func (b *batch) add(item []byte) {
	b.items = b.items.bytes(itemField, item)
	b.count++
}

func (b *batch) full() bool { return b.count >= batchItems || len(b.items) >= batchBytes }

// batches are what waits to be sent. It is safe for concurrent use.
type batches struct {
	mu      sync.Mutex
	filling batch
	ready   chan batch // full ones
}

func newBatches() *batches { return &batches{ready: make(chan batch, mostBatches)} }

// add keeps a copy of an item, and tells whether there was room for it.
func (b *batches) add(item []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.filling.full() && !b.handOver() {
		return false
	}
	b.filling.add(item)
	if b.filling.full() {
		b.handOver() // or later, once there is room
	}
	return true
}

func (b *batches) handOver() bool {
	select {
	case b.ready <- b.filling:
		b.filling = batch{items: make(message, 0, len(b.filling.items))}
		return true
	default:
		return false
	}
}

// take returns what is there of the batch that is being filled.
func (b *batches) take() batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.filling
	b.filling = batch{items: make(message, 0, len(taken.items))}
	return taken
}

// run has batches sent until ctx ends, and then those that are left.
func (b *batches) run(ctx context.Context, send func(context.Context, batch)) {
	tick := time.NewTicker(batchEvery)
	defer tick.Stop()
	for {
		select {
		case full := <-b.ready:
			send(ctx, full)
		case <-tick.C:
			if rest := b.take(); rest.count > 0 {
				send(ctx, rest)
			}
		case <-ctx.Done():
			b.flush(ctx, send)
			return
		}
	}
}

func (b *batches) flush(ctx context.Context, send func(context.Context, batch)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWithin)
	defer cancel()
	for {
		select {
		case full := <-b.ready:
			send(ctx, full)
		default:
			if rest := b.take(); rest.count > 0 {
				send(ctx, rest)
			}
			return
		}
	}
}
