package manifest

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/yamldoc"
	"github.com/wendflow/wend/sdk/wire"
)

// Codes of the mistakes that only a plugin.yaml can have; the others are
// package diag's.
const (
	CodeValue   diag.Code = "manifest-value"   // a value of the wrong form
	CodeSchema  diag.Code = "manifest-schema"  // a schema that is none
	CodeOutcome diag.Code = "manifest-outcome" // outcomes that contradict each other
)

var format = yamldoc.Format{Name: "manifest", Aliases: true, Keys: []string{"plugin", "methods", "abi"}, Begins: `"plugin: name-of-the-plugin", "version: 1.0.0" and "abi: 1", and has its methods under "methods:"`}

// Parse reads a plugin.yaml; file is its name, for positions. It finds
// all mistakes, not only the first; the manifest is nil if there are any.
func Parse(file string, src []byte) (*Manifest, diag.List) {
	doc, mistakes := format.Parse(file, src)
	r := &reader{Reader: yamldoc.Reader{Mistakes: mistakes, Invalid: CodeValue}, compile: true}
	if doc.Root() == nil {
		if len(mistakes) == 0 {
			r.Mistakes.Errorf(diag.Pos{File: file, Line: 1, Col: 1}, diag.EmptyValue, "the file holds no manifest, expected one with plugin, version, abi and methods")
		}
		return nil, r.Mistakes
	}
	m := r.manifest(doc.Root())
	if r.Mistakes.HasErrors() {
		return nil, r.Mistakes
	}
	return m, r.Mistakes
}

// reader turns a document into a Manifest. Paths, as methods.end-task.outcomes,
// stand in messages since a section of a wasm file has no lines.
type reader struct {
	yamldoc.Reader
	compile bool // try every schema; a load does so anyway
}

func (r *reader) errorf(f yamldoc.Field, code diag.Code, format string, a ...any) {
	r.Mistakes.Errorf(f.Value.Pos(), code, "%s "+format, append([]any{f}, a...)...)
}

func (r *reader) manifest(root yamldoc.Value) *Manifest {
	m := &Manifest{}
	r.Object(yamldoc.Field{What: "the manifest", Value: root}, nil,
		yamldoc.Key{Name: "plugin", Required: true, Read: yamldoc.Into(&m.Plugin, r.kebab)},
		yamldoc.Key{Name: "version", Required: true, Read: yamldoc.Into(&m.Version, r.version)},
		yamldoc.Key{Name: "abi", Required: true, Read: yamldoc.Into(&m.ABI, r.abi)},
		yamldoc.Key{Name: "summary", Read: yamldoc.Into(&m.Summary, r.prose)},
		yamldoc.Key{Name: "settings", Read: yamldoc.Into(&m.Settings, r.schema)},
		yamldoc.Key{Name: "methods", Required: true, Read: yamldoc.Into(&m.Methods, r.methods)},
		yamldoc.Key{Name: "limits", Read: func(f yamldoc.Field) { r.limits(f, &m.Limits) }},
	)
	return m
}

// prose is a text for people, which may be empty.
func (r *reader) prose(f yamldoc.Field) string { return strings.TrimSpace(r.AnyText(f).Value) }

func (r *reader) kebab(f yamldoc.Field) string {
	name := r.Str(f)
	r.checkKebab(f, name)
	return name
}

func (r *reader) checkKebab(f yamldoc.Field, name string) {
	if name != "" && !yamldoc.IsKebab(name) {
		e := r.Mistakes.Errorf(f.Value.Pos(), CodeValue, "%s: %q is not a name", f, name)
		if f.Key.Value == name {
			e.Pos = f.Key.Pos
		}
		e.Hint = `expected lower-case words joined by "-", such as "end-task"`
	}
}

func (r *reader) version(f yamldoc.Field) string {
	text := r.Written(f).Value
	if v := "v" + text; text != "" && (!semver.IsValid(v) || strings.Count(semver.Canonical(v), ".") != strings.Count(v, ".")) {
		r.Refuse(f, `a version such as "1.0.0"`)
	}
	return text
}

func (r *reader) abi(f yamldoc.Field) int {
	abi, ok := r.Int(f)
	if ok && abi != wire.ABI {
		r.Mistakes.Errorf(f.Value.Pos(), CodeValue, "ABI %d is not supported, only ABI %d is", abi, wire.ABI)
	}
	return abi
}

// schema reads the JSON Schema of an object.
func (r *reader) schema(f yamldoc.Field) map[string]any {
	if _, ok := f.Value.(*yamldoc.Map); !ok {
		r.Wrong(f, "a JSON Schema")
		return nil
	}
	schema, _ := r.Data(f).(map[string]any)
	if schema["type"] != "object" {
		r.errorf(f, CodeSchema, "must be a JSON Schema with type: object")
		return nil
	}
	if r.compile {
		refused := false
		for _, p := range node.CheckSchema(schema) {
			if p.Warning {
				continue // a plugin that is loaded says nothing of what may be meant
			}
			refused = true
			pos := yamldoc.ValueAt(f.Value, p.Path, f.Value.Pos())
			if p.Key {
				pos = yamldoc.KeyAt(f.Value, p.Path, pos)
			}
			r.Mistakes.Errorf(pos, CodeSchema, "%s has a mistake in its schema, at %s", f, p)
		}
		if refused {
			return nil
		}
	}
	return schema
}

func (r *reader) methods(f yamldoc.Field) []Method {
	var methods []Method
	taken := map[string]bool{}
	take := func(f yamldoc.Field, name string) {
		r.checkKebab(f, name)
		if taken[name] {
			r.Mistakes.Errorf(f.Value.Pos(), CodeValue, "%s: the name %q is taken by another method", f, name)
		}
		taken[name] = true
	}
	before := r.Misread
	for _, e := range r.Entries(f, "from names to methods") {
		m := r.method(e)
		m.Name = e.Key.Value
		take(e, m.Name)
		for _, alias := range m.Aliases {
			take(e, alias)
		}
		methods = append(methods, m)
	}
	if len(methods) == 0 && r.Misread == before {
		r.Mistakes.Errorf(f.Value.Pos(), diag.EmptyValue, "%s is empty, expected at least one method", f)
	}
	return methods
}

func (r *reader) method(f yamldoc.Field) Method {
	var m Method
	r.Object(f, nil,
		yamldoc.Key{Name: "title", Read: yamldoc.Into(&m.Title, r.prose)},
		yamldoc.Key{Name: "doc", Read: yamldoc.Into(&m.Doc, r.prose)},
		yamldoc.Key{Name: "aliases", Read: yamldoc.Into(&m.Aliases, r.Strs)},
		yamldoc.Key{Name: "idempotent", Read: yamldoc.Into(&m.Idempotent, r.Bool)},
		yamldoc.Key{Name: "inputs", Required: true, Read: yamldoc.Into(&m.Inputs, r.schema)},
		yamldoc.Key{Name: "outputs", Required: true, Read: yamldoc.Into(&m.Outputs, r.schema)},
		yamldoc.Key{Name: "outcomes", Required: true, Read: yamldoc.Into(&m.Outcomes, r.outcomes)},
	)
	return m
}

func (r *reader) outcomes(f yamldoc.Field) node.Outcomes {
	var o node.Outcomes
	var others []node.Outcome
	r.Object(f, nil,
		yamldoc.Key{Name: "success", Required: true, Read: yamldoc.Into(&o.Success, r.Str)},
		yamldoc.Key{Name: "fault", Required: true, Read: yamldoc.Into(&o.Fault, r.Str)},
		yamldoc.Key{Name: "invalid", Read: yamldoc.Into(&o.Invalid, r.Str)},
		yamldoc.Key{Name: "default", Read: yamldoc.Into(&o.Default, r.Str)},
		yamldoc.Key{Name: "others", Read: yamldoc.Into(&others, r.others)},
	)
	if o.Success != "" && o.Success == o.Fault {
		r.errorf(f, CodeOutcome, "has %q for success and for fault; a fault never leaves by the success outcome", o.Success)
	}
	described := node.Outcomes{All: others}.Names()
	for _, named := range []struct{ role, name string }{{"success", o.Success}, {"fault", o.Fault}, {"invalid", o.Invalid}, {"default", o.Default}} {
		if named.name == "" || (node.Outcomes{All: others}).Has(named.name) {
			continue
		}
		if near := diag.Nearest(named.name, described); near != "" { // else it would be an outcome that the plugin never leaves by
			pos := yamldoc.ValueAt(f.Value, []string{named.role}, f.Value.Pos())
			r.Mistakes.Errorf(pos, CodeOutcome, "%s has %q for %s, which its others do not describe", f, named.name, named.role).
				Hint = fmt.Sprintf("did you mean %q?", near)
			continue
		}
		others = insertNamed(others, named.name, o)
	}
	o.All = others
	return o
}

// insertNamed adds an outcome that `others` does not describe: success first,
// the rest last.
func insertNamed(all []node.Outcome, name string, o node.Outcomes) []node.Outcome {
	out := node.Outcome{Name: name}
	if name == o.Success {
		out.Doc = "It worked."
		return slices.Insert(all, 0, out)
	}
	if name == o.Fault {
		out.Doc = "The plugin itself failed."
	}
	return append(all, out)
}

func (r *reader) others(f yamldoc.Field) []node.Outcome {
	var outs []node.Outcome
	for _, e := range r.Entries(f, "from outcomes to what they mean") {
		outs = append(outs, node.Outcome{Name: e.Key.Value, Doc: r.prose(e)})
	}
	return outs
}

func (r *reader) limits(f yamldoc.Field, into *Limits) {
	for _, e := range r.Entries(f, "from limits to values") {
		if !slices.Contains(LimitNames(), e.Key.Value) {
			r.Mistakes.Errorf(e.Key.Pos, diag.UnknownKey, "%s has no key %q", f, e.Key.Value).
				Hint = diag.Suggest(e.Key.Value, LimitNames())
			continue
		}
		text := r.Written(e).Value
		if s, ok := e.Value.(*yamldoc.Scalar); ok && text != "" {
			if n, ok := s.Number(); ok {
				text = fmt.Sprint(n) // 1_000_000
			}
			if err := into.Set(e.Key.Value, text); err != nil {
				r.Mistakes.Errorf(s.Pos(), CodeValue, "%v", err)
			}
		}
	}
}
