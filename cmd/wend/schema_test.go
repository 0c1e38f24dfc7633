package main_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	wend "github.com/wendflow/wend/cmd/wend"
)

// flowSchema is what `wend schema` prints, compiled.
func flowSchema(t *testing.T, vendor string) *jsonschema.Schema {
	t.Helper()
	code, stdout, stderr := command(t, "schema", "--plugins", plugins(t, vendor))
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d:\n%s", code, stderr)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(stdout))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("wend.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("wend.schema.json")
	if err != nil {
		t.Fatalf("it is no JSON Schema: %v", err)
	}
	return schema
}

// asDocument reads a flow as an editor does. It reports whether there is one:
// what YAML refuses has no schema.
func asDocument(t *testing.T, file string) (document any, ok bool) {
	t.Helper()
	var v any
	if yaml.Unmarshal([]byte(readFile(t, file)), &v) != nil {
		return nil, false
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, false
	}
	document, err = jsonschema.UnmarshalJSON(bytes.NewReader(text))
	return document, err == nil
}

// TestSchemaTakesShippedFlows holds that no editor complains of our own flows.
func TestSchemaTakesShippedFlows(t *testing.T) {
	t.Parallel()
	for _, vendor := range wend.Vendors() {
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob(filepath.Join(root, "flows", vendor, "*.yaml"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no flows of %s: %v", vendor, err)
			}
			schema := flowSchema(t, vendor)
			for _, file := range files {
				if strings.HasSuffix(file, ".test.yaml") {
					continue
				}
				document, ok := asDocument(t, file)
				if !ok {
					t.Errorf("%s is no YAML", file)
				} else if err := schema.Validate(document); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			}
		})
	}
}

// TestOtherSchemas holds that no editor complains of the tests of our own flows, of
// the manifests of our own plugins, or of a wend.yaml with every key, and that it
// tells of what is not known.
func TestOtherSchemas(t *testing.T) {
	t.Parallel()
	for _, kind := range []struct {
		flag, file, ours string
		wrong            []string
	}{
		{"--tests", "wend.tests.schema.json", "flows/*/*.test.yaml", []string{
			`{}`, `{"cases": []}`, `{"cases": [{"name": "a"}]}`, `{"cases": [{"name": "a", "want": {"way": []}}]}`,
			`{"cases": [{"name": "a", "want": {"status": "done"}}]}`, `{"cases": [{"name": "a", "calls": [{"expect": {}}], "want": {}}]}`,
			`{"cases": [{"name": "a", "nodes": {"n1": {}}, "want": {}}]}`, `{"cases": [{"name": "a", "want": {"took": 5}}]}`,
		}},
		{"--plugin", "wend.plugin.schema.json", "plugins/*/plugin.yaml", []string{
			`{}`, `{"plugin": "A", "version": "1.0.0", "abi": 1, "methods": {"m": {"inputs": {"type": "object"}, "outputs": {"type": "object"}, "outcomes": {"success": "a", "fault": "b"}}}}`,
			`{"plugin": "a", "version": "1.0.0", "abi": 2, "methods": {"m": {"inputs": {"type": "object"}, "outputs": {"type": "object"}, "outcomes": {"success": "a", "fault": "b"}}}}`,
			`{"plugin": "a", "version": "1.0.0", "abi": 1, "methods": {"m": {"inputs": {"type": "array"}, "outputs": {"type": "object"}, "outcomes": {"success": "a", "fault": "b"}}}}`,
			`{"plugin": "a", "version": "1.0.0", "abi": 1, "methods": {"m": {"inputs": {"type": "object"}, "outputs": {"type": "object"}, "outcomes": {"success": "a"}}}}`,
			`{"plugin": "a", "version": "1.0.0", "abi": 1, "methods": {}}`,
		}},
		{"--configuration", "wend.config.schema.json", "cmd/wend/testdata/blank/wend*.yaml", []string{
			`{"conections": {}}`, `{"connections": {"a b": {}}}`, `{"connections": {"a": {"type": "barer"}}}`, `{"connections": {"a": {"secrets": {"token": "abc"}}}}`,
			`{"connections": {"a": {"breaker": {"pause": "30s"}}}}`, `{"connections": {"a": {"timeout": 10}}}`, `{"connections": {"a": {"concurrency": 0}}}`,
			`{"vault": {"address": "https://v.example.com"}}`, `{"vault": {"address": "https://v.example.com", "token": "vault:secret/data/a#b"}}`,
			`{"vault": {"address": "https://v.example.com", "token": "env:T", "kubernetes": {"role": "r"}}}`,
			`{"limits": {"body": "much"}}`, `{"telemetry": {"traces": {"endpoint": "http://127.0.0.1:4318", "sample": 2}}}`, `{"server": {"requests": {}}}`,
		}},
	} {
		code, stdout, stderr := command(t, "schema", kind.flag)
		if code != 0 || stderr != "" {
			t.Fatalf("exit %d:\n%s", code, stderr)
		}
		if stdout != readFile(t, filepath.Join(root, kind.file)) {
			t.Errorf("%s is not what `wend schema %s` prints; make generate writes it", kind.file, kind.flag)
		}
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(stdout))
		if err != nil {
			t.Fatal(err)
		}
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource(kind.file, document); err != nil {
			t.Fatal(err)
		}
		schema, err := compiler.Compile(kind.file)
		if err != nil {
			t.Fatalf("it is no JSON Schema: %v", err)
		}
		files, err := filepath.Glob(filepath.Join(root, kind.ours))
		if err != nil || len(files) == 0 {
			t.Fatalf("no %s: %v", kind.ours, err)
		}
		for _, file := range files {
			if document, ok := asDocument(t, file); !ok {
				t.Errorf("%s is no YAML", file)
			} else if err := schema.Validate(document); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		for _, wrong := range kind.wrong {
			document, err := jsonschema.UnmarshalJSON(strings.NewReader(wrong))
			if err != nil {
				t.Fatal(err)
			}
			if schema.Validate(document) == nil {
				t.Errorf("the schema lets pass: %s", wrong)
			}
		}
	}
}

// TestSchemaAgreesWithCheck holds that the schema refuses nothing that `wend
// check` lets pass: an editor may see less, but never more.
func TestSchemaAgreesWithCheck(t *testing.T) {
	t.Parallel()
	withoutRace(t)
	schema := flowSchema(t, "cisco-cce")
	for _, file := range append(flowFiles(t, "ok"), flowFiles(t, "err")...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			document, ok := asDocument(t, file)
			if !ok {
				return // an editor tells that itself
			}
			code, _, _ := check(t, file)
			if err := schema.Validate(document); err != nil && code == 0 {
				t.Errorf("check passes it, the schema does not: %v", err)
			}
		})
	}
}

// TestSchemaTells holds the mistakes that an editor shows while they are typed.
func TestSchemaTells(t *testing.T) {
	t.Parallel()
	schema := flowSchema(t, "cisco-cce")
	for _, name := range []string{
		"unknown-key-flow", "unknown-key-node", "unknown-key-retry", "missing-keys", "no-nodes", "nodes-list", "with-text",
		"flow-name", "node-id", "variable-name", "duration-number", "duration-words", "duration-template", "retry-never",
		"unknown-node-type", "unknown-version", "unknown-input", "unknown-input-plugin", "missing-input", "wrong-type",
		"wrong-type-plugin", "invalid-input", "unknown-outcome", "webhook-body-type", "evaluate", "yaml-list",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document, ok := asDocument(t, filepath.Join("testdata", "err", name+".yaml"))
			if !ok {
				t.Fatal("it is no YAML")
			}
			if schema.Validate(document) == nil {
				t.Error("the schema lets it pass")
			}
		})
	}
}
