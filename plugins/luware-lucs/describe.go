package main

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/wendflow/wend/sdk"
)

// The phases of a task: what its state means, whatever LUCS calls it.
const (
	queued      = "queued"
	assigned    = "assigned"
	established = "established"
	terminated  = "terminated"
	unknown     = "unknown"
)

// phases are the states of each phase. Only InQueue and Terminated are seen in
// what Luware has published, Pending, assigned and established are words of its
// text. The setting "states" replaces a phase's.
var phases = [...]struct {
	name   string
	states []string
}{
	{queued, []string{"InQueue", "Pending"}},
	{assigned, []string{"Assigned"}},
	{established, []string{"Established"}},
	{terminated, []string{"Terminated"}},
}

func (a api) phase(state string) string {
	for _, p := range phases {
		states := p.states
		if a.settings.Has("states", p.name) {
			states = nil
			for _, s := range a.settings.List("states", p.name) {
				states = append(states, s.Text())
			}
		}
		for _, s := range states {
			if strings.EqualFold(s, state) {
				return p.name
			}
		}
	}
	return unknown
}

// nobody is the address of an agent where none is assigned.
const nobody = "sip:unknown@unknown"

// describe gives a task in the names of plugin.yaml. What is null in it is an
// empty text.
func (a api) describe(task sdk.Value) map[string]any {
	context := parameters(task)
	user := task.Lookup("ReservedUserObject")
	agent := cmp.Or(user.Text("SipUri"), context["AgentSipUri"])
	if agent == nobody {
		agent = ""
	}
	outputs := map[string]any{
		"taskId":            task.Text("Id"),
		"phase":             a.phase(task.Text("State")),
		"agentSipUri":       agent,
		"agentDisplayName":  user.Text("DisplayName"),
		"queuePosition":     context["InitialQueuePosition"],
		"contextParameters": context,
		"reservedUser":      reserved(user),
	}
	for _, name := range [...]string{
		"externalTaskId", "type", "state", "customerIdentifier", "initialModalityType", "originType", "originTypeCustom",
	} {
		outputs[name] = task.Text(fieldOf(name))
	}
	for _, name := range [...]string{"created", "queueStarted", "connected"} {
		text := task.Text(fieldOf(name))
		outputs[name], outputs[name+"Rfc3339"] = text, rfc3339(text)
	}
	return outputs
}

// fieldOf is what LUCS calls an output.
func fieldOf(output string) string { return strings.ToUpper(output[:1]) + output[1:] }

// parameters are the context parameters of a task by their names.
func parameters(task sdk.Value) map[string]string {
	found := map[string]string{}
	list := task.Lookup("ContextParameters")
	if list.Kind() != sdk.List {
		return found
	}
	for _, p := range list.List() {
		if name := p.Text("Name"); name != "" {
			found[name] = p.Text("Value")
		}
	}
	return found
}

// reserved is the agent a task is reserved for.
func reserved(user sdk.Value) map[string]any {
	outputs := map[string]any{}
	if user.Kind() != sdk.Object {
		return outputs
	}
	for _, name := range [...]string{
		"id", "displayName", "organizationUnitName", "sipUri", "userPrincipalName", "securityIdentifier",
		"samAccountName", "agentProfileName", "selectionAlgorithm",
	} {
		outputs[name] = user.Text(fieldOf(name))
	}
	if level, err := strconv.Atoi(user.Text("ResponsibleSinceLevel")); err == nil {
		outputs["responsibleSinceLevel"] = level
	}
	return outputs
}

// rfc3339 is a time of LUCS, 27.06.2019 11:58:35.4996911Z, in the form of RFC
// 3339. One in that form already stays as it is; of anything else nothing is
// known, and it is "".
func rfc3339(text string) string {
	text = strings.TrimSpace(text)
	if matches(text, "00.00.0000 00:00:00") {
		text = text[6:10] + "-" + text[3:5] + "-" + text[:2] + "T" + text[11:]
	}
	if !matches(text, "0000-00-00T00:00:00") || !isRest(text[19:]) || !isMoment(text) {
		return ""
	}
	return text
}

// matches tells whether text begins as the pattern does, in which 0 stands for
// any digit.
func matches(text, pattern string) bool {
	if len(text) < len(pattern) {
		return false
	}
	for i := range len(pattern) {
		if pattern[i] == '0' && !isDigit(text[i]) || pattern[i] != '0' && pattern[i] != text[i] {
			return false
		}
	}
	return true
}

// isRest tells whether text is what may follow the seconds: a fraction, and then
// the zone. A time without a zone is any of many.
func isRest(text string) bool {
	if digits, found := strings.CutPrefix(text, "."); found {
		text = strings.TrimLeft(digits, "0123456789")
		if text == digits {
			return false
		}
	}
	if text == "Z" {
		return true
	}
	zone := strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-")
	return zone && len(text) == 6 && matches(text[1:], "00:00") && text[1:3] <= "23" && text[4:] <= "59"
}

// isMoment tells whether a text of the right form is a time that can be.
func isMoment(text string) bool {
	between := func(part, low, high string) bool { return low <= part && part <= high }
	return between(text[5:7], "01", "12") && between(text[8:10], "01", lastDay(text[:4], text[5:7])) &&
		text[11:13] <= "23" && text[14:16] <= "59" && text[17:19] <= "59"
}

func lastDay(year, month string) string {
	switch month {
	case "04", "06", "09", "11":
		return "30"
	case "02":
		if y, _ := strconv.Atoi(year); y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return "29"
		}
		return "28"
	default:
		return "31"
	}
}
