package api

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/quota"
	"github.com/wendflow/wend/runtime/record"
)

// exportRuns sends runs with all their events and those that they had made, each on
// a line, the newest first. It holds one of them at a time. What goes wrong on the
// way ends the stream in the middle of a line, so that nobody takes it for whole.
func (s *Server) exportRuns(c echo.Context) error {
	q := newQuery(c.Request())
	f := journal.Filter{Flow: q.text("flow"), From: q.time("from"), To: q.time("to")}
	durable := q.choice("durable", "true", "false") != "false"
	if err := q.problem(); err != nil {
		return err
	}
	if !s.cfg.Streams.Take(1) {
		return quota.Busy("%d streams are open", s.cfg.Streams.Figure().Most)
	}
	defer s.cfg.Streams.Give(1)
	header := c.Response().Header()
	header.Set("Content-Type", "application/x-ndjson")
	header.Set("Cache-Control", "no-store")
	c.Response().WriteHeader(http.StatusOK)
	out := &patient{c.Response(), http.NewResponseController(c.Response())}
	ctx := c.Request().Context()
	err := record.Export(ctx, out, s.cfg.Engine, durable, f)
	if err == nil {
		return nil
	}
	_, unwritten := io.WriteString(out, "{") // seen to be cut off
	if errors.Join(ctx.Err(), unwritten) == nil {
		s.cfg.Log.Error("an export of runs ends early", "error", err)
	}
	return nil
}

// slowestReader is how long a client may take to read a piece: it may make the run
// before again meanwhile.
const slowestReader = time.Minute

// patient gives its client time for each piece that it writes.
type patient struct {
	io.Writer
	control *http.ResponseController
}

func (p *patient) Write(piece []byte) (int, error) {
	// A writer without deadlines is one without slow clients. The others are held to
	// the time of the machine, as all that concerns a network.
	_ = p.control.SetWriteDeadline(time.Now().Add(slowestReader))
	return p.Writer.Write(piece)
}
