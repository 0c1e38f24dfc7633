package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/trigger"
	"github.com/wendflow/wend/runtime/webhook"
	"github.com/wendflow/wend/runtime/yamldoc"
)

const (
	// keptFor is how long an event is kept that does not say.
	keptFor = 24 * time.Hour
	maxDays = 30 // that an event may be kept
)

// postEvent takes an outside event, and answers when it is on record.
func (s *Server) postEvent(c echo.Context) error {
	in, err := s.readObject(c, s.event)
	if err != nil {
		return err
	}
	lifetime, err := eventLifetime(in)
	if err != nil {
		return err
	}
	id, err := eventID(in, c.Request().Header)
	if err != nil {
		return err
	}
	if err := checkEvent(param(c, "name"), in["key"].(string), id); err != nil {
		return err
	}
	e := journal.Event{Name: param(c, "name"), Key: in["key"].(string), Expires: s.cfg.Clock.Now().Add(lifetime)}
	if id == "" {
		id = s.cfg.NewID()
		e.ID = id
	} else {
		e.ID = scoped(e, id)
	}
	if data, ok := in["data"]; ok {
		if e.Data, err = json.Marshal(data); err != nil {
			return err
		}
	}
	// The run that waits must be told, whatever becomes of the sender.
	ctx := context.WithoutCancel(c.Request().Context())
	fresh, err := s.cfg.Engine.Deliver(ctx, e)
	if misfit, ok := errors.AsType[*engine.MisfitError](err); ok {
		return refusedEvent(misfit)
	}
	if full, ok := errors.AsType[*engine.FullError](err); ok {
		return comeBack(full.Error() + "; raise limits.events, or see with \"wend events list\" what they are")
	}
	if err != nil {
		s.cfg.Log.Error("event may not be on record", "event", e.Name, "key", e.Key, "error", err)
		return comeBack("the event may not be on record; send it again, with the same id if it has one")
	}
	// It is on record: what cannot be told now is no reason to send it again.
	letter, err := s.cfg.Engine.Delivered(ctx, e, matchedWithin)
	if err != nil && !errors.Is(err, engine.ErrStopped) {
		s.cfg.Log.Error("who receives an event cannot be told", "event", e.Name, "key", e.Key, "error", err)
	}
	if err != nil {
		letter.Event = e
	}
	if err == nil && !fresh && !bytes.Equal(letter.Data, e.Data) {
		return problem.New(http.StatusConflict, "an event with the id %q and other data came before, and nothing was done with this one", id)
	}
	answer := takenDoc{Event: id, Repeated: !fresh, Status: eventMatched, Run: letter.Taker}
	if answer.Run == "" {
		answer.Status, answer.Expires = eventKept, letter.Expires
		answer.Warning = s.unawaited(e.Name)
	}
	return c.JSON(http.StatusAccepted, answer)
}

// takenDoc says what became of an event. Of one that came before too: what
// became of it then.
type takenDoc struct {
	Event    string    `json:"event"`
	Repeated bool      `json:"repeated"`
	Status   string    `json:"status"`
	Run      string    `json:"run,omitempty"`
	Expires  time.Time `json:"expires,omitzero"`
	Warning  string    `json:"warning,omitempty"`
}

const (
	eventMatched = "matched"
	eventKept    = "kept"
	// matchedWithin is how long a run may take to receive an event that it
	// waits for, and be named in the answer. It may have to be taken up first.
	matchedWithin = time.Second
)

// refusedEvent tells the sender what the waiting run cannot use.
func refusedEvent(m *engine.MisfitError) error {
	wrong := make([]node.Problem, len(m.Problems))
	for i, p := range m.Problems {
		p.Path = append([]string{"data"}, p.Path...)
		wrong[i] = p
	}
	p := trigger.Invalid(wrong)
	p.Detail = fmt.Sprintf("run %s waits for this event at node %q of flow %q, and the data does not fit; it goes on waiting", m.Run, m.Node, m.Flow)
	return p
}

// unawaited says that no flow which is live waits for events of that name. A
// name that is made by a template may be any.
func (s *Server) unawaited(name string) string {
	var known []string
	for _, f := range s.cfg.Flows().Flows() {
		for n := range f.All() {
			switch {
			case n.Event == "":
			case n.Event == name, strings.Contains(n.Event, "$("):
				return ""
			case !slices.Contains(known, n.Event):
				known = append(known, n.Event)
			}
		}
	}
	if known == nil {
		return fmt.Sprintf("no flow waits for events, so not for %q", name)
	}
	slices.Sort(known)
	return fmt.Sprintf("no flow waits for an event %q; %s", name, diag.Suggest(name, known))
}

// eventDoc is an event that is kept.
type eventDoc struct {
	Event   string          `json:"event"`
	Name    string          `json:"name"`
	Key     string          `json:"key"`
	Data    json.RawMessage `json:"data,omitempty"`
	Expires time.Time       `json:"expires"`
}

// listEvents answers with a page of the events that no run has received, the
// oldest first.
func (s *Server) listEvents(c echo.Context) error {
	q := newQuery(c.Request())
	f := journal.LetterFilter{Name: q.text("name"), Key: q.text("key"), Limit: q.number("limit", 1, maxRuns), Cursor: q.text("cursor")}
	if err := q.problem(); err != nil {
		return err
	}
	page, err := s.cfg.Engine.Letters(c.Request().Context(), f)
	switch {
	case errors.Is(err, journal.ErrCursor):
		q.mistake("cursor", "%q: expected the next of an earlier page of this list", f.Cursor)
		return q.problem()
	case err != nil:
		return err
	}
	events := make([]eventDoc, len(page.Letters))
	for i, l := range page.Letters {
		events[i] = eventDoc{Event: strings.TrimPrefix(l.ID, scoped(l.Event, "")), Name: l.Name, Key: l.Key, Data: l.Data, Expires: l.Expires}
	}
	return c.JSON(http.StatusOK, struct {
		Events []eventDoc `json:"events"`
		Next   string     `json:"next,omitempty"`
	}{events, page.Next})
}

// checkEvent bounds what an event is found by: it is kept in indexes.
func checkEvent(name, key, id string) error {
	var wrong []node.Problem
	for _, text := range []struct{ what, text string }{{"name", name}, {"key", key}, {"id", id}} {
		if n := len(text.text); n > journal.MaxEventText {
			wrong = append(wrong, node.Problem{Path: []string{text.what}, Msg: fmt.Sprintf("has %d bytes, expected at most %d", n, journal.MaxEventText)})
		}
	}
	if wrong != nil {
		return trigger.Invalid(wrong)
	}
	return nil
}

// scoped makes a sender's id good for one name and key only: senders number
// what they send, and the first event of one order is not that of another.
func scoped(e journal.Event, id string) string {
	return url.PathEscape(e.Name) + "/" + url.PathEscape(e.Key) + "/" + id
}

func eventID(in map[string]any, header http.Header) (string, error) {
	id, _ := in["id"].(string)
	key := strings.TrimSpace(header.Get("Idempotency-Key"))
	switch {
	case id == "":
		return key, nil
	case key != "" && key != id:
		return "", problem.New(http.StatusBadRequest, "id is %q and the header Idempotency-Key %q; expected one of them", id, key)
	default:
		return id, nil
	}
}

func eventLifetime(in map[string]any) (time.Duration, error) {
	text, ok := in["for"].(string)
	if !ok {
		return keptFor, nil
	}
	d, err := yamldoc.ParseDuration(text)
	if err == nil && (d <= 0 || d > maxDays*24*time.Hour) {
		err = fmt.Errorf("%q: expected more than 0 and at most %dd", text, maxDays)
	}
	if err != nil {
		return 0, trigger.Invalid([]node.Problem{{Path: []string{"for"}, Msg: err.Error()}})
	}
	return d, nil
}

// readObject reads a JSON object that fits a schema; no body is an empty
// object.
func (s *Server) readObject(c echo.Context, schema *node.Schema) (map[string]any, error) {
	if err := demandJSON(c.Request().Header); err != nil {
		return nil, err
	}
	raw, err := webhook.ReadBody(c, s.cfg.MaxBody)
	if err != nil {
		return nil, err
	}
	var body any = map[string]any{}
	if len(raw) > 0 {
		if body, err = trigger.ParseJSON(raw); err != nil {
			return nil, err
		}
	}
	if wrong := schema.Validate(body); wrong != nil {
		return nil, trigger.Invalid(wrong)
	}
	return body.(map[string]any), nil
}
