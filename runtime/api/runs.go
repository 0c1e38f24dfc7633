package api

import (
	"errors"
	"mime"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/webhook"
)

// startRun starts a run with the body as what its trigger gives, and answers
// when the run is on record.
func (s *Server) startRun(c echo.Context) error {
	f, err := findFlow(s.cfg.Flows(), c.Param("flow"))
	if err != nil {
		return err
	}
	trigger, err := findTrigger(f, c.QueryParam("trigger"))
	if err != nil {
		return err
	}
	if err := demandJSON(c.Request().Header); err != nil {
		return err
	}
	raw, err := webhook.ReadBody(c, s.cfg.MaxBody)
	if err != nil {
		return err
	}
	output, err := webhook.ByHand(f, trigger, raw)
	if err != nil {
		return err
	}
	started, _, err := s.cfg.Engine.Start(c.Request().Context(), engine.Start{
		Flow: f, Trigger: trigger.ID, Output: output, Accepted: true,
	})
	if err != nil {
		return webhook.NotStarted(err, s.cfg.Log)
	}
	return webhook.Accepted(c, started.ID, run.Running)
}

// demandJSON refuses other media types. They are all that a page of another
// site may send from somebody's browser without asking first.
func demandJSON(header http.Header) error {
	text := header.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(text); err == nil && kind == "application/json" {
		return nil
	}
	return problem.New(http.StatusUnsupportedMediaType, "Content-Type %q: expected application/json", text)
}

// showRun tells what a run is doing or did.
func (s *Server) showRun(c echo.Context) error {
	id := c.Param("id")
	events, err := s.cfg.Engine.Events(c.Request().Context(), id)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		return problem.New(http.StatusNotFound, "no run %q", id)
	case err != nil:
		return err
	case len(events) == 0:
		// It began, and nothing of it had to be on record so far.
		return c.JSON(http.StatusOK, map[string]any{"run": id, "status": run.Running})
	}
	report, err := run.NewReport(s.begunWith(events), events)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, report)
}

// begunWith returns the flow that a run began with, or nil if it has changed
// since.
func (s *Server) begunWith(events []run.Event) *flow.Flow {
	started, ok := events[0].(run.RunStarted)
	if !ok {
		return nil
	}
	f := s.cfg.Flows().Flow(started.Flow)
	if f == nil || f.Digest != started.FlowDigest {
		return nil
	}
	return f
}
