package config

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/spec"
)

func (r *reader) text(to *string) func(value) {
	return func(v value) {
		if v.node.Kind != yaml.ScalarNode || v.node.Tag != "!!str" {
			hint := ""
			if v.node.Kind == yaml.ScalarNode {
				hint = "put it in quotes"
			}
			r.misfit(v, InvalidValue, "expected text, not "+shown(v.node), hint)
			return
		}
		*to = v.node.Value
	}
}

func (r *reader) texts(to *[]string) func(value) {
	return func(v value) {
		for _, item := range r.items(v) {
			var text string
			r.text(&text)(item)
			*to = append(*to, text) // a wrong one too: the others keep their index
		}
	}
}

func (r *reader) boolean(to *bool) func(value) {
	return func(v value) {
		if v.node.Tag != "!!bool" || v.node.Decode(to) != nil {
			r.expected(v, "true or false")
		}
	}
}

func (r *reader) count(to *int) func(value) {
	return func(v value) {
		var n int64
		r.bigCount(&n)(v)
		*to = int(n)
	}
}

func (r *reader) bigCount(to *int64) func(value) {
	return func(v value) {
		n, err := strconv.ParseInt(strings.ReplaceAll(v.node.Value, "_", ""), 10, 64)
		if v.node.Tag != "!!int" || err != nil || n < 1 {
			r.expected(v, "a whole number of at least 1")
			return
		}
		*to = n
	}
}

func (r *reader) number(to *float64) func(value) {
	return func(v value) {
		n, err := strconv.ParseFloat(v.node.Value, 64)
		if v.node.Tag != "!!int" && v.node.Tag != "!!float" || err != nil || !(n > 0) || math.IsInf(n, 0) {
			r.expected(v, "a number above 0")
			return
		}
		*to = n
	}
}

func (r *reader) duration(to *time.Duration) func(value) {
	return func(v value) {
		d, err := spec.ParseDuration(v.node.Value)
		if v.node.Kind != yaml.ScalarNode || err != nil || d <= 0 {
			r.misfit(v, diag.InvalidDuration, `expected a duration such as "10s", "200ms" or "30d", not `+shown(v.node), "")
			return
		}
		*to = d
	}
}

var sizeForm = regexp.MustCompile(`^([0-9]+) ?(B|KB|KiB|MB|MiB|GB|GiB)?$`)

// size reads a number of bytes. KB and KiB both mean 1024 bytes, as memory is
// counted.
func (r *reader) size(to *int64) func(value) {
	return func(v value) {
		m := sizeForm.FindStringSubmatch(v.node.Value)
		if m == nil || v.node.Kind != yaml.ScalarNode {
			r.expected(v, `a size such as "256KB" or "64MB"`)
			return
		}
		shift := 10 * strings.Index("BKMG", (m[2] + "B")[:1])
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil || n < 1 || n > math.MaxInt64>>shift {
			r.expected(v, "a size above 0 that fits into 63 bits")
			return
		}
		*to = n << shift
	}
}

var octal = regexp.MustCompile(`^[-+]?0[0-9_]+$`)

// data returns v as plain data: map[string]any, []any, string, int, float64,
// bool or nil.
func (r *reader) data(v value) any {
	r.tame(v.path, v.node)
	var data any
	if err := v.node.Decode(&data); err != nil {
		r.list.Errorf(r.pos(v.node), InvalidValue, "%s: %s", v.path, strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	return narrow(data)
}

// tame takes from YAML what surprises: dates become the text they are, keys
// are text, and a number with a leading zero is a mistake.
func (r *reader) tame(path string, n *yaml.Node) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!timestamp":
		n.Tag = "!!str"
	case n.Kind == yaml.ScalarNode && n.Tag == "!!int" && octal.MatchString(n.Value):
		r.list.Errorf(r.pos(n), diag.YAMLNumber, "%s: YAML reads %s as an octal number", path, n.Value).Hint = "put it in quotes to keep the zeros"
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && child.Kind == yaml.ScalarNode && child.Tag != "!!merge" {
			child.Tag = "!!str"
		}
		r.tame(path, child)
	}
}

// narrow turns integers that fit into int and all other numbers into float64.
func narrow(data any) any {
	switch d := data.(type) {
	case int64:
		return float64(d)
	case uint64:
		return float64(d)
	case map[string]any:
		for k, v := range d {
			d[k] = narrow(v)
		}
	case []any:
		for i, v := range d {
			d[i] = narrow(v)
		}
	}
	return data
}
