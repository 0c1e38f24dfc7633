package api_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wendflow/wend/runtime/api"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/webhook"
)

// description returns the API's own description, which is to be read only.
func description(t *testing.T) map[string]any {
	t.Helper()
	v, err := described()
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

// described is read once: it is long, and every answer is held against it.
var described = sync.OnceValues(func() (any, error) {
	raw, err := api.Description("1.2.3")
	if err != nil {
		return nil, err
	}
	return data.DecodeJSON(raw)
})

// TestDescriptionHasEveryRoute holds that each route is described and each
// description has its route.
func TestDescriptionHasEveryRoute(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var served []string
	for _, r := range s.Routes() {
		served = append(served, r.Method+" "+regexp.MustCompile(`:(\w+)`).ReplaceAllString(r.Path, "{$1}"))
	}
	served = append(served, "POST "+webhook.Prefix+"{path}")
	var described []string
	for path, methods := range description(t)["paths"].(map[string]any) {
		for method := range methods.(map[string]any) {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	if d := cmp.Diff(served, described); d != "" {
		t.Errorf("(-routes +description)\n%s", d)
	}
}

// TestDescriptionHoldsTogether holds that every reference leads somewhere and
// every schema is one.
func TestDescriptionHoldsTogether(t *testing.T) {
	t.Parallel()
	doc := description(t)
	served, err := data.DecodeJSON(serve(t).do("GET", "/api/v1/openapi.json", "").Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(any(doc), served); d != "" {
		t.Errorf("what is served is another (-want +got)\n%s", d)
	}
	used := map[string]bool{}
	references(doc, used)
	for ref := range used {
		if resolve(doc, ref) == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	}
	components := doc["components"].(map[string]any)
	for _, kind := range []string{"schemas", "responses", "headers"} {
		for name := range components[kind].(map[string]any) {
			if ref := "#/components/" + kind + "/" + name; !used[ref] {
				t.Errorf("nothing refers to %s", ref)
			}
		}
	}
	for name := range components["schemas"].(map[string]any) {
		if _, err := node.NewSchema(standalone(doc, "#/components/schemas/"+name)); err != nil {
			t.Errorf("schema %s: %s", name, err)
		}
	}
}

func references(v any, found map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			found[ref] = true
		}
		for _, e := range v {
			references(e, found)
		}
	case []any:
		for _, e := range v {
			references(e, found)
		}
	}
}

func resolve(doc map[string]any, ref string) any {
	var v any = doc
	for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// standalone is a schema of the description that can be compiled by itself.
func standalone(doc map[string]any, ref string) map[string]any {
	return map[string]any{"$ref": ref, "components": map[string]any{"schemas": resolve(doc, "#/components/schemas")}}
}

// checkDescribed holds an answer against its description.
func checkDescribed(t *testing.T, s *server, method, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	doc := description(t)
	path, _, _ = strings.Cut(path, "?")
	response := describedResponse(doc, method, path, w.Code)
	if response == nil {
		if w.Code != 404 && w.Code != 405 { // of a route that is not there
			t.Errorf("%s %s: status %d is not described", method, path, w.Code)
		}
		return
	}
	kind, _, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	media, ok := response["content"].(map[string]any)[kind].(map[string]any)
	if !ok {
		t.Fatalf("%s %s: %s is not described", method, path, kind)
	}
	schema := compiled(t, doc, media["schema"].(map[string]any))
	var body any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if wrong := schema.Validate(body); wrong != nil {
		t.Errorf("%s %s: %d is not as described: %s", method, path, w.Code, node.FormatProblems(wrong))
	}
}

// compiled is a schema that refers to others of the description, made once.
func compiled(t *testing.T, doc, raw map[string]any) *node.Schema {
	t.Helper()
	key := reflect.ValueOf(raw).Pointer()
	if known, ok := schemas.Load(key); ok {
		return known.(*node.Schema)
	}
	whole := maps.Clone(raw)
	whole["components"] = map[string]any{"schemas": resolve(doc, "#/components/schemas")}
	schema, err := node.NewSchema(whole)
	if err != nil {
		t.Fatal(err)
	}
	schemas.Store(key, schema)
	return schema
}

var schemas sync.Map // by where in the description they are

func describedResponse(doc map[string]any, method, path string, status int) map[string]any {
	paths := doc["paths"].(map[string]any)
	if exact, ok := paths[path]; ok { // a name in its place would fit another, too
		paths = map[string]any{path: exact}
	}
	for pattern, methods := range paths {
		match := regexp.MustCompile("^" + regexp.MustCompile(`\{\w+\}`).ReplaceAllString(pattern, "[^/]+") + "$")
		operation, ok := methods.(map[string]any)[strings.ToLower(method)].(map[string]any)
		if !ok || !match.MatchString(path) {
			continue
		}
		response, _ := operation["responses"].(map[string]any)[strconv.Itoa(status)].(map[string]any)
		if ref, ok := response["$ref"].(string); ok {
			response, _ = resolve(doc, ref).(map[string]any)
		}
		return response
	}
	return nil
}

// exampleRun is the run of the examples, where tests have run-1, and anotherRun
// run-2.
const (
	exampleRun = "01998c0e-6f2a-7d41-9a53-2b8f64c1d7e0"
	anotherRun = "01998c0f-11d3-7a60-8c02-90b1e7f3a245"
)

// TestExamples plays every example to a server: its answer must be the one of the
// description, and as its schema has it. UPDATE=1 writes the answers.
func TestExamples(t *testing.T) {
	t.Parallel()
	const file = "examples.json"
	all, err := api.Examples()
	if err != nil {
		t.Fatal(err)
	}
	waiting := started("pay", `{"id": "a"}`)
	prepare := map[string]func(*testing.T, *server){
		"listFlows": deployed, "listVersions": deployed, "showVersion": deployed, "diffVersions": deployed, "rollBack": deployed, "pauseFlow": deployed, "resumeFlow": paused,
		"listRuns": waiting, "showRun": started("order", `{"id": 1}`), "cancelRun": waiting, "retryRun": started("order", `{"id": 0}`),
		"resumeRun": paused, "listEvents": letters, "postEvent": waiting, "postCloudEvents": waiting,
		"listValues": stored, "showValue": stored, "deleteValue": stored,
	}
	none := map[string]string{"callWebhook": "what comes back is the flow's", "streamEvents": "it is no JSON", "metrics": "it is no JSON", "exportRuns": "it is a stream", "describe": "it is this description", "endSession": "it has no body"}
	for path, methods := range description(t)["paths"].(map[string]any) {
		for method, operation := range methods.(map[string]any) {
			id := operation.(map[string]any)["operationId"].(string)
			one, ok := all[id]
			if _, why := none[id]; ok == why {
				t.Errorf("operation %s: has an example: %t, and a reason for none: %t", id, ok, why)
			}
			if !ok {
				continue
			}
			s := serve(t)
			if f := prepare[id]; f != nil {
				f(t, s)
			}
			w := playExample(s, strings.ToUpper(method), path, one)
			checkDescribed(t, s, strings.ToUpper(method), path, w)
			answer := strings.NewReplacer("run-1", exampleRun, "run-2", anotherRun, "testdata/flows/", "flows/").Replace(strings.TrimSpace(w.Body.String()))
			if w.Code != one.Status {
				t.Errorf("%s: %d %s, want %d", id, w.Code, answer, one.Status)
			}
			if os.Getenv("UPDATE") != "" {
				one.Answer = json.RawMessage(answer)
				all[id] = one
			} else if d := cmp.Diff(indented(t, one.Answer), indented(t, []byte(answer))); d != "" {
				t.Errorf("%s: (-example +answer)\n%s", id, d)
			}
		}
	}
	if os.Getenv("UPDATE") != "" {
		raw, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(raw, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func playExample(s *server, method, path string, e api.Example) *httptest.ResponseRecorder {
	for name, value := range e.Path {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(strings.ReplaceAll(value, exampleRun, "run-1")))
	}
	q := url.Values{}
	for name, value := range e.Query {
		q.Set(name, value)
	}
	return s.do(method, path+"?"+q.Encode(), string(e.Body), func(r *http.Request) {
		if e.Type != "" {
			r.Header.Set("Content-Type", e.Type)
		}
		for name, value := range e.Header {
			r.Header.Set(name, value)
		}
	})
}

func indented(t *testing.T, raw []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDescriptionIsOpenAPI holds the description against the schema that the
// OpenAPI Initiative publishes for 3.1, and each example against the schema beside it.
// The schema is that of 2026-08-03, with its dynamic references written as plain ones.
func TestDescriptionIsOpenAPI(t *testing.T) {
	t.Parallel()
	doc := description(t)
	raw, err := os.ReadFile("testdata/openapi-3.1-schema.json")
	if err != nil {
		t.Fatal(err)
	}
	official, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi", official); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("openapi")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(plain); err != nil {
		t.Errorf("%v", err)
	}
	checkExamples(t, doc, doc["paths"], "paths")
}

// checkExamples finds every example and holds it against the schema beside it.
func checkExamples(t *testing.T, doc map[string]any, v any, at string) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		example, ok := v["example"]
		beside, has := v["schema"].(map[string]any)
		if ok && has {
			if wrong := compiled(t, doc, beside).Validate(example); wrong != nil {
				t.Errorf("%s: the example is not as its schema has it: %s", at, node.FormatProblems(wrong))
			}
			return
		}
		for name, e := range v {
			checkExamples(t, doc, e, at+"/"+name)
		}
	case []any:
		for i, e := range v {
			checkExamples(t, doc, e, at+"/"+strconv.Itoa(i))
		}
	}
}
