package main

import "slices"

// choice is one value that the vendor knows, and its spellings: in lower case,
// without spaces, "-", "_" and "/".
type choice struct {
	name      string
	spellings []string
}

const webCallback = "Web Callback"

// mediaTypes takes the vendor's own reading of channel names too: "SMS ->
// Social", "Live chat -> Chat", "Callbacks -> Telephony".
var mediaTypes = []choice{
	{"Email", []string{"email"}},
	{"Chat", []string{"chat", "livechat"}},
	{"Telephony", []string{"telephony", "callback", "callbacks"}},
	{"Social", []string{"social", "sms"}},
	{webCallback, []string{"webcallback"}},
}

var mediaChannels = []choice{
	{"Email", []string{"email"}},
	{"Telephony", []string{"telephony"}},
	{"Voice Chat", []string{"voicechat"}},
	{"Chat", []string{"chat"}},
	{"Live Chat/In App Messaging", []string{"livechatinappmessaging", "livechat", "inappmessaging"}},
	{"Social", []string{"social"}},
	{"SMS", []string{"sms"}},
	{"Facebook Messenger", []string{"facebookmessenger", "facebook"}},
	{"WhatsApp", []string{"whatsapp"}},
	{"Apple Messages for Business", []string{"applemessagesforbusiness", "applemessages"}},
	{"Web Callback", []string{"webcallback"}},
}

// choice is the vendor's spelling of a value, "" if it is empty or no choice.
// The name is for the message.
func (f *form) choice(name, value string, choices []choice) string {
	if value == "" {
		return ""
	}
	for _, c := range choices { // the usual spelling first
		if c.name == value {
			return value
		}
	}
	spelling := bare(value)
	for _, c := range choices {
		if slices.Contains(c.spellings, spelling) {
			return c.name
		}
	}
	f.badChoice(name, value, choices)
	return ""
}

// bare is a spelling without what people write differently.
func bare(s string) string {
	kept := make([]byte, 0, len(s))
	for _, c := range []byte(s) {
		switch {
		case c == ' ' || c == '-' || c == '_' || c == '/':
		case 'A' <= c && c <= 'Z':
			kept = append(kept, c+'a'-'A')
		default:
			kept = append(kept, c)
		}
	}
	return string(kept)
}
