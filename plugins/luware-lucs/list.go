package main

import "github.com/wendflow/wend/sdk"

// listServiceTasks lists the tasks of a service, or those among them that have
// an id of the caller: so one finds what became of a create whose answer was
// lost.
func listServiceTasks(c *sdk.Ctx) sdk.Result {
	wanted := c.Input.Text("externalTaskId")
	return list(c, "service", "serviceTasksPath", defaultServiceTasksPath, func(api api, v verdict, entries []sdk.Value) verdict {
		tasks := []any{}
		for _, entry := range entries {
			if !isTask(entry) {
				return v.malformed("holds something other than tasks")
			}
			if wanted == "" || entry.Text("ExternalTaskId") == wanted {
				tasks = append(tasks, api.describe(entry))
			}
		}
		v.outputs = map[string]any{"tasks": tasks, "count": len(tasks)}
		return v
	})
}

// listServices lists the services that tasks can be made for.
func listServices(c *sdk.Ctx) sdk.Result {
	return list(c, "", "servicesPath", defaultServicesPath, asTheyAre("services"))
}

// listServiceUsers lists the users, the agents, of a service.
func listServiceUsers(c *sdk.Ctx) sdk.Result {
	return list(c, "service", "serviceUsersPath", defaultServiceUsersPath, asTheyAre("users"))
}

// asTheyAre gives entries whose form Luware has not published.
func asTheyAre(output string) func(api, verdict, []sdk.Value) verdict {
	return func(_ api, v verdict, entries []sdk.Value) verdict {
		for _, entry := range entries {
			if entry.Kind() != sdk.Object {
				return v.malformed("holds something other than " + output)
			}
		}
		v.outputs = map[string]any{output: entries, "count": len(entries)}
		return v
	}
}

// list reads a list, of what the input of that name identifies if there is one.
func list(c *sdk.Ctx, input, setting, fallback string, give func(api, verdict, []sdk.Value) verdict) sdk.Result {
	f := form{input: c.Input}
	id := ""
	if input != "" {
		id = f.guid(input)
	}
	if f.wrong != nil {
		return f.refusal()
	}
	api := newAPI(c, id)
	v := api.judge(api.get(api.path(setting, fallback)), false)
	if v.outcome != success {
		return v.result()
	}
	body, malformed := v.reply.JSON()
	switch {
	case malformed != nil:
		return v.malformed("is no JSON: " + malformed.Error()).result()
	case body.Kind() == sdk.List:
		return give(api, v, body.List()).result()
	case body.Kind() == sdk.Object: // the only one
		return give(api, v, []sdk.Value{body}).result()
	case body.Kind() == sdk.Null:
		return give(api, v, []sdk.Value{}).result()
	default:
		return v.malformed("is no list").result()
	}
}
