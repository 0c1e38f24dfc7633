package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// event is the body of a start or an end: the fields that the vendor knows for
// it, and the attached data, which is all the rest.
type event struct {
	fields   map[string]any // an int64, a string or a Value each
	attached map[string]json.RawMessage
}

// check reads one field of an event.
type check func(name string, raw json.RawMessage, cfg Settings) (any, error)

// fieldsOf makes a set of fields: the shared ones and own.
func fieldsOf(own map[string]check) map[string]check {
	fields := map[string]check{
		"session_id":       text(32),
		"interaction_id":   text(50),
		"application_type": attribute,
		"application_id":   integer(1<<63 - 1),
		"resource_type":    attribute,
		"resource_id":      integer(1<<63 - 1),
		"media_type":       attribute,
		"timestamp":        timestamp,
	}
	maps.Copy(fields, own)
	return fields
}

func serviceStart() map[string]check {
	return fieldsOf(map[string]check{
		"customer_id": text(0), "contact_key": text(0), "service_type": attribute,
		"est_duration": integer(1<<63 - 1), "auto_complete_after": integer(1<<63 - 1),
	})
}

func stateStart() map[string]check {
	return fieldsOf(map[string]check{"state_type": attribute, "est_duration": integer(1<<63 - 1)})
}

func taskStart() map[string]check {
	return fieldsOf(map[string]check{"state_id": integer(1<<31 - 1), "task_type": attribute, "est_duration": integer(1<<63 - 1)})
}

// end is what ends. The event of a service has its service_id once more.
func end() map[string]check {
	return fieldsOf(map[string]check{
		"service_id": identifier, "task_id": identifier, "state_id": integer(1<<31 - 1),
		"disposition": attribute, "disposition_desc": text(64),
	})
}

// readEvent reads the body of a request. A body that is no JSON is the most
// common mistake there: the sample on the vendor's own page has it twice.
func readEvent(r request, known map[string]check) (event, error) {
	e := event{fields: map[string]any{}, attached: map[string]json.RawMessage{}}
	if err := checkContentType(r.Header.Get("Content-Type")); err != nil {
		return e, err
	}
	var body map[string]json.RawMessage
	decoder := json.NewDecoder(r.Body)
	if err := decoder.Decode(&body); err != nil {
		return e, badRequest("the body is no JSON object: %v", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return e, badRequest("the body goes on after its JSON object")
	}
	if body == nil {
		return e, badRequest("the body is null, expected a JSON object")
	}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		read, is := known[name]
		raw := body[name]
		if !is {
			e.attached[name] = raw
			continue
		}
		value, err := read(name, raw, r.cfg)
		if err != nil {
			return e, err
		}
		e.fields[name] = value
	}
	if _, given := e.fields["timestamp"]; !given {
		e.fields["timestamp"] = stamp(r.now)
	}
	return e, nil
}

func checkContentType(given string) error {
	if given == "" {
		return nil
	}
	if media, _, err := mime.ParseMediaType(given); err != nil || media != "application/json" {
		return &apiError{http.StatusUnsupportedMediaType, "unsupported media type '" + given + "', expected application/json"}
	}
	return nil
}

// text is a string of at most so many characters; 0 is no limit.
func text(most int) check {
	return func(name string, raw json.RawMessage, _ Settings) (any, error) {
		value, is := scalar(raw).(string)
		if !is {
			return nil, badRequest("%s: expected a string", name)
		}
		if most > 0 && utf8.RuneCountInString(value) > most {
			return nil, badRequest("%s is limited to %d characters", name, most)
		}
		return value, nil
	}
}

func integer(most int64) check {
	return func(name string, raw json.RawMessage, _ Settings) (any, error) {
		value, is := scalar(raw).(int64)
		if !is || value < 0 || value > most {
			return nil, badRequest("%s: expected an integer of 0 to %d", name, most)
		}
		return value, nil
	}
}

// identifier is an id that the path has already, and that counts there.
func identifier(name string, raw json.RawMessage, _ Settings) (any, error) {
	if value := scalar(raw); value != nil {
		return value, nil
	}
	return nil, badRequest("%s: expected an integer or a string", name)
}

// attribute is a value of the business attribute that has the field's name.
func attribute(name string, raw json.RawMessage, cfg Settings) (any, error) {
	value := scalar(raw)
	if value == nil {
		return nil, badRequest("%s: expected an integer or a string", name)
	}
	return cfg.attributeValue(name, value)
}

func timestamp(name string, raw json.RawMessage, _ Settings) (any, error) {
	value, _ := scalar(raw).(string)
	if _, err := time.Parse(stampLayout, value); err != nil || len(value) != len(stampLayout) {
		return nil, badRequest("%s: expected [YYYY]-[MM]-[DD]T[HH]:[mm]:[ss].[SSS]Z", name)
	}
	return value, nil
}

// scalar is a JSON string, or a number as an int64 to its last digit, or nil.
func scalar(raw json.RawMessage) any {
	var value string
	if json.Unmarshal(raw, &value) == nil && !bytes.Equal(raw, []byte("null")) {
		return value
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n
	}
	return nil
}

// take moves a field out of the event.
func (e event) take(name string) any {
	value := e.fields[name]
	delete(e.fields, name)
	return value
}

// shown is an event as a reply has it.
func (e event) shown(cfg Settings) map[string]any {
	fields := map[string]any{}
	for name, value := range e.fields {
		fields[name] = show(value, cfg)
	}
	return fields
}

func show(value any, cfg Settings) any {
	if v, is := value.(Value); is {
		return v.shown(cfg)
	}
	return value
}
