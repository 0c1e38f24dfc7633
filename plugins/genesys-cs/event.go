package main

import (
	"maps"
	"strconv"

	"github.com/wendflow/wend/sdk"
)

// completeTask ends a task of a service.
func completeTask(c *sdk.Ctx) sdk.Result {
	f := form{c: c}
	service, task := f.serviceID(), f.taskID()
	event := f.event(shared, ending)
	if f.wrong() {
		return completed(f.refusal(), event)
	}
	return completed(judge(c, post(c, taskPath(service, task)+"/end", event)), event)
}

// completed adds when the task was completed, as far as it was said: the vendor
// takes its own time where it is not.
func completed(v verdict, event map[string]any) sdk.Result {
	result := v.result()
	at := ""
	if v.outcome == success {
		at, _ = event["timestamp"].(string)
	}
	result.Outputs["completedAt"] = at
	return result
}

// startService makes a service, whose id the vendor chooses.
func startService(c *sdk.Ctx) sdk.Result {
	f := form{c: c}
	event := f.event(startingService, shared)
	if c.Input.Text("customerId") == "" && c.Input.Text("contactKey") == "" {
		f.mistake("customerId and contactKey are empty: expected one of them")
	}
	if f.wrong() {
		return f.refusal().result()
	}
	v := judge(c, post(c, "/start", event))
	id := v.body.Text("service_id")
	if v.outcome == success && id == "" {
		v = v.malformed("the reply holds no service_id")
	}
	return started(v, map[string]any{"serviceId": id}, event)
}

// startTask makes a task of a service, whose id the vendor chooses.
func startTask(c *sdk.Ctx) sdk.Result {
	f := form{c: c}
	service := f.serviceID()
	event := f.event(startingTask, shared)
	if f.wrong() {
		return f.refusal().result()
	}
	v := judge(c, post(c, "/"+service+"/tasks/start", event))
	id, err := strconv.ParseInt(v.body.Text("task_id"), 10, 32)
	if v.outcome == success && err != nil {
		v = v.malformed("the reply holds no task_id")
	}
	return started(v, map[string]any{"serviceId": service, "taskId": id}, event)
}

// started adds the ids of what was started, if it was.
func started(v verdict, ids, event map[string]any) sdk.Result {
	result := v.result()
	if v.outcome != success {
		return result
	}
	maps.Copy(result.Outputs, ids)
	at, _ := event["timestamp"].(string)
	result.Outputs["startedAt"] = at
	return result
}
