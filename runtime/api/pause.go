package api

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/webhook"
)

// resumeRun has a paused run go on, and answers when that is on record: with the
// flow that it began with, or as a new run with the one of now.
func (s *Server) resumeRun(c echo.Context) error {
	id := param(c, "id")
	in, err := s.readObject(c, s.resumption)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	giveUp, _ := in["giveUp"].(bool)
	if in["with"] == "current" {
		if giveUp {
			p := problem.New(http.StatusBadRequest, "the body does not fit")
			p.Errors = []problem.Field{{Field: "giveUp", Message: `does not go with "with": "current": what is given up is an outcome of the flow that the run began with`}}
			return p
		}
		how, err := s.howToRetry(ctx, id, map[string]any{"with": "current", "once": true})
		if err != nil {
			return err
		}
		how.Replace = true
		return s.retried(c, id, how)
	}
	if err := s.cfg.Engine.Resume(ctx, id, engine.Resumption{GiveUp: giveUp}); err != nil {
		return notResumed(id, err)
	}
	c.Response().Header().Set(webhook.RunHeader, id)
	return c.JSON(http.StatusOK, map[string]any{"run": id, "status": run.Running})
}

func notResumed(id string, err error) error {
	switch {
	case errors.Is(err, engine.ErrNotPaused), errors.Is(err, engine.ErrNothingToGiveUp), errors.Is(err, engine.ErrEnded):
		return problem.New(http.StatusConflict, "%s", err)
	case errors.Is(err, engine.ErrStopped):
		return comeBack("the server is stopping; the run stays paused")
	}
	return noRun(id, err)
}

// pauseFlow has new runs of a flow wait before their first node.
func (s *Server) pauseFlow(c echo.Context) error {
	in, err := s.readObject(c, s.pause)
	if err != nil {
		return err
	}
	reason, _ := in["reason"].(string)
	return s.standing(c, func(st *journal.Standing) {
		if st.Pause == nil {
			st.Pause = &journal.Pause{Since: s.cfg.Clock.Now().UTC()}
		}
		if reason != "" {
			st.Pause.Reason = reason
		}
	}, func(name string) {
		s.cfg.Log.Warn("a flow is paused, its new runs wait", "flow", name, "reason", reason)
	})
}

// resumeFlow has new runs of a flow begin as they come, and those go on that wait.
func (s *Server) resumeFlow(c echo.Context) error {
	if _, err := s.readObject(c, s.nothing); err != nil {
		return err
	}
	return s.standing(c, func(st *journal.Standing) { st.Pause = nil }, func(name string) {
		s.cfg.Log.Warn("a flow is resumed, and so are its runs that wait", "flow", name)
		s.cfg.Engine.FlowResumed(name)
	})
}

// standing changes how it stands with a flow, and answers with the flow.
func (s *Server) standing(c echo.Context, change func(*journal.Standing), then func(name string)) error {
	f, err := s.findFlow(c, param(c, "flow"))
	if err != nil {
		return err
	}
	if err := s.cfg.Versions.Stand(c.Request().Context(), f.Name, change); err != nil {
		return err
	}
	then(f.Name)
	return s.answerFlow(c, f.Name)
}
