package main

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/wendflow/wend/sdk"
	"github.com/wendflow/wend/sdk/wire"
)

// The outcomes of end-contact, as the vendor's page spells them. otherwise is
// the branch for all that has none of its own.
const (
	onSuccess             = "OnSuccess"
	onInvalidContactID    = "OnInvalidContactID"
	onUnauthorized        = "OnUnauthorized"
	onInvalidSecurityUser = "OnInvalidSecurityUser"
	otherwise             = "Default"
)

// The outcomes of set-security-user.
const (
	success = "Success"
	failed  = "Error"
)

// maxPayload is how much of a reply's body is given as an output, in bytes.
const maxPayload = 16 << 10

// statusOutcomes says what a status means that is no success. One that is not
// here means Default. The setting of the same name goes before it.
var statusOutcomes = map[int]string{
	401: onUnauthorized, // the host had a fresh token by then
	403: onUnauthorized,
	404: onInvalidContactID,
}

// verdict is what a reply, or the lack of one, means. Without an outcome there
// is nothing to say yet.
type verdict struct {
	outcome string
	reply   sdk.Reply
	code    string // why it is no success, for programs
	message string // and for people
}

// judge looks at the failure first, then at the status. Of the body counts what
// it says against the contact's id; a body that nobody can read spoils nothing,
// for a success has none.
func judge(reply sdk.Reply, overrides sdk.Value) verdict {
	v := verdict{reply: reply}
	switch {
	case reply.Failure != "":
		return v.failure()
	case succeeded(reply.Status):
		v.outcome = onSuccess
		return v
	}
	outcome := overrides.Text(strconv.Itoa(reply.Status))
	if outcome == "" && reply.Status == 400 && blamesContact(v.reply) {
		outcome = onInvalidContactID
	}
	return v.fail(cmp.Or(outcome, statusOutcomes[reply.Status], otherwise), httpCode(reply), v.answered("CXone"))
}

func succeeded(status int) bool { return 200 <= status && status <= 299 }

func httpCode(reply sdk.Reply) string { return "http" + strconv.Itoa(reply.Status) }

// blamesContact tells whether an error is about the contact's id: the API writes
// "InvalidContactId", one version of it "Invalid Contact Id.".
func blamesContact(reply sdk.Reply) bool {
	body, _ := reply.JSON()
	said := strings.ToLower(description(body))
	return strings.Contains(said, "contactid") || strings.Contains(said, "contact id")
}

// description is the vendor's word for an error: the API spells the field with
// an underscore, its identity provider without.
func description(body sdk.Value) string {
	return cmp.Or(body.Text("error_description"), body.Text("errorDescription"))
}

// failure says by which outcome a call without a response leaves. That there was
// no credential means that the token endpoint did not take the security user's.
func (v verdict) failure() verdict {
	outcome := otherwise
	if v.reply.Failure == wire.Unauthorized {
		outcome = onInvalidSecurityUser
	}
	return v.fail(outcome, string(v.reply.Failure), v.reply.Reason())
}

func (v verdict) fail(outcome, code, message string) verdict {
	v.outcome, v.code, v.message = outcome, code, message
	return v
}

// answered tells the status and what the vendor says of it.
func (v verdict) answered(who string) string {
	said := who + " answered " + strconv.Itoa(v.reply.Status)
	body, _ := v.reply.JSON()
	why := cmp.Or(description(body), body.Text("message"), body.Text("error"), v.reply.Header("icStatusDescription"))
	if why != "" {
		said += ": " + why
	}
	return said
}

func (v verdict) result() sdk.Result {
	body, _ := v.reply.JSON()
	return sdk.Result{
		Outcome: v.outcome,
		Message: v.message,
		Outputs: map[string]any{
			"httpStatus":        v.reply.Status,
			"statusDescription": v.reply.Header("icStatusDescription"),
			"correlationId":     cmp.Or(v.reply.Header("CorrelationId"), body.Text("correlationId")),
			"responsePayload":   sdk.Clip(string(v.reply.Body), maxPayload),
			"errorCode":         v.code,
			"errorMessage":      v.message,
		},
	}
}
