package api

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/webhook"
)

// atOnce is how many runs are read at one time to be shown cut, and how many to
// be shown whole: the events of one may take some hundred megabytes in memory,
// and who is shown it whole may be slow.
const atOnce = 2

// showRun tells what a run is doing or did: a page of its nodes with long values
// cut, or all of it.
func (s *Server) showRun(c echo.Context) error {
	q := newQuery(c.Request())
	whole := q.choice("values", "cut", "whole") == "whole"
	after := q.number("after", 0, math.MaxInt32)
	if err := q.problem(); err != nil {
		return err
	}
	readers := s.cutting
	if whole {
		readers = s.copying
	}
	ctx := c.Request().Context()
	select {
	case readers <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	done := sync.OnceFunc(func() { <-readers })
	defer done()
	report, err := s.report(ctx, param(c, "id"))
	if err != nil {
		return err
	}
	if report == nil {
		return c.JSON(http.StatusOK, map[string]any{"run": param(c, "id"), "status": run.Running})
	}
	c.Response().Header().Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	if whole {
		return report.WriteJSON(c.Response())
	}
	report.Page(after)
	report.Shorten()
	var answer bytes.Buffer
	if err := report.WriteJSON(&answer); err != nil {
		return err
	}
	done() // the next need not wait until this one has its answer
	_, err = answer.WriteTo(c.Response())
	return err
}

// report tells all that is known of a run.
func (s *Server) report(ctx context.Context, id string) (*run.Report, error) {
	events, stored, err := s.cfg.Engine.Happened(ctx, id)
	if unknown, ok := errors.AsType[*run.UnknownError](err); ok {
		return s.unreadable(ctx, id, unknown)
	}
	if err != nil {
		return nil, noRun(id, err)
	}
	if len(events) == 0 {
		return nil, nil // it began, and nothing of it had to be on record so far
	}
	summary, err := journal.Summarize(events)
	if err != nil {
		return nil, err
	}
	report, err := run.NewReport(s.begunWith(ctx, summary), events)
	if err == nil {
		report.Unrecorded = len(events) - stored
		report.Version = s.cfg.Versions.Number(summary.Flow, summary.FlowDigest, summary.Plugins)
	}
	return report, err
}

// unreadable tells of a run what is known without its events.
func (s *Server) unreadable(ctx context.Context, id string, why *run.UnknownError) (*run.Report, error) {
	sum, _, err := s.cfg.Engine.Summary(ctx, id)
	if err != nil {
		return nil, noRun(id, err)
	}
	return &run.Report{
		Run: sum.ID, Flow: sum.Flow, Version: s.cfg.Versions.Number(sum.Flow, sum.FlowDigest, sum.Plugins), FlowDigest: sum.FlowDigest, Trigger: sum.Trigger, RetryOf: sum.RetryOf, Parent: sum.Parent, Key: sum.Key, Labels: sum.Labels,
		Status: sum.Status, Outcome: sum.Outcome, Code: sum.Code, Reason: sum.Reason, Error: sum.Error,
		StartedAt: sum.StartedAt, EndedAt: sum.EndedAt,
		Duration:  float64(sum.UpdatedAt.Sub(sum.StartedAt).Microseconds()) / 1000,
		Variables: map[string]any{}, Nodes: []run.Trace{}, Unreadable: why.Error(),
	}, nil
}

// begunWith returns the flow that a run began with, or nil if it is not known
// any more.
func (s *Server) begunWith(ctx context.Context, summary journal.Summary) *flow.Flow {
	f, err := s.cfg.Flow(ctx, summary)
	if err != nil {
		s.cfg.Log.Info("a run is shown without its nodes", "run", summary.ID, "error", err)
		return nil
	}
	return f
}

// liveFlow is the definition that a run began with, if it has not changed.
func (s *Server) liveFlow(_ context.Context, begun journal.Summary) (*flow.Flow, error) {
	f := s.cfg.Flows().Flow(begun.Flow)
	if f == nil || f.Digest != begun.FlowDigest {
		return nil, journal.ErrNotFound
	}
	if begun.Parent != nil && begun.Parent.Body != "" {
		if f = f.Body(begun.Parent.Body); f == nil {
			return nil, journal.ErrNotFound
		}
	}
	return f, nil
}

// cancelRun ends a run, and answers when that is on record.
func (s *Server) cancelRun(c echo.Context) error {
	id := param(c, "id")
	in, err := s.readObject(c, s.cancellation)
	if err != nil {
		return err
	}
	reason, _ := in["reason"].(string)
	err = s.cfg.Engine.Cancel(c.Request().Context(), id, reason)
	switch {
	case errors.Is(err, engine.ErrEnded):
		return problem.New(http.StatusConflict, "%s", err)
	case errors.Is(err, engine.ErrStopped):
		return comeBack("the server is stopping; the run goes on after its next start")
	case err != nil:
		return noRun(id, err)
	}
	c.Response().Header().Set(webhook.RunHeader, id)
	return c.JSON(http.StatusOK, map[string]any{"run": id, "status": run.Cancelled})
}

// retryRun starts a run that takes up an ended one, or says what would be done.
func (s *Server) retryRun(c echo.Context) error {
	id := param(c, "id")
	in, err := s.readObject(c, s.retry)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	how, err := s.howToRetry(ctx, id, in)
	if err != nil {
		return err
	}
	if in["dryRun"] == true {
		plan, err := s.cfg.Engine.PlanRetry(ctx, id, how)
		if err != nil {
			return notRetried(id, err)
		}
		return c.JSON(http.StatusOK, plan)
	}
	return s.retried(c, id, how)
}

// retried starts a run that takes up another, and answers with it.
func (s *Server) retried(c echo.Context, id string, how engine.Retry) error {
	started, plan, err := s.cfg.Engine.Retry(c.Request().Context(), id, how)
	if err != nil {
		return notRetried(id, err)
	}
	header := c.Response().Header()
	header.Set("Location", "/api/v1/runs/"+started.ID)
	header.Set(webhook.RunHeader, started.ID)
	return c.JSON(http.StatusAccepted, struct {
		Run    string     `json:"run"`
		Status run.Status `json:"status"`
		engine.Plan
	}{started.ID, started.Began(), plan})
}

func (s *Server) howToRetry(ctx context.Context, id string, in map[string]any) (h engine.Retry, err error) {
	h.From, _ = in["from"].(string)
	h.Once, _ = in["once"].(bool)
	if in["with"] != "current" {
		return h, nil
	}
	sum, _, err := s.cfg.Engine.Summary(ctx, id)
	if err != nil {
		return h, noRun(id, err)
	}
	if h.Flow = s.cfg.Flows().Flow(sum.Flow); h.Flow == nil {
		return h, problem.New(http.StatusConflict, "no flow %q is served now", sum.Flow)
	}
	return h, nil
}

func notRetried(id string, err error) error {
	var refused *engine.RetryError
	switch {
	case errors.As(err, &refused):
		p := problem.New(http.StatusConflict, "%s", refused)
		for _, w := range refused.Problems {
			p.Errors = append(p.Errors, problem.Field{Field: strings.Join(w.Path, "."), Message: w.Msg})
		}
		return p
	case errors.Is(err, engine.ErrNotPaused), errors.Is(err, engine.ErrEnded):
		return problem.New(http.StatusConflict, "%s", err)
	case errors.Is(err, journal.ErrNotFound), isUnknown(err):
		return noRun(id, err)
	default:
		return webhook.NotStarted(err)
	}
}

// comeBack is the problem that the same request may do in a moment.
func comeBack(detail string) *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, "%s", detail)
	p.Header.Set("Retry-After", "5")
	return p
}
