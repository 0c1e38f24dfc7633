package outbound

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPageHasTheTypes holds what docs/configuration.md says of each type of
// connection against the catalogue.
func TestPageHasTheTypes(t *testing.T) {
	t.Parallel()
	const page = "../../docs/configuration.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| (secret|setting|secret or setting) \\| (`\\w+`|any name) \\| (.*?) \\|")
	type names struct{ Needed, Optional, Identities, Settings []string }
	for _, k := range kinds {
		_, after, found := strings.Cut(string(text), "\n### `"+k.name+"`\n")
		if !found {
			t.Errorf("%s says nothing of the type %q", page, k.name)
			continue
		}
		section, _, _ := strings.Cut(after, "\n##")
		var got names
		for _, m := range row.FindAllStringSubmatch(section, -1) {
			name := strings.Trim(m[2], "`")
			switch {
			case m[1] == "setting":
				got.Settings = append(got.Settings, name)
			case m[1] == "secret or setting":
				got.Identities = append(got.Identities, name)
			case m[3] == "required":
				got.Needed = append(got.Needed, name)
			default:
				got.Optional = append(got.Optional, name)
			}
		}
		want := names{slices.Clone(k.secrets), slices.Clone(k.optional), slices.Clone(k.identities), slices.Clone(k.settings)}
		if k.anySecrets {
			want.Needed = []string{"any name"}
		}
		for _, list := range [][]string{got.Needed, got.Optional, got.Identities, got.Settings, want.Needed, want.Optional, want.Identities, want.Settings} {
			slices.Sort(list)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, type %q (-catalogue +page):\n%s", page, k.name, diff)
		}
	}
}
