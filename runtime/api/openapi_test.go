package api_test

import (
	"encoding/json"
	"maps"
	"mime"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/webhook"
)

// description returns the API's own description.
func description(t *testing.T, s *server) map[string]any {
	t.Helper()
	v, err := data.DecodeJSON(s.do("GET", "/openapi.json", "").Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

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
	for path, methods := range description(t, s)["paths"].(map[string]any) {
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
	doc := description(t, serve(t))
	if got := doc["info"].(map[string]any)["version"]; got != "1.2.3" {
		t.Errorf("version %v, want the program's", got)
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
	doc := description(t, s)
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
	raw := maps.Clone(media["schema"].(map[string]any))
	raw["components"] = map[string]any{"schemas": resolve(doc, "#/components/schemas")}
	schema, err := node.NewSchema(raw)
	if err != nil {
		t.Fatal(err)
	}
	var body any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if wrong := schema.Validate(body); wrong != nil {
		t.Errorf("%s %s: %d is not as described: %s", method, path, w.Code, node.FormatProblems(wrong))
	}
}

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
