package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/pluginhost"
)

const page = "../../docs/vendors/cisco-cce.md"

func readPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// declared is plugin.yaml as the host reads it.
func declared(t *testing.T) *pluginhost.Manifest {
	t.Helper()
	source, err := os.ReadFile("plugin.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, mistakes := pluginhost.ParseManifest("plugin.yaml", source)
	if err := mistakes.Err(); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestPageHasTheManifest holds the page's tables of settings, inputs, outputs
// and outcomes against plugin.yaml. UPDATE=1 writes them.
func TestPageHasTheManifest(t *testing.T) {
	t.Parallel()
	text := readPage(t)
	m := declared(t)
	tables := map[string]string{
		"settings": fieldTable("Setting", m.Settings),
		"outcomes": outcomeTable(m.Methods[0].Outcomes.All),
	}
	for _, method := range m.Methods {
		tables[method.Name] = method.Doc + "\n\n" + fieldTable("Input", method.Inputs) + "\n" + fieldTable("Output", method.Outputs)
	}
	blocks := regexp.MustCompile(`(?s)<!-- plugin.yaml: (\S+) -->\n.*?<!-- end -->`)
	got := blocks.ReplaceAllStringFunc(text, func(block string) string {
		name := blocks.FindStringSubmatch(block)[1]
		table, known := tables[name]
		if !known {
			t.Errorf("%s wants a table of %q, which plugin.yaml has not", page, name)
		}
		delete(tables, name)
		return "<!-- plugin.yaml: " + name + " -->\n" + table + "<!-- end -->"
	})
	for name := range tables {
		t.Errorf("%s has no place for the table of %q", page, name)
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(text, got); diff != "" {
		t.Errorf("%s is stale (-page +plugin.yaml):\n%s", page, diff)
	}
}

// TestMethodsShareTheirOutcomes holds that one table on the page will do for all
// methods.
func TestMethodsShareTheirOutcomes(t *testing.T) {
	t.Parallel()
	methods := declared(t).Methods
	for _, m := range methods {
		if diff := cmp.Diff(methods[0].Outcomes, m.Outcomes); diff != "" {
			t.Errorf("outcomes of %s (-%s +%s):\n%s", m.Name, methods[0].Name, m.Name, diff)
		}
	}
}

func outcomeTable(outcomes []node.Outcome) string {
	var b strings.Builder
	b.WriteString("| Outcome | When |\n|---|---|\n")
	for _, o := range outcomes {
		fmt.Fprintf(&b, "| %s | %s |\n", o.Name, o.Doc)
	}
	return b.String()
}

// fieldTable lists the properties of a schema by name.
func fieldTable(head string, schema map[string]any) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | Title | Default | Meaning |\n|---|---|---|---|\n", head)
	fields, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		field, _ := fields[name].(map[string]any)
		value := ""
		if v, has := field["default"]; has {
			value = fmt.Sprintf("`%v`", v)
		} else if slices.Contains(required, any(name)) {
			value = "required"
		}
		meaning, _ := field["description"].(string)
		fmt.Fprintf(&b, "| `%s` | %v | %s | %s |\n", name, field["title"], value, meaning)
	}
	return b.String()
}

// TestPagesConnections holds that each connection on the page is one that the
// host takes, with settings that plugin.yaml knows.
func TestPagesConnections(t *testing.T) {
	t.Parallel()
	settings, err := node.NewSchema(declared(t).Settings)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readPage(t), -1)
	for _, block := range blocks {
		for _, c := range readConnections(t, block[1]) {
			client, err := outbound.New(outbound.Config{
				Connections: []outbound.Connection{c},
				Env:         func(string) (string, bool) { return "a secret", true },
			})
			if err != nil {
				t.Fatalf("%v in\n%s", err, block[1])
			}
			for _, p := range settings.Validate(client.Settings(c.Name)) {
				t.Errorf("settings do not fit plugin.yaml: %v in\n%s", p, block[1])
			}
			client.Close()
		}
	}
	if len(blocks) != 3 {
		t.Errorf("%s has %d connections, want 3", page, len(blocks))
	}
}

func readConnections(t *testing.T, text string) []outbound.Connection {
	t.Helper()
	var file struct {
		Variables   map[string]any
		Connections map[string]struct {
			Type     string
			Hosts    []string
			Private  bool
			Secrets  map[string]string
			Settings map[string]any
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	var connections []outbound.Connection
	for name, c := range file.Connections {
		connections = append(connections, outbound.Connection{
			Name: name, Type: c.Type, Hosts: c.Hosts, Private: c.Private, Secrets: c.Secrets, Settings: c.Settings,
		})
	}
	return connections
}
