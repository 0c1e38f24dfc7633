package main

import (
	"strconv"

	"github.com/wendflow/wend/sdk"
)

// Defaults of the settings, as plugin.yaml has them: a node without a
// connection has no settings.
const (
	defaultServicesPath       = "/genesys/1/cs/services"
	defaultMaxSessionID       = 32
	defaultMaxInteractionID   = 50
	defaultMaxDispositionDesc = 64
)

// get asks for what lies at a path below that of the services.
func get(c *sdk.Ctx, path string) sdk.Reply {
	return c.Do(request(c, "GET", path))
}

// post sends an event to a path below that of the services. The vendor wants a
// body even where there is nothing to say.
func post(c *sdk.Ctx, path string, event map[string]any) sdk.Reply {
	r := request(c, "POST", path)
	r.Headers["Content-Type"] = "application/json;charset=UTF-8"
	r.Body = sdk.JSON(event)
	return c.Do(r)
}

// request begins a request. The tenant and the business unit travel as headers,
// never in the body.
func request(c *sdk.Ctx, method, path string) sdk.Request {
	headers := map[string]string{"Accept": "application/json"}
	if tenant := c.Settings.Text("contactCenterId"); tenant != "" {
		headers["ContactCenterId"] = tenant
	}
	if group := c.Settings.Text("groupId"); group != "" {
		headers["GroupId"] = group
	}
	services := defaultServicesPath
	if c.Settings.Has("servicesPath") {
		services = c.Settings.String("servicesPath")
	}
	return sdk.Request{Method: method, URL: services + path, Headers: headers}
}

func limit(c *sdk.Ctx, name string, fallback int) int {
	if !c.Settings.Has(name) {
		return fallback
	}
	return int(c.Settings.Int(name))
}

func taskPath(service string, task int64) string {
	return "/" + service + "/tasks/" + strconv.FormatInt(task, 10)
}

// escape writes a text for the query of a URL.
func escape(text string) string {
	const digits = "0123456789ABCDEF"
	escaped := make([]byte, 0, len(text))
	for _, c := range []byte(text) {
		if isPlain(c) {
			escaped = append(escaped, c)
			continue
		}
		escaped = append(escaped, '%', digits[c>>4], digits[c&0xf])
	}
	return string(escaped)
}

// isPlain tells the characters that a URL takes as they are anywhere. A
// service's id is made of these.
func isPlain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}
