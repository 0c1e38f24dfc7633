package emulator

import (
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/wendflow/wend/emulator"
)

// record is what services, states and tasks have in common.
type record struct {
	typeName    string // of the field that holds what follows: "task_type"
	kind        any    // a Value, or nil
	estDuration any    // an int64, or nil
	started     event
	completed   *event
	attached    map[string]json.RawMessage
}

func newRecord(typeName string, e event) record {
	return record{
		typeName: typeName, kind: e.take(typeName), estDuration: e.take("est_duration"),
		started: e, attached: e.attached,
	}
}

// complete ends what is active. The data of the end event is attached beside
// that of the start.
func (r *record) complete(e event) {
	r.completed = &e
	maps.Copy(r.attached, e.attached)
}

func (r *record) status() string {
	if r.completed != nil {
		return "completed"
	}
	return "active"
}

// shown is a record as a reply has it, with the attached data that was asked for
// on the same level.
func (r *record) shown(cfg Settings, extensions []string) map[string]any {
	fields := map[string]any{"started": r.started.shown(cfg)}
	for _, name := range extensions {
		if data, has := r.attached[name]; has {
			fields[name] = data
		}
	}
	if r.kind != nil {
		fields[r.typeName] = show(r.kind, cfg)
	}
	if r.estDuration != nil {
		fields["est_duration"] = r.estDuration
	}
	if r.completed != nil {
		fields["completed"] = r.completed.shown(cfg)
	}
	return fields
}

// item is a state or a task.
type item struct {
	record

	id    int64
	state any // of a task, an int64, or nil
}

// service is what is done for a customer.
type service struct {
	record

	id                  serviceID
	tenant              string
	customer, contact   string
	autoCompleteSeconds int64
	changed             time.Time
	states, tasks       []*item
}

// serviceID is an integer, or a text.
type serviceID string

// MarshalJSON writes an integer to its last digit.
func (id serviceID) MarshalJSON() ([]byte, error) {
	if strings.Trim(string(id), "0123456789") == "" {
		return []byte(id), nil
	}
	return json.Marshal(string(id))
}

func newService(id serviceID, tenant string, e event, now time.Time) *service {
	customer, _ := e.take("customer_id").(string)
	contact, _ := e.take("contact_key").(string)
	after, _ := e.take("auto_complete_after").(int64)
	return &service{
		record: newRecord("service_type", e), id: id, tenant: tenant,
		customer: customer, contact: contact, autoCompleteSeconds: after, changed: now,
	}
}

// end completes a service, and what is still open in it.
func (sv *service) end(e event, now time.Time) {
	sv.changed = now
	sv.complete(e)
	for _, parts := range [][]*item{sv.states, sv.tasks} {
		for _, it := range parts {
			if it.completed == nil {
				it.complete(event{fields: map[string]any{"timestamp": stamp(now)}})
			}
		}
	}
}

// autoComplete ends a service that has not changed for so long that the server
// ends it.
func (sv *service) autoComplete(now time.Time, cfg Settings) {
	seconds := sv.autoCompleteSeconds
	if seconds == 0 {
		seconds = cfg.AutoCompleteAfter
	}
	due := sv.changed.Add(time.Duration(seconds) * time.Second)
	if cfg.AutoComplete && seconds > 0 && sv.completed == nil && !now.Before(due) {
		sv.end(event{fields: map[string]any{"timestamp": stamp(due)}}, due)
	}
}

func (sv *service) shown(cfg Settings, extensions []string) map[string]any {
	fields := sv.record.shown(cfg, extensions)
	fields["service_id"] = sv.id
	if sv.customer != "" {
		fields["customer_id"] = sv.customer
	}
	if sv.contact != "" {
		fields["contact_key"] = sv.contact
	}
	return fields
}

// part is one of the two things that a service is made of.
type part struct {
	name, path       string // "task", "tasks"
	idName, typeName string
	start            map[string]check
	ends             emulator.Basis // what is known of how its end is answered
	of               func(*service) *[]*item
}

func taskPart() part {
	return part{"task", "tasks", "task_id", "task_type", taskStart(), emulator.Seed, func(sv *service) *[]*item { return &sv.tasks }}
}

func statePart() part {
	return part{"state", "states", "state_id", "state_type", stateStart(), emulator.Inference, func(sv *service) *[]*item { return &sv.states }}
}

// add starts a state or a task. Its id is one more than that of the one before it.
func (p part) add(sv *service, e event, now time.Time) *item {
	items := p.of(sv)
	it := &item{state: e.take("state_id"), record: newRecord(p.typeName, e)}
	if last := len(*items) - 1; last >= 0 {
		it.id = (*items)[last].id + 1
	}
	*items = append(*items, it)
	sv.changed = now
	return it
}

func (p part) find(sv *service, id int64) *item {
	for _, it := range *p.of(sv) {
		if it.id == id {
			return it
		}
	}
	return nil
}

func (p part) shown(sv *service, it *item, cfg Settings, extensions []string) map[string]any {
	fields := it.shown(cfg, extensions)
	fields["service_id"] = sv.id
	if it.state != nil {
		fields["state_id"] = it.state
	}
	fields[p.idName] = it.id
	return fields
}
