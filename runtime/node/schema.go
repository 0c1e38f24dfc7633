package node

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/pattern"
)

// Schema is a JSON Schema (2020-12) with its source. Immutable and safe for
// concurrent use; a nil *Schema accepts everything.
//
// One keyword is ours: "x-wend" on a property says how a flow's text under it
// is read. "literal": not at all, templates stay text. "late": templates, left
// to the node to evaluate. "condition": a bare boolean expression, late too.
// "each": late for every element of the list that the Callee names, with item and index.
// "set": a map from variables of the run to late values. "url": an address, in
// which templates are escaped by their place. "text": what a template comes to
// is given as text, whatever it is. "x-choices" declares the texts that a plugin
// takes, see Choices.
type Schema struct {
	raw      map[string]any
	compiled *jsonschema.Schema
	defaults *defaults
}

// SchemaError says what is wrong with a schema. The paths of its problems lead
// into the schema.
type SchemaError struct{ Problems []Problem }

func (e *SchemaError) Error() string { return "schema: " + FormatProblems(e.Problems) }

// schemaError keeps one problem for each place: a keyword that may have several
// forms fails in each of them. It says more of a pattern than that it is none.
func schemaError(err error, raw map[string]any) *SchemaError {
	found := libraryError(err, raw)
	c := &schemaChecker{}
	c.patterns(raw, nil)
	if len(c.problems) == 0 {
		return found
	}
	rest := slices.DeleteFunc(found.Problems, func(p Problem) bool {
		return strings.HasSuffix(p.Msg, "is not a valid regex")
	})
	return &SchemaError{append(c.problems, rest...)}
}

func libraryError(err error, raw map[string]any) *SchemaError {
	var invalid *jsonschema.SchemaValidationError
	var cause *jsonschema.ValidationError
	if !errors.As(err, &invalid) || !errors.As(invalid.Err, &cause) {
		return &SchemaError{[]Problem{{Msg: oneLine(err)}}}
	}
	var first []Problem
	for _, p := range problemsOf(cause) {
		p = explained(p, raw)
		if !slices.ContainsFunc(first, func(q Problem) bool { return slices.Equal(p.Path, q.Path) }) {
			first = append(first, p)
		}
	}
	// Of a keyword that may be a word or a list of words the word that is wrong is told.
	all := slices.Clone(first)
	first = slices.DeleteFunc(first, func(p Problem) bool {
		return slices.ContainsFunc(all, func(q Problem) bool { return len(q.Path) > len(p.Path) && slices.Equal(q.Path[:len(p.Path)], p.Path) })
	})
	return &SchemaError{first}
}

// NewSchema compiles a schema. raw is decoded JSON or YAML and must not be
// changed afterwards. A schema that is none is a *SchemaError.
func NewSchema(raw map[string]any) (*Schema, error) {
	c := newCompiler()
	doc, err := plainJSON(raw)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	if n := objects(doc); n > maxObjects {
		return nil, &SchemaError{[]Problem{{Msg: fmt.Sprintf("the schema holds %d objects, expected %d at most", n, maxObjects)}}}
	}
	fromOpenAPI(doc)
	if err := c.AddResource(schemaID, doc); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	compiled, err := c.Compile(schemaID)
	if err != nil {
		return nil, schemaError(err, raw)
	}
	return &Schema{raw: raw, compiled: compiled, defaults: defaultsOf(raw, raw, 0)}, nil
}

// maxObjects bounds a schema: the time to compile one is the square of its
// subschemas. An object has some kilobytes when it is compiled.
const maxObjects = 4000

// objects counts the objects of a document, subschemas among them.
func objects(doc any) int {
	n := 0
	switch doc := doc.(type) {
	case map[string]any:
		n = 1
		for _, v := range doc {
			n += objects(v)
		}
	case []any:
		for _, v := range doc {
			n += objects(v)
		}
	}
	return n
}

const schemaID = "wend:schema"

func newCompiler() *jsonschema.Compiler {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	// No schema may make the process read a file or a URL.
	c.UseLoader(noLoader{})
	c.UseRegexpEngine(func(text string) (jsonschema.Regexp, error) { return pattern.Compile(text) })
	return c
}

// MustSchema is NewSchema for package variables and tests; it panics.
func MustSchema(raw map[string]any) *Schema {
	s, err := NewSchema(raw)
	if err != nil {
		panic(err)
	}
	return s
}

// Raw returns the schema as decoded JSON. It must not be changed.
func (s *Schema) Raw() map[string]any {
	if s == nil {
		return nil
	}
	return s.raw
}

// MarshalJSON writes the schema's source.
func (s *Schema) MarshalJSON() ([]byte, error) { return json.Marshal(s.Raw()) }

// WithDefaults returns v with the defaults of properties filled in that are
// absent, also inside of objects and lists that are there, and behind `allOf`
// and references. v is not changed.
func (s *Schema) WithDefaults(v map[string]any) map[string]any {
	if s == nil || s.defaults == nil {
		return v
	}
	return s.defaults.fillObject(v)
}

// FillDefaults is WithDefaults of any value.
func (s *Schema) FillDefaults(v any) any {
	if s == nil {
		return v
	}
	return s.defaults.fill(v)
}

// Validate returns what in v does not fit; nil if all does. v is decoded JSON.
// Of many problems the first by their paths are told, and one more says how many
// there are.
func (s *Schema) Validate(v any) []Problem {
	if s == nil {
		return nil
	}
	if _, err := data.Measure(v, smallValue); err != nil {
		if s.fits(v) {
			return nil
		}
		explaining.Lock()
		defer explaining.Unlock()
	}
	err := s.compiled.Validate(v)
	if err == nil {
		return nil
	}
	ve, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []Problem{{Msg: err.Error()}}
	}
	return problemsOf(ve)
}

// smallValue is up to how many bytes of JSON the library may collect all that is
// wrong: it takes hundreds of times as much memory for that. Of larger values it
// is asked first whether they fit, which it says at the first misfit, and what
// is wrong with them is looked for one at a time.
const smallValue = 16 << 10

var explaining sync.Mutex

// fits tells only whether v fits.
func (s *Schema) fits(v any) bool {
	not := jsonschema.Schema{DraftVersion: s.compiled.DraftVersion, Location: s.compiled.Location, Not: s.compiled}
	return not.Validate(v) != nil
}

// FormatProblems writes problems in one line, as `sms.senderNumber: …; …`.
func FormatProblems(ps []Problem) string {
	parts := make([]string, len(ps))
	for i, p := range ps {
		parts[i] = p.String()
	}
	return strings.Join(parts, "; ")
}

func (p Problem) String() string {
	s := p.Msg
	if len(p.Path) > 0 {
		s = clip(strings.Join(p.Path, ".")) + ": " + s
	}
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

const (
	// mostProblems are told of one value.
	mostProblems = 20
	// mostMessage is how many bytes the message of one problem has, and its path.
	mostMessage = 500
)

// problemsOf flattens the tree of causes into its leaves: those name the
// fields. They are sorted by path, since the tree has them in any order.
func problemsOf(e *jsonschema.ValidationError) []Problem {
	c := collector{}
	c.collect(e)
	var told []Problem
	for _, leaf := range c.first {
		told = append(told, describe(leaf)...)
	}
	slices.SortStableFunc(told, func(a, b Problem) int { return slices.Compare(a.Path, b.Path) })
	if len(told) > mostProblems {
		told = told[:mostProblems]
	}
	for i := range told {
		told[i].Msg = clip(told[i].Msg)
	}
	if more := c.all - len(told); more > 0 {
		told = append(told, Problem{Msg: fmt.Sprintf("and %d more problems", more)})
	}
	return told
}

// collector finds the leaves that come first by their paths.
type collector struct {
	all   int // problems
	first []*jsonschema.ValidationError
}

func (c *collector) collect(e *jsonschema.ValidationError) {
	for _, cause := range e.Causes {
		c.collect(cause)
	}
	if len(e.Causes) > 0 {
		return
	}
	c.all += len(namesOf(e))
	at, _ := slices.BinarySearchFunc(c.first, e, func(a, b *jsonschema.ValidationError) int {
		return cmp.Or(slices.Compare(a.InstanceLocation, b.InstanceLocation), -1) // behind its equals
	})
	if at == mostProblems {
		return
	}
	c.first = slices.Insert(c.first, at, e)
	c.first = c.first[:min(len(c.first), mostProblems)]
}

// namesOf are the properties that a leaf is about, or one name if it is about a
// value.
func namesOf(e *jsonschema.ValidationError) []string {
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return k.Missing
	case *kind.AdditionalProperties:
		return k.Properties
	default:
		return []string{""}
	}
}

// clip cuts a text that is too long to be read.
func clip(s string) string {
	shown, _ := data.Cut(s, mostMessage)
	return shown.(string)
}

// describe puts what is missing or too much where it should be or is, not at
// the object around it.
func describe(e *jsonschema.ValidationError) []Problem {
	at := e.InstanceLocation
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return forEach(at, k.Missing, "is missing")
	case *kind.AdditionalProperties:
		return forEach(at, k.Properties, "is not expected here")
	case *kind.Type:
		return []Problem{{Path: at, Msg: fmt.Sprintf("is %s, expected %s", article(k.Got), OneOf(k.Want...))}}
	case *kind.Format:
		return []Problem{{Path: at, Msg: fmt.Sprintf("%v is not a valid %s", show(k.Got), k.Want)}}
	case *kind.MinLength:
		return []Problem{{Path: at, Msg: fmt.Sprintf("has a length of %d, expected at least %d", k.Got, k.Want)}}
	case *kind.MaxLength:
		return []Problem{{Path: at, Msg: fmt.Sprintf("has a length of %d, expected at most %d", k.Got, k.Want)}}
	case *kind.Pattern:
		return []Problem{{Path: at, Msg: fmt.Sprintf("%s does not match the pattern %s", show(k.Got), k.Want)}}
	case *kind.MinItems:
		return []Problem{{Path: at, Msg: fmt.Sprintf("has a length of %d, expected at least %d", k.Got, k.Want)}}
	case *kind.MaxItems:
		return []Problem{{Path: at, Msg: fmt.Sprintf("has a length of %d, expected at most %d", k.Got, k.Want)}}
	case *kind.Minimum:
		return number(at, k.Got, "at least", k.Want)
	case *kind.Maximum:
		return number(at, k.Got, "at most", k.Want)
	case *kind.ExclusiveMinimum:
		return number(at, k.Got, "more than", k.Want)
	case *kind.ExclusiveMaximum:
		return number(at, k.Got, "less than", k.Want)
	case *kind.MultipleOf:
		return number(at, k.Got, "a multiple of", k.Want)
	default:
		return []Problem{{Path: at, Msg: e.ErrorKind.LocalizedString(english)}}
	}
}

func forEach(at, names []string, msg string) []Problem {
	names = slices.Sorted(slices.Values(names))
	problems := make([]Problem, min(len(names), mostProblems))
	for i, name := range names[:len(problems)] {
		problems[i] = Problem{Path: append(slices.Clone(at), name), Msg: msg}
	}
	return problems
}

// number writes numbers out: as floating-point ones, which the library prints,
// two that differ could look the same.
func number(at []string, got *big.Rat, must string, want *big.Rat) []Problem {
	return []Problem{{Path: at, Msg: fmt.Sprintf("is %s, expected %s %s", decimal(got), must, decimal(want))}}
}

func decimal(r *big.Rat) string {
	digits, _ := r.FloatPrec()
	text := r.FloatString(digits)
	if len(text) > 40 { // 1e300 is no help when it is written out
		f, _ := r.Float64()
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return text
}

var english = message.NewPrinter(language.English)

func show(v any) string {
	const most = 80
	if _, err := data.Measure(v, most); err != nil {
		return "the value"
	}
	b, err := json.Marshal(v)
	if err != nil || len(b) > most {
		return "the value"
	}
	return string(b)
}

// OneOf names types of JSON in a message: "an object or null".
func OneOf(types ...string) string {
	a := make([]string, len(types))
	for i, t := range types {
		a[i] = article(t)
	}
	return strings.Join(a, " or ")
}

func article(jsonType string) string {
	switch jsonType {
	case "null":
		return "null"
	case "array", "object", "integer":
		return "an " + jsonType
	default:
		return "a " + jsonType
	}
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%q: only references inside the schema (#/…) are followed", url)
}

// plainJSON gives the schema the value types that the compiler knows.
func plainJSON(v any) (any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
}
