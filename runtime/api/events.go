package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/trigger"
	"github.com/wendflow/wend/runtime/webhook"
	"github.com/wendflow/wend/runtime/yamldoc"
)

const (
	// eventKept is how long an event is kept that does not say.
	eventKept = 24 * time.Hour
	maxDays   = 30 // that an event may be kept
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
	fresh, err := s.cfg.Engine.Deliver(context.WithoutCancel(c.Request().Context()), e)
	if err != nil {
		s.cfg.Log.Error("event may not be on record", "event", e.Name, "key", e.Key, "error", err)
		return comeBack("the event may not be on record; send it again, with the same id if it has one")
	}
	return c.JSON(http.StatusAccepted, struct {
		Event    string `json:"event"`
		Repeated bool   `json:"repeated"`
	}{id, !fresh})
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
		return eventKept, nil
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
