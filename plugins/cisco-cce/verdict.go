package main

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"github.com/wendflow/wend/sdk"
	"github.com/wendflow/wend/sdk/wire"
)

// The outcomes, as the vendor's page spells them.
const (
	success             = "Success"
	onInvalidData       = "onInvalidData"
	onInvalidChoice     = "onInvalidChoice"
	onAuthorizationFail = "onauthorizationfail"
	onTimeout           = "onTimeout"
	onError             = "onError"
	failed              = "Error"
)

// taskExists is the vendor's code for a task whose id is taken.
const taskExists = "20200"

// statusLabels are the labels of the vendor's status table.
var statusLabels = map[int]string{
	200: "ok",
	201: "Successfully Created",
	400: "Bad Request",
	403: "Forbidden",
	404: "Not Found",
	500: "Internal Server Error",
	502: "Unreachable",
	503: "Service Unavailable",
}

const taskExistsLabel = "Task Already Exists"

// verdict is what a reply, or the lack of one, means.
type verdict struct {
	outcome    string
	trackingID string
	reply      sdk.Reply
	body       sdk.Value // absent where the body is no JSON
	vendorCode string
	label      string
	code       string // why it is no success, for programs
	message    string // and for people
}

// judge looks at the failure first, then at the vendor's code in the body, then
// at the HTTP status, then at the shape of the body.
func (a api) judge(reply sdk.Reply) verdict {
	body, malformed := reply.JSON()
	v := verdict{
		trackingID: a.trackingID,
		reply:      reply,
		body:       body,
		vendorCode: vendorCode(body),
		label:      statusLabels[reply.Status],
	}
	switch {
	case reply.Failure != "":
		return v.failure()
	case v.vendorCode == taskExists:
		v.outcome, v.label = success, taskExistsLabel
		return v
	case reply.Status == 401:
		return v.fail(onAuthorizationFail, "unauthorized", v.answered())
	case reply.Status != 200 && reply.Status != 201:
		return v.fail(failed, cmp.Or(v.vendorCode, "http"+strconv.Itoa(reply.Status)), v.answered())
	case malformed != nil && len(bytes.TrimSpace(reply.Body)) > 0:
		return v.fail(onError, "malformedReply", "the reply is no JSON: "+malformed.Error())
	default:
		v.outcome = success
		return v
	}
}

// failure says by which outcome a call without a response leaves.
func (v verdict) failure() verdict {
	outcome := onError
	switch v.reply.Failure {
	case wire.Timeout:
		outcome = onTimeout
	case wire.Unauthorized:
		outcome = onAuthorizationFail
	case wire.Unreachable, wire.Refused, wire.Interrupted:
	}
	return v.fail(outcome, string(v.reply.Failure), v.reply.Reason())
}

func (v verdict) fail(outcome, code, message string) verdict {
	v.outcome, v.code, v.message = outcome, code, message
	return v
}

// answered tells the status and what the vendor says of it.
func (v verdict) answered() string {
	said := "Digital Routing answered " + strconv.Itoa(v.reply.Status)
	if v.label != "" {
		said += " " + v.label
	}
	if why := cmp.Or(v.body.Text("error", "message"), v.body.Text("message"), v.body.Text("error", "key")); why != "" {
		said += ": " + why
	}
	return said
}

func (v verdict) result() sdk.Result {
	return sdk.Result{
		Outcome: v.outcome,
		Message: v.message,
		Outputs: map[string]any{
			"location":        v.reply.Header("location"),
			"responsePayload": string(v.reply.Body),
			"vendorCode":      v.vendorCode,
			"statusLabel":     v.label,
			"httpStatus":      v.reply.Status,
			"trackingId":      v.trackingID,
			"errorCode":       v.code,
			"errorMessage":    v.message,
		},
	}
}

// vendorCode is the vendor's own code in a body. Where it stands is not
// published, so any field called code counts: 20200 if it is among them, else
// the outermost.
func vendorCode(body sdk.Value) string {
	codes := codesIn(body, nil)
	if slices.Contains(codes, taskExists) {
		return taskExists
	}
	if len(codes) == 0 {
		return ""
	}
	return cmp.Or(body.Text("error", "code"), body.Text("code"), codes[0])
}

func codesIn(v sdk.Value, codes []string) []string {
	for name, field := range v.Fields() {
		if code := field.Text(); name == "code" && code != "" {
			codes = append(codes, code)
		}
		codes = codesIn(field, codes)
	}
	if v.Kind() == sdk.List {
		for _, entry := range v.List() {
			codes = codesIn(entry, codes)
		}
	}
	return codes
}
