package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/webhook"
)

type flowDoc struct {
	Flow        string       `json:"flow"`
	Description string       `json:"description,omitempty"`
	Version     int          `json:"version,omitempty"`
	Digest      string       `json:"digest"`
	File        string       `json:"file"`
	Durable     bool         `json:"durable"`
	Nodes       int          `json:"nodes"`
	Triggers    []triggerDoc `json:"triggers"`
	// Mistakes keep the flow from doing all that its file says.
	Mistakes []string `json:"mistakes,omitempty"`
	// Rollback and Pause are what an operator wants of the flow.
	Rollback *journal.Rollback `json:"rollback,omitempty"`
	Pause    *journal.Pause    `json:"pause,omitempty"`
	// Runs that have not ended, by status.
	Runs map[run.Status]int `json:"runs"`
}

type triggerDoc struct {
	Node    string   `json:"node"`
	Type    string   `json:"type"`
	Path    string   `json:"path,omitempty"`    // where a webhook is served
	Methods []string `json:"methods,omitempty"` // that it takes
	Event   string   `json:"event,omitempty"`   // the name of those that start a run
	// By what a schedule ticks, and its next ticks.
	Schedule string       `json:"schedule,omitempty"`
	Next     []string     `json:"next,omitempty"`
	Outputs  *node.Schema `json:"outputs"`
}

// listFlows answers with the live flows by name, or a page of them.
func (s *Server) listFlows(c echo.Context) error {
	q := newQuery(c.Request())
	page, next := pageOf(q, s.visible(c), func(f *flow.Flow) string { return f.Name })
	if err := q.problem(); err != nil {
		return err
	}
	answer := struct {
		Flows    []*flowDoc `json:"flows"`
		Mistakes []string   `json:"mistakes,omitempty"`
		Next     string     `json:"next,omitempty"`
	}{Flows: []*flowDoc{}, Next: next}
	for _, f := range page {
		doc, err := s.newFlowDoc(c.Request().Context(), f)
		if err != nil {
			return err
		}
		answer.Flows = append(answer.Flows, doc)
	}
	if !auth.Of(c).Limited() {
		answer.Mistakes = s.mistakes()
	}
	return c.JSON(http.StatusOK, answer)
}

// visible are the live flows that are there for who asks, by name.
func (s *Server) visible(c echo.Context) []*flow.Flow {
	who := auth.Of(c)
	return slices.DeleteFunc(s.cfg.Flows().Flows(), func(f *flow.Flow) bool { return !who.Sees(f.Name) })
}

func (s *Server) newFlowDoc(ctx context.Context, f *flow.Flow) (*flowDoc, error) {
	standing, _ := s.cfg.Versions.Standing(f.Name)
	doc := &flowDoc{
		Flow: f.Name, Description: f.Description, Version: s.cfg.Versions.Number(f.Name, f.Digest, f.Plugins()),
		Digest: f.Digest, File: f.File, Durable: f.Durable, Nodes: len(f.Nodes), Mistakes: s.lacking(f),
		Rollback: standing.Rollback, Pause: standing.Pause,
	}
	for _, n := range f.Triggers {
		one := triggerDoc{Node: n.ID, Type: n.Type.Ref(), Outputs: n.Outputs}
		switch t := n.Trigger.(type) {
		case *node.Hook:
			one.Path, one.Methods = webhook.Prefix+t.Path.String(), t.Methods
		case *node.Event:
			one.Event = t.Name
		case *node.Schedule:
			one.Schedule, one.Next = t.Plan.String(), nextTicks(t, s.cfg.Clock.Now())
		}
		doc.Triggers = append(doc.Triggers, one)
	}
	var err error
	doc.Runs, err = s.countRuns(ctx, f)
	return doc, err
}

// nextTicks are the next few ticks of a schedule.
func nextTicks(s *node.Schedule, now time.Time) []string {
	const few = 3
	ticks := make([]string, few)
	for i := range ticks {
		now = s.Plan.Next(now)
		ticks[i] = now.Format(time.RFC3339)
	}
	return ticks
}

// mistakes says what is wrong with flow files, each with its place.
func (s *Server) mistakes() []string {
	var mistakes []string
	for _, e := range s.cfg.Mistakes() {
		mistakes = append(mistakes, e.Error())
	}
	return mistakes
}

// lacking says what the connections of a flow have not that they need.
func (s *Server) lacking(f *flow.Flow) []string {
	var mistakes []string
	for _, name := range catalog.Connections(f) {
		if err := s.cfg.Lacks(name); err != nil {
			mistakes = append(mistakes, strings.Split(err.Error(), "\n")...)
		}
	}
	return mistakes
}

// findFlow returns a live flow, or the problem that there is none for who asks.
func (s *Server) findFlow(c echo.Context, name string) (*flow.Flow, error) {
	if f := s.cfg.Flows().Flow(name); f != nil && auth.Of(c).Sees(name) {
		return f, nil
	}
	var names []string
	for _, f := range s.visible(c) {
		names = append(names, f.Name)
	}
	return nil, notFound("flow", name, names)
}

// findTrigger returns a trigger of a flow, the first if no id is given.
func findTrigger(f *flow.Flow, id string) (*flow.Node, error) {
	if id == "" {
		return f.Triggers[0], nil
	}
	var ids []string
	for _, t := range f.Triggers {
		if t.ID == id {
			return t, nil
		}
		ids = append(ids, t.ID)
	}
	return nil, notFound("trigger", id, ids)
}

func notFound(what, name string, known []string) error {
	p := problem.New(http.StatusNotFound, "no %s %q", what, name)
	if hint := diag.Suggest(name, known); hint != "" {
		p.Detail += "; " + hint
	}
	return p
}
