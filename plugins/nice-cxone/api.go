package main

import (
	"strings"

	"github.com/wendflow/wend/sdk"
)

// Defaults of the settings, as plugin.yaml has them: a node without a
// connection has no settings.
const (
	defaultDiscoveryURL = "https://cxone.niceincontact.com/.well-known/cxone-configuration"
	defaultAPIVersion   = "v34.0"
	defaultEndPath      = "/incontactapi/services/{apiVersion}/contacts/{contactId}/end"
	defaultAgentsPath   = "/incontactapi/services/{apiVersion}/agents"
)

func setting(c *sdk.Ctx, name, fallback string) string {
	if !c.Settings.Has(name) {
		return fallback
	}
	return c.Settings.String(name)
}

// apiPath fills in the version of a path that a setting gives.
func apiPath(c *sdk.Ctx, name, fallback string) string {
	return strings.ReplaceAll(setting(c, name, fallback), "{apiVersion}", setting(c, "apiVersion", defaultAPIVersion))
}

// request is a request to the API. None of those used here has a body, but all
// known clients name its type, so this one does too.
func request(method, url string) sdk.Request {
	headers := map[string]string{"Accept": "application/json"}
	if method == "POST" {
		headers["Content-Type"] = "application/json; charset=utf-8"
	}
	return sdk.Request{Method: method, URL: url, Headers: headers}
}

// base finds what a path of the API is put after: where the connection says the
// API is, or where the tenant's own discovery document says, or nothing, so that
// the connection's baseURL counts. The verdict is empty if it was found.
func base(c *sdk.Ctx) (string, verdict) {
	if apiBase := setting(c, "apiBase", ""); apiBase != "" {
		return strings.TrimRight(apiBase, "/"), verdict{}
	}
	tenant := setting(c, "tenantId", "")
	if tenant == "" {
		return "", verdict{}
	}
	reply := c.Do(request("GET", setting(c, "discoveryURL", defaultDiscoveryURL)+"?tenantId="+escape(tenant)))
	v := verdict{reply: reply}
	body, malformed := reply.JSON()
	endpoint := strings.TrimRight(body.Text("api_endpoint"), "/")
	switch {
	case reply.Failure != "":
		return "", v.failure()
	case !succeeded(reply.Status):
		return "", v.fail(otherwise, "discoveryFailed", v.answered("discovery"))
	case malformed != nil:
		return "", v.fail(otherwise, "malformedReply", "the discovery document is no JSON: "+malformed.Error())
	case !strings.HasPrefix(endpoint, "https://") && !strings.HasPrefix(endpoint, "http://"):
		return "", v.fail(otherwise, "malformedReply", `the discovery document has no "api_endpoint" that is an address`)
	}
	return endpoint, verdict{}
}

// escape writes a text so that it is one value of a query.
func escape(text string) string {
	const digits = "0123456789ABCDEF"
	escaped := make([]byte, 0, len(text))
	for _, c := range []byte(text) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			escaped = append(escaped, c)
			continue
		}
		escaped = append(escaped, '%', digits[c>>4], digits[c&0xf])
	}
	return string(escaped)
}
