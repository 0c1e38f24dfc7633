package api

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/webhook"
)

// seesRun lets through who sees the flow of the run that a request is about. For
// others the run is not there.
func (s *Server) seesRun(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who := auth.Of(c)
		if !who.Limited() {
			return next(c)
		}
		id := param(c, "id")
		name, err := s.flowOfRun(c, id)
		switch {
		case err != nil:
			return noRun(id, err)
		case !who.Sees(name):
			return noRun(id, journal.ErrNotFound)
		}
		return next(c)
	}
}

// flowOfRun is the flow that a run is of, also where nothing of it is on record
// yet.
func (s *Server) flowOfRun(c echo.Context, id string) (string, error) {
	ctx := c.Request().Context()
	sum, _, err := s.cfg.Engine.Summary(ctx, id)
	if !errors.Is(err, journal.ErrNotFound) {
		return sum.Flow, err
	}
	events, _, err := s.cfg.Engine.Happened(ctx, id)
	if err != nil || len(events) == 0 {
		return "", cmp.Or(err, journal.ErrNotFound)
	}
	started, _ := events[0].(run.RunStarted)
	return started.Flow, nil
}

// wholeServer lets through who is limited to no flow; what says why.
func wholeServer(what string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := auth.Of(c).NeedsAll(what); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// about is what a change is about, for the audit: what the address names, and the
// run that was started.
func about(c echo.Context) []slog.Attr {
	var attrs []slog.Attr
	add := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, clip(value)))
		}
	}
	q := c.QueryParams()
	add("flow", cmp.Or(param(c, "flow"), q.Get("flow")))
	add("run", param(c, "id"))
	add("event", param(c, "name"))
	add("key", q.Get("key"))
	if made := c.Response().Header().Get(webhook.RunHeader); made != param(c, "id") {
		add("started", made)
	}
	return attrs
}

// longest is how much of a text that callers chose is in a line of the audit.
const longest = 200

func clip(s string) string {
	if len(s) > longest {
		return strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return s
}

// notVisible is the problem that a value's flow is not there for somebody.
func notVisible(who *auth.Identity, flow, what string) error {
	switch {
	case flow == "":
		return who.NeedsAll(what + "; name one of them by the parameter flow")
	case !who.Sees(flow):
		return problem.New(http.StatusForbidden, "token %q is not for flow %q", who.Name, clip(flow))
	}
	return nil
}
