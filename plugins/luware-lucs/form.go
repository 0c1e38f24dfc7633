package main

import (
	"strconv"
	"strings"

	"github.com/wendflow/wend/sdk"
)

// maxRonaTimeout is the longest time, in seconds, that an agent may be given to
// answer. LUCS' own limit is not published.
const maxRonaTimeout = 3600

// form reads the inputs of a node, and collects what is wrong with them.
type form struct {
	input sdk.Value
	wrong []string
}

func (f *form) refuse(name, why string) {
	f.wrong = append(f.wrong, name+": "+why)
}

// guid is the id of a task or a service.
func (f *form) guid(name string) string {
	id := strings.TrimSpace(f.input.Text(name))
	if !isGUID(id) {
		f.refuse(name, strconv.Quote(id)+" is no id, expected a GUID such as 7830678b-03b1-4e71-af33-a3987142519f")
	}
	return id
}

// copyText copies a text that may be left out. An empty one is left out too.
func (f *form) copyText(into map[string]any, field, name string) {
	if text := f.input.Text(name); text != "" {
		into[field] = text
	}
}

// capabilities are what the agent must be able to do.
func (f *form) capabilities() map[string]any {
	required := map[string]any{}
	some := false
	for _, c := range [...]struct{ field, name string }{
		{"Im", "im"},
		{"Audio", "audio"},
		{"Video", "video"},
		{"DesktopSharing", "desktopSharing"},
		{"ConversationContext", "conversationContext"},
	} {
		is := f.input.Bool("required", c.name)
		required[c.field] = is
		some = some || is
	}
	if !some {
		f.refuse("required", "expected at least one of im, audio, video, desktopSharing, conversationContext to be true")
	}
	return required
}

// preferredAgents are SIP addresses. LUCS goes by its service's own policy where
// there are none.
func (f *form) preferredAgents() []string {
	var agents []string
	for i, entry := range f.input.List("preferredAgents") {
		agent := strings.TrimSpace(entry.Text())
		if !isSIP(agent) {
			f.refuse("preferredAgents", "entry "+strconv.Itoa(i+1)+", "+strconv.Quote(agent)+", is no SIP address such as sip:smoky.aa@dev.local")
		}
		agents = append(agents, agent)
	}
	if len(agents) == 0 && f.input.Bool("considerPreferredAgentsOnly") {
		f.refuse("considerPreferredAgentsOnly", "is true, and there are no preferredAgents to consider")
	}
	return agents
}

// ronaTimeout is how long an agent has to answer, in seconds; 0 leaves it to
// LUCS.
func (f *form) ronaTimeout() int {
	if !f.input.Has("ronaTimeoutSeconds") {
		return 0
	}
	seconds, err := strconv.Atoi(f.input.Text("ronaTimeoutSeconds"))
	if err != nil || seconds < 1 || seconds > maxRonaTimeout {
		f.refuse("ronaTimeoutSeconds", f.input.Text("ronaTimeoutSeconds")+" is out of bounds, expected 1 to "+strconv.Itoa(maxRonaTimeout))
	}
	return seconds
}

func (f *form) refusal() sdk.Result {
	return verdict{}.fail(invalidData, "invalidInput", strings.Join(f.wrong, "; ")).result()
}

// isGUID tells whether text is a GUID in its usual form. One of zeros only
// stands for the lack of one.
func isGUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		c := text[i] | 0x20 // lower case, if it is a letter
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (text[i] == '-') || !hyphen && !isDigit(text[i]) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return strings.Trim(text, "0-") != ""
}

// isSIP tells whether text is sip:user@host.
func isSIP(text string) bool {
	if len(text) < 4 || !strings.EqualFold(text[:4], "sip:") {
		return false
	}
	user, host, found := strings.Cut(text[4:], "@")
	return found && user != "" && host != "" && !strings.ContainsAny(text, " \t\r\n<>\"") && !strings.Contains(host, "@")
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
