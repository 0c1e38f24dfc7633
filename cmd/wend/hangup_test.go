package main_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	wend "github.com/wendflow/wend/cmd/wend"
	"github.com/wendflow/wend/runtime/config"
)

// TestHangupIsDocumented holds that docs/configuration.md says of each key of its
// example of all keys whether a hangup takes a change of it: it takes every key out
// in turn, and asks the server what then needs a restart.
func TestHangupIsDocumented(t *testing.T) {
	t.Parallel()
	page := readFile(t, root+"/docs/configuration.md")
	_, after, _ := strings.Cut(page, "<!-- everything -->\n```yaml\n")
	src, _, _ := strings.Cut(after, "```")
	src = strings.Replace(src, "127.0.0.1:8080", "127.0.0.1:8081", 1) // is the default, which a key that is gone is, too
	src = strings.Replace(src, "env:WEND_TOKEN", "file:"+writeFile(t, "token", "let-me-in-0123456789"), 1)
	_, after, _ = strings.Cut(page, "<!-- restart -->\n")
	said, _, _ := strings.Cut(after, "\n\n")
	var documented []string
	for _, name := range regexp.MustCompile("`([a-z]+\\.[A-Za-z.]+)(\\.\\*)?`").FindAllStringSubmatch(said, -1) {
		documented = append(documented, name[1])
	}
	slices.Sort(documented)

	began := parseConfig(t, src)
	var all map[string]any
	if err := yaml.Unmarshal([]byte(src), &all); err != nil {
		t.Fatal(err)
	}
	var restarts []string
	for _, path := range pathsOf(nil, all) {
		without, err := yaml.Marshal(cut(all, path))
		if err != nil {
			t.Fatal(err)
		}
		next, _ := config.Parse("wend.yaml", without) // a key may need the other, which is no matter here
		names, err := wend.NeedRestart(began, next)
		if err != nil {
			t.Fatal(err)
		}
		if len(names) > 0 {
			key := strings.Join(path, ".")
			if strings.HasPrefix(key, "limits.plugin.") {
				key = "limits.plugin"
			}
			restarts = append(restarts, key)
			if !strings.HasPrefix(key, names[0]) || len(names) > 1 {
				t.Errorf("a change of %s is told as one of %v", key, names)
			}
		}
	}
	slices.Sort(restarts)
	if diff := cmp.Diff(documented, slices.Compact(restarts)); diff != "" {
		t.Errorf("what counts after a restart only (-documented +needed):\n%s", diff)
	}
}

func parseConfig(t *testing.T, src string) *config.Config {
	t.Helper()
	c, mistakes := config.Parse("wend.yaml", []byte(src))
	if mistakes.HasErrors() {
		t.Fatal(mistakes)
	}
	return c
}

// pathsOf are the ways to all values of a mapping that are none themselves.
func pathsOf(before []string, mapping map[string]any) [][]string {
	var paths [][]string
	for key, v := range mapping {
		path := append(slices.Clone(before), key)
		if below, is := v.(map[string]any); is {
			paths = append(paths, pathsOf(path, below)...)
			continue
		}
		paths = append(paths, path)
	}
	return paths
}

// cut is a mapping without what a way leads to.
func cut(mapping map[string]any, path []string) map[string]any {
	rest := maps.Clone(mapping)
	if len(path) == 1 {
		delete(rest, path[0])
		return rest
	}
	rest[path[0]] = cut(rest[path[0]].(map[string]any), path[1:])
	return rest
}
