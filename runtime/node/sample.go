package node

import (
	"fmt"
	"maps"
	"math"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/pattern"
)

// Sample returns a value that looks like what a JSON Schema describes: a value
// that the schema names if it names any, else one of its type, with all the
// properties that an object is said to have. It keeps to bounds, formats,
// patterns and what is required, and takes the first of alternatives; what else a
// schema demands it may miss, so Validate has the last word. It is the same each
// time.
func Sample(schema map[string]any) any {
	s := sampler{root: schema, left: mostValues}
	v, _ := s.of(schema, 0)
	return v
}

// sampler bounds a schema that refers to itself. What is beyond is left out, or
// null where it must be.
type sampler struct {
	root map[string]any
	left int
}

const (
	mostDeep   = 16
	mostValues = 2000 // and parts of schemas
	mostItems  = 100
)

func (s *sampler) of(v any, depth int) (sample any, ok bool) {
	if s.left--; s.left < 0 || depth > mostDeep {
		return nil, false
	}
	given, _ := v.(map[string]any)
	schema, ok := s.whole(given, depth)
	if !ok {
		return nil, false
	}
	if v, ok := named(schema); ok {
		return v, true
	}
	switch firstType(schema) {
	case "object":
		return s.object(schema, depth)
	case "array":
		return s.list(schema, depth)
	case "integer":
		return sampleNumber(schema, true), true
	case "number":
		return sampleNumber(schema, false), true
	case "boolean":
		return true, true
	case "null":
		return nil, true
	default:
		return sampleText(schema), true
	}
}

// whole puts references, parts and the first of alternatives into one schema.
func (s *sampler) whole(schema map[string]any, depth int) (map[string]any, bool) {
	if s.left--; s.left < 0 || depth > mostDeep {
		return nil, false
	}
	var parts []any
	if ref, ok := schema["$ref"].(string); ok {
		parts = append(parts, s.find(ref))
	}
	all, _ := schema["allOf"].([]any)
	parts = append(parts, all...)
	for _, key := range []string{"oneOf", "anyOf"} {
		if list, _ := schema[key].([]any); len(list) > 0 {
			parts = append(parts, list[0])
		}
	}
	if len(parts) == 0 {
		return schema, true
	}
	whole := maps.Clone(schema)
	for _, key := range []string{"$ref", "allOf", "oneOf", "anyOf"} {
		delete(whole, key)
	}
	for _, part := range parts {
		part, _ := part.(map[string]any)
		part, ok := s.whole(part, depth+1)
		if !ok {
			return nil, false
		}
		for key, v := range part {
			whole[key] = both(key, whole[key], v)
		}
	}
	return whole, true
}

// both is what a keyword has where two schemas hold.
func both(key string, a, b any) any {
	switch {
	case a == nil:
		return b
	case key == "required":
		x, _ := a.([]any)
		y, _ := b.([]any)
		return slices.Concat(x, y)
	case key == "properties":
		x, _ := a.(map[string]any)
		y, _ := b.(map[string]any)
		props := maps.Clone(x)
		for name, schema := range y {
			if other, twice := props[name]; twice {
				schema = map[string]any{"allOf": []any{other, schema}}
			}
			props[name] = schema
		}
		return props
	}
	return a
}

func (s *sampler) object(schema map[string]any, depth int) (any, bool) {
	object := map[string]any{}
	props, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(props)) {
		v, ok := s.of(props[name], depth+1)
		switch {
		case ok:
			object[name] = v
		case slices.Contains(required, any(name)):
			return nil, false
		}
	}
	for _, name := range required {
		name, _ := name.(string)
		if _, there := props[name]; !there {
			object[name], _ = s.of(schema["additionalProperties"], depth+1)
		}
	}
	return object, true
}

func (s *sampler) list(schema map[string]any, depth int) (any, bool) {
	list := []any{}
	first, _ := schema["prefixItems"].([]any)
	for _, item := range first {
		v, ok := s.of(item, depth+1)
		if !ok {
			return nil, false
		}
		list = append(list, v)
	}
	least, _ := figure(schema, "minItems")
	want := max(int(least), len(list))
	if schema["items"] != nil && len(first) == 0 {
		want = max(want, 1)
	}
	if most, ok := figure(schema, "maxItems"); ok {
		want = min(want, int(most))
	}
	for i := len(list); i < min(want, mostItems); i++ {
		v, ok := s.of(schema["items"], depth+1)
		if !ok {
			return list, least == 0
		}
		if schema["uniqueItems"] == true && i > 0 {
			v = s.another(schema["items"], v, i)
		}
		list = append(list, v)
	}
	return list, true
}

// another is a value beside those before it in a list of different ones.
func (s *sampler) another(schema, v any, i int) any {
	m, _ := schema.(map[string]any)
	if whole, ok := s.whole(m, 0); ok {
		if list, _ := whole["enum"].([]any); i < len(list) {
			return list[i]
		}
	}
	switch v := v.(type) {
	case int:
		return v + i
	case string:
		return v + strconv.Itoa(i)
	}
	return v
}

// figure reads a keyword that is a number.
func figure(schema map[string]any, key string) (float64, bool) {
	if schema[key] == nil {
		return 0, false
	}
	n, err := strconv.ParseFloat(fmt.Sprint(schema[key]), 64)
	return n, err == nil
}

// sampleNumber is 1 where that is within the bounds.
func sampleNumber(schema map[string]any, whole bool) any {
	low, high := math.Inf(-1), math.Inf(1)
	if n, ok := figure(schema, "minimum"); ok {
		low = n
	}
	if n, ok := figure(schema, "maximum"); ok {
		high = n
	}
	step, steps := figure(schema, "multipleOf")
	if whole && (!steps || step != math.Trunc(step)) {
		step, steps = 1, true
	}
	above, isAbove := figure(schema, "exclusiveMinimum")
	below, isBelow := figure(schema, "exclusiveMaximum")
	if schema["exclusiveMinimum"] == true { // OpenAPI 3.0
		above, isAbove = low, !math.IsInf(low, 0)
	}
	if schema["exclusiveMaximum"] == true {
		below, isBelow = high, !math.IsInf(high, 0)
	}
	fits := func(n float64) bool {
		return n >= low && n <= high && (!isAbove || n > above) && (!isBelow || n < below)
	}
	if isAbove {
		low = max(low, above)
	}
	if isBelow {
		high = min(high, below)
	}
	candidates := []float64{1}
	if steps && step > 0 {
		candidates = append(candidates, step, math.Ceil(low/step)*step, (math.Floor(low/step)+1)*step, math.Floor(high/step)*step, (math.Ceil(high/step)-1)*step)
	} else {
		candidates = append(candidates, low, high, low+1, high-1, (low+high)/2)
	}
	for _, n := range candidates {
		if multiple := !steps || step <= 0 || n/step == math.Trunc(n/step); !multiple || !fits(n) || math.IsInf(n, 0) {
			continue
		}
		if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			return int(n)
		}
		return n
	}
	return 1
}

// named returns a value that a schema names.
func named(schema map[string]any) (any, bool) {
	if v, ok := schema["const"]; ok {
		return v, true
	}
	if v, ok := schema["default"]; ok {
		return v, true
	}
	for _, key := range []string{"examples", "enum"} {
		if list, ok := schema[key].([]any); ok && len(list) > 0 {
			return list[0], true
		}
	}
	return nil, false
}

func firstType(schema map[string]any) any {
	if list, ok := schema["type"].([]any); ok && len(list) > 0 {
		return list[0]
	}
	if schema["type"] == nil && schema["properties"] != nil {
		return "object"
	}
	return schema["type"]
}

// sampleFormats has a text of each format.
var sampleFormats = map[string]string{
	"uuid": "00000000-0000-4000-8000-000000000000", "date-time": "2026-11-20T08:00:00Z", "date": "2026-11-20",
	"time": "08:00:00Z", "duration": "PT1H", "email": "somebody@example.com", "idn-email": "somebody@example.com",
	"hostname": "example.com", "idn-hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
	"uri": "https://example.com/", "uri-reference": "https://example.com/", "iri": "https://example.com/", "iri-reference": "https://example.com/",
	"uri-template": "https://example.com/{id}", "json-pointer": "/text", "relative-json-pointer": "1/text",
}

func sampleText(schema map[string]any) string {
	least, _ := figure(schema, "minLength")
	most, bounded := figure(schema, "maxLength")
	if !bounded {
		most = math.Inf(1)
	}
	if text, ok := schema["pattern"].(string); ok {
		return patternText(text, int(least), most)
	}
	format, _ := schema["format"].(string)
	if text := sampleFormats[format]; text != "" {
		return text
	}
	text := "text"
	if n := int(min(least, 10_000)); n > len(text) {
		text = strings.Repeat(text, n/len(text)+1)[:n]
	}
	return text[:int(min(float64(len(text)), most))]
}

// patternText makes a text that a pattern matches, and as long as it has to be:
// what may be repeated is, more and more often, until it is. Where that cannot
// be it is any text.
func patternText(text string, least int, most float64) string {
	parsed, err := syntax.Parse(text, syntax.Perl)
	matcher, wrong := pattern.Compile(text)
	if err != nil || wrong != nil {
		return "text"
	}
	for often := 1; often <= 512; often *= 2 {
		var b strings.Builder
		writeMatch(&b, parsed, often)
		made := b.String()
		if n := utf8.RuneCountInString(made); n >= least && float64(n) <= most && matcher.MatchString(made) {
			return made
		}
		if often == 1 { // least of all
			b.Reset()
			writeMatch(&b, parsed, 0)
			if made = b.String(); len(made) >= least && float64(len(made)) <= most && matcher.MatchString(made) {
				return made
			}
		}
	}
	return "text"
}

// writeMatch writes what re matches, with that many of what may be repeated.
func writeMatch(b *strings.Builder, re *syntax.Regexp, often int) {
	times := func(least, most int) {
		n := max(least, often)
		if most >= 0 {
			n = min(n, most)
		}
		for range n {
			if b.Len() > 10_000 {
				return
			}
			writeMatch(b, re.Sub[0], often)
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		b.WriteRune(inClass(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('a')
	case syntax.OpCapture:
		writeMatch(b, re.Sub[0], often)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			writeMatch(b, sub, often)
		}
	case syntax.OpAlternate:
		writeMatch(b, re.Sub[0], often)
	case syntax.OpStar:
		times(0, -1)
	case syntax.OpPlus:
		times(1, -1)
	case syntax.OpQuest:
		times(0, 1)
	case syntax.OpRepeat:
		times(re.Min, re.Max)
	default: // it matches no character, or only what is in it
	}
}

// inClass returns one of the runes in pairs of bounds, a common one if it can.
func inClass(pairs []rune) rune {
	for _, c := range "a0A1 -_" {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] <= c && c <= pairs[i+1] {
				return c
			}
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] > ' ' {
			return max(pairs[i], '!')
		}
	}
	if len(pairs) == 0 {
		return 'a'
	}
	return pairs[0]
}

// find follows a reference inside the schema: "#/$defs/order".
func (s *sampler) find(ref string) any {
	if ref == "#" {
		return s.root
	}
	path, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil
	}
	var at any = s.root
	for name := range strings.SplitSeq(path, "/") {
		m, _ := at.(map[string]any)
		at = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
	}
	return at
}
