package emulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"
)

// details are the fields of a task that its maker chooses, in the spelling of
// the Get Task Details node.
type details struct {
	CustomerID     string `json:"customerId"`
	Origin         string `json:"origin"`
	Destination    string `json:"destination"`
	MediaType      string `json:"mediaType"`
	MediaChannel   string `json:"mediaChannel"`
	Direction      string `json:"direction"`
	PreferredOwner string `json:"preferredOwner"`
	ScriptSelector string `json:"scriptSelector"`
}

// request is the body of a create or a close.
type request struct {
	details

	TaskID          string            `json:"taskId"`
	ID              string            `json:"id"` // the other spelling of taskId
	ConversationID  string            `json:"conversationId"`
	CustomerName    string            `json:"customerName"`
	DispositionCode string            `json:"dispositionCode"`
	Variables       map[string]string `json:"variables"`
}

// parseRequest reads a body: one JSON object, of known fields only, with
// variables that the router can carry.
func parseRequest(body io.Reader, cfg Settings) (request, error) {
	var req request
	text, err := io.ReadAll(body)
	if err != nil {
		return req, err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return req, badRequest("body: expected a JSON object")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&req); err != nil {
		return req, badRequest("body: %s", explain(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return req, badRequest("body: expected one JSON object and nothing after it")
	}
	return req, req.settle(cfg)
}

// explain words a decoding error without the names of Go types.
func explain(err error) string {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := strings.TrimPrefix(t.Field, "details.") // encoding/json names the embedded struct
		return fmt.Sprintf("field %q: expected %s, not %s", field, jsonKind(t.Type), t.Value)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

func jsonKind(t reflect.Type) string {
	if t.Kind() == reflect.String {
		return "string"
	}
	return "object"
}

// settle brings both spellings of the id together, turns what Digital Routing
// keeps as variables into them, and checks all variables.
func (r *request) settle(cfg Settings) error {
	if r.TaskID != "" && r.ID != "" && !strings.EqualFold(r.TaskID, r.ID) {
		return badRequest("taskId %q and id %q differ", r.TaskID, r.ID)
	}
	r.TaskID = cmp.Or(r.TaskID, r.ID)
	variables := map[string]string{}
	if r.ConversationID != "" {
		variables["user_DR_MediaResourceID"] = r.ConversationID
	}
	if r.CustomerName != "" {
		variables["user_DR_CustomerName"] = r.CustomerName
	}
	maps.Copy(variables, r.Variables)
	r.Variables = variables
	return checkVariables(variables, cfg.UserVariables)
}

// checkCreate says what a create lacks.
func (r *request) checkCreate() error {
	if !isUUID(r.TaskID) {
		return badRequest("taskId %q: expected a UUID", r.TaskID)
	}
	for _, field := range []struct{ name, value string }{
		{"mediaType", r.MediaType},
		{"mediaChannel", r.MediaChannel},
		{"destination", r.Destination},
		{"scriptSelector", r.ScriptSelector},
		{"customerId", r.CustomerID},
	} {
		if field.value == "" {
			return badRequest("%s is missing", field.name)
		}
	}
	if r.DispositionCode != "" {
		return badRequest("dispositionCode: a task has one only when it is closed")
	}
	return r.checkMedia()
}

// checkClose says what is wrong with a close of the task with that id.
func (r *request) checkClose(id string) error {
	if r.TaskID != "" && !strings.EqualFold(r.TaskID, id) {
		return badRequest("taskId %q is not the task of the path, %q", r.TaskID, id)
	}
	return r.checkMedia()
}

func (r *request) checkMedia() error {
	if r.MediaType != "" && queueOf(r.MediaType) == "" {
		return badRequest("mediaType %q: expected Email, Chat, Telephony, Social or Web Callback", r.MediaType)
	}
	return nil
}

// merge puts the fields that r gives over those of the task.
func (t *task) merge(r request) {
	t.details = details{
		CustomerID:     cmp.Or(r.CustomerID, t.details.CustomerID),
		Origin:         cmp.Or(r.Origin, t.details.Origin),
		Destination:    cmp.Or(r.Destination, t.details.Destination),
		MediaType:      cmp.Or(r.MediaType, t.details.MediaType),
		MediaChannel:   cmp.Or(r.MediaChannel, t.details.MediaChannel),
		Direction:      cmp.Or(r.Direction, t.details.Direction, "INBOUND"),
		PreferredOwner: cmp.Or(r.PreferredOwner, t.details.PreferredOwner),
		ScriptSelector: cmp.Or(r.ScriptSelector, t.details.ScriptSelector),
	}
	if t.variables == nil {
		t.variables = map[string]string{}
	}
	maps.Copy(t.variables, r.Variables)
}

// resource is a task as the API and the webhook show it.
type resource struct {
	TaskID string `json:"taskId"`
	details

	State             State             `json:"state"`
	CreatedTime       string            `json:"createdTime"`
	LastUpdatedTime   string            `json:"lastUpdatedTime"`
	EstimatedWaitTime *int              `json:"estimatedWaitTime,omitempty"` // only of a task that waits; -1: not known
	Variables         map[string]string `json:"variables"`
	History           []change          `json:"history"`
}

func (t *task) resource() resource {
	r := resource{
		TaskID:          t.id,
		details:         t.details,
		State:           t.state,
		CreatedTime:     stamp(t.created),
		LastUpdatedTime: stamp(t.entered),
		Variables:       maps.Clone(t.variables), // it is printed after the lock is gone
		History:         t.history,
	}
	if t.waiting() {
		r.EstimatedWaitTime = new(-1)
	}
	return r
}

// record is a task as the control surface shows it: the resource, and what
// the API does not tell.
type record struct {
	resource

	DispositionCode string `json:"dispositionCode,omitempty"`
	ClosedAt        string `json:"closedAt,omitempty"`
	Agent           string `json:"agent,omitempty"`
	Adopted         bool   `json:"adopted,omitempty"`
}

func (t *task) record() record {
	r := record{resource: t.resource(), DispositionCode: t.disposition, Agent: t.agent, Adopted: t.adopted}
	if t.state == Closed {
		r.ClosedAt = stamp(t.entered)
	}
	return r
}

// event is what the webhook is told.
type event struct {
	Event           State    `json:"event"`
	Time            string   `json:"time"`
	DispositionCode string   `json:"dispositionCode,omitempty"`
	Task            resource `json:"task"`
}

func (t *task) event(at time.Time) event {
	return event{Event: t.state, Time: stamp(at), DispositionCode: t.disposition, Task: t.resource()}
}

// isUUID reports whether id is a UUID in its usual form of 36 characters.
func isUUID(id string) bool { return len(id) == 36 && uuid.Validate(id) == nil }
