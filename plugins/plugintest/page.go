package plugintest

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/flowschema"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// place is where a table of plugin.yaml stands on a page.
var place = regexp.MustCompile(`(?s)<!-- plugin.yaml: (\S+) -->\n.*?<!-- end -->`)

// Page holds a page's tables against plugin.yaml, and fails where they differ.
// UPDATE=1 in the environment writes them into the page instead. A table stands
// between the lines
//
//	<!-- plugin.yaml: settings -->
//	<!-- end -->
//
// There must be one for settings and one for each method, with its inputs,
// outputs, outcomes and an example. If there is one for outcomes, it goes for all methods.
func (p *Plugin) Page(t testing.TB, page string) {
	t.Helper()
	text := readPage(t, page)
	tables := p.tables(t, strings.Contains(text, "<!-- plugin.yaml: outcomes -->"))
	got := place.ReplaceAllStringFunc(text, func(block string) string {
		name := place.FindStringSubmatch(block)[1]
		table, known := tables[name]
		if !known {
			t.Errorf("%s wants a table of %q, which plugin.yaml has not, or wants it twice", page, name)
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
		t.Errorf("%s is stale (-page +plugin.yaml); UPDATE=1 rewrites it:\n%s", page, diff)
	}
}

// tables are all tables of a page by name.
func (p *Plugin) tables(t testing.TB, shareOutcomes bool) map[string]string {
	t.Helper()
	m := p.Manifest(t)
	tables := map[string]string{"settings": fieldTable("Setting", m.Settings)}
	withOutputs := map[string]string{} // the first method with such outputs
	types, err := m.Types("")
	if err != nil {
		t.Fatal(err)
	}
	examples := map[string]string{}
	for _, typ := range types {
		examples[typ.Name] = "\n```yaml\n" + flowschema.Example(typ) + "```\n"
	}
	for _, method := range m.Methods {
		outputs := fieldTable("Output", method.Outputs)
		if first, has := withOutputs[outputs]; has {
			outputs = "The outputs are those of `" + first + "`.\n"
		} else {
			withOutputs[outputs] = method.Name
		}
		table := method.Doc + "\n\n" + fieldTable("Input", method.Inputs) + "\n" + outputs
		if !shareOutcomes {
			table += "\n" + outcomeTable(method.Outcomes)
		}
		tables[method.Name] = table + examples[m.Plugin+"/"+method.Name]
	}
	if shareOutcomes {
		tables["outcomes"] = outcomeTable(sharedOutcomes(t, m))
	}
	return tables
}

func sharedOutcomes(t testing.TB, m *manifest.Manifest) node.Outcomes {
	t.Helper()
	first := m.Methods[0]
	for _, method := range m.Methods {
		if diff := cmp.Diff(first.Outcomes, method.Outcomes); diff != "" {
			t.Errorf("outcomes of %s (-%s +%s):\n%s", method.Name, first.Name, method.Name, diff)
		}
	}
	return first.Outcomes
}

func outcomeTable(outcomes node.Outcomes) string {
	var b strings.Builder
	b.WriteString("| Outcome | When |\n|---|---|\n")
	for _, o := range outcomes.All {
		fmt.Fprintf(&b, "| %s | %s |\n", o.Name, o.Doc)
	}
	return b.String()
}

// fieldTable lists the properties of a schema by name, and behind an object
// those of its properties that have a title.
func fieldTable(head string, schema map[string]any) string {
	rows := fieldRows("", schema)
	if rows == "" {
		return "It has no " + strings.ToLower(head) + "s.\n"
	}
	return "| " + head + " | Title | Default | Meaning |\n|---|---|---|---|\n" + rows
}

var escape = strings.NewReplacer("<", "&lt;", ">", "&gt;")

func fieldRows(path string, schema map[string]any) string {
	var b strings.Builder
	fields := Properties(schema)
	required, _ := schema["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		field, _ := fields[name].(map[string]any)
		title, _ := field["title"].(string)
		meaning, _ := field["description"].(string)
		if c, ok := node.ChoicesOf(field); ok {
			meaning = strings.TrimSpace(meaning + " " + c.String())
		}
		value := ""
		if v, has := field["default"]; has && fmt.Sprint(v) != "map[]" {
			value = "`" + fmt.Sprint(v) + "`"
		} else if slices.Contains(required, any(name)) {
			value = "required"
		}
		if title != "" || path == "" {
			fmt.Fprintf(&b, "| `%s%s` | %s | %s | %s |\n", path, name, escape.Replace(title), value, meaning)
		}
		b.WriteString(fieldRows(path+name+".", field))
	}
	return b.String()
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// Connections fails unless the host takes each connection that stands in a yaml
// block of the page, and its settings fit plugin.yaml; what is made of that file
// is left out. It returns how many there are. A block is a wend.yaml, or if it is indented what stands under the name of
// a connection.
func (p *Plugin) Connections(t testing.TB, page string) int {
	t.Helper()
	blocks := yamlBlock.FindAllStringSubmatch(place.ReplaceAllString(readPage(t, page), ""), -1)
	for _, block := range blocks {
		for _, c := range readConnections(t, block[1]) {
			p.checkConnection(t, c, block[1])
		}
	}
	return len(blocks)
}

func (p *Plugin) checkConnection(t testing.TB, c outbound.Connection, block string) {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Errorf("%v in\n%s", err, block)
	}
	client, err := outbound.New(outbound.Config{
		Connections: []outbound.Connection{c},
		Env:         func(string) (string, bool) { return "a secret", true },
	})
	if err != nil {
		t.Errorf("%v in\n%s", err, block)
		return
	}
	defer client.Close()
	for _, problem := range Validate(t, p.Manifest(t).Settings, client.Settings(c.Name)) {
		t.Errorf("settings do not fit plugin.yaml: %v in\n%s", problem, block)
	}
}

func readConnections(t testing.TB, block string) []outbound.Connection {
	t.Helper()
	if strings.HasPrefix(block, " ") {
		block = "connections:\n  this:\n" + block
	}
	var file struct {
		Variables   map[string]any
		Connections map[string]struct {
			Type     string
			Hosts    []string
			BaseURL  string `yaml:"baseURL"`
			Private  bool
			Secrets  map[string]string
			Settings map[string]any
		}
	}
	if err := yamldoc.Decode([]byte(block), &file); err != nil {
		t.Fatalf("%v in\n%s", err, block)
	}
	var connections []outbound.Connection
	for name, c := range file.Connections {
		connections = append(connections, outbound.Connection{
			Name: name, Type: c.Type, Hosts: c.Hosts, BaseURL: c.BaseURL, Private: c.Private, Secrets: c.Secrets, Settings: c.Settings,
		})
	}
	return connections
}

func readPage(t testing.TB, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
