package nodes

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/route"
)

type webhookIn struct {
	Path      string         `json:"path" doc:"Where the webhook is served: /sms/ended is POST /hooks/sms/ended. A segment in braces stands for any text: /orders/{id}."`
	Methods   []string       `json:"methods,omitempty" enum:"GET,HEAD,POST,PUT,PATCH,DELETE" doc:"HTTP methods that it takes. POST if not given."`
	Reply     string         `json:"reply,omitempty" enum:"wait,accept" default:"wait" doc:"What the caller gets: wait for the response of the run, or accept (202) as soon as the run is on record."`
	Verify    string         `json:"verify,omitempty" doc:"Connection that checks who calls. A request that does not prove it as the connection says gets 401, and no run is made."`
	Handshake *handshakeIn   `json:"handshake,omitempty" doc:"How the sender asks whether the webhook is meant for it. It is answered, and no run is made."`
	CORS      *corsIn        `json:"cors,omitempty" doc:"Pages of other sites that may call the webhook through a browser. None may if this is not given."`
	Dedupe    *dedupeIn      `json:"dedupe,omitempty" doc:"Takes requests with one key for one: a later one gets the run of the first."`
	Params    map[string]any `json:"params,omitempty" x-wend:"literal" doc:"JSON Schema of what the names in the path stand for. What does not fit gets 400, and no run is made. A name that it does not have is a text."`
	Query     map[string]any `json:"query,omitempty" x-wend:"literal" doc:"JSON Schema of the query's parameters. A query that does not fit gets 400, and no run is made. Without it each is a text."`
	Body      map[string]any `json:"body,omitempty" x-wend:"literal" doc:"JSON Schema of the request's body. A body that does not fit gets 400, and no run is made. Without it any object will do. If it is of a list or another value than an object, the output is body."`
	Accepts   []string       `json:"accepts,omitempty" enum:"json,form,multipart,text,xml" doc:"What bodies may be: JSON, a form, a form of parts with files, a text, XML. What is not accepted gets 415, and no run is made. If not given, json and form; json alone for a body that is no object, and text for one that is a string."`
	Raw       string         `json:"raw,omitempty" enum:"text,base64" doc:"Gives the body also as it came, as request.raw: as text by its charset, or in base64. Not given if this is not."`
}

type corsIn struct {
	Origins     []string `json:"origins" doc:"Their origins, such as https://shop.example.com, or * for all."`
	Headers     []string `json:"headers,omitempty" doc:"Headers that they may send. Content-Type if not given."`
	Credentials bool     `json:"credentials,omitempty" doc:"Lets browsers send cookies and what they log in with. Not with the origin *."`
}

type handshakeIn struct {
	Type       string `json:"type" enum:"hub,slack,crc,zoom,echo" doc:"hub: a GET with hub.verify_token and hub.challenge (Meta, Strava). slack: a url_verification. crc: a GET with crc_token (X). zoom: an endpoint.url_validation. echo: a parameter of the query that is sent back."`
	Connection string `json:"connection,omitempty" doc:"Connection whose secret the answer takes: for hub the token, for crc and zoom the key. That of verify if not given."`
	Parameter  string `json:"parameter,omitempty" doc:"Parameter of the query that echo sends back, such as validationToken."`
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
			"`request`: `headers` (names in lower case, `-` as `_`; credentials and signatures left out), `query`, `method`, `path` and, " +
			"where the path has names, `params`. A body that is no object is the output `body`. " +
			"A property `request` of the body cannot be read.",
		Outputs:  node.MustSchema(withRequest(nil, requestSchema(nil, nil, nil))),
		Outcomes: outcomes("A request came, and it is in order.", ""),
		Shape:    shapeWebhook,
	}, makeHook)
}

// remembered is how long a request is remembered that does not say.
const remembered = 24 * time.Hour

func makeHook(in webhookIn) (node.Trigger, error) {
	path, err := route.Parse(in.Path)
	if err != nil {
		return nil, err
	}
	hook := &node.Hook{Path: path, Methods: slices.Clone(in.Methods), Accept: in.Reply == "accept", Verify: in.Verify}
	if len(hook.Methods) == 0 {
		hook.Methods = []string{http.MethodPost}
	}
	slices.Sort(hook.Methods)
	if in.Dedupe != nil {
		hook.Dedupe = &node.Dedupe{
			Key: in.Dedupe.Key, For: remembered, Keep: in.Dedupe.Keep == "always",
			Start: in.Dedupe.Mismatch == "start", AnyBody: in.Dedupe.Mismatch == "ignore",
		}
	}
	if in.Dedupe != nil && in.Dedupe.For != "" {
		if hook.Dedupe.For, err = parseDuration(in.Dedupe.For); err != nil {
			return nil, err
		}
	}
	if hook.Params, err = optional(paramsSchema(path, in.Params)); err != nil {
		return nil, err
	}
	if hook.Query, err = optional(in.Query); err != nil {
		return nil, err
	}
	hook.Raw, hook.Handshake = node.RawBody(in.Raw), makeHandshake(in.Handshake, in.Verify)
	if in.CORS != nil {
		hook.CORS = &node.CORS{Origins: in.CORS.Origins, Headers: in.CORS.Headers, Credentials: in.CORS.Credentials}
	}
	kinds := newBodyKinds(in.Accepts, in.Body)
	hook.Takes, hook.Whole = kinds.takes, kinds.whole
	hook.Body, err = optional(kinds.schema(in.Body))
	return hook, err
}

// optional compiles a schema, if there is one.
func optional(raw map[string]any) (*node.Schema, error) {
	if raw == nil {
		return nil, nil
	}
	return node.NewSchema(raw)
}

func shapeWebhook(with map[string]any) (node.Shape, []node.Problem) {
	problems := fixed(with, "path", "reply", "verify", "raw")
	if isTemplate(with["dedupe"]) {
		p := takesNoTemplate("dedupe")
		p.Hint = fmt.Sprintf("its key does: dedupe: { key: %s }", with["dedupe"])
		problems = append(problems, p)
	}
	path, wrong := checkPath(with["path"])
	problems = append(problems, wrong...)
	problems = append(problems, checkMethods(with)...)
	problems = append(problems, checkAccepts(with)...)
	problems = append(problems, checkHandshake(with)...)
	problems = append(problems, checkCORS(with)...)
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
	outputs, wrong := shapeRequest(path, with)
	shape.Outputs = outputs
	return shape, append(problems, wrong...)
}

// checkPath reads a path that is no template.
func checkPath(v any) (route.Route, []node.Problem) {
	text, ok := v.(string)
	if !ok || isTemplate(text) {
		return route.Route{}, nil
	}
	if rest, prefixed := strings.CutPrefix(text, "/hooks/"); prefixed {
		return route.Route{}, []node.Problem{{
			Path: []string{"path"},
			Msg:  fmt.Sprintf("path %q would be served as /hooks%s", text, text),
			Hint: fmt.Sprintf("did you mean %q?", "/"+rest),
		}}
	}
	path, err := route.Parse(text)
	if wrong, ok := errors.AsType[*route.Error](err); ok {
		return path, []node.Problem{{Path: []string{"path"}, Msg: wrong.Msg, Hint: wrong.Hint}}
	}
	return path, nil
}

func checkMethods(with map[string]any) []node.Problem {
	given, ok := with["methods"].([]any)
	if !ok {
		return fixed(with, "methods")
	}
	seen, problems := checkWords("methods", given)
	delete(seen, http.MethodGet)
	delete(seen, http.MethodHead)
	if len(seen) == 0 && len(problems) == 0 && with["body"] != nil {
		problems = append(problems, node.Problem{Path: []string{"body"}, Msg: "body: a request of GET or HEAD has none", Hint: "what comes with it is in `query`, and in the path: /orders/{id}"})
	}
	return problems
}

// checkWords reads a list of words of which each may stand there once.
func checkWords(input string, given []any) (seen map[string]bool, problems []node.Problem) {
	seen = map[string]bool{}
	for i, word := range given {
		at := []string{input, strconv.Itoa(i)}
		switch text, isText := word.(string); {
		case isTemplate(word):
			problems = append(problems, takesNoTemplate(at...))
		case isText && seen[text]:
			problems = append(problems, node.Problem{Path: at, Msg: fmt.Sprintf("%s: %s stands there twice", input, text)})
		case isText:
			seen[text] = true
		}
	}
	if len(given) == 0 {
		problems = append(problems, node.Problem{Path: []string{input}, Msg: input + " is empty, so that no request would be taken", Hint: "leave it out for what is usual"})
	}
	return seen, problems
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
