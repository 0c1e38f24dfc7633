package api

import (
	"errors"
	"io"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/journal"
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
	out, end, err := s.openStream(c, "application/x-ndjson", slowestReader)
	if err != nil {
		return err
	}
	defer end()
	ctx := c.Request().Context()
	err = record.Export(ctx, out, s.cfg.Engine, durable, f)
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
