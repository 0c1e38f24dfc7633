package yamldoc

import (
	"bytes"
	"encoding/json"
	"strconv"

	"gopkg.in/yaml.v3"
)

// Encode writes v, a struct with `yaml` tags or plain data, as people write
// YAML and as Parse reads it without a mistake.
func Encode(v any) ([]byte, error) {
	var root yaml.Node
	if err := root.Encode(v); err != nil {
		return nil, err
	}
	straighten(&root)
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(&root); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// straighten changes what the library would write otherwise than people do. Numbers
// are written as JSON has them: its 2.5e+06 is another text than 2500000; but a
// whole number that it takes for a float, since it does not fit into 64 bits,
// stays as it is. The text << is a text.
func straighten(n *yaml.Node) {
	switch n.Tag {
	case "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil && written(f) != "" && !wholeNumber.MatchString(n.Value) {
			n.Value, n.Tag = written(f), "" // it may look like a whole number now
		}
	case "!!merge":
		n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		straighten(child)
	}
}

// Writable gives plain data as Encode writes it without a loss: the library
// would put a json.Number in quotes.
func Writable(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = Writable(e)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, e := range v {
			l[i] = Writable(e)
		}
		return l
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}
	default:
		return v
	}
}

// Decode fills v, a struct with `yaml` tags, from a file that has no keys but
// those. It is for tables of tests: what people write is read by a Reader, which
// says where a mistake is.
func Decode(src []byte, v any) error {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	dec.KnownFields(true)
	return dec.Decode(v)
}
