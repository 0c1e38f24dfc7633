package flowtest

import _ "embed"

// Schema is the JSON Schema of files of tests, for editors. What only their flow
// can tell, such as the outcomes of a node, is left to Bind. It must not be changed.
//
//go:embed schema.json
var Schema []byte
