package node

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/pattern"
)

// CheckSchema says what is wrong with a schema that somebody wrote: what makes
// it no schema, and what is one by the letter and cannot be meant, such as a
// misspelt keyword or a default that the schema itself refuses. The paths of
// its problems lead into the schema.
func CheckSchema(raw map[string]any) []Problem {
	s, err := NewSchema(raw)
	var wrong *SchemaError
	switch {
	case errors.As(err, &wrong):
		return wrong.Problems
	case err != nil:
		return []Problem{{Msg: err.Error()}}
	}
	if p, ok := propertiesAlone(raw); ok {
		return []Problem{p}
	}
	c := &schemaChecker{root: s}
	c.schema(raw, nil)
	return c.problems
}

// propertiesAlone tells of a schema that is none, but what should stand under its
// properties: names with types, or with schemas.
func propertiesAlone(raw map[string]any) (Problem, bool) {
	if len(raw) == 0 {
		return Problem{}, false
	}
	names := slices.Sorted(maps.Keys(raw))
	for _, name := range names {
		schema, _ := raw[name].(map[string]any)
		_, typed := schema["type"].(string)
		word, _ := raw[name].(string)
		if _, known := slices.BinarySearch(allKeywords, name); known || !typed && (typeMeant(word) == "" || word == "") {
			return Problem{}, false
		}
	}
	first := names[0]
	kind := typeMeant(fmt.Sprint(raw[first]))
	if schema, ok := raw[first].(map[string]any); ok {
		kind = typeMeant(fmt.Sprint(schema["type"]))
	}
	return Problem{
		Msg:  "these are properties, and no schema yet",
		Hint: fmt.Sprintf("write { type: object, properties: { %s: { type: %s } } }", first, cmp.Or(kind, "string")),
	}, true
}

// schemaChecker walks through a schema.
type schemaChecker struct {
	root     *Schema
	compiler *jsonschema.Compiler // of its parts; nil until one is asked for
	problems []Problem
}

func (c *schemaChecker) add(path []string, hint, format string, a ...any) {
	c.problems = append(c.problems, Problem{Path: slices.Clone(path), Msg: fmt.Sprintf(format, a...), Hint: hint})
}

func (c *schemaChecker) warn(path []string, hint, format string, a ...any) {
	c.add(path, hint, format, a...)
	c.problems[len(c.problems)-1].Warning = true
}

// The keywords of JSON Schema 2020-12 by what stands under them, with those of
// earlier drafts that still mean something, and the notes of OpenAPI, which are
// for people and tools.
var (
	schemaKeywords = []string{
		"additionalProperties", "unevaluatedProperties", "items", "unevaluatedItems", "additionalItems", "contains",
		"propertyNames", "not", "if", "then", "else", "contentSchema",
	}
	listKeywords = []string{"allOf", "anyOf", "oneOf", "prefixItems"}
	mapKeywords  = []string{"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
	dataKeywords = []string{
		"type", "enum", "const", "default", "format", "pattern", "required", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
		"multipleOf", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains", "minProperties",
		"maxProperties", "dependentRequired", "title", "description", "examples", "deprecated", "readOnly", "writeOnly",
		"contentEncoding", "contentMediaType", "$ref", "$id", "$schema", "$anchor", "$comment", "$dynamicRef", "$dynamicAnchor", "$vocabulary",
		"nullable", "discriminator", "xml", "externalDocs", "example", "components",
	}
	allKeywords = slices.Sorted(slices.Values(slices.Concat(schemaKeywords, listKeywords, mapKeywords, dataKeywords)))
)

func (c *schemaChecker) schema(v any, path []string) {
	schema, ok := v.(map[string]any)
	if !ok {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(schema)) {
		c.keyword(key, schema[key], append(path, key))
	}
	c.required(schema, path)
	c.values(schema, path)
	c.format(schema, path)
	c.bounds(schema, path)
	if schema["x-choices"] != nil {
		for _, p := range choiceProblems(schema) {
			c.add(slices.Concat(path, p.Path), "", "%s", p.Msg)
		}
	}
	c.inside(schema, path, c.schema)
	if components, ok := schema["components"].(map[string]any); ok && len(path) == 0 {
		c.each(components["schemas"], []string{"components", "schemas"}, c.schema)
	}
}

// inside visits the schemas that a schema holds.
func (c *schemaChecker) inside(schema map[string]any, path []string, visit func(any, []string)) {
	for _, key := range schemaKeywords {
		visit(schema[key], append(path, key))
	}
	for _, key := range listKeywords {
		parts, _ := schema[key].([]any)
		for i, part := range parts {
			visit(part, append(path, key, strconv.Itoa(i)))
		}
	}
	for _, key := range mapKeywords {
		c.each(schema[key], append(path, key), visit)
	}
}

func (c *schemaChecker) each(v any, path []string, visit func(any, []string)) {
	parts, _ := v.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		visit(parts[name], append(path, name))
	}
}

func (c *schemaChecker) keyword(key string, value any, path []string) {
	if _, known := slices.BinarySearch(allKeywords, key); known || strings.HasPrefix(key, "x-") {
		return
	}
	if near := diag.Nearest(key, allKeywords); near != "" {
		c.add(path, fmt.Sprintf("did you mean %q?", near), "JSON Schema has no keyword %q, and so does nothing about it", key)
		c.problems[len(c.problems)-1].Key = true
		return
	}
	if value == nil { // {description: one, two}
		c.add(path, "inside { } a comma begins a new name: quote a text that has one", "JSON Schema has no keyword %q, and nothing stands under it", key)
		c.problems[len(c.problems)-1].Key = true
		return
	}
	c.warn(path, `a note of your own may begin with "x-"`, "JSON Schema has no keyword %q, and so does nothing about it", key)
}

// required looks for names that no property has: nothing fits where others are
// forbidden, and where they are not the name is likely misspelt.
func (c *schemaChecker) required(schema map[string]any, path []string) {
	props, declared := schema["properties"].(map[string]any)
	names, _ := schema["required"].([]any)
	if !declared || schema["patternProperties"] != nil {
		return
	}
	for i, v := range names {
		name, _ := v.(string)
		if _, ok := props[name]; ok {
			continue
		}
		at := slices.Concat(path, []string{"required", strconv.Itoa(i)})
		near := diag.Nearest(name, slices.Sorted(maps.Keys(props)))
		switch {
		case schema["additionalProperties"] == false:
			c.add(at, diag.Suggest(name, slices.Sorted(maps.Keys(props))), "%q is required and not allowed: no property has that name, so nothing fits", name)
		case near != "" && !slices.Contains(names, any(near)):
			c.add(at, fmt.Sprintf("did you mean %q?", near), "%q is required, and no property has that name", name)
		}
	}
}

// values holds what the schema gives or lists against the schema.
func (c *schemaChecker) values(schema map[string]any, path []string) {
	if enum, ok := schema["enum"].([]any); ok && len(enum) == 0 {
		c.add(append(path, "enum"), "", "enum lists nothing, so nothing fits")
	}
	lists := map[string][]any{}
	if v, ok := schema["default"]; ok {
		lists["default"] = []any{v}
	}
	if v, ok := schema["const"]; ok {
		lists["const"] = []any{v}
	}
	lists["enum"], _ = schema["enum"].([]any)
	for _, key := range slices.Sorted(maps.Keys(lists)) {
		for i, v := range lists[key] {
			at := slices.Concat(path, []string{key})
			if key == "enum" {
				at = append(at, strconv.Itoa(i))
			}
			if wrong := c.validateAt(path, v); len(wrong) > 0 {
				c.add(at, "", "%s does not fit its own schema: %s", keyName(key, v), FormatProblems(wrong))
			}
		}
	}
}

func keyName(key string, v any) string {
	if key == "enum" {
		return "the value " + show(v)
	}
	return "the " + key + " " + show(v)
}

// validateAt holds v against a part of the schema.
func (c *schemaChecker) validateAt(path []string, v any) []Problem {
	compiled := c.root.compiled
	if len(path) > 0 {
		var pointer strings.Builder
		for _, name := range path {
			pointer.WriteByte('/')
			pointer.WriteString(strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1"))
		}
		if c.compiler == nil {
			c.compiler = newCompiler()
			doc, err := plainJSON(c.root.raw)
			fromOpenAPI(doc)
			if err != nil || c.compiler.AddResource(schemaID, doc) != nil {
				return nil
			}
		}
		var err error
		if compiled, err = c.compiler.Compile(schemaID + "#" + pointer.String()); err != nil {
			return nil // said elsewhere
		}
	}
	plain, err := plainJSON(v)
	if err != nil {
		return nil
	}
	if ve, ok := errors.AsType[*jsonschema.ValidationError](compiled.Validate(plain)); ok {
		return problemsOf(ve)
	}
	return nil
}

// formats are those that values are held against.
var formats = []string{
	"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "iri", "iri-reference", "json-pointer", "period", "regex",
	"relative-json-pointer", "semver", "time", "uri", "uri-reference", "uri-template", "uuid",
}

// notes are formats of OpenAPI and others that say something to people alone.
var notes = []string{"int32", "int64", "float", "double", "byte", "binary", "password", "decimal", "html", "phone", "char"}

func (c *schemaChecker) format(schema map[string]any, path []string) {
	name, ok := schema["format"].(string)
	if !ok || slices.Contains(formats, name) || slices.Contains(notes, name) {
		return
	}
	if near := diag.Nearest(name, formats); near != "" {
		c.add(append(path, "format"), fmt.Sprintf("did you mean %q?", near), "no format %q is known, so nothing is held against it", name)
		return
	}
	c.warn(append(path, "format"), "a `pattern` can say what is meant", "no format %q is known, so nothing is held against it", name)
}

// bounds finds pairs between which nothing fits.
func (c *schemaChecker) bounds(schema map[string]any, path []string) {
	for _, pair := range [][2]string{
		{"minimum", "maximum"}, {"minLength", "maxLength"}, {"minItems", "maxItems"}, {"minProperties", "maxProperties"}, {"minContains", "maxContains"},
	} {
		low, okLow := float(schema[pair[0]])
		high, okHigh := float(schema[pair[1]])
		if okLow && okHigh && low > high {
			c.add(append(path, pair[0]), "", "%s %v is more than %s %v, so nothing fits", pair[0], schema[pair[0]], pair[1], schema[pair[1]])
		}
	}
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	default:
		return 0, false
	}
}

// patterns says of each pattern that is none what is wrong with it.
func (c *schemaChecker) patterns(v any, path []string) {
	schema, ok := v.(map[string]any)
	if !ok {
		return
	}
	if text, ok := schema["pattern"].(string); ok {
		c.pattern(text, append(path, "pattern"))
	}
	named, _ := schema["patternProperties"].(map[string]any)
	for _, text := range slices.Sorted(maps.Keys(named)) {
		c.pattern(text, append(path, "patternProperties", text))
	}
	c.inside(schema, path, c.patterns)
}

func (c *schemaChecker) pattern(text string, path []string) {
	var wrong *pattern.Error
	if _, err := pattern.Compile(text); errors.As(err, &wrong) {
		c.add(path, wrong.Hint, "%s", wrong)
	}
}

// typeNames are those of JSON Schema, and typesElsewhere what other languages and
// tools have for them.
var (
	typeNames      = []string{"string", "integer", "number", "boolean", "object", "array", "null"}
	typesElsewhere = map[string]string{
		"int": "integer", "long": "integer", "short": "integer", "int32": "integer", "int64": "integer", "bigint": "integer",
		"float": "number", "double": "number", "decimal": "number", "real": "number",
		"bool": "boolean", "str": "string", "text": "string", "char": "string", "varchar": "string", "enum": "string",
		"map": "object", "dict": "object", "json": "object", "struct": "object", "record": "object",
		"list": "array", "set": "array", "tuple": "array", "nil": "null", "none": "null",
	}
)

// forms are types elsewhere that are a format of texts here.
var forms = map[string]string{"date": "date", "datetime": "date-time", "timestamp": "date-time", "time": "time", "uuid": "uuid", "email": "email", "uri": "uri", "url": "uri", "phone": ""}

// explained says of a mistake in a schema what was likely meant, where it is one that
// people make who know types from elsewhere.
func explained(p Problem, schema map[string]any) Problem {
	var at any = schema
	for _, name := range p.Path {
		switch v := at.(type) {
		case map[string]any:
			at = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v) {
				return p
			}
			at = v[i]
		default:
			return p
		}
	}
	n := len(p.Path)
	word, isText := at.(string)
	_, isBool := at.(bool)
	switch {
	case n == 0:
	case isText && (p.Path[n-1] == "type" || n > 1 && p.Path[n-2] == "type"):
		p.Msg, p.Hint = fmt.Sprintf("JSON Schema has no type %q", word), typeHint(word)
	case isText && n > 1 && p.Path[n-2] == "properties":
		p.Msg, p.Hint = fmt.Sprintf("is the text %q, expected a schema", word), "write { type: "+cmp.Or(typeMeant(word), "string")+" }"
	case isText && p.Path[n-1] == "required":
		p.Msg, p.Hint = fmt.Sprintf("is the text %q, expected a list of names", word), "write ["+word+"]"
	case isBool && p.Path[n-1] == "required":
		p.Msg = fmt.Sprintf("is %v, expected a list of names", at)
		if n > 2 && p.Path[n-3] == "properties" {
			p.Hint = fmt.Sprintf("write required: [%s] beside the \"properties\" that it is one of", p.Path[n-2])
		}
	}
	return p
}

// typeMeant is the type that somebody meant by a word, or "".
func typeMeant(word string) string {
	word = strings.ToLower(word)
	if _, form := forms[word]; form {
		return "string"
	}
	return cmp.Or(typesElsewhere[word], diag.Nearest(word, typeNames))
}

func typeHint(word string) string {
	form, isForm := forms[strings.ToLower(word)]
	switch {
	case word == "any":
		return "leave type out where anything will do"
	case form != "":
		return "write type: string, format: " + form
	case isForm:
		return "write type: string"
	}
	if meant := typeMeant(word); meant != "" {
		return fmt.Sprintf("did you mean %q?", meant)
	}
	return diag.Suggest(word, typeNames)
}
