package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// readJSON reads the manifest of a section into the form in which YAML is read,
// without places. It takes a tenth of what the YAML parser takes for the same
// text.
func readJSON(text []byte) (yamldoc.Value, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	v, err := nextValue(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one document")
	}
	return v, nil
}

func nextValue(dec *json.Decoder, depth int) (yamldoc.Value, error) {
	if depth > yamldoc.MaxDepth {
		return nil, fmt.Errorf("nested deeper than %d", yamldoc.MaxDepth)
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			return nextList(dec, depth)
		}
		return nextMap(dec, depth)
	case json.Number:
		n, err := data.Number(t.String())
		return &yamldoc.Scalar{Text: yamldoc.Text{Value: t.String()}, Data: n}, err
	case string:
		return &yamldoc.Scalar{Text: yamldoc.Text{Value: t}, Data: t}, nil
	default:
		return &yamldoc.Scalar{Text: yamldoc.Text{Value: fmt.Sprint(t)}, Data: t}, nil
	}
}

func nextList(dec *json.Decoder, depth int) (yamldoc.Value, error) {
	l := &yamldoc.List{}
	for dec.More() {
		item, err := nextValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		l.Items = append(l.Items, item)
	}
	_, err := dec.Token()
	return l, err
}

func nextMap(dec *json.Decoder, depth int) (yamldoc.Value, error) {
	m := &yamldoc.Map{}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string) // the decoder takes nothing else
		if seen[key] {
			return nil, fmt.Errorf("%q is there twice", key)
		}
		seen[key] = true
		value, err := nextValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		m.Entries = append(m.Entries, yamldoc.Entry{Key: yamldoc.Text{Value: key}, Value: value})
	}
	_, err := dec.Token()
	return m, err
}
