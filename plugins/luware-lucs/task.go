package main

import (
	"strings"

	"github.com/wendflow/wend/sdk"
)

// createTask makes a task. LUCS gives it its id; that of the caller makes no two
// creates one.
func createTask(c *sdk.Ctx) sdk.Result {
	f := form{input: c.Input}
	body := map[string]any{
		"Service":           f.guid("service"),
		"Required":          f.capabilities(),
		"DistributeToAgent": c.Input.Bool("distributeToAgent"),
	}
	f.copyText(body, "ExternalTaskId", "externalTaskId")
	f.copyText(body, "Caller", "caller")
	if agents := f.preferredAgents(); len(agents) > 0 {
		body["PreferredAgents"] = agents
	}
	if c.Input.Has("considerPreferredAgentsOnly") {
		body["ConsiderPreferredAgentsOnly"] = c.Input.Bool("considerPreferredAgentsOnly")
	}
	if seconds := f.ronaTimeout(); seconds != 0 {
		body["DistributeToAgentRONATimeoutInSeconds"] = seconds
	}
	if f.wrong != nil {
		return f.refusal()
	}
	api := newAPI(c, "")
	v := api.judge(api.post(api.path("tasksPath", defaultTasksPath), body), false)
	if v.outcome != success {
		return v.result()
	}
	// The id comes bare or as a JSON string.
	id := strings.Trim(string(v.reply.Body), "\uFEFF \t\r\n\"'")
	if !isGUID(id) {
		return v.malformed("holds no id; there may be a task nevertheless").result()
	}
	v.outputs = map[string]any{"taskId": id}
	return v.result()
}

// getTask reads a task.
func getTask(c *sdk.Ctx) sdk.Result {
	return withTask(c, func(api api) verdict { return api.read() })
}

// refreshTask puts a task whose agent does not answer back into the queue.
func refreshTask(c *sdk.Ctx) sdk.Result {
	remotely := c.Input.Bool("setAgentOnRona")
	return withTask(c, func(api api) verdict {
		path := api.path("refreshPath", defaultRefreshPath)
		if parameter := api.setting("ronaParameter", defaultRonaParameter); parameter != "" && c.Input.Has("setAgentOnRona") {
			path = withQuery(path, parameter+"="+c.Input.Text("setAgentOnRona"))
		}
		return api.change(path, func(phase string) string {
			switch {
			case phase == established || phase == terminated:
				return "cannot be refreshed"
			case phase == assigned && remotely:
				return "keeps its agent, whose RONA status may not be set remotely"
			default:
				return ""
			}
		})
	})
}

// setEstablished says that the agent has confirmed the task.
func setEstablished(c *sdk.Ctx) sdk.Result {
	return withTask(c, func(api api) verdict {
		return api.change(api.path("establishedPath", defaultEstablishedPath), func(phase string) string {
			switch phase {
			case queued:
				return "has no agent who could confirm it"
			case established, terminated:
				return "cannot be set established again"
			default:
				return ""
			}
		})
	})
}

// terminateTask ends a task. That of one that has ended is not found anymore.
func terminateTask(c *sdk.Ctx) sdk.Result {
	return withTask(c, func(api api) verdict {
		return api.described(api.judge(api.post(api.path("terminatePath", defaultTerminatePath), nil), true))
	})
}

// withTask does something with the task that the inputs name.
func withTask(c *sdk.Ctx, do func(api) verdict) sdk.Result {
	f := form{input: c.Input}
	id := f.guid("taskId")
	if f.wrong != nil {
		return f.refusal()
	}
	v := do(newAPI(c, id))
	if v.outputs == nil {
		v.outputs = map[string]any{"taskId": id}
	}
	return v.result()
}

// change asks for a change of the task's state. LUCS answers 500 where the state
// forbids it, and where it crashed: a look at the task tells which. forbids says
// what a task in a phase cannot do, or nothing if it could.
func (a api) change(path string, forbids func(phase string) string) verdict {
	v := a.judge(a.post(path, nil), true)
	if v.reply.Status != 500 || a.override(500) != "" {
		return a.described(v)
	}
	now := a.read()
	said := strings.TrimSuffix(v.message, ".") + "; "
	switch {
	case now.outcome == notFound:
		return v.fail(notFound, "noTask", said+"the task is not there")
	case now.outcome != success:
		return v.fail(serverError, v.code, said+"what became of the task is unknown: "+now.message)
	}
	v.outputs = now.outputs
	said += "the task is in the state " + now.state()
	if why := forbids(now.phase()); why != "" {
		return v.fail(conflict, v.code, said+" and "+why)
	}
	return v.fail(serverError, v.code, said+", which does not explain it")
}

// read reads the task.
func (a api) read() verdict {
	v := a.judge(a.get(a.path("taskPath", defaultTaskPath)), false)
	if v.outcome != success {
		return v
	}
	body, malformed := v.reply.JSON()
	task, found := one(body, a.id)
	switch {
	case malformed != nil:
		return v.malformed("is no JSON: " + malformed.Error())
	case body.Kind() == sdk.Null || body.Kind() == sdk.List && len(body.List()) == 0:
		return v.fail(notFound, "noTask", "LUCS has no task "+a.id)
	case !found:
		return v.malformed("holds no task")
	}
	v.outputs = a.describe(task)
	v.outputs["task"] = task
	return v
}

// described adds the task that a reply holds, if it does: nothing says that the
// reply to a change must.
func (a api) described(v verdict) verdict {
	if v.outcome != success {
		return v
	}
	body, _ := v.reply.JSON()
	if task, found := one(body, a.id); found {
		v.outputs = a.describe(task)
		v.outputs["task"] = task
	}
	return v
}

func (v verdict) state() string {
	state, _ := v.outputs["state"].(string)
	return state
}

func (v verdict) phase() string {
	phase, _ := v.outputs["phase"].(string)
	return phase
}

// one is the task of a body: an object, the only entry of a list, or of more the
// one with that id.
func one(body sdk.Value, id string) (task sdk.Value, found bool) {
	if isTask(body) {
		return body, true
	}
	if body.Kind() != sdk.List {
		return sdk.Value{}, false
	}
	entries := body.List()
	if len(entries) == 1 {
		return entries[0], isTask(entries[0])
	}
	for _, entry := range entries {
		if strings.EqualFold(entry.Text("Id"), id) {
			return entry, true
		}
	}
	return sdk.Value{}, false
}

func isTask(v sdk.Value) bool { return v.Text("Id") != "" && v.Text("State") != "" }
