package outbound

import (
	"maps"
	"slices"
	"strconv"
)

// Scheme is how a sender signs its requests, by name: settings of a connection
// that checks signatures.
type Scheme struct {
	Name   string
	Type   string // of the connections that may name it
	Sender string
	// Settings are those that it stands for.
	Settings map[string]any
	// Dedupe names the header that is the same in each attempt to deliver a
	// message, for a webhook's dedupe. It is empty where the id of the message is
	// signed, which is taken without being asked, and where there is none.
	Dedupe string
	Source string // where the sender says so
}

// SignatureSettings are the names of all settings that a scheme may stand for.
func SignatureSettings() []string { return slices.Concat(signatureSettings, hmacSettings) }

// Schemes are all that connections may name.
func Schemes() []Scheme { return schemes }

// overBody are the settings of senders that sign the body alone.
func overBody(header, prefix, encoding string) map[string]any {
	return map[string]any{"header": header, "prefix": prefix, "encoding": encoding}
}

var standardWebhooks = map[string]any{
	"header": "webhook-signature", "separator": "blank", "encoding": "base64",
	"timestampHeader": "webhook-timestamp", "idHeader": "webhook-id", "signed": "{id}.{timestamp}.{body}",
}

func with(settings, more map[string]any) map[string]any {
	all := maps.Clone(settings)
	maps.Copy(all, more)
	return all
}

var schemes = []Scheme{
	{
		Name: "standard-webhooks", Type: "hmac", Sender: "Standard Webhooks 1.0, such as Svix",
		Settings: with(standardWebhooks, map[string]any{"prefix": "v1,", "keyEncoding": "base64", "keyPrefix": "whsec_"}),
		Source:   "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
	},
	{
		Name: "standard-webhooks", Type: "ed25519", Sender: "Standard Webhooks 1.0 with key pairs (v1a)",
		Settings: with(standardWebhooks, map[string]any{"prefix": "v1a,"}),
		Source:   "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
	},
	{
		Name: "stripe", Type: "hmac", Sender: "Stripe",
		Settings: map[string]any{"header": "Stripe-Signature", "prefix": "v1=", "timestampPrefix": "t=", "signed": "{timestamp}.{body}"},
		Source:   "https://docs.stripe.com/webhooks/signature",
	},
	{
		Name: "slack", Type: "hmac", Sender: "Slack",
		Settings: map[string]any{
			"header": "X-Slack-Signature", "prefix": "v0=",
			"timestampHeader": "X-Slack-Request-Timestamp", "signed": "v0:{timestamp}:{body}",
		},
		Source: "https://docs.slack.dev/authentication/verifying-requests-from-slack",
	},
	{
		Name: "github", Type: "hmac", Sender: "GitHub", Dedupe: "X-GitHub-Delivery",
		Settings: overBody("X-Hub-Signature-256", "sha256=", "hex"),
		Source:   "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
	},
	{
		Name: "meta", Type: "hmac", Sender: "Meta: WhatsApp, Messenger, Instagram",
		Settings: overBody("X-Hub-Signature-256", "sha256=", "hex"),
		Source:   "https://developers.facebook.com/docs/graph-api/webhooks/getting-started",
	},
	{
		Name: "twilio", Type: "hmac", Sender: "Twilio", Dedupe: "I-Twilio-Idempotency-Token",
		Settings: map[string]any{"header": "X-Twilio-Signature", "algorithm": "sha1", "encoding": "base64", "signed": "{url}{form}"},
		Source:   "https://www.twilio.com/docs/usage/webhooks/webhooks-security",
	},
	{
		Name: "shopify", Type: "hmac", Sender: "Shopify", Dedupe: "X-Shopify-Webhook-Id",
		Settings: overBody("X-Shopify-Hmac-Sha256", "", "base64"),
		Source:   "https://shopify.dev/docs/apps/build/webhooks/subscribe/https",
	},
	{
		Name: "zendesk", Type: "hmac", Sender: "Zendesk", Dedupe: "X-Zendesk-Webhook-Invocation-Id",
		Settings: map[string]any{
			"header": "X-Zendesk-Webhook-Signature", "encoding": "base64",
			"timestampHeader": "X-Zendesk-Webhook-Signature-Timestamp", "signed": "{timestamp}{body}",
		},
		Source: "https://developer.zendesk.com/documentation/webhooks/verifying/",
	},
	{
		Name: "genesys", Type: "hmac", Sender: "Genesys Cloud Open Messaging",
		Settings: overBody("X-Hub-Signature-256", "sha256=", "base64"),
		Source:   "https://developer.genesys.cloud/commdigital/digital/openmessaging/validate",
	},
	{
		Name: "webex", Type: "hmac", Sender: "Webex",
		Settings: with(overBody("X-Spark-Signature", "", "hex"), map[string]any{"algorithm": "sha1"}),
		Source:   "https://developer.webex.com/docs/receive-and-verify-webhooks",
	},
	{
		Name: "discord", Type: "ed25519", Sender: "Discord",
		Settings: map[string]any{
			"header": "X-Signature-Ed25519", "timestampHeader": "X-Signature-Timestamp", "signed": "{timestamp}{body}",
		},
		Source: "https://docs.discord.com/developers/interactions/overview",
	},
}

// takeScheme puts the settings of the scheme that is named under those that are
// given.
func (m *maker) takeScheme() {
	name := m.text("scheme", "")
	if name == "" {
		return
	}
	var known []string
	var others string
	for _, s := range schemes {
		switch {
		case s.Name == name && s.Type == m.Type:
			m.Settings = with(s.Settings, m.Settings)
			return
		case s.Type == m.Type:
			known = append(known, s.Name)
		case s.Name == name:
			others = "; it is one of type " + strconv.Quote(s.Type)
		}
	}
	m.errs = append(m.errs, &FieldError{
		Connection: m.Name, Field: "settings.scheme",
		Msg: "settings.scheme: no such choice as " + strconv.Quote(name) + others, Word: name, Known: known,
	})
}
