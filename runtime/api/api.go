// Package api is what a server can be asked over HTTP: its health, its flows,
// runs and node types, and the description of all that. It starts, cancels, resumes and
// retries runs by hand, and takes outside events that runs wait for; webhooks
// are package webhook's.
package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/quota"
)

// Config is what a Server needs.
type Config struct {
	Flows  func() *catalog.Set // the live flows; they may change at any time
	Types  func() *node.Set    // the catalogue that they were checked against
	Engine *engine.Engine
	// Flow finds the definition that a run began with, so that its nodes can be
	// shown. Defaults to the live flow, if it has not changed.
	Flow func(ctx context.Context, s journal.Summary) (*flow.Flow, error)
	// Versions of flows, and how it stands with these.
	Versions *catalog.Versions
	// Rollback has a flow be served as an earlier version, or with 0 as the one that
	// its file has. A *RefusedError says why that cannot be.
	Rollback func(ctx context.Context, flow string, version int) error
	// Ready says what is missing before requests can be served; nil if nothing.
	// Defaults to always ready.
	Ready func() error
	// Mistakes are those of flow files, for which flows are left out or as they
	// were before. Defaults to none.
	Mistakes func() diag.List
	// Lacks says what a connection has not that it needs; nil if nothing.
	// Defaults to nothing.
	Lacks func(connection string) error
	// Connections tells how it stands with all connections that make calls. Defaults
	// to none.
	Connections func() []outbound.Status
	// Guard knows who may ask for what under /api/v1. Defaults to letting everybody
	// do all.
	Guard *auth.Guard
	// MaxBody is the largest body in bytes. Defaults to 256 KiB.
	MaxBody int64
	// Metrics, if set, answers /metrics, to those who may ask the API.
	Metrics http.Handler
	// Gate is where requests come in, and Streams how many streams of events and
	// exports of runs there may be. Default to no bounds.
	Gate    quota.Gate
	Streams *quota.Quota
	// Version of the program. Defaults to "devel".
	Version string
	// Clock is the one that events expire by. Defaults to clock.System.
	Clock clock.Clock
	// NewID makes the id of an event that has none. Defaults to UUIDv7.
	NewID func() string
	// Log gets what callers are not told. Defaults to none.
	Log *slog.Logger
}

// Server answers the API. It is safe for concurrent use.
type Server struct {
	cfg     Config
	openAPI []byte // as JSON
	// What bodies must be, as the description says.
	cancellation, retry, resumption, rollback, pause, nothing, event, value *node.Schema
	// Who reads a run has a place here meanwhile.
	cutting, copying chan struct{}
}

// New returns a server that is ready to be mounted.
func New(cfg Config) (*Server, error) {
	cfg.MaxBody = cmp.Or(cfg.MaxBody, 256<<10)
	cfg.Version = cmp.Or(cfg.Version, "devel")
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	if cfg.Ready == nil {
		cfg.Ready = func() error { return nil }
	}
	if cfg.Mistakes == nil {
		cfg.Mistakes = func() diag.List { return nil }
	}
	if cfg.Lacks == nil {
		cfg.Lacks = func(string) error { return nil }
	}
	if cfg.Connections == nil {
		cfg.Connections = func() []outbound.Status { return nil }
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.System
	}
	if cfg.NewID == nil {
		cfg.NewID = func() string { return uuid.Must(uuid.NewV7()).String() }
	}
	if cfg.Guard == nil {
		cfg.Guard = auth.NewGuard("", nil, cfg.Clock.Now)
	}
	s := &Server{cfg: cfg, cutting: make(chan struct{}, atOnce), copying: make(chan struct{}, atOnce)}
	if cfg.Flow == nil {
		s.cfg.Flow = s.liveFlow
	}
	if err := s.readDescription(); err != nil {
		return nil, fmt.Errorf("description of the API: %w", err)
	}
	return s, nil
}

func (s *Server) readDescription() error {
	doc, err := description(s.cfg.Version)
	if err != nil {
		return err
	}
	if s.openAPI, err = json.Marshal(doc); err != nil {
		return err
	}
	for name, schema := range map[string]**node.Schema{
		"Cancellation": &s.cancellation, "Retry": &s.retry, "Resumption": &s.resumption, "Rollback": &s.rollback,
		"Pause": &s.pause, "Nothing": &s.nothing, "Event": &s.event, "NewValue": &s.value,
	} {
		// A reference alone would be resolved inside its own document.
		*schema, err = node.NewSchema(map[string]any{"$ref": "#/components/schemas/" + name, "components": doc["components"]})
		if err != nil {
			return fmt.Errorf("schema %q: %w", name, err)
		}
	}
	return nil
}

// Mount adds the routes. Errors are problems; e.HTTPErrorHandler has to be one
// that knows them, such as problem.Handler.
func (s *Server) Mount(e *echo.Echo) {
	see := func(then ...echo.MiddlewareFunc) []echo.MiddlewareFunc {
		return append([]echo.MiddlewareFunc{s.cfg.Guard.For(auth.Read), s.cfg.Gate.Let}, then...)
	}
	// What changes something leaves a line for the audit.
	change := func(scope auth.Scope, action string, then ...echo.MiddlewareFunc) []echo.MiddlewareFunc {
		return append([]echo.MiddlewareFunc{auth.Audited(s.cfg.Log, action, about), s.cfg.Guard.For(scope), s.cfg.Gate.Let}, then...)
	}
	ofAll := wholeServer("events concern whoever waits for them")
	figures := []echo.MiddlewareFunc{s.cfg.Guard.For(auth.Read), wholeServer("this tells of all")} // no gate: most wanted when there is no more

	e.GET("/healthz", s.health)
	e.GET("/readyz", s.ready)
	e.GET("/api/v1/openapi.json", s.describe)
	if s.cfg.Metrics != nil {
		e.GET("/metrics", echo.WrapHandler(s.cfg.Metrics), figures...)
	}
	e.GET("/api/v1/session", s.showSession, s.cfg.Guard.For(auth.Known))
	e.POST("/api/v1/session", s.beginSession, change(auth.Known, "beginSession")...)
	e.DELETE("/api/v1/session", s.endSession, change(auth.Known, "endSession")...)
	e.GET("/api/v1/flows", s.listFlows, see()...)
	e.POST("/api/v1/flows/:flow/runs", s.startRun, change(auth.Run, "startRun")...)
	e.GET("/api/v1/flows/:flow/versions", s.listVersions, see()...)
	e.GET("/api/v1/flows/:flow/versions/:version", s.showVersion, see()...)
	e.GET("/api/v1/flows/:flow/diff", s.diffVersions, see()...)
	e.POST("/api/v1/flows/:flow/rollback", s.rollBack, change(auth.Operate, "rollBack")...)
	e.POST("/api/v1/flows/:flow/pause", s.pauseFlow, change(auth.Operate, "pauseFlow")...)
	e.POST("/api/v1/flows/:flow/resume", s.resumeFlow, change(auth.Operate, "resumeFlow")...)
	e.GET("/api/v1/runs", s.listRuns, see()...)
	e.GET("/api/v1/runs/export", s.exportRuns, see(wholeServer("an export has the runs of flows that these call"))...)
	e.GET("/api/v1/runs/:id", s.showRun, see(s.seesRun)...)
	e.GET("/api/v1/runs/:id/events", s.streamEvents, see(s.seesRun)...)
	e.POST("/api/v1/runs/:id/cancel", s.cancelRun, change(auth.Operate, "cancelRun", s.seesRun)...)
	e.POST("/api/v1/runs/:id/retry", s.retryRun, change(auth.Operate, "retryRun", s.seesRun)...)
	e.POST("/api/v1/runs/:id/resume", s.resumeRun, change(auth.Operate, "resumeRun", s.seesRun)...)
	e.GET("/api/v1/events", s.listEvents, see(ofAll)...)
	e.POST("/api/v1/events", s.postEvent, change(auth.Run, "postCloudEvents", ofAll)...)
	e.POST("/api/v1/events/:name", s.postEvent, change(auth.Run, "postEvent", ofAll)...)
	e.GET("/api/v1/store", s.listValues, see()...)
	e.GET("/api/v1/store/value", s.showValue, see()...)
	e.PUT("/api/v1/store/value", s.putValue, change(auth.Operate, "putValue")...)
	e.DELETE("/api/v1/store/value", s.deleteValue, change(auth.Operate, "deleteValue")...)
	e.GET("/api/v1/limits", s.listLimits, figures...)
	e.GET("/api/v1/connections", s.listConnections, figures...)
	e.GET("/api/v1/nodes", s.listNodes, see()...)
}

// Limits tells what there is of all that callers share, and how much of it is
// used.
func (s *Server) Limits(ctx context.Context) ([]quota.Figure, error) {
	var figures []quota.Figure
	for _, q := range []*quota.Quota{s.cfg.Gate.Requests, s.cfg.Gate.Bodies, s.cfg.Streams} {
		if q != nil {
			figures = append(figures, q.Figure())
		}
	}
	kept, most, refused, err := s.cfg.Engine.Kept(ctx)
	if err != nil {
		return nil, err
	}
	figures = append(figures, quota.Figure{Name: "events", Used: int64(kept), Most: int64(most), Refused: int64(refused)})
	keys, most, refused := s.cfg.Engine.Keys()
	return append(figures, quota.Figure{Name: "dedupeKeys", Used: int64(keys), Most: int64(most), Refused: int64(refused)}), nil
}

func (s *Server) listLimits(c echo.Context) error {
	figures, err := s.Limits(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		Limits []quota.Figure `json:"limits"`
	}{figures})
}

func (s *Server) health(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"status": "ok", "version": s.cfg.Version})
}

// readyDoc says which flows are not served as their files want it. The others
// are, so the server is ready all the same.
type readyDoc struct {
	Status string      `json:"status"`
	Flows  []unwellDoc `json:"flows,omitempty"`
	// Mistakes of files, whose flows are left out or as they were before.
	Mistakes []string `json:"mistakes,omitempty"`
}

type unwellDoc struct {
	Flow     string   `json:"flow"`
	Mistakes []string `json:"mistakes"`
}

func (s *Server) ready(c echo.Context) error {
	if err := s.cfg.Ready(); err != nil {
		p := problem.New(http.StatusServiceUnavailable, "%s", err)
		p.Header.Set("Retry-After", "1")
		return p
	}
	answer := readyDoc{Status: "ready"}
	// Probes have no token; what is wrong with which file is for those who have.
	if who, err := s.cfg.Guard.Who(c.Request()); err != nil || !who.May(auth.Read) || who.Limited() {
		return c.JSON(http.StatusOK, answer)
	}
	answer.Mistakes = s.mistakes()
	for _, f := range s.cfg.Flows().Flows() {
		if wrong := s.lacking(f); len(wrong) > 0 {
			answer.Flows = append(answer.Flows, unwellDoc{f.Name, wrong})
		}
	}
	return c.JSON(http.StatusOK, answer)
}

func (s *Server) describe(c echo.Context) error {
	return c.JSONBlob(http.StatusOK, s.openAPI)
}

// param is a parameter of the path, decoded. Echo leaves all of them as they are
// written if one has an escaped slash.
func param(c echo.Context, name string) string {
	text := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return text
	}
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}
