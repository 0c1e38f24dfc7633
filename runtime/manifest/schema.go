package manifest

import _ "embed"

// Schema is the JSON Schema of plugin.yaml, for editors and docs/plugin-yaml.md. What
// Parse alone can tell, such as a mistake in a schema, is not in it. It must not be
// changed.
//
//go:embed schema.json
var Schema []byte
