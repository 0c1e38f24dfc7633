package emulator

import (
	"encoding/json"
	"time"
)

// fixtures are the services of the start: those of the vendor's samples, and one
// with the largest ids there can be.
func fixtures(now time.Time) []*service {
	// Of Complete Task: service 95, whose task 3 is active, in state 24.
	rental := openService("95", now, map[string]any{"customer_id": "C-95", "service_type": kind("service_type", 100)})
	rental.states = []*item{openItem("state_type", 24, nil, now, map[string]any{"state_type": kind("state_type", 24)})}
	for id, disposition := range []int64{10, 10, 12} {
		task := openItem("task_type", int64(id), nil, now, map[string]any{"task_type": kind("task_type", 50)})
		task.complete(event{fields: map[string]any{"disposition": kind("disposition", disposition), "timestamp": stamp(now)}})
		rental.tasks = append(rental.tasks, task)
	}
	rental.tasks = append(rental.tasks, openItem("task_type", 3, int64(24), now, map[string]any{"task_type": kind("task_type", 60)}))

	// Of Query Tasks: service 1 with a task 0 that is done.
	query := openService("1", now, map[string]any{"customer_id": "C-1"})
	need := openItem("task_type", 0, int64(2), now, map[string]any{
		"task_type": kind("task_type", 55), "est_duration": int64(55), "interaction_id": "65", "timestamp": "2010-05-20T15:41:52.380Z",
	})
	need.complete(event{
		fields:   map[string]any{"timestamp": "2010-05-20T15:42:47.380Z"},
		attached: map[string]json.RawMessage{"Survey": json.RawMessage(`{"url":"http://ourServer/storage/userAnswers","question1":7,"question2":true,"question3":"will be better with cable tv and on-demand video"}`)},
	})
	query.states = []*item{openItem("state_type", 2, nil, now, map[string]any{})}
	query.tasks = []*item{need}

	// Of Query States: an id that is no number.
	opaque := openService("ABC1235XZY", now, map[string]any{"contact_key": "+4930901820"})
	opaque.tasks = []*item{openItem("task_type", 0, nil, now, map[string]any{})}

	largest := openService("9223372036854775807", now, map[string]any{"customer_id": "C-9"})
	largest.tasks = []*item{openItem("task_type", 1<<31-1, nil, now, map[string]any{})}

	return []*service{query, rental, opaque, largest}
}

func openService(id serviceID, now time.Time, fields map[string]any) *service {
	return newService(id, defaultTenant, startEvent(now, fields), now)
}

func openItem(typeName string, id int64, state any, now time.Time, fields map[string]any) *item {
	return &item{id: id, state: state, record: newRecord(typeName, startEvent(now, fields))}
}

func startEvent(now time.Time, fields map[string]any) event {
	if fields["timestamp"] == nil {
		fields["timestamp"] = stamp(now)
	}
	return event{fields: fields, attached: map[string]json.RawMessage{}}
}

// kind is a value of a business attribute as it is by default.
func kind(attribute string, id int64) Value {
	for _, v := range attributes()[attribute] {
		if v.ID == id {
			return v
		}
	}
	return Value{ID: id}
}
