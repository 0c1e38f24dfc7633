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
	if len(text) > yamldoc.MaxBytes {
		return nil, fmt.Errorf("it is %d bytes long, expected %d at most", len(text), yamldoc.MaxBytes)
	}
	dec := &jsonReader{Decoder: json.NewDecoder(bytes.NewReader(text))}
	dec.UseNumber()
	v, err := dec.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one document")
	}
	return v, nil
}

// jsonReader holds what it reads to the limits of a YAML file.
type jsonReader struct {
	*json.Decoder
	values int
}

func (dec *jsonReader) value(depth int) (yamldoc.Value, error) {
	if dec.values++; dec.values > yamldoc.MaxValues {
		return nil, fmt.Errorf("more than %d values", yamldoc.MaxValues)
	}
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
			return dec.list(depth)
		}
		return dec.object(depth)
	case json.Number:
		n, err := data.Number(t.String())
		return &yamldoc.Scalar{Text: yamldoc.Text{Value: t.String()}, Data: n}, err
	case string:
		return &yamldoc.Scalar{Text: yamldoc.Text{Value: t}, Data: t}, nil
	default:
		return &yamldoc.Scalar{Text: yamldoc.Text{Value: fmt.Sprint(t)}, Data: t}, nil
	}
}

func (dec *jsonReader) list(depth int) (yamldoc.Value, error) {
	l := &yamldoc.List{}
	for dec.More() {
		item, err := dec.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if len(l.Items) == yamldoc.MaxEntries {
			return nil, fmt.Errorf("a list of more than %d items", yamldoc.MaxEntries)
		}
		l.Items = append(l.Items, item)
	}
	_, err := dec.Token()
	return l, err
}

func (dec *jsonReader) object(depth int) (yamldoc.Value, error) {
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
		if dec.values++; len(m.Entries) == yamldoc.MaxEntries {
			return nil, fmt.Errorf("an object of more than %d properties", yamldoc.MaxEntries)
		}
		value, err := dec.value(depth + 1)
		if err != nil {
			return nil, err
		}
		m.Entries = append(m.Entries, yamldoc.Entry{Key: yamldoc.Text{Value: key}, Value: value})
	}
	_, err := dec.Token()
	return m, err
}
