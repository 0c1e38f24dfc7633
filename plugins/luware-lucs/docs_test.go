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

	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/pluginhost"
)

const page = "../../docs/vendors/luware-lucs.md"

func readPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPageHasTheManifest holds the page's tables of settings, inputs, outputs
// and outcomes against plugin.yaml. UPDATE=1 writes them.
func TestPageHasTheManifest(t *testing.T) {
	t.Parallel()
	text := readPage(t)
	m := readManifest(t)
	tables := map[string]string{"settings": fieldTable("Setting", m.Settings)}
	shared := map[string]string{} // the outputs of earlier methods
	for _, method := range m.Methods {
		outputs := fmt.Sprint(method.Outputs)
		tables[method.Name] = methodTables(method, shared[outputs])
		if shared[outputs] == "" {
			shared[outputs] = method.Name
		}
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

// methodTables says what plugin.yaml says of a method. The outputs that some
// share stand with the first of them only.
func methodTables(m pluginhost.Method, like string) string {
	var b strings.Builder
	b.WriteString(m.Doc + "\n\n")
	b.WriteString(fieldTable("Input", m.Inputs) + "\n")
	if like != "" {
		b.WriteString("The outputs are those of `" + like + "`.\n\n")
	} else {
		b.WriteString(fieldTable("Output", m.Outputs) + "\n")
	}
	b.WriteString("| Outcome | When |\n|---|---|\n")
	for _, o := range m.Outcomes.All {
		fmt.Fprintf(&b, "| %s | %s |\n", o.Name, o.Doc)
	}
	return b.String()
}

// fieldTable lists the properties of a schema by name, those of objects too.
func fieldTable(head string, schema map[string]any) string {
	rows := fieldRows("", schema)
	if rows == "" {
		return "It has no " + strings.ToLower(head) + "s.\n"
	}
	return "| " + head + " | Title | Default | Meaning |\n|---|---|---|---|\n" + rows
}

func fieldRows(path string, schema map[string]any) string {
	var b strings.Builder
	fields := properties(schema)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		field, _ := fields[name].(map[string]any)
		value := ""
		if v, has := field["default"]; has && fmt.Sprint(v) != "map[]" {
			value = "`" + fmt.Sprint(v) + "`"
		}
		title, _ := field["title"].(string)
		meaning, _ := field["description"].(string)
		if title != "" {
			fmt.Fprintf(&b, "| `%s%s` | %s | %s | %s |\n", path, name, title, value, meaning)
		}
		b.WriteString(fieldRows(path+name+".", field))
	}
	return b.String()
}

// TestPagesConnections holds that each connection on the page is one that the
// host takes, with settings that plugin.yaml knows.
func TestPagesConnections(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readPage(t), -1)
	for _, block := range blocks {
		for _, c := range readConnections(t, block[1]) {
			if err := c.Validate(); err != nil {
				t.Errorf("%v in\n%s", err, block[1])
			}
			client, err := outbound.New(outbound.Config{
				Connections: []outbound.Connection{c},
				Env:         func(string) (string, bool) { return "a secret", true },
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range validate(t, readManifest(t).Settings, client.Settings(c.Name)) {
				t.Errorf("settings do not fit plugin.yaml: %v in\n%s", p, block[1])
			}
			client.Close()
		}
	}
	if len(blocks) != 3 {
		t.Errorf("%s has %d connections, want 3", page, len(blocks))
	}
}

// readConnections reads what stands under connections; a block may leave that
// and the name out.
func readConnections(t *testing.T, text string) []outbound.Connection {
	t.Helper()
	if !strings.HasPrefix(text, "connections:") {
		text = "connections:\n  lucs:\n" + text
	}
	var file struct {
		Connections map[string]struct {
			Type     string
			Hosts    []string
			BaseURL  string `yaml:"baseURL"`
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
			Name: name, Type: c.Type, Hosts: c.Hosts, BaseURL: c.BaseURL, Private: c.Private, Secrets: c.Secrets, Settings: c.Settings,
		})
	}
	return connections
}
