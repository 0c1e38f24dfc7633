package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/trigger"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// valueDoc is a value that flows keep. Without a flow it is of all.
type valueDoc struct {
	Flow    string          `json:"flow,omitempty"`
	Key     string          `json:"key"`
	Value   json.RawMessage `json:"value,omitempty"`
	Size    int             `json:"size"`
	Updated time.Time       `json:"updated,omitzero"`
	Expires time.Time       `json:"expires,omitzero"`
	Run     string          `json:"run,omitempty"`
}

func valueOf(v journal.Value) valueDoc {
	return valueDoc{Flow: v.Scope, Key: v.Key, Value: v.Data, Size: v.Size, Updated: v.Updated, Expires: v.Expires, Run: v.Run}
}

// listValues answers with a page of what flows keep, without the values
// themselves.
func (s *Server) listValues(c echo.Context) error {
	q := newQuery(c.Request())
	f := journal.ValueFilter{Limit: q.number("limit", 1, maxRuns), Cursor: q.text("cursor")}
	flow, scope := q.text("flow"), q.choice("scope", "global")
	if flow != "" && scope != "" {
		q.mistake("scope", "is global, and flow is %q; expected one of them", flow)
	}
	if flow != "" || scope != "" {
		f.Scope = &flow
	}
	if err := q.problem(); err != nil {
		return err
	}
	if err := notVisible(auth.Of(c), flow, "this lists values of all"); err != nil {
		return err
	}
	page, err := s.cfg.Engine.Values(c.Request().Context(), f)
	switch {
	case errors.Is(err, journal.ErrCursor):
		q.wrongCursor(f.Cursor)
		return q.problem()
	case err != nil:
		return err
	}
	values := make([]valueDoc, len(page.Values))
	for i, v := range page.Values {
		values[i] = valueOf(v)
	}
	return c.JSON(http.StatusOK, struct {
		Values []valueDoc `json:"values"`
		Next   string     `json:"next,omitempty"`
	}{values, page.Next})
}

// place reads which value is meant.
func place(c echo.Context) (flow, key string, err error) {
	q := newQuery(c.Request())
	flow, key = q.text("flow"), q.text("key")
	if key == "" {
		q.mistake("key", "is missing")
	}
	if err := q.problem(); err != nil {
		return "", "", err
	}
	return flow, key, notVisible(auth.Of(c), flow, "this value is of all flows")
}

func (s *Server) showValue(c echo.Context) error {
	flow, key, err := place(c)
	if err != nil {
		return err
	}
	v, err := s.cfg.Engine.Value(c.Request().Context(), flow, key)
	if errors.Is(err, journal.ErrNotFound) {
		return noValue(flow, key)
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, valueOf(v))
}

func noValue(flow, key string) error {
	if flow == "" {
		return problem.New(http.StatusNotFound, "no value of all flows has the key %q", key)
	}
	return problem.New(http.StatusNotFound, "flow %q has no value with the key %q", flow, key)
}

func (s *Server) putValue(c echo.Context) error {
	flow, key, err := place(c)
	if err != nil {
		return err
	}
	in, err := s.readObject(c, s.value)
	if err != nil {
		return err
	}
	change := journal.Change{Scope: flow, Key: key, Kind: journal.Put}
	if text, ok := in["for"].(string); ok {
		if change.For, err = yamldoc.ParseDuration(text); err != nil {
			return trigger.Invalid([]node.Problem{{Path: []string{"for"}, Msg: err.Error()}})
		}
	}
	if change.Data, err = json.Marshal(in["value"]); err != nil {
		return err
	}
	// What was begun is done, whatever becomes of the sender.
	is, err := s.cfg.Engine.ChangeValue(context.WithoutCancel(c.Request().Context()), change)
	if refused, ok := errors.AsType[*journal.ChangeError](err); ok {
		return problem.New(http.StatusBadRequest, "%s", refused)
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, valueDoc{Flow: flow, Key: key, Value: is.Data, Size: len(is.Data)})
}

// deleteValue answers with what was deleted.
func (s *Server) deleteValue(c echo.Context) error {
	flow, key, err := place(c)
	if err != nil {
		return err
	}
	is, err := s.cfg.Engine.ChangeValue(context.WithoutCancel(c.Request().Context()), journal.Change{Scope: flow, Key: key, Kind: journal.Delete})
	if refused, ok := errors.AsType[*journal.ChangeError](err); ok {
		return problem.New(http.StatusBadRequest, "%s", refused)
	}
	if err != nil {
		return err
	}
	if !is.Done {
		return noValue(flow, key)
	}
	return c.JSON(http.StatusOK, valueDoc{Flow: flow, Key: key, Value: is.Data, Size: len(is.Data)})
}
