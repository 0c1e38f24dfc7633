package main

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/wendflow/wend/sdk"
	"github.com/wendflow/wend/sdk/wire"
)

// The outcomes of all methods.
const (
	success      = "success"
	invalidData  = "invalidData"
	invalidState = "invalidState"
	notFound     = "notFound"
	forbidden    = "forbidden"
	unauthorized = "unauthorized"
	partial      = "partial"
	serverError  = "serverError"
	timeout      = "timeout"
	unreachable  = "unreachable"
)

// maxPayload is how much of a reply's body is given as an output, in bytes.
const maxPayload = 16 << 10

// meaning is what Genesys' table of return values says of a statusCode.
type meaning struct{ outcome, words string }

// statusCodes are the codes that have an outcome of their own. All others, known
// or not, are failures of the server.
var statusCodes = map[string]meaning{
	"1":  {invalidData, "a required parameter is missing"},
	"2":  {invalidState, "not valid in the present state"},
	"3":  {forbidden, "forbidden"},
	"4":  {serverError, "internal error"},
	"5":  {forbidden, "the user has no permission"},
	"6":  {notFound, "no such resource"},
	"7":  {partial, "partial success"},
	"8":  {unauthorized, "the password must be changed"},
	"9":  {serverError, "processing is incomplete"},
	"10": {invalidData, "an input is not valid"},
	"11": {serverError, "a property is read-only"},
	"12": {serverError, "unable to retrieve"},
	"13": {serverError, "unable to create"},
	"14": {serverError, "unable to delete"},
	"15": {serverError, "unable to update"},
	"16": {serverError, "unable to assign"},
	"17": {serverError, "unable to unassign"},
	"18": {serverError, "exists already"},
	"19": {serverError, "in use"},
	"20": {unauthorized, "not authenticated"},
}

// httpOutcomes says what a status means that no statusCode explains.
var httpOutcomes = map[int]string{401: unauthorized, 403: forbidden, 404: notFound}

// verdict is what a reply, or the lack of one, means.
type verdict struct {
	outcome    string
	reply      sdk.Reply
	body       sdk.Value // absent where the body is no JSON
	statusCode string    // "" where the body has none that is an integer
	code       string    // why it is no success, for programs
	message    string    // and for people
}

// judge looks at the failure first, then at what the vendor says in the body,
// which the HTTP status only repeats, if it does, and then at the HTTP status.
func judge(reply sdk.Reply) verdict {
	body, _ := reply.JSON()
	v := verdict{reply: reply, body: body, statusCode: integer(body.Lookup("statusCode"))}
	code, known := statusCodes[v.statusCode]
	switch {
	case reply.Failure != "":
		return v.failure()
	case reply.Status == 403 && strings.Contains(strings.ToLower(string(reply.Body)), "csrf"):
		return v.fail(forbidden, "csrf", v.answered("it takes no CSRF token, not even a fresh one"))
	case known:
		return v.fail(code.outcome, "statusCode"+v.statusCode, v.answered("statusCode "+v.statusCode+" ("+code.words+")"))
	case v.statusCode != "" && v.statusCode != "0":
		return v.fail(serverError, "statusCode"+v.statusCode, v.answered("statusCode "+v.statusCode))
	case reply.Status < 200 || reply.Status > 299:
		return v.fail(cmp.Or(httpOutcomes[reply.Status], serverError), "http"+strconv.Itoa(reply.Status), v.answered(""))
	case v.statusCode == "":
		return v.fail(serverError, "malformedReply", v.answered("there is no statusCode that is a number"))
	default:
		v.outcome = success
		return v
	}
}

// integer is the text of a number without a fraction, "" of anything else.
func integer(v sdk.Value) string {
	if v.Kind() != sdk.Number {
		return ""
	}
	if _, err := strconv.ParseInt(v.Text(), 10, 64); err != nil {
		return ""
	}
	return v.Text()
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

func (v verdict) fail(outcome, code, message string) verdict {
	v.outcome, v.code, v.message = outcome, code, message
	return v
}

// answered tells the status, what it is taken for, and what the vendor says.
func (v verdict) answered(what string) string {
	said := []string{"Genesys Web Services answered " + strconv.Itoa(v.reply.Status)}
	for _, more := range []string{what, v.body.Text("statusMessage")} {
		if more != "" {
			said = append(said, more)
		}
	}
	return strings.Join(said, ": ")
}

func (v verdict) result() sdk.Result {
	outputs := map[string]any{
		"statusMessage":   v.body.Text("statusMessage"),
		"httpStatus":      v.reply.Status,
		"responsePayload": sdk.Clip(string(v.reply.Body), maxPayload),
		"errorCode":       v.code,
		"errorMessage":    v.message,
	}
	if v.statusCode != "" {
		outputs["statusCode"] = v.body.Lookup("statusCode")
	}
	if id := v.body.Lookup("referenceId"); integer(id) != "" {
		outputs["referenceId"] = id
	}
	return sdk.Result{Outcome: v.outcome, Message: v.message, Outputs: outputs}
}
