package config

import _ "embed"

// Schema is the JSON Schema of wend.yaml, for editors. What Parse alone can tell, such
// as what a connection of a type lacks, is not in it. It must not be changed.
//
//go:embed schema.json
var Schema []byte
