package main

import (
	"strconv"
	"strings"

	"github.com/wendflow/wend/sdk"
)

// field is a field of the vendor's events.
type field struct {
	input string // its name here
	name  string // and there
	read  reader
}

// reader makes what is sent of an input that is not empty. If it cannot, expected
// says what it wants.
type reader func(c *sdk.Ctx, v sdk.Value) (sent any, expected string)

// shared are the fields that every event has.
var shared = []field{
	{"sessionId", "session_id", shortText("maxSessionId", defaultMaxSessionID)},
	{"interactionId", "interaction_id", shortText("maxInteractionId", defaultMaxInteractionID)},
	{"applicationType", "application_type", attribute},
	{"applicationId", "application_id", databaseID},
	{"resourceType", "resource_type", attribute},
	{"resourceId", "resource_id", databaseID},
	{"mediaType", "media_type", attribute},
	{"timestamp", "timestamp", moment},
}

// ending are those of an end event beside the shared ones.
var ending = []field{
	{"stateId", "state_id", smallID},
	{"disposition", "disposition", attribute},
	{"dispositionDesc", "disposition_desc", shortText("maxDispositionDesc", defaultMaxDispositionDesc)},
}

// startingTask are those of a task's start event beside the shared ones.
var startingTask = []field{
	{"stateId", "state_id", smallID},
	{"taskType", "task_type", attribute},
	{"estDuration", "est_duration", seconds},
}

// startingService are those of a service's start event beside the shared ones.
var startingService = []field{
	{"customerId", "customer_id", text},
	{"contactKey", "contact_key", text},
	{"serviceType", "service_type", attribute},
	{"estDuration", "est_duration", seconds},
	{"autoCompleteAfter", "auto_complete_after", seconds},
}

// reserved are the names that mean something in an event, or in what the vendor
// tells of a service or a task. Attached data stands beside them, so that none of
// it can have such a name.
var reserved = reservedNames()

func reservedNames() map[string]bool {
	names := map[string]bool{
		"service_id": true, "task_id": true, "state_type": true, "started": true, "completed": true, "states": true, "tasks": true,
	}
	for _, fields := range [][]field{shared, ending, startingTask, startingService} {
		for _, f := range fields {
			names[f.name] = true
		}
	}
	return names
}

func text(_ *sdk.Ctx, v sdk.Value) (any, string) { return v.Text(), "" }

// shortText reads a text with a limit, which the connection may change.
func shortText(setting string, fallback int) reader {
	return func(c *sdk.Ctx, v sdk.Value) (any, string) {
		most := limit(c, setting, fallback)
		if most > 0 && len([]rune(v.Text())) > most {
			return nil, "at most " + strconv.Itoa(most) + " characters"
		}
		return v.Text(), ""
	}
}

// attribute reads a value of a business attribute: an integer is its id in the
// database, a text its name, and each must arrive as what it is.
func attribute(_ *sdk.Ctx, v sdk.Value) (any, string) {
	if v.Kind() != sdk.Number {
		return v.Text(), ""
	}
	return integer(v, "an integer of 64 bits, or a name", -1<<63, 1<<63-1)
}

func databaseID(_ *sdk.Ctx, v sdk.Value) (any, string) {
	return integer(v, "an integer of 0 to 9223372036854775807", 0, 1<<63-1)
}

// smallID reads the id of a task or a state. 0 is one.
func smallID(_ *sdk.Ctx, v sdk.Value) (any, string) {
	return integer(v, "an integer of 0 to 2147483647", 0, 1<<31-1)
}

func seconds(_ *sdk.Ctx, v sdk.Value) (any, string) {
	return integer(v, "a number of seconds", 0, 1<<63-1)
}

func integer(v sdk.Value, expected string, least, most int64) (any, string) {
	n, err := strconv.ParseInt(strings.TrimSpace(v.Text()), 10, 64)
	if err != nil || n < least || n > most {
		return nil, expected
	}
	return n, ""
}

func moment(_ *sdk.Ctx, v sdk.Value) (any, string) {
	stamp := timestamp(strings.TrimSpace(v.Text()))
	if stamp == "" {
		return nil, "a time as 2018-09-07T10:34:00.000Z, or any other of RFC 3339"
	}
	return stamp, ""
}
