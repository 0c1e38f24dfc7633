package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/wendflow/wend/runtime/outbound"
)

// webhooksPage says how to check the requests of whom.
func webhooksPage() string {
	var b strings.Builder
	b.WriteString(generated)
	b.WriteString(`# Who calls webhooks, and how they prove it

A webhook with ` + "`verify`" + ` takes only what its connection can prove. For these senders the connection names a scheme, and has their key:

` + "```yaml" + `
connections:
  payments:
    type: hmac
    secrets: { key: env:STRIPE_KEY }      # two at once while the key is changed: { key: env:STRIPE_KEY, next: env:STRIPE_NEXT_KEY }
    settings: { scheme: stripe }
` + "```" + `

| Sender | Type | Scheme | Header | Signed | Sent again |
|---|---|---|---|---|---|
`)
	for _, s := range outbound.Schemes() {
		fmt.Fprintf(&b, "| [%s](%s) | `%s` | `%s` | `%s` | `%s` | %s |\n", s.Sender, s.Source, s.Type, s.Name, s.Settings["header"],
			cmp.Or(text(s.Settings["signed"]), "{body}"), again(s))
	}
	b.WriteString(`
The schemes are settings, and any other sender can be described by them; what is given beside a scheme is stronger. [configuration.md](configuration.md#hmac) has them all, and
what becomes of [requests that come again](configuration.md#requests-that-come-again). These are they:

| Scheme | Stands for |
|---|---|
`)
	for _, s := range outbound.Schemes() {
		var settings []string
		for _, name := range outbound.SignatureSettings() {
			if v := text(s.Settings[name]); v != "" {
				settings = append(settings, name+": "+v)
			}
		}
		fmt.Fprintf(&b, "| `%s`, `%s` | `%s` |\n", s.Name, s.Type, strings.Join(settings, "`, `"))
	}
	b.WriteString(`
Who does not sign has a credential: a connection of type ` + "[`basic`](configuration.md#basic), [`bearer`](configuration.md#bearer) or [`api-key`](configuration.md#api-key)" + `, a token of an issuer, [` + "`jwt`" + `](configuration.md#jwt), or a certificate: ` + "[`mtls`](configuration.md#mtls)" + `.

Each scheme is held against an example that its sender publishes, where there is one (Standard Webhooks, Stripe's library, Slack, GitHub, Twilio), and else against
one that another program signed, with the bytes, the header and the time changed one by one: ` + "`runtime/outbound/schemes_test.go`" + `.
`)
	return b.String()
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// again says what to do about requests that come again.
func again(s outbound.Scheme) string {
	switch {
	case s.Settings["idHeader"] != nil:
		return "gets the answer of the first, by the id"
	case s.Dedupe != "" && s.Settings["timestampHeader"] != nil:
		return "is refused unless it is signed anew, or has the key of a `dedupe`, such as by `" + s.Dedupe + "`"
	case s.Settings["timestampHeader"] != nil || s.Settings["timestampPrefix"] != nil:
		return "is refused unless it is signed anew, or has the key of a `dedupe`, such as by a field of the body"
	case s.Dedupe != "":
		return "`dedupe` by `" + s.Dedupe + "`"
	default:
		return "`dedupe` by a field of the body"
	}
}
