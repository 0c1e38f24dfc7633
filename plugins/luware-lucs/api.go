package main

import (
	"strings"

	"github.com/wendflow/wend/sdk"
)

// Defaults of the settings, as plugin.yaml has them: a node without a
// connection has no settings.
const (
	defaultAPIPrefix        = "/v1.0"
	defaultTasksPath        = "/tasks"
	defaultTaskPath         = "/tasks/{taskId}"
	defaultServiceTasksPath = "/services/{serviceId}/tasks"
	defaultRefreshPath      = "/tasks/{taskId}/refresh"
	defaultEstablishedPath  = "/tasks/{taskId}/setestablished"
	defaultTerminatePath    = "/tasks/{taskId}/terminate"
	defaultServicesPath     = "/services"
	defaultServiceUsersPath = "/services/{serviceId}/users"
	defaultRonaParameter    = "SetAgentOnRona"
)

// api is LUCS as one connection has it, asked about one task or service.
type api struct {
	ctx      *sdk.Ctx
	settings sdk.Value
	id       string // what {taskId} or {serviceId} stands for
}

func newAPI(c *sdk.Ctx, id string) api {
	return api{ctx: c, settings: c.Settings, id: id}
}

func (a api) setting(name, fallback string) string {
	if !a.settings.Has(name) {
		return fallback
	}
	return a.settings.String(name)
}

// path fills in a path that a setting gives. An id is a GUID, so nothing needs
// escaping.
func (a api) path(name, fallback string) string {
	prefix := strings.TrimRight(a.setting("apiPrefix", defaultAPIPrefix), "/")
	path := strings.ReplaceAll(a.setting(name, fallback), "{taskId}", a.id)
	return prefix + strings.ReplaceAll(path, "{serviceId}", a.id)
}

func (a api) get(path string) sdk.Reply {
	return a.ctx.Do(sdk.Request{Method: "GET", URL: path, Headers: map[string]string{"Accept": "application/json"}})
}

// post sends a body, or none.
func (a api) post(path string, body map[string]any) sdk.Reply {
	r := sdk.Request{Method: "POST", URL: path, Headers: map[string]string{"Accept": "application/json"}}
	if body != nil {
		r.Headers["Content-Type"] = "application/json"
		r.Body = sdk.JSON(body)
	}
	return a.ctx.Do(r)
}

// withQuery adds a parameter to a path that may have some.
func withQuery(path, parameter string) string {
	if strings.Contains(path, "?") {
		return path + "&" + parameter
	}
	return path + "?" + parameter
}
