package main

import (
	"cmp"
	"maps"
	"strconv"

	"github.com/wendflow/wend/sdk"
	"github.com/wendflow/wend/sdk/wire"
)

// The outcomes. The vendor names none.
const (
	success      = "success"
	invalidData  = "invalidData"
	notFound     = "notFound"
	conflict     = "conflict"
	unauthorized = "unauthorized"
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
	code    string         // why it is no success, for programs
	message string         // and for people
	outputs map[string]any // those that only some methods have
}

// judge looks at the failure first, then at the status. What a 2xx must hold is
// the method's own matter.
func (a api) judge(reply sdk.Reply, mayConflict bool) verdict {
	v := verdict{reply: reply}
	switch {
	case reply.Failure != "":
		return v.failure()
	case 200 <= reply.Status && reply.Status <= 299:
		v.outcome = success
		return v
	}
	outcome := a.override(reply.Status)
	if outcome == "" || outcome == conflict && !mayConflict {
		outcome = statusOutcome(reply.Status, mayConflict)
	}
	return v.fail(outcome, "http"+strconv.Itoa(reply.Status), v.answered())
}

// override is what the connection says of a status, or "".
func (a api) override(status int) string {
	return a.settings.Text("statusOutcomes", strconv.Itoa(status))
}

// statusOutcome says what a status means that is no success.
func statusOutcome(status int, mayConflict bool) string {
	switch {
	case status == 401 || status == 403:
		return unauthorized
	case status == 404:
		return notFound
	case status == 409 && mayConflict:
		return conflict
	case status == 429:
		return serverError
	case 400 <= status && status <= 499:
		return invalidData
	default:
		return serverError
	}
}

// failure says by which outcome a call without a response leaves. Of a call that
// was interrupted nobody knows whether it took effect, as of one that timed out.
func (v verdict) failure() verdict {
	outcome := unreachable
	switch v.reply.Failure {
	case wire.Timeout, wire.Interrupted:
		outcome = timeout
	case wire.Unauthorized:
		outcome = unauthorized
	case wire.Unreachable, wire.Refused:
	}
	return v.fail(outcome, string(v.reply.Failure), v.reply.Reason())
}

func (v verdict) fail(outcome, code, message string) verdict {
	v.outcome, v.code, v.message = outcome, code, message
	return v
}

// malformed is for a success whose body is not what it must be.
func (v verdict) malformed(why string) verdict {
	return v.fail(serverError, "malformedReply", "LUCS answered "+strconv.Itoa(v.reply.Status)+", and the reply "+why)
}

// answered tells the status and what LUCS says of it.
func (v verdict) answered() string {
	said := "LUCS answered " + strconv.Itoa(v.reply.Status)
	body, _ := v.reply.JSON()
	if why := cmp.Or(body.Text("Message"), body.Text("message"), body.Text()); why != "" {
		said += ": " + sdk.Clip(why, maxPayload)
	}
	return said
}

func (v verdict) result() sdk.Result {
	outputs := map[string]any{
		"httpStatus":      v.reply.Status,
		"responsePayload": sdk.Clip(string(v.reply.Body), maxPayload),
		"errorCode":       v.code,
		"errorMessage":    v.message,
	}
	maps.Copy(outputs, v.outputs)
	return sdk.Result{Outcome: v.outcome, Message: v.message, Outputs: outputs}
}
