package main

import (
	"strings"

	"github.com/wendflow/wend/sdk"
)

// Defaults of the settings, as plugin.yaml has them: a node without a
// connection has no settings.
const (
	defaultScheme               = "https"
	defaultTasksPath            = "/drapi/v1/tasks"
	defaultTaskPath             = "{tasksPath}/{taskId}"
	defaultClosePath            = "{tasksPath}/{taskId}/close"
	defaultCloseMethod          = "POST"
	defaultTrackingHeader       = "TrackingID"
	defaultTrackingPrefix       = "Wend"
	defaultWebCallbackMediaType = "Web Callback"
)

// api is where one visit's call goes, and how it is marked.
type api struct {
	base                 string // scheme and host
	taskID, trackingID   string
	trackingHeader       string // none if empty
	tasksPath            string
	taskPath             string
	closePath            string
	closeMethod          string
	webCallbackMediaType string
}

// newAPI reads the inputs that every method has, and the settings.
func newAPI(c *sdk.Ctx, f *form) api {
	a := api{
		base:                 setting(c, "scheme", defaultScheme) + "://" + f.domain(),
		taskID:               f.taskID(),
		tasksPath:            setting(c, "tasksPath", defaultTasksPath),
		closeMethod:          setting(c, "closeMethod", defaultCloseMethod),
		trackingHeader:       setting(c, "trackingHeader", defaultTrackingHeader),
		webCallbackMediaType: setting(c, "webCallbackMediaType", defaultWebCallbackMediaType),
	}
	a.taskPath = a.path(setting(c, "taskPath", defaultTaskPath))
	a.closePath = a.path(setting(c, "closePath", defaultClosePath))
	a.trackingID = f.trackingID()
	if a.trackingID == "" {
		a.trackingID = strings.TrimPrefix(setting(c, "trackingPrefix", defaultTrackingPrefix)+"_"+c.UUID(), "_")
	}
	return a
}

func setting(c *sdk.Ctx, name, fallback string) string {
	if !c.Settings.Has(name) {
		return fallback
	}
	return c.Settings.String(name)
}

// path fills in a path. A task's id is a UUID, so nothing needs escaping.
func (a api) path(template string) string {
	path := strings.ReplaceAll(template, "{tasksPath}", a.tasksPath)
	return strings.ReplaceAll(path, "{taskId}", a.taskID)
}

func (a api) request(method, path string, body map[string]any) sdk.Request {
	r := sdk.Request{
		Method:  method,
		URL:     a.base + path,
		Headers: map[string]string{"Accept": "application/json"},
	}
	if a.trackingHeader != "" {
		r.Headers[a.trackingHeader] = a.trackingID
	}
	if body != nil {
		r.Headers["Content-Type"] = "application/json"
		r.Body = sdk.JSON(body)
	}
	return r
}
