package node

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// DecodeJSON decodes one JSON document into the data that flows see: objects
// are map[string]any, arrays []any, whole numbers that fit are int (so ids of
// 64 bits stay exact), other numbers float64. A number beyond float64 is an
// error: it could not be written into a journal again.
func DecodeJSON(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("empty, expected a JSON document")
		}
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON document")
	}
	v, err := plain(v)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Plain turns json.Number inside v into int or float64, in place where v is a
// map or a slice.
func Plain(v any) any {
	v, _ = plain(v)
	return v
}

func plain(v any) (any, error) {
	var first error
	keep := func(e any, err error) any {
		first = cmp.Or(first, err)
		return e
	}
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = keep(plain(e))
		}
	case []any:
		for i, e := range v {
			v[i] = keep(plain(e))
		}
	case json.Number:
		return number(v)
	}
	return v, first
}

func number(n json.Number) (any, error) {
	if i, err := strconv.Atoi(n.String()); err == nil {
		return i, nil
	}
	f, err := n.Float64()
	if err != nil {
		return f, fmt.Errorf("number %.40s is out of range", n)
	}
	return f, nil
}
