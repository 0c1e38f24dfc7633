package main

import (
	"strconv"
	"strings"

	"github.com/wendflow/wend/sdk"
)

// terminateScript is what a contact that this action ended has for its
// disconnect reason.
const terminateScript = "TerminateScript"

// endContact makes a contact end, whatever its media type.
func endContact(c *sdk.Ctx) sdk.Result {
	user := variable
	if c.Input.Lookup("securityUser").Kind() != sdk.Absent {
		user = c.Input.Text("securityUser")
	}
	contact := strings.TrimSpace(c.Input.Text("contactId"))
	wrongUser, wrongContact := newSelf(c).admits(user), wrongWith(contact)
	if wrongUser != "" || wrongContact != "" {
		return refusal(wrongUser, wrongContact).result()
	}
	at, v := base(c)
	if v.outcome != "" {
		return v.result()
	}
	path := strings.ReplaceAll(apiPath(c, "endPath", defaultEndPath), "{contactId}", contact)
	v = judge(c.Do(request("POST", at+path)), c.Settings.Lookup("statusOutcomes"))
	result := v.result()
	if v.outcome == onSuccess {
		result.Outputs["disconnectReason"] = terminateScript
	}
	return result
}

// wrongWith says what is wrong with a contact's id, which is a positive integer
// of 64 bits.
func wrongWith(id string) string {
	switch {
	case strings.EqualFold(id, "Available") || strings.EqualFold(id, "Unavailable"):
		return "contactId " + strconv.Quote(id) + " is a state of an agent: NICE's page describes this property by mistake as one, it is the id of the contact to end"
	case id == "":
		return "contactId is empty"
	case !isDigits(id):
		return "contactId " + strconv.Quote(id) + ": expected digits only"
	}
	if n, err := strconv.ParseInt(id, 10, 64); err != nil || n == 0 {
		return "contactId " + strconv.Quote(id) + ": expected 1 to 9223372036854775807"
	}
	return ""
}

// refusal is for what is wrong before a call is made. The vendor would ask who
// calls before it asks about what, so the security user goes first.
func refusal(wrongUser, wrongContact string) verdict {
	if wrongUser == "" {
		return verdict{}.fail(onInvalidContactID, "invalidContactId", wrongContact)
	}
	message := wrongUser
	if wrongContact != "" {
		message += "; " + wrongContact
	}
	return verdict{}.fail(onInvalidSecurityUser, "invalidSecurityUser", message)
}
