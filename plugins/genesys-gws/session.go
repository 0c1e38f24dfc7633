package main

import "github.com/wendflow/wend/sdk"

// Defaults of the settings, as plugin.yaml has them: a node without a
// connection has no settings.
const (
	defaultAPIPath         = "/api/v2"
	defaultSessionsSegment = "facebooksession"
)

// complete marks a session as complete. Without a queue that is the end of the
// interaction.
func complete(c *sdk.Ctx) sdk.Result {
	f := form{input: c.Input}
	body := map[string]any{}
	f.copyName(body, "queueName")
	return operate(c, &f, "Complete", body)
}

// accept takes a session that is offered to the agent.
func accept(c *sdk.Ctx) sdk.Result {
	f := form{input: c.Input}
	body := map[string]any{}
	f.requireName(body, "nickname")
	return operate(c, &f, "Accept", body)
}

// reject sends a session that is offered to the agent away.
func reject(c *sdk.Ctx) sdk.Result {
	return operate(c, &form{input: c.Input}, "Reject", map[string]any{})
}

// leave takes the agent out of a session, which is still to be completed.
func leave(c *sdk.Ctx) sdk.Result {
	return operate(c, &form{input: c.Input}, "Leave", map[string]any{})
}

// transfer gives a session to another agent or to a queue.
func transfer(c *sdk.Ctx) sdk.Result {
	f := form{input: c.Input}
	body := map[string]any{}
	f.copyTarget(body)
	return operate(c, &f, "Transfer", body)
}

// operate sends one operation, which all go to the session's own address and
// are told apart by operationName.
func operate(c *sdk.Ctx, f *form, operation string, body map[string]any) sdk.Result {
	id := f.sessionID()
	if len(f.mistakes) > 0 {
		return f.refusal().result()
	}
	body["operationName"] = operation
	return judge(c.Do(sdk.Request{
		Method: "POST",
		// An id is letters and digits, so nothing needs escaping.
		URL:     setting(c, "apiPath", defaultAPIPath) + "/me/" + setting(c, "sessionsSegment", defaultSessionsSegment) + "/" + id,
		Headers: map[string]string{"Accept": "application/json", "Content-Type": "application/json"},
		Body:    sdk.JSON(body),
	})).result()
}

func setting(c *sdk.Ctx, name, fallback string) string {
	if !c.Settings.Has(name) {
		return fallback
	}
	return c.Settings.String(name)
}
