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
	input    sdk.Value
	mistakes []mistake
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
		if strings.ContainsFunc(label, func(r rune) bool { return !isAlphanumeric(r) && r != '-' }) {
			return false
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
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || !dash && !isHex(r) {
			return false
		}
	}
	return true
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

// about is what the task is about, in the names of the vendor's Get Task
// Details node. What is empty is left out.
func (f *form) about(a api) map[string]any {
	about := map[string]any{}
	for _, name := range []string{"conversationId", "destination", "scriptSelector", "customerId", "customerName", "origin"} {
		f.copyText(about, name)
	}
	if mediaType := f.choice("mediaType", f.input.Text("mediaType"), mediaTypes); mediaType == webCallback {
		about["mediaType"] = a.webCallbackMediaType
	} else if mediaType != "" {
		about["mediaType"] = mediaType
	}
	if channel := f.choice("mediaChannel", f.input.Text("mediaChannel"), mediaChannels); channel != "" {
		about["mediaChannel"] = channel
	}
	// The vendor's samples write "nobody" as 0000.
	if owner := f.input.Text("preferredOwner"); strings.Trim(owner, "0") != "" {
		about["preferredOwner"] = owner
	}
	return about
}

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

func isHex(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'f' || 'A' <= r && r <= 'F'
}
