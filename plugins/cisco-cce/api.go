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
	settings           sdk.Value
	base               string // scheme and host
	taskID, trackingID string
	trackingHeader     string // none if empty
	tasksPath          string
}

// newAPI reads the inputs that every method has, and the settings.
func newAPI(c *sdk.Ctx, f *form) api {
	a := api{
		settings:       c.Settings,
		base:           setting(c.Settings, "scheme", defaultScheme) + "://" + f.domain(),
		taskID:         f.taskID(),
		tasksPath:      setting(c.Settings, "tasksPath", defaultTasksPath),
		trackingHeader: setting(c.Settings, "trackingHeader", defaultTrackingHeader),
	}
	a.trackingID = f.trackingID()
	if a.trackingID == "" {
		a.trackingID = strings.TrimPrefix(setting(c.Settings, "trackingPrefix", defaultTrackingPrefix)+"_"+c.UUID(), "_")
	}
	return a
}

func setting(settings sdk.Value, name, fallback string) string {
	if v := settings.Lookup(name); v.Kind() > sdk.Null {
		return v.String()
	}
	return fallback
}

func (a api) taskURL() string { return a.url(setting(a.settings, "taskPath", defaultTaskPath)) }

func (a api) closeURL() string { return a.url(setting(a.settings, "closePath", defaultClosePath)) }

func (a api) closeMethod() string { return setting(a.settings, "closeMethod", defaultCloseMethod) }

// url fills in a path. A task's id is a UUID, so nothing needs escaping. It
// appends, which costs a guest a third of what strings.ReplaceAll does.
func (a api) url(template string) string {
	url := append(make([]byte, 0, 128), a.base...)
	for {
		before, after, found := strings.Cut(template, "{tasksPath}")
		if url = a.appendPath(url, before); !found {
			return string(url)
		}
		url = a.appendPath(url, a.tasksPath)
		template = after
	}
}

func (a api) appendPath(url []byte, template string) []byte {
	for {
		before, after, found := strings.Cut(template, "{taskId}")
		if url = append(url, before...); !found {
			return url
		}
		url = append(url, a.taskID...)
		template = after
	}
}

func (a api) request(method, url string, body map[string]any) sdk.Request {
	r := sdk.Request{
		Method:  method,
		URL:     url,
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
