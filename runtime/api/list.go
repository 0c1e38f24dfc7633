package api

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
)

// maxRuns is the most that one page of runs holds.
const maxRuns = 1000

// runDoc is a run as the list has it. Its names are those of run.Report.
type runDoc struct {
	Run        string            `json:"run"`
	Flow       string            `json:"flow"`
	Version    int               `json:"version,omitempty"` // of the flow
	FlowDigest string            `json:"flowDigest"`
	Plugins    map[string]string `json:"plugins,omitempty"`
	Trigger    string            `json:"trigger"`
	RetryOf    string            `json:"retryOf,omitempty"`
	Parent     *run.Parent       `json:"parent,omitempty"`
	Key        string            `json:"key,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
	Status     run.Status        `json:"status"`
	Node       string            `json:"node,omitempty"`
	Outcome    string            `json:"outcome,omitempty"`
	Code       string            `json:"code,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	Error      *run.Failure      `json:"error,omitempty"`
	Response   int               `json:"response,omitempty"` // status of the answer
	StartedAt  time.Time         `json:"startedAt"`
	UpdatedAt  time.Time         `json:"updatedAt"`
	EndedAt    time.Time         `json:"endedAt,omitzero"`
	Due        time.Time         `json:"due,omitzero"`
	Awaits     *journal.Awaited  `json:"awaits,omitempty"`
	Events     int               `json:"events"`
}

// listRuns answers with a page of runs, the newest first. Durable runs and
// others are in two journals, each with its own cursors; a list is of one.
func (s *Server) listRuns(c echo.Context) error {
	q := newQuery(c.Request())
	if id := q.text("id"); id != "" {
		return s.matchRuns(c, q, id)
	}
	filter := runFilter(q)
	durable := q.choice("durable", "true", "false") != "false"
	if err := q.problem(); err != nil {
		return err
	}
	page, err := s.runsFor(c, durable, filter)
	switch {
	case errors.Is(err, journal.ErrCursor):
		q.wrongCursor(filter.Cursor)
		return q.problem()
	case err != nil:
		return err
	}
	runs := make([]runDoc, len(page.Runs))
	for i, r := range page.Runs {
		runs[i] = s.newRunDoc(r)
	}
	return c.JSON(http.StatusOK, struct {
		Runs []runDoc `json:"runs"`
		Next string   `json:"next,omitempty"`
	}{runs, page.Next})
}

// mostLooks is how many pages of all runs are looked through for one page of those
// that somebody sees.
const mostLooks = 20

// runsFor is a page of the runs that are there for who asks. For one who sees certain
// flows it may have fewer than the limit, and there be more all the same.
func (s *Server) runsFor(c echo.Context, durable bool, f journal.Filter) (journal.Page, error) {
	ctx, who := c.Request().Context(), auth.Of(c)
	if who.Limited() && f.Flow == "" && len(who.Flows()) == 1 {
		f.Flow = who.Flows()[0]
	}
	switch {
	case !who.Limited() || f.Flow != "" && who.Sees(f.Flow):
		return s.cfg.Engine.Runs(ctx, durable, f)
	case f.Flow != "":
		return journal.Page{}, nil
	}
	limit := cmp.Or(f.Limit, journal.DefaultLimit)
	var seen journal.Page
	for range mostLooks {
		f.Limit = limit - len(seen.Runs)
		page, err := s.cfg.Engine.Runs(ctx, durable, f)
		if err != nil {
			return seen, err
		}
		for _, r := range page.Runs {
			if who.Sees(r.Flow) {
				seen.Runs = append(seen.Runs, r)
			}
		}
		f.Cursor, seen.Next = page.Next, page.Next
		if page.Next == "" || len(seen.Runs) == limit {
			break
		}
	}
	return seen, nil
}

// leastOfID is how much of an id tells something.
const leastOfID = 4

// matchRuns answers with the runs whose ids begin or end with a text.
func (s *Server) matchRuns(c echo.Context, q *query, id string) error {
	limit := q.number("limit", 1, maxRuns)
	if len(id) < leastOfID {
		q.mistake("id", "%q: expected at least %d characters, from the begin or the end of an id", id, leastOfID)
	}
	if err := q.problem(); err != nil {
		return err
	}
	found, err := s.cfg.Engine.Match(c.Request().Context(), id, cmp.Or(limit, journal.DefaultLimit))
	if err != nil {
		return err
	}
	who := auth.Of(c)
	found = slices.DeleteFunc(found, func(r journal.Summary) bool { return !who.Sees(r.Flow) })
	slices.SortFunc(found, func(a, b journal.Summary) int { return b.StartedAt.Compare(a.StartedAt) })
	runs := make([]runDoc, len(found))
	for i, r := range found {
		runs[i] = s.newRunDoc(r)
	}
	return c.JSON(http.StatusOK, struct {
		Runs []runDoc `json:"runs"`
	}{runs})
}

func runFilter(q *query) journal.Filter {
	f := journal.Filter{
		Flow: q.text("flow"),
		Status: run.Status(q.choice("status",
			string(run.Running), string(run.Waiting), string(run.Paused), string(run.Completed), string(run.Failed), string(run.Cancelled))),
		Outcome:  q.text("outcome"),
		Response: q.response("response"),
		Key:      q.text("key"),
		Parent:   q.text("parent"),
		Labels:   q.labels("label"),
		From:     q.time("from"),
		To:       q.time("to"),
		Limit:    q.number("limit", 1, maxRuns),
		Cursor:   q.text("cursor"),
	}
	if !f.To.IsZero() && f.From.After(f.To) {
		q.mistake("from", "is later than to")
	}
	return f
}

func (s *Server) newRunDoc(r journal.Summary) runDoc {
	return runDoc{
		Run: r.ID, Flow: r.Flow, Version: s.cfg.Versions.Number(r.Flow, r.FlowDigest, r.Plugins), FlowDigest: r.FlowDigest, Plugins: r.Plugins, Trigger: r.Trigger, RetryOf: r.RetryOf, Parent: r.Parent, Key: r.Key, Labels: r.Labels,
		Status: r.Status, Node: r.Node, Outcome: r.Outcome, Code: r.Code, Reason: r.Reason, Error: r.Error, Response: r.Response,
		StartedAt: r.StartedAt, UpdatedAt: r.UpdatedAt, EndedAt: r.EndedAt, Due: r.Due, Awaits: r.Awaits, Events: r.Events,
	}
}

// noRun is the problem that there is no such run, if err says so.
func noRun(id string, err error) error {
	if errors.Is(err, journal.ErrNotFound) {
		return problem.New(http.StatusNotFound, "no run %q", id)
	}
	if unknown, ok := errors.AsType[*run.UnknownError](err); ok {
		return problem.New(http.StatusConflict, "run %s is left alone: %s", id, unknown)
	}
	return err
}

// isUnknown tells whether another version of Wend wrote what cannot be read.
func isUnknown(err error) bool {
	_, yes := errors.AsType[*run.UnknownError](err)
	return yes
}
