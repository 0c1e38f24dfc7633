package main

import (
	"strconv"
	"strings"

	"github.com/wendflow/wend/sdk"
)

// form reads the inputs of a visit and collects what is wrong with them. The
// manifest states types only, so that what the vendor refuses leaves by the
// vendor's outcome.
type form struct {
	input     sdk.Value
	variables map[string]string // of all kinds, nil if there are none
	mistakes  []mistake
}

type mistake struct{ outcome, message string }

func (f *form) badData(message string) {
	f.mistakes = append(f.mistakes, mistake{onInvalidData, message})
}

func (f *form) badChoice(name, value string, choices []choice) {
	names := make([]string, len(choices))
	for i, c := range choices {
		names[i] = c.name
	}
	f.mistakes = append(f.mistakes, mistake{
		onInvalidChoice, name + " " + strconv.Quote(value) + ": expected one of " + strings.Join(names, ", "),
	})
}

func (f *form) wrong() bool { return len(f.mistakes) > 0 }

// refusal leaves by the outcome of the first mistake and tells all of them.
func (f *form) refusal(a api) sdk.Result {
	messages := make([]string, len(f.mistakes))
	for i, m := range f.mistakes {
		messages[i] = m.message
	}
	outcome := f.mistakes[0].outcome
	code := "invalidData"
	if outcome == onInvalidChoice {
		code = "invalidChoice"
	}
	v := verdict{trackingID: a.trackingID}
	return v.fail(outcome, code, strings.Join(messages, "; ")).result()
}

// domain is the host of the reverse proxy. Nothing but a host and a port may
// stand there, since it decides where the call goes.
func (f *form) domain() string {
	domain := strings.TrimSpace(f.input.String("domain"))
	host, port, hasPort := strings.Cut(domain, ":")
	if !isHost(host) || hasPort && !isPort(port) {
		f.badData("domain " + strconv.Quote(domain) + `: expected a host, or host:port, as "finesse.example.com"`)
	}
	return domain
}

func isHost(host string) bool {
	if len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; c != '-' && !isAlphanumeric(c) {
				return false
			}
		}
	}
	return true
}

func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// taskID is a UUID in the text form of RFC 4122, sent as it is given.
func (f *form) taskID() string {
	id := strings.TrimSpace(f.input.String("taskId"))
	if !isUUID(id) {
		f.badData("taskId " + strconv.Quote(id) + `: expected a UUID, as "7d7aa2d4-0b1b-4b5e-9c55-6f3a5b0c9f10"`)
	}
	return id
}

func isUUID(s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	digits := 0
	for i := range len(s) {
		if isHex(s[i]) {
			digits++
		}
	}
	return digits == 32
}

const maxTrackingID = 128

// trackingID is what marks this request in the vendor's logs, "" if the flow
// leaves it to us.
func (f *form) trackingID() string {
	id := f.input.Text("trackingId")
	notPrintable := func(r rune) bool { return r < ' ' || r > '~' }
	if len(id) > maxTrackingID || strings.ContainsFunc(id, notPrintable) {
		f.badData("trackingId: expected at most " + strconv.Itoa(maxTrackingID) + " printable ASCII characters")
	}
	return id
}

func (f *form) require(name string) {
	if f.input.Text(name) == "" {
		f.badData(name + " is empty")
	}
}

// copyText copies an input into a request's body unless it is empty.
func (f *form) copyText(body map[string]any, name string) {
	if text := f.input.Text(name); text != "" {
		body[name] = text
	}
}

// media is a task's media type and channel, in the vendor's spelling.
type media struct{ kind, channel string }

func (f *form) media() media {
	return media{
		kind:    f.choice("mediaType", f.input.Text("mediaType"), mediaTypes),
		channel: f.choice("mediaChannel", f.input.Text("mediaChannel"), mediaChannels),
	}
}

// about copies into a request's body what the task is about, in the names of
// the vendor's Get Task Details node. What is empty is left out.
func (f *form) about(body map[string]any, a api, m media) {
	for _, name := range []string{"conversationId", "destination", "scriptSelector", "customerId", "customerName", "origin"} {
		f.copyText(body, name)
	}
	if m.kind == webCallback {
		m.kind = setting(a.settings, "webCallbackMediaType", defaultWebCallbackMediaType)
	}
	if m.kind != "" {
		body["mediaType"] = m.kind
	}
	if m.channel != "" {
		body["mediaChannel"] = m.channel
	}
	// The vendor's samples write "nobody" as 0000.
	if owner := f.input.Text("preferredOwner"); strings.Trim(owner, "0") != "" {
		body["preferredOwner"] = owner
	}
}

func isAlphanumeric(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' }

func isHex(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'f' || '0' <= c && c <= '9' }
