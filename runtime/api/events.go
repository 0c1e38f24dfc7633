package api

import (
	"bytes"
	"cmp"
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

	"github.com/wendflow/wend/runtime/cloudevent"
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

// postEvent takes an outside event, or several, and answers when they are on
// record. They come as this API has them or as CloudEvents, whose type is the
// event's name where the path has none.
func (s *Server) postEvent(c echo.Context) error {
	if mode := cloudevent.ModeOf(c.Request().Header); mode != cloudevent.None {
		return s.postCloudEvents(c, mode)
	}
	name := param(c, "name")
	if name == "" {
		return problem.New(http.StatusUnsupportedMediaType,
			"expected a CloudEvent: Content-Type %s or %s, or the header Ce-Specversion; other events are posted to /api/v1/events/{name}", cloudevent.Structured, cloudevent.Batched)
	}
	in, err := s.readObject(c, s.event)
	if err != nil {
		return err
	}
	o := engine.Occurrence{TraceParent: c.Request().Header.Get("Traceparent")}
	lifetime, err := eventLifetime(in)
	if err != nil {
		return err
	}
	id, err := eventID(in, c.Request().Header)
	if err != nil {
		return err
	}
	key, _ := in["key"].(string)
	o.Event = journal.Event{Name: name, Key: key, Expires: s.cfg.Clock.Now().Add(lifetime)}
	if data, ok := in["data"]; ok {
		if o.Data, err = json.Marshal(data); err != nil {
			return err
		}
	}
	answer, err := s.publish(c.Request().Context(), o, id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, answer)
}

// postCloudEvents takes one, or all of a batch. What a batch has is checked before
// anything is done with any of it.
func (s *Server) postCloudEvents(c echo.Context, mode cloudevent.Mode) error {
	raw, err := webhook.ReadBody(c, s.cfg.MaxBody)
	if err != nil {
		return err
	}
	events, err := cloudevent.Read(c.Request().Header, raw)
	if err != nil {
		return err
	}
	answers := []takenDoc{}
	for _, e := range events {
		o := engine.Occurrence{About: e.Attributes, TraceParent: e.Attributes["traceparent"]}
		o.About["source"], o.About["type"] = e.Source, e.Type
		o.Event = journal.Event{Name: cmp.Or(param(c, "name"), e.Type), Key: e.Attributes["subject"], Expires: s.cfg.Clock.Now().Add(keptFor)}
		if e.Data != nil {
			if o.Data, err = json.Marshal(e.Data); err != nil {
				return err
			}
		}
		answer, err := s.publish(c.Request().Context(), o, url.PathEscape(e.Source)+"/"+e.ID)
		refused, ok := errors.AsType[*problem.Problem](err)
		switch {
		case err == nil:
		case mode == cloudevent.Batch && ok && refused.Status < http.StatusInternalServerError:
			answer = takenDoc{Event: e.ID, Status: eventRefused, Detail: refused.Detail, Errors: refused.Errors}
		default:
			return err
		}
		answers = append(answers, answer)
	}
	if mode == cloudevent.Batch {
		return c.JSON(http.StatusAccepted, map[string]any{"events": answers})
	}
	return c.JSON(http.StatusAccepted, answers[0])
}

// publish tells an event to all whom it concerns. id is the sender's, if it has one.
func (s *Server) publish(ctx context.Context, o engine.Occurrence, id string) (answer takenDoc, err error) {
	if err := checkEvent(o.Name, o.Key, id); err != nil {
		return answer, err
	}
	if o.Key == "" && len(s.cfg.Flows().Listeners(o.Name, "")) == 0 {
		p := trigger.Invalid([]node.Problem{{Path: []string{"key"}, Msg: "is missing: no flow is started by this event, and a run that waits for it is found by the key"}})
		if warning := s.unawaited(o.Name); warning != "" {
			p.Detail += "; " + warning
		}
		return answer, p
	}
	if id == "" {
		id = s.cfg.NewID()
		o.ID = id
	} else {
		o.ID = scoped(o.Event, id)
	}
	// The run that waits must be told, whatever becomes of the sender.
	ctx = context.WithoutCancel(ctx)
	done, err := s.cfg.Engine.Publish(ctx, o)
	if misfit, ok := errors.AsType[*engine.MisfitError](err); ok {
		return answer, refusedEvent(misfit)
	}
	if _, ok := errors.AsType[*journal.MismatchError](err); ok {
		return answer, otherData(id)
	}
	if full, ok := errors.AsType[*engine.FullError](err); ok {
		return answer, comeBack(full.Error() + "; raise limits.events, or see with \"wend events list\" what they are")
	}
	if err != nil {
		s.cfg.Log.Error("event may not be on record", "event", o.Name, "key", o.Key, "error", err)
		return answer, comeBack("the event may not be on record; send it again, with the same id if it has one")
	}
	answer = takenDoc{Event: id, Repeated: !done.Fresh, Status: eventStarted}
	for _, r := range done.Runs {
		answer.Runs = append(answer.Runs, begunDoc(r))
	}
	for _, m := range done.Misfits {
		s.cfg.Log.Warn("an event's data does not fit everybody whom it concerns", "event", o.Name, "flow", m.Flow, "node", m.Node, "error", node.FormatProblems(m.Problems))
		answer.Refused = append(answer.Refused, refusalDoc{m.Flow, m.Node, m.Run, trigger.Invalid(m.Problems).Errors})
	}
	if !done.Offered {
		return answer, nil
	}
	// It is on record: what cannot be told now is no reason to send it again.
	letter, err := s.cfg.Engine.Delivered(ctx, o.Event, matchedWithin)
	if err != nil && !errors.Is(err, engine.ErrStopped) {
		s.cfg.Log.Error("who receives an event cannot be told", "event", o.Name, "key", o.Key, "error", err)
	}
	if err != nil {
		letter.Event = o.Event
	}
	if err == nil && !done.Fresh && !bytes.Equal(letter.Data, o.Data) {
		return answer, otherData(id)
	}
	if answer.Run = letter.Taker; answer.Run != "" {
		answer.Status = eventMatched
		return answer, nil
	}
	answer.Status, answer.Expires = eventKept, letter.Expires
	if len(done.Runs) == 0 {
		answer.Warning = s.unawaited(o.Name)
	}
	return answer, nil
}

func otherData(id string) error {
	return problem.New(http.StatusConflict, "an event with the id %q and other data came before, and nothing was done with this one", id)
}

// takenDoc says what became of an event. Of one that came before too: what
// became of it then.
type takenDoc struct {
	Event    string       `json:"event"`
	Repeated bool         `json:"repeated"`
	Status   string       `json:"status"`
	Run      string       `json:"run,omitempty"`
	Expires  time.Time    `json:"expires,omitzero"`
	Runs     []begunDoc   `json:"runs,omitempty"`
	Refused  []refusalDoc `json:"refused,omitempty"`
	Warning  string       `json:"warning,omitempty"`
	// Why one of a batch is refused.
	Detail string          `json:"detail,omitempty"`
	Errors []problem.Field `json:"errors,omitempty"`
}

// begunDoc is a run that the event started.
type begunDoc struct {
	Flow     string `json:"flow"`
	Run      string `json:"run"`
	Repeated bool   `json:"repeated"`
}

// refusalDoc is a flow that cannot use the event's data.
type refusalDoc struct {
	Flow   string          `json:"flow"`
	Node   string          `json:"node"`
	Run    string          `json:"run,omitempty"` // that waits on
	Errors []problem.Field `json:"errors"`
}

const (
	eventMatched = "matched"
	eventKept    = "kept"
	eventStarted = "started" // runs, and no run waits for it
	eventRefused = "refused" // of a batch
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
	if m.Run == "" {
		p.Detail = fmt.Sprintf("flow %q listens to this event at node %q, and the data does not fit", m.Flow, m.Node)
		return p
	}
	p.Detail = fmt.Sprintf("run %s waits for this event at node %q of flow %q, and the data does not fit; it goes on waiting", m.Run, m.Node, m.Flow)
	return p
}

// unawaited says that no flow which is live waits for events of that name, or is
// started by them. A name that is made by a template may be any.
func (s *Server) unawaited(name string) string {
	set := s.cfg.Flows()
	if set.Waits(name) || slices.Contains(set.Events(), name) {
		return ""
	}
	known := set.Events()
	if len(known) == 0 {
		return fmt.Sprintf("no flow waits for events, so not for %q", name)
	}
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
		q.wrongCursor(f.Cursor)
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
	key, err := idempotencyKey(header)
	switch {
	case err != nil:
		return "", err
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
	if err := webhook.DemandJSON(c.Request().Header); err != nil {
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
