package main

import (
	"bytes"
	"cmp"
	"strconv"

	"github.com/wendflow/wend/sdk"
	"github.com/wendflow/wend/sdk/wire"
)

// The outcomes. The vendor names none.
const (
	success      = "success"
	invalidData  = "invalidData"
	badRequest   = "badRequest"
	unauthorized = "unauthorized"
	notFound     = "notFound"
	serverError  = "serverError"
	timeout      = "timeout"
	unreachable  = "unreachable"
)

// maxPayload is how much of a reply's body is given as an output, in bytes.
const maxPayload = 16 << 10

// verdict is what a reply, or the lack of one, means.
type verdict struct {
	outcome string
	reply   sdk.Reply
	body    sdk.Value // absent where the body is no JSON
	code    string    // why it is no success, for programs
	message string    // and for people
}

// judge looks at the failure first, then at the status, which alone decides: the
// vendor has no codes of its own in a body. Last is the shape of the body: a
// success may have none, but one that is no JSON comes from somebody else.
func judge(c *sdk.Ctx, reply sdk.Reply) verdict {
	body, malformed := reply.JSON()
	v := verdict{reply: reply, body: body}
	switch {
	case reply.Failure != "":
		return v.failure()
	case reply.Status != 200 && reply.Status != 201 && reply.Status != 204:
		status := strconv.Itoa(reply.Status)
		outcome := cmp.Or(c.Settings.Text("statusOutcomes", status), outcomeOf(reply.Status))
		return v.fail(outcome, "http"+status, v.answered())
	case malformed != nil && len(bytes.TrimSpace(reply.Body)) > 0:
		return v.malformed("the reply is no JSON: " + malformed.Error())
	}
	v.outcome = success
	return v
}

// outcomeOf says what a status means that is no success.
func outcomeOf(status int) string {
	switch {
	case status == 401 || status == 403:
		return unauthorized
	case status == 404:
		return notFound
	case 400 <= status && status <= 499:
		return badRequest
	default:
		return serverError
	}
}

// failure says by which outcome a call without a response leaves.
func (v verdict) failure() verdict {
	outcome := unreachable
	switch v.reply.Failure {
	case wire.Timeout:
		outcome = timeout
	case wire.Unauthorized:
		outcome = unauthorized
	case wire.Unreachable, wire.Refused, wire.Interrupted:
	}
	return v.fail(outcome, string(v.reply.Failure), v.reply.Reason())
}

// malformed is for a success whose body is not what it must be.
func (v verdict) malformed(message string) verdict {
	return v.fail(serverError, "malformedReply", message)
}

func (v verdict) fail(outcome, code, message string) verdict {
	v.outcome, v.code, v.message = outcome, code, message
	return v
}

// answered tells the status and what the vendor says of it.
func (v verdict) answered() string {
	said := "Context Services answered " + strconv.Itoa(v.reply.Status)
	if why := v.body.Text("message"); why != "" {
		said += ": " + why
	}
	return said
}

func (v verdict) result() sdk.Result {
	return sdk.Result{
		Outcome: v.outcome,
		Message: v.message,
		Outputs: map[string]any{
			"httpStatus":      v.reply.Status,
			"responsePayload": sdk.Clip(string(v.reply.Body), maxPayload),
			"vendorMessage":   v.body.Text("message"),
			"vendorException": v.body.Text("exception"),
			"errorCode":       v.code,
			"errorMessage":    v.message,
		},
	}
}
