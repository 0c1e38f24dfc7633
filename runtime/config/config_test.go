package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/outbound"
)

// Each case of testdata is a wend.yaml and what comes of it: "mistakes" as
// they are printed in testdata/err, the Config as JSON in testdata/ok.
// UPDATE=1 writes what came.
func TestParse(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"err", "ok"} {
		paths, err := filepath.Glob("testdata/" + kind + "/*.txtar")
		if err != nil || len(paths) == 0 {
			t.Fatalf("no cases in testdata/%s: %v", kind, err)
		}
		for _, path := range paths {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
				t.Parallel()
				archive, err := txtar.ParseFile(path)
				if err != nil || len(archive.Files) == 0 {
					t.Fatal(err)
				}
				src := archive.Files[0].Data
				c, list := config.Parse("wend.yaml", src)
				name, got := "mistakes", printed(list, src)
				if kind == "ok" {
					if len(list) > 0 {
						t.Fatalf("mistakes in a good file:\n%s", got)
					}
					name, got = "config", dump(t, c)
				} else if len(list) == 0 {
					t.Fatal("no mistake was found")
				}
				golden(t, path, archive, txtar.File{Name: name, Data: got})
			})
		}
	}
}

func printed(list diag.List, src []byte) []byte {
	var b bytes.Buffer
	diag.Print(&b, list, func(string) []byte { return src })
	return b.Bytes()
}

func dump(t *testing.T, c *config.Config) []byte {
	t.Helper()
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func golden(t *testing.T, path string, archive *txtar.Archive, got txtar.File) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		archive.Files = []txtar.File{archive.Files[0], got}
		if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if len(archive.Files) != 2 || archive.Files[1].Name != got.Name {
		t.Fatalf("%s: expected a second file %q; write it with UPDATE=1", path, got.Name)
	}
	if diff := cmp.Diff(string(archive.Files[1].Data), string(got.Data)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// What the manual shows.
const full = `
connections:
  vendor:
    type: bearer
    secrets: { token: env:VENDOR_TOKEN }
    hosts: [vendor.example.com]          # the credential goes nowhere else
    settings: { closePath: "/v1/tasks/{taskId}/close" }
    timeout: 10s
  sms-gateway:
    type: hmac
    secrets: { key: file:/run/secrets/sms }
    settings: { header: X-Signature, algorithm: sha256, encoding: hex, tolerance: 5m }
outbound: { allow: [] }                   # hosts for calls without a connection
server:   { addr: 127.0.0.1:8080 }
limits:   { body: 256KB, plugin: { fuel: 50000000, memory: 64MB, calls: 16, wall: 1s } }
`

func TestParseTheManualsFile(t *testing.T) {
	t.Parallel()
	got, list := config.Parse("wend.yaml", []byte(full))
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		File: "wend.yaml",
		Connections: []outbound.Connection{
			{
				Name: "vendor", Type: "bearer", Secrets: map[string]string{"token": "env:VENDOR_TOKEN"}, Hosts: []string{"vendor.example.com"},
				Settings: map[string]any{"closePath": "/v1/tasks/{taskId}/close"}, Timeout: 10 * time.Second,
			},
			{
				Name: "sms-gateway", Type: "hmac", Secrets: map[string]string{"key": "file:/run/secrets/sms"},
				Settings: map[string]any{"header": "X-Signature", "algorithm": "sha256", "encoding": "hex", "tolerance": "5m"},
			},
		},
		Server: config.Server{Addr: "127.0.0.1:8080"},
		Limits: config.Limits{Body: 256 << 10, Plugin: config.Plugin{Fuel: 50_000_000, Memory: 64 << 20, Calls: 16, Wall: time.Second}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(config.Config{})); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	for path, want := range map[string]string{
		"connections.vendor.secrets.token":   "wend.yaml:5:23",
		"connections.vendor.secrets.missing": "wend.yaml:5:5",
		"connections.vendor.hosts[0]":        "wend.yaml:6:13",
		"connections.vendor":                 "wend.yaml:3:3",
		"connections.other.secrets":          "wend.yaml:2:1",
		"outbound.allow[3]":                  "wend.yaml:13:13",
		"nowhere":                            "wend.yaml:2:1",
	} {
		if got := got.Pos(path).String(); got != want {
			t.Errorf("Pos(%q) = %s, want %s", path, got, want)
		}
	}
}

func TestParseNothing(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"", "# only a comment\n", "connections:\n", "---\n"} {
		c, list := config.Parse("wend.yaml", []byte(src))
		if c == nil || len(list) > 0 || len(c.Connections) > 0 {
			t.Errorf("Parse(%q) = %+v, %v", src, c, list)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "wend.yaml")
	if c, list := config.Load(path); c != nil || len(list) != 1 || list[0].Pos.File != path || !strings.Contains(list[0].Msg, "no such file") {
		t.Errorf("Load of nothing = %v, %v", c, list)
	}
	if err := os.WriteFile(path, []byte(full), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, list := config.Load(path); len(list) > 0 || len(c.Connections) != 2 || c.File != path {
		t.Errorf("Load = %v, %v", c, list)
	}
}

// What stands where a secret should be referred to may be the secret.
func TestNoMistakeShowsASecret(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	for _, src := range []string{
		"connections: { a: { type: bearer, secrets: { token: hunter2hunter2 } } }",
		"connections: { a: { type: bearer, secrets: { token: [hunter2hunter2] } } }",
		"connections: { a: { type: bearer, secrets: hunter2hunter2 } }",
		"connections: { a: { settings: { password: hunter2hunter2 } } }",
		"connections: { a: { baseURL: 'https://u:hunter2hunter2@x.test' } }",
		"connections: { a: { type: access-key, settings: { tokenURL: 'https://u:hunter2hunter2@x.test' } } }",
		"server: { token: hunter2hunter2 }",
		"server: { token: { is: hunter2hunter2 } }",
	} {
		_, list := config.Parse("wend.yaml", []byte(src))
		if len(list) == 0 {
			t.Errorf("%s: taken", src)
		}
		for _, e := range list {
			if strings.Contains(e.Error(), secret) {
				t.Errorf("%s: %s", src, e)
			}
		}
	}
}

// The examples in the comments of the codes are such mistakes.
func TestCodes(t *testing.T) {
	t.Parallel()
	for code, src := range map[diag.Code]string{
		config.InvalidValue:      "limits: { body: much }",
		config.LiteralSecret:     "connections:\n  vendor: { type: bearer, secrets: { token: abc123 } }",
		config.InvalidConnection: "connections:\n  vendor: { type: bearer }",
	} {
		if _, list := config.Parse("wend.yaml", []byte(src)); len(list) != 1 || list[0].Code != code {
			t.Errorf("%s: %v", code, list)
		}
	}
}

// Whatever the file, there is no panic, and every mistake has a place in it.
func FuzzParse(f *testing.F) {
	f.Add(full)
	for _, dir := range []string{"testdata/err", "testdata/ok"} {
		paths, err := filepath.Glob(dir + "/*.txtar")
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(archive.Files[0].Data))
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		c, list := config.Parse("f", []byte(src))
		if c == nil && !list.HasErrors() {
			t.Error("neither a config nor a mistake")
		}
		for _, e := range list {
			if e.Pos.Line < 1 || e.Pos.Line > strings.Count(src, "\n")+2 || e.Pos.Col < 1 {
				t.Errorf("%s is outside the file", e)
			}
		}
	})
}

// TestSchema holds that the schema for editors has no key that the reader does not
// know, and the types of connections; cmd/wend holds that it has every key.
func TestSchema(t *testing.T) {
	t.Parallel()
	var schema map[string]any
	if err := json.Unmarshal(config.Schema, &schema); err != nil {
		t.Fatal(err)
	}
	holdKeys(t, nil, schema)
	connection := schema["properties"].(map[string]any)["connections"].(map[string]any)["additionalProperties"].(map[string]any)
	holdKeys(t, []string{"connections", "a"}, connection)
	var types []string
	for _, name := range connection["properties"].(map[string]any)["type"].(map[string]any)["enum"].([]any) {
		types = append(types, name.(string))
	}
	if diff := cmp.Diff(outbound.Types(), types); diff != "" {
		t.Errorf("types of connections (-outbound +schema):\n%s", diff)
	}
}

// holdKeys asks the reader for each key below path that a schema has.
func holdKeys(t *testing.T, path []string, schema map[string]any) {
	t.Helper()
	properties, _ := schema["properties"].(map[string]any)
	for name, below := range properties {
		names := append(slices.Clone(path), name)
		_, list := config.Parse("wend.yaml", []byte("{ "+strings.Join(names, ": { ")+": {}"+strings.Repeat(" }", len(names))))
		for _, m := range list {
			if m.Code == diag.UnknownKey {
				t.Errorf("the schema has %q, which the reader does not know: %s", names, m)
			}
		}
		holdKeys(t, names, below.(map[string]any))
	}
}
