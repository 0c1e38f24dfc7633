package docs_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/outbound"
)

const configuration = "docs/configuration.md"

// configurations are the blocks of configuration.md that are a wend.yaml.
func configurations(t *testing.T) map[string]*config.Config {
	t.Helper()
	text := readFile(t, configuration)
	parsed := map[string]*config.Config{}
	for _, block := range yamlBlock.FindAllStringSubmatchIndex(text, -1) {
		src := text[block[2]:block[3]]
		if strings.HasPrefix(src, "flow:") {
			continue
		}
		c, mistakes := config.Parse(configuration, []byte(src))
		for _, e := range mistakes {
			t.Errorf("%s:%d: %s", configuration, strings.Count(text[:block[2]], "\n")+e.Pos.Line, e)
		}
		parsed[src] = c
	}
	return parsed
}

// TestConfigurationHasEveryType holds that there is an example of each type of
// connection, which the host takes.
func TestConfigurationHasEveryType(t *testing.T) {
	t.Parallel()
	var shown []string
	for _, c := range configurations(t) {
		for _, connection := range c.Connections {
			shown = append(shown, connection.Type)
		}
	}
	for _, name := range outbound.Types() {
		if !slices.Contains(shown, name) {
			t.Errorf("%s has no example of the type %q", configuration, name)
		}
	}
}

// TestConfigurationHasEveryKey holds that the example of all keys leaves
// nothing of a Config as it was, and that the table has what the example has.
func TestConfigurationHasEveryKey(t *testing.T) {
	t.Parallel()
	text := readFile(t, configuration)
	_, after, _ := strings.Cut(text, "<!-- everything -->\n")
	src := yamlBlock.FindStringSubmatch(after)[1]
	c := configurations(t)[src]
	for _, other := range configurations(t) { // keys that exclude each other have examples of their own
		if other.Vault.AppRole.RoleID != "" {
			c.Vault.AppRole = other.Vault.AppRole
		}
		if other.Vault.Kubernetes.Role != "" {
			c.Vault.Kubernetes = other.Vault.Kubernetes
		}
	}
	c.Vault.TLS.Insecure = true // has no key
	for _, field := range zeroFields("Config", reflect.ValueOf(*c)) {
		t.Errorf("%s: the example of every key does not set %s", configuration, field)
	}
	var example map[string]any
	if err := yaml.Unmarshal([]byte(src), &example); err != nil {
		t.Fatal(err)
	}
	for _, key := range keysOf("", example) {
		if !strings.Contains(after, "`"+key+"`") {
			t.Errorf("%s: the table of keys has no `%s`", configuration, key)
		}
	}
}

// zeroFields are the exported fields below v that are zero.
func zeroFields(name string, v reflect.Value) []string {
	switch v.Kind() {
	case reflect.Struct:
		var zero []string
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				zero = append(zero, zeroFields(name+"."+f.Name, v.Field(i))...)
			}
		}
		return zero
	case reflect.Slice:
		if v.Len() > 0 {
			return zeroFields(name+"[0]", v.Index(0))
		}
	}
	if v.IsZero() {
		return []string{name}
	}
	return nil
}

// keysOf are the keys below a mapping as the table has them.
func keysOf(prefix string, mapping map[string]any) []string {
	var keys []string
	for name, v := range mapping {
		key := strings.Replace(prefix+name, "connections.shop", "connections.*", 1)
		below, is := v.(map[string]any)
		switch {
		case key == "limits.plugin":
			keys = append(keys, key+".*") // they have a table of their own
		case is && !slices.Contains([]string{"connections.*.secrets", "connections.*.settings", "variables"}, key):
			keys = append(keys, keysOf(key+".", below)...)
		default:
			keys = append(keys, key)
		}
	}
	return keys
}

// TestConfigurationHasTheLimits holds the table of the limits of plugins against
// the defaults, and its names against the keys that wend.yaml takes.
func TestConfigurationHasTheLimits(t *testing.T) {
	t.Parallel()
	var unasked, most manifest.Limits
	wantUnasked, wantMost := manifest.DefaultLimits(), manifest.DefaultCeiling()
	for _, l := range []*manifest.Limits{&wantUnasked, &wantMost} {
		l.Reply = 0 // is no key of wend.yaml
	}
	for _, row := range table(t, readFile(t, configuration), "limits") {
		for k, l := range []*manifest.Limits{&unasked, &most} {
			if err := l.Set(row[0], row[k+1]); err != nil {
				t.Errorf("limit %s: %v", row[0], err)
			}
		}
		if _, mistakes := config.Parse("wend.yaml", []byte(fmt.Sprintf("limits: { plugin: { %s: %s } }", row[0], row[2]))); len(mistakes) > 0 {
			t.Errorf("limit %s: %v", row[0], mistakes)
		}
	}
	if diff := cmp.Diff([]manifest.Limits{wantUnasked, wantMost}, []manifest.Limits{unasked, most}); diff != "" {
		t.Errorf("limits (-code +page):\n%s", diff)
	}
}

// TestExamplesOfConfigurationMistakes finds in each example of errors.md that is
// a wend.yaml the mistake that it stands under.
func TestExamplesOfConfigurationMistakes(t *testing.T) {
	t.Parallel()
	examples := regexp.MustCompile("(?s)### `([a-z-]+)` in `wend.yaml`\n.*?```yaml\n(.*?)```").FindAllStringSubmatch(readFile(t, "docs/errors.md"), -1)
	if len(examples) < 3 {
		t.Fatalf("only %d examples", len(examples))
	}
	for _, example := range examples {
		_, mistakes := config.Parse("wend.yaml", []byte(example[2]))
		if !slices.ContainsFunc(mistakes, func(e *diag.Error) bool { return string(e.Code) == example[1] }) {
			t.Errorf("%s: the example has other mistakes: %v", example[1], mistakes)
		}
	}
}
