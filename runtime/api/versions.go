package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
)

// RefusedError says why a flow cannot be served as an earlier version.
type RefusedError struct {
	Reason string
	// Mistakes are those that the version has by now, each with its place.
	Mistakes []string
}

func (e *RefusedError) Error() string { return e.Reason }

// versionDoc is a version of a flow.
type versionDoc struct {
	Version int               `json:"version"`
	Digest  string            `json:"digest"`
	Plugins map[string]string `json:"plugins,omitempty"`
	File    string            `json:"file"`
	First   time.Time         `json:"firstServedAt"`
	Last    time.Time         `json:"lastDeployedAt"`
	Served  bool              `json:"served"`  // new runs begin with it
	Current bool              `json:"current"` // it is what the file has, as it was in order last
}

func (s *Server) newVersionDoc(v journal.Version) versionDoc {
	standing, _ := s.cfg.Versions.Standing(v.Flow)
	live := s.cfg.Flows().Flow(v.Flow)
	return versionDoc{
		Version: v.Number, Digest: v.Digest, Plugins: v.Plugins, File: v.File, First: v.First, Last: v.Last,
		Served: live != nil && v.Is(live.Digest, live.Plugins()), Current: v.Number == standing.Current,
	}
}

// listVersions answers with the versions of a flow, the one that was deployed last
// first.
func (s *Server) listVersions(c echo.Context) error {
	name, err := s.flowOf(c)
	if err != nil {
		return err
	}
	all, err := s.cfg.Versions.Of(c.Request().Context(), name)
	if err != nil {
		return err
	}
	q := newQuery(c.Request())
	page, next := pageOf(q, all, func(v journal.Version) string { return strconv.Itoa(v.Number) })
	if err := q.problem(); err != nil {
		return err
	}
	versions := []versionDoc{}
	for _, v := range page {
		versions = append(versions, s.newVersionDoc(v))
	}
	return c.JSON(http.StatusOK, struct {
		Flow     string       `json:"flow"`
		Versions []versionDoc `json:"versions"`
		Next     string       `json:"next,omitempty"`
	}{name, versions, next})
}

// flowOf is the name of the flow that a request is about: one that is live, or was.
func (s *Server) flowOf(c echo.Context) (string, error) {
	name := param(c, "flow")
	if _, was := s.cfg.Versions.Standing(name); was && auth.Of(c).Sees(name) {
		return name, nil
	}
	_, err := s.findFlow(c, name)
	return name, err
}

// showVersion answers with a version of a flow and its source.
func (s *Server) showVersion(c echo.Context) error {
	name, err := s.flowOf(c)
	if err != nil {
		return err
	}
	v, err := s.findVersion(c.Request().Context(), name, param(c, "version"))
	if err != nil {
		return err
	}
	src, err := s.cfg.Versions.Source(c.Request().Context(), v)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		Flow string `json:"flow"`
		versionDoc
		Source string `json:"source"`
	}{name, s.newVersionDoc(v), string(src)})
}

// findVersion finds a version by its number, or the one that is served.
func (s *Server) findVersion(ctx context.Context, name, text string) (journal.Version, error) {
	if _, err := s.cfg.Versions.Of(ctx, name); err != nil { // some may have been forgotten
		return journal.Version{}, err
	}
	live := s.cfg.Flows().Flow(name)
	var served int
	if live != nil {
		served = s.cfg.Versions.Number(name, live.Digest, live.Plugins())
	}
	number, err := strconv.Atoi(text)
	switch {
	case text == "served" && served == 0:
		return journal.Version{}, problem.New(http.StatusNotFound, "no version of flow %q is served", name)
	case text == "served":
		number = served
	case err != nil:
		return journal.Version{}, problem.New(http.StatusBadRequest, `version %q: expected a number or "served"`, text)
	}
	v, ok := s.cfg.Versions.Version(name, number)
	if !ok {
		return v, problem.New(http.StatusNotFound, "flow %q has no version %d, or it is not kept any more", name, number)
	}
	return v, nil
}

// diffVersions answers with what differs between two versions of a flow.
func (s *Server) diffVersions(c echo.Context) error {
	name, err := s.flowOf(c)
	if err != nil {
		return err
	}
	q := newQuery(c.Request())
	texts := []string{q.text("from"), q.text("to")}
	for i, what := range []string{"from", "to"} {
		if texts[i] == "" {
			q.mistake(what, `is missing; expected a number or "served"`)
		}
	}
	if err := q.problem(); err != nil {
		return err
	}
	var numbers [2]int
	var flows [2]*flow.Flow
	for i, text := range texts {
		v, err := s.findVersion(c.Request().Context(), name, text)
		if err != nil {
			return err
		}
		numbers[i] = v.Number
		began := journal.Summary{Flow: name, FlowDigest: v.Digest, Plugins: v.Plugins}
		if flows[i], err = s.cfg.Flow(c.Request().Context(), began); err != nil {
			return problem.New(http.StatusConflict, "version %d of flow %q cannot be read: %s", v.Number, name, err)
		}
	}
	changes := flow.Diff(flows[0], flows[1])
	if changes == nil {
		changes = []flow.Change{}
	}
	return c.JSON(http.StatusOK, struct {
		Flow    string        `json:"flow"`
		From    int           `json:"from"`
		To      int           `json:"to"`
		Changes []flow.Change `json:"changes"`
	}{name, numbers[0], numbers[1], changes})
}

// rollBack has new runs of a flow begin with an earlier version, or with the one in
// its file again.
func (s *Server) rollBack(c echo.Context) error {
	f, err := s.findFlow(c, param(c, "flow"))
	if err != nil {
		return err
	}
	in, err := s.readObject(c, s.rollback)
	if err != nil {
		return err
	}
	number := 0
	if in["off"] != true {
		v, err := s.findVersion(c.Request().Context(), f.Name, fmt.Sprint(in["version"]))
		if err != nil {
			return err
		}
		number = v.Number
	}
	err = s.cfg.Rollback(c.Request().Context(), f.Name, number)
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		p := problem.New(http.StatusConflict, "%s", refused)
		for _, m := range refused.Mistakes {
			p.Errors = append(p.Errors, problem.Field{Message: m})
		}
		return p
	}
	if err != nil {
		return err
	}
	return s.answerFlow(c, f.Name)
}

// answerFlow answers with a flow as it is now.
func (s *Server) answerFlow(c echo.Context, name string) error {
	f, err := s.findFlow(c, name)
	if err != nil {
		return err
	}
	doc, err := s.newFlowDoc(c.Request().Context(), f)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, doc)
}

// mostCounted is up to how many runs of a flow are counted.
const mostCounted = 1000

// countRuns counts the runs of a flow that have not ended, by their status.
func (s *Server) countRuns(ctx context.Context, f *flow.Flow) (map[run.Status]int, error) {
	counts := map[run.Status]int{}
	for _, status := range []run.Status{run.Running, run.Waiting, run.Paused} {
		n, err := s.cfg.Engine.Count(ctx, f, status, mostCounted)
		if err != nil {
			return nil, err
		}
		counts[status] = n
	}
	return counts, nil
}
