package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/quota"
	"github.com/wendflow/wend/runtime/run"
)

const (
	// beatEvery keeps proxies from cutting off a stream in which nothing
	// happens, and finds clients that are gone.
	beatEvery = 15 * time.Second
	// slowest is how long a client may take to read an event.
	slowest = 10 * time.Second
)

// streamEvents sends the events of a run as they come, those of the past
// first, until the run has ended.
func (s *Server) streamEvents(c echo.Context) error {
	ctx, id := c.Request().Context(), param(c, "id")
	after, err := lastEventID(c.Request().Header)
	if err != nil {
		return err
	}
	events, err := s.cfg.Engine.Events(ctx, id)
	if err != nil {
		return noRun(id, err)
	}
	if seenAll(events, after) {
		// An EventSource comes back after every end of a stream, until it
		// gets this.
		return c.NoContent(http.StatusNoContent)
	}
	w, end, err := s.openStream(c, "text/event-stream", slowest)
	if err != nil {
		return err
	}
	defer end()
	out := &stream{patient: w, sent: after}
	if err := s.pump(ctx, id, out); err != nil {
		s.cfg.Log.Debug("stream of events ends early", "run", id, "error", err)
	}
	return nil
}

// lastEventID is how many events the client has.
func lastEventID(header http.Header) (int, error) {
	text := header.Get("Last-Event-ID")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, problem.New(http.StatusBadRequest, "Last-Event-ID %q: expected the number of an event", text)
	}
	return n, nil
}

func seenAll(events []run.Event, after int) bool {
	s, err := journal.Summarize(events)
	return err == nil && s.Status.Ended() && after >= len(events)
}

// pump waits for events in a goroutine of its own, so that it can send signs of
// life meanwhile.
func (s *Server) pump(ctx context.Context, id string, to *stream) error {
	if err := to.control.Flush(); err != nil { // the header
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	events, places, ended, unwatched := make(chan run.Event), make(chan engine.Now), make(chan error, 1), make(chan struct{})
	defer func() {
		cancel()
		<-ended
		<-unwatched
	}()
	go func() {
		defer close(unwatched)
		s.cfg.Engine.Watch(ctx, id, func(n engine.Now) bool { return pass(ctx, places, n) })
	}()
	go func(after int) {
		defer close(ended)
		ended <- s.cfg.Engine.Follow(ctx, id, after, func(e run.Event) bool { return pass(ctx, events, e) })
	}(to.sent)
	beat := s.cfg.Clock.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		var err error
		select {
		case e := <-events:
			err = to.event(e)
		case n := <-places:
			err = to.now(n)
		case <-beat.C:
			err = to.comment()
		case err := <-ended:
			return err
		}
		if err != nil {
			return err
		}
	}
}

// pass hands a value on, unless ctx ends first.
func pass[T any](ctx context.Context, to chan<- T, v T) bool {
	select {
	case to <- v:
		return true
	case <-ctx.Done():
		return false
	}
}

// openStream begins an answer that goes on for a while, if there is room for one
// more; end gives its place back. The client has that long to take each piece.
func (s *Server) openStream(c echo.Context, kind string, within time.Duration) (w *patient, end func(), err error) {
	if !s.cfg.Streams.Take(1) {
		return nil, nil, quota.Busy("%d streams are open", s.cfg.Streams.Figure().Most)
	}
	header := c.Response().Header()
	header.Set("Content-Type", kind)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	c.Response().WriteHeader(http.StatusOK)
	return &patient{c.Response(), http.NewResponseController(c.Response()), within}, func() { s.cfg.Streams.Give(1) }, nil
}

// patient gives its client time for each piece that it writes.
type patient struct {
	io.Writer
	control *http.ResponseController
	within  time.Duration
}

func (p *patient) Write(piece []byte) (int, error) {
	// A writer without deadlines is one without slow clients. The others are held to
	// the time of the machine, as all that concerns a network.
	_ = p.control.SetWriteDeadline(time.Now().Add(p.within))
	return p.Writer.Write(piece)
}

// stream writes server-sent events.
type stream struct {
	*patient
	sent int // number of the last event
}

func (s *stream) event(e run.Event) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	s.sent++
	return s.write("id: %d\nevent: %s\ndata: %s\n\n", s.sent, run.Name(e), data)
}

// now says where the run is. It has no number: who comes back is told anew.
func (s *stream) now(n engine.Now) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return s.write("event: now\ndata: %s\n\n", data)
}

func (s *stream) comment() error { return s.write(":\n\n") }

func (s *stream) write(format string, a ...any) error {
	if _, err := fmt.Fprintf(s, format, a...); err != nil {
		return err
	}
	return s.control.Flush()
}
