package main

import (
	"maps"
	"strconv"
	"strings"

	"github.com/wendflow/wend/sdk"
)

// getTask reads a task, and of its attached data what is asked for.
func getTask(c *sdk.Ctx) sdk.Result {
	f := form{c: c}
	service, task := f.serviceID(), f.taskID()
	extensions := f.names("extensions")
	if f.wrong() {
		return f.refusal().result()
	}
	v := judge(c, get(c, taskPath(service, task)+query(parameter{"extensions", extensions})))
	if v.outcome != success {
		return v.result()
	}
	found, is := describe(c, v.body, service)
	if !is {
		return v.malformed("the reply holds no task").result()
	}
	result := v.result()
	maps.Copy(result.Outputs, found)
	return result
}

// The tasks that queryTasks can be asked for, and where they are.
var listPaths = map[string]string{"": "", "all": "", "active": "/active", "completed": "/completed"}

// queryTasks reads tasks of a service.
func queryTasks(c *sdk.Ctx) sdk.Result {
	f := form{c: c}
	service := f.serviceID()
	path := "/" + service + "/tasks" + f.list() + query(
		parameter{"state_id", f.stateID()},
		parameter{"task_types", f.names("taskTypes")},
		parameter{"extensions", f.names("extensions")},
	)
	if f.wrong() {
		return f.refusal().result()
	}
	v := judge(c, get(c, path))
	if v.outcome != success {
		return v.result()
	}
	tasks, is := describeAll(c, v, service)
	if !is {
		return v.malformed("the reply is no list of tasks").result()
	}
	result := v.result()
	result.Outputs["tasks"], result.Outputs["count"] = tasks, len(tasks)
	return result
}

func (f *form) list() string {
	path, known := listPaths[f.c.Input.Text("status")]
	if !known {
		f.expected("status", f.c.Input.Lookup("status"), "all, active or completed")
	}
	return path
}

func (f *form) stateID() string {
	event := map[string]any{}
	f.read(field{"stateId", "state_id", smallID}, event)
	id, is := event["state_id"].(int64)
	if !is {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// parameter is one of a query, its value written as a URL has it.
type parameter struct{ name, value string }

// query writes those that are not empty.
func query(parameters ...parameter) string {
	var written []string
	for _, p := range parameters {
		if p.value != "" {
			written = append(written, p.name+"="+p.value)
		}
	}
	if len(written) == 0 {
		return ""
	}
	return "?" + strings.Join(written, "&")
}

// describeAll gives the tasks of a reply. No content is no tasks.
func describeAll(c *sdk.Ctx, v verdict, service string) (tasks []map[string]any, is bool) {
	tasks = []map[string]any{}
	if v.body.Kind() == sdk.Absent {
		return tasks, v.reply.Status == 204
	}
	if v.body.Kind() != sdk.List {
		return nil, false
	}
	for _, entry := range v.body.List() {
		task, is := describe(c, entry, service)
		if !is {
			return nil, false
		}
		tasks = append(tasks, task)
	}
	return tasks, true
}

// describe gives a task in the names that its inputs have, and tells whether it
// is one. Inside of what has the service's id already, a task comes without.
func describe(c *sdk.Ctx, task sdk.Value, service string) (outputs map[string]any, is bool) {
	id, err := strconv.ParseInt(task.Text("task_id"), 10, 32)
	if err != nil {
		return nil, false
	}
	outputs = map[string]any{
		"taskId":     id,
		"serviceId":  service,
		"status":     "active",
		"started":    describeEvent(task.Lookup("started")),
		"completed":  describeEvent(task.Lookup("completed")),
		"extensions": attached(task),
	}
	if own := task.Text("service_id"); own != "" {
		outputs["serviceId"] = own
	}
	if task.Has("completed") {
		outputs["status"] = "completed"
	}
	for _, f := range startingTask {
		if value, expected := f.read(c, task.Lookup(f.name)); expected == "" && value != "" {
			outputs[f.input] = value
		}
	}
	return outputs, true
}

func describeEvent(event sdk.Value) map[string]any {
	outputs := map[string]any{}
	for name, value := range event.Fields() {
		outputs[inputName(name)] = value
	}
	return outputs
}

// inputName is the name that a field of an event has here.
func inputName(name string) string {
	for _, fields := range [][]field{shared, ending, startingTask, startingService} {
		for _, f := range fields {
			if f.name == name {
				return f.input
			}
		}
	}
	return name
}

// attached is a task's attached data: all that is no field of the vendor's own.
func attached(task sdk.Value) map[string]any {
	data := map[string]any{}
	for name, value := range task.Fields() {
		if !reserved[name] {
			data[name] = value
		}
	}
	return data
}
