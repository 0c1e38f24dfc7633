package main

import (
	"maps"
	"strconv"

	"github.com/wendflow/wend/sdk"
)

// endTask closes a task. What the task is about goes along only if asked for:
// the vendor's node has those inputs, but not in all its versions.
func endTask(c *sdk.Ctx) sdk.Result {
	f := form{input: c.Input}
	api := newAPI(c, &f)
	media := f.media()
	body := map[string]any{}
	f.copyText(body, "dispositionCode")
	f.copyVariables(body)
	if f.wrong() {
		return f.refusal(api)
	}
	if c.Input.Bool("sendContext") {
		f.about(body, api, media)
	}
	return api.judge(c.Do(api.request(api.closeMethod(), api.closeURL(), body))).result()
}

// createTask makes a task. The caller chooses its id, so a create that comes
// again is answered with 20200, a success.
func createTask(c *sdk.Ctx) sdk.Result {
	f := form{input: c.Input}
	api := newAPI(c, &f)
	for _, name := range []string{"conversationId", "destination", "mediaType", "mediaChannel", "scriptSelector", "customerId"} {
		f.require(name)
	}
	body := map[string]any{"taskId": api.taskID}
	f.about(body, api, f.media())
	f.copyVariables(body)
	if f.wrong() {
		return f.refusal(api)
	}
	return api.judge(c.Do(api.request("POST", api.base+api.tasksPath, body))).result()
}

// getTask reads a task, which the vendor allows until 15 minutes after it was
// closed.
func getTask(c *sdk.Ctx) sdk.Result {
	f := form{input: c.Input}
	api := newAPI(c, &f)
	if f.wrong() {
		return f.refusal(api)
	}
	v := api.judge(c.Do(api.request("GET", api.taskURL(), nil)))
	if v.outcome != success {
		return v.result()
	}
	task := v.body
	if data := task.Lookup("data"); data.Kind() == sdk.Object {
		task = data
	}
	if task.Text("taskId") == "" && task.Text("id") == "" {
		return v.fail(onError, "malformedReply", "the reply holds no task").result()
	}
	result := v.result()
	maps.Copy(result.Outputs, describe(task, api.taskID))
	return result
}

// describe gives a task in the names of the vendor's Get Task Details node.
func describe(task sdk.Value, id string) map[string]any {
	outputs := map[string]any{
		"taskId":            id,
		"variables":         objectOrEmpty(task.Lookup("variables")),
		"history":           listOrEmpty(task.Lookup("history")),
		"estimatedWaitTime": -1,
	}
	for _, name := range []string{
		"preferredOwner", "customerId", "origin", "destination", "mediaType", "mediaChannel",
		"state", "direction", "createdTime", "lastUpdatedTime", "scriptSelector",
	} {
		outputs[name] = task.Text(name)
	}
	if seconds, err := strconv.Atoi(task.Text("estimatedWaitTime")); err == nil {
		outputs["estimatedWaitTime"] = seconds
	}
	return outputs
}

func objectOrEmpty(v sdk.Value) any {
	if v.Kind() != sdk.Object {
		return map[string]any{}
	}
	return v
}

func listOrEmpty(v sdk.Value) any {
	if v.Kind() != sdk.List {
		return []any{}
	}
	return v
}
