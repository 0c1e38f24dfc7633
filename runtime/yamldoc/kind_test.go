package yamldoc_test

import (
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/yamldoc"
)

var kept = yamldoc.Format{Name: "flow", Keys: []string{"flow", "nodes", "variables"}, Begins: `"flow: name"`}

// TestOtherFiles holds that a file which is something else is one mistake that
// says what it looks like and how the right one begins.
func TestOtherFiles(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"services:\n  web: { image: nginx }\n":                                     "a Compose file",
		"version: '3'\nservices:\n  web: &web { image: nginx }\n  two: *web\n":     "a Compose file",
		"on: [push]\njobs:\n  build: { runs-on: ubuntu-latest }\n":                 "a GitHub workflow",
		"name: CI\non:\n  push:\njobs: {}\n":                                       "a GitHub workflow",
		"name: x\nruns: { using: node20 }\n":                                       "a GitHub action",
		"apiVersion: v1\nkind: Pod\n---\napiVersion: v1\nkind: Service\n":          "a Kubernetes manifest",
		"openapi: 3.1.0\npaths: {}\n":                                              "an OpenAPI description",
		"stages: [build]\nbuild: { script: make }\n":                               "a GitLab pipeline",
		"plugin: a\nversion: 1.0.0\nabi: 1\nmethods: {}\n":                         "a plugin's manifest (plugin.yaml)",
		"connections: { cce: { type: bearer } }\n":                                 "a configuration (wend.yaml)",
		"server: { addr: \":80\" }\nlimits: {}\n":                                  "a configuration (wend.yaml)",
		"method: end-task\nwant: { outcome: Success }\n":                           "a case of a plugin's tests",
		`{"nodes": [{"name": "Webhook"}], "connections": {}}`:                      "an n8n workflow",
		`{"StartAt": "A", "States": {}}`:                                           "an Amazon state machine",
		"- hosts: all\n  tasks: []\n":                                              "a list, and its first item looks like an Ansible playbook",
		"- flow: x\n  nodes: {}\n":                                                 "a list, and its first item looks like a flow",
		"- 1\n- 2\n":                                                               "a list",
		`{"a": 1, "b": {}, "c": [], "d": 2}`:                                       `JSON with the keys "a", "b", "c", …`,
		"colour: red\n":                                                            `YAML with the key "colour"`,
		"Dear designer, this is no flow.\n":                                        `the text "Dear designer, this is no flow."`,
		"42\n":                                                                     "a number",
		"\x7fELF\x02\x01\x00\x00":                                                  "binary",
		"\x89PNG\r\n\x1a\n\x00":                                                    "binary",
		"\xff\xfef\x00l\x00o\x00w\x00:\x00":                                        "in UTF-16, which YAML files here are not",
		"<html><body>Not found</body></html> : <a href='x'>\n\tx: {":               "XML or HTML",
		`{"a": "b", "c": `:                                                         "JSON, and broken",
		"package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"a\")\n}": "a text",
	}
	for src, is := range tests {
		doc, list := kept.Parse("f.yaml", []byte(src))
		want := "f.yaml:1:1: the file is " + is + `, expected a flow; a flow begins with "flow: name" [wrong-type]`
		if len(list) != 1 || list[0].Error() != want {
			t.Errorf("%q:\n%v\nwant\n%s", src, list.Err(), want)
		}
		if doc.Root() != nil {
			t.Errorf("%q has a root", src)
		}
	}
}

// TestSameFiles holds that a flow with mistakes is not taken for something
// else.
func TestSameFiles(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		"flow: a\nservices: {}\n",
		"flow: a\non: {}\njobs: {}\n",
		"flwo: a\n",
		"Flow: a\nNodes: {}\n",
		"nodes: { n1: {} }\n",
		"variables: { a: 1 }\n",
		"flow: a\nnodes: []\nconnections: {}\n",
		"{}",
		"",
		"# nothing yet\n",
		"flow: a\n\tnodes: {}\n",
		"flow: a\nnodes: { n1: { \xff } }\n",
	} {
		_, list := kept.Parse("f.yaml", []byte(src))
		for _, e := range list {
			if strings.HasPrefix(e.Msg, "the file is ") {
				t.Errorf("%q: %v", src, e)
			}
		}
	}
}
