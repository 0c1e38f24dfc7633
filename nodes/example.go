package nodes

import "embed"

//go:embed examples/*.yaml
var examples embed.FS

// Example returns a flow that uses a built-in node type, "" for a type that is
// none.
func Example(name string) string {
	text, err := examples.ReadFile("examples/" + name + ".yaml")
	if err != nil {
		return ""
	}
	return string(text)
}
