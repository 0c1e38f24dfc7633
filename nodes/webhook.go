package nodes

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/node"
)

type webhookIn struct {
	Path   string         `json:"path" doc:"Where the webhook is served: /sms/ended is POST /hooks/sms/ended."`
	Reply  string         `json:"reply,omitempty" enum:"wait,accept" default:"wait" doc:"What the caller gets: wait for the response of the run, or accept (202) as soon as the run is on record."`
	Verify string         `json:"verify,omitempty" doc:"Connection that checks who calls. A request that does not prove it as the connection says gets 401, and no run is made."`
	Dedupe *dedupeIn      `json:"dedupe,omitempty" doc:"Takes requests with one key for one: a later one gets the run of the first."`
	Body   map[string]any `json:"body,omitempty" x-wend:"literal" doc:"JSON Schema of the request's body. A body that does not fit gets 400, and no run is made. Without it any JSON object will do."`
}

type dedupeIn struct {
	Key      node.Early `json:"key" doc:"What makes two requests the same, such as $(n2.request.headers.x_event_id)."`
	For      string     `json:"for,omitempty" doc:"How long the first request is remembered, if its run is kept that long. 24h if not given."`
	Keep     string     `json:"keep,omitempty" enum:"success,always" default:"success" doc:"What becomes of the key of a run that failed, or answered 5xx, 408, 425 or 429. With success it is free when the run has ended: the request, sent again, makes a new run. With always it is answered by the failure until its time is over."`
	Mismatch string     `json:"mismatch,omitempty" enum:"refuse,start,ignore" default:"refuse" doc:"What becomes of a request with the key of another one and another body: refuse answers 409, start makes a run of its own, and ignore takes it for the same all the same: for senders that count their attempts in the body."`
}

// webhook starts a run for each request.
func webhook() *node.Type {
	return node.DefineTrigger(node.Type{
		Name:  "webhook",
		Title: "Webhook",
		Doc: "Starts a run for each request to its path. The properties of the request's body are its outputs, and so is " +
			"`request`: `headers` (names in lower case, `-` as `_`; credentials and signatures left out), `query`, `method` and `path`. " +
			"A property `request` of the body cannot be read.",
		Outputs:  node.MustSchema(withRequest(nil)),
		Outcomes: outcomes("A request came, and it is in order.", ""),
		Shape:    shapeWebhook,
	}, makeHook)
}

// remembered is how long a request is remembered that does not say.
const remembered = 24 * time.Hour

func makeHook(in webhookIn) (node.Trigger, error) {
	hook := &node.Hook{Path: strings.Trim(in.Path, "/"), Accept: in.Reply == "accept", Verify: in.Verify}
	if in.Dedupe != nil {
		hook.Dedupe = &node.Dedupe{
			Key: in.Dedupe.Key, For: remembered, Keep: in.Dedupe.Keep == "always",
			Start: in.Dedupe.Mismatch == "start", AnyBody: in.Dedupe.Mismatch == "ignore",
		}
	}
	var err error
	if in.Dedupe != nil && in.Dedupe.For != "" {
		if hook.Dedupe.For, err = parseDuration(in.Dedupe.For); err != nil {
			return nil, err
		}
	}
	if in.Body != nil {
		if hook.Body, err = node.NewSchema(in.Body); err != nil {
			return nil, err
		}
	}
	return hook, nil
}

func shapeWebhook(with map[string]any) (node.Shape, []node.Problem) {
	problems := fixed(with, "path", "reply", "verify")
	if isTemplate(with["dedupe"]) {
		p := takesNoTemplate("dedupe")
		p.Hint = fmt.Sprintf("its key does: dedupe: { key: %s }", with["dedupe"])
		problems = append(problems, p)
	}
	if path, ok := with["path"].(string); ok && !isTemplate(path) {
		problems = append(problems, checkPath(path)...)
	}
	if dedupe, ok := with["dedupe"].(map[string]any); ok {
		problems = append(problems, checkLifetime(dedupe["for"])...)
		switch key := dedupe["key"].(type) {
		case map[string]any, []any:
			problems = append(problems, node.Problem{
				Path: []string{"dedupe", "key"},
				Msg:  "dedupe.key: expected a text, which is another for each request that is one of its own",
				Hint: "read it from the request, such as $(n2.request.headers.x_event_id)",
			})
		case string, bool, int, float64:
			if !isTemplate(key) && key != "" {
				problems = append(problems, node.Problem{
					Path:    []string{"dedupe", "key"},
					Msg:     fmt.Sprintf("dedupe.key is %q for every request, so that all but the first are taken for repeats of it", fmt.Sprint(key)),
					Hint:    "read it from the request, such as $(n2.request.headers.x_event_id)",
					Warning: true,
				})
			}
		}
		for _, name := range []string{"keep", "mismatch"} {
			if text, ok := dedupe[name].(string); ok && isTemplate(text) {
				problems = append(problems, takesNoTemplate("dedupe", name))
			}
		}
	}
	var shape node.Shape
	if with["reply"] == "accept" {
		shape.Unanswered = &node.Problem{
			Msg:  "says reply: accept, so its caller has the answer 202 by then",
			Hint: "leave reply: accept out, and the caller waits for it; or leave the node out",
		}
	}
	body, given := with["body"]
	if !given {
		return shape, problems
	}
	outputs, wrong := shapeBody(body)
	shape.Outputs = outputs
	return shape, append(problems, wrong...)
}

var (
	hookPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)
	dots     = regexp.MustCompile(`/\.{1,2}(/|$)`) // which clients resolve on their own
)

func checkPath(path string) []node.Problem {
	p := node.Problem{Path: []string{"path"}, Msg: fmt.Sprintf("path %q: expected one such as /sms/ended", path)}
	rest, prefixed := strings.CutPrefix(path, "/hooks/")
	switch {
	case prefixed:
		p.Msg = fmt.Sprintf("path %q would be served as POST /hooks%s", path, path)
		p.Hint = fmt.Sprintf("did you mean %q?", "/"+rest)
	case hookPath.MatchString(path) && !dots.MatchString(path):
		return nil
	case hookPath.MatchString("/" + path):
		p.Hint = fmt.Sprintf("did you mean %q?", "/"+path)
	default:
		p.Hint = "letters, digits and . _ ~ - between slashes"
	}
	return []node.Problem{p}
}

func checkLifetime(v any) []node.Problem {
	text, ok := v.(string)
	if !ok {
		return nil
	}
	path := []string{"dedupe", "for"}
	if isTemplate(text) {
		return []node.Problem{takesNoTemplate(path...)}
	}
	d, err := parseDuration(text)
	switch {
	case err != nil:
		return []node.Problem{{Path: path, Msg: "dedupe.for: " + err.Error()}}
	case d == 0:
		return []node.Problem{{Path: path, Msg: "dedupe.for is 0, expected a longer duration"}}
	}
	return nil
}

// shapeBody makes the outputs of a webhook from the schema of its body.
func shapeBody(v any) (*node.Schema, []node.Problem) {
	body, problems := objectSchema("body", v)
	if refused(problems) {
		return nil, problems
	}
	if props, ok := body["properties"].(map[string]any); ok && props["request"] != nil {
		return nil, []node.Problem{{
			Path: []string{"body", "properties", "request"},
			Msg:  `body: no property can be called "request", that is where headers and query are`,
		}}
	}
	outputs, err := node.NewSchema(withRequest(body))
	if err != nil {
		return nil, []node.Problem{{Path: []string{"body"}, Msg: "body: " + err.Error()}}
	}
	return outputs, problems
}

var requestSchema = map[string]any{
	"type": "object",
	"properties": map[string]any{
		"headers": openTexts, "query": openTexts,
		"method": map[string]any{"type": "string"},
		"path":   map[string]any{"type": "string"},
	},
	"required":             []any{"headers", "query", "method", "path"},
	"additionalProperties": false,
}

// openTexts is a map of texts by any name.
var openTexts = map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}

// withRequest adds to the schema of a body what is known about the request.
func withRequest(body map[string]any) map[string]any {
	props := map[string]any{}
	if own, ok := body["properties"].(map[string]any); ok {
		maps.Copy(props, own)
	}
	props["request"] = requestSchema
	outputs := openObject(body)
	outputs["properties"] = props
	needed, _ := outputs["required"].([]any)
	outputs["required"] = append(slices.Clone(needed), "request")
	return outputs
}
