package yamldoc

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/diag"
)

// kind is a kind of file that people have beside those of a format. All of its
// marks are keys at the top, or in the first item of a list; without must not
// be there.
type kind struct {
	name    string
	marks   []string
	without string
}

// kinds are tried in order: what is more special comes first.
var kinds = []kind{
	{name: "a flow", marks: []string{"flow", "nodes"}},
	{name: "a plugin's manifest (plugin.yaml)", marks: []string{"plugin", "methods"}},
	{name: "a plugin's manifest (plugin.yaml)", marks: []string{"plugin", "abi"}},
	{name: "a case of a plugin's tests", marks: []string{"method", "want"}},
	{name: "a Kubernetes manifest", marks: []string{"apiVersion", "kind"}},
	{name: "a Helm chart", marks: []string{"apiVersion", "name", "version"}},
	{name: "an OpenAPI description", marks: []string{"openapi"}},
	{name: "an OpenAPI description", marks: []string{"swagger"}},
	{name: "an AsyncAPI description", marks: []string{"asyncapi"}},
	{name: "a GitHub workflow", marks: []string{"on", "jobs"}},
	{name: "a GitHub workflow", marks: []string{"jobs", "name"}},
	{name: "a GitHub action", marks: []string{"runs", "name"}},
	{name: "a CircleCI configuration", marks: []string{"jobs", "version"}},
	{name: "a GitLab pipeline", marks: []string{"stages"}},
	{name: "an Azure pipeline", marks: []string{"trigger", "pool"}},
	{name: "a Compose file", marks: []string{"services"}},
	{name: "an n8n workflow", marks: []string{"nodes", "connections"}, without: "flow"},
	{name: "an Amazon state machine", marks: []string{"StartAt", "States"}},
	{name: "a CloudFormation template", marks: []string{"Resources"}},
	{name: "a serverless workflow", marks: []string{"document", "do"}},
	{name: "a serverless workflow", marks: []string{"specVersion", "states"}},
	{name: "an Ansible playbook", marks: []string{"hosts", "tasks"}},
	{name: "an npm package", marks: []string{"name", "version", "dependencies"}},
	{name: "an npm package", marks: []string{"name", "version", "scripts"}},
	{name: "a configuration (wend.yaml)", marks: []string{"connections"}},
	{name: "a configuration (wend.yaml)", marks: []string{"outbound"}},
	{name: "a configuration (wend.yaml)", marks: []string{"server", "limits"}},
	{name: "a JSON Schema", marks: []string{"$schema"}},
	{name: "a JSON Schema", marks: []string{"type", "properties"}},
}

// otherFile reports a file that is of another kind altogether, in one mistake
// instead of one for each of its keys, and tells whether it is.
func (f Format) otherFile(d *Document, mistakes diag.List) (diag.List, bool) {
	if len(f.Keys) == 0 {
		return mistakes, false
	}
	is, pos := "", diag.Pos{File: d.File, Line: 1, Col: 1}
	switch {
	case d.broken:
		is = f.unlikeText(d.src.text)
	case len(d.Roots) > 0:
		is, pos = f.unlike(d.Roots[0], d.src.text), d.Roots[0].Pos()
	}
	if is == "" {
		return mistakes, false
	}
	var told diag.List
	told.Errorf(pos, diag.WrongType, "the file is %s, expected a %s", is, f.Name).
		Hint = fmt.Sprintf("a %s begins with %s", f.Name, f.Begins)
	return told, true
}

// unlike says what a file is whose keys are not the format's, or "".
func (f Format) unlike(root Value, text string) string {
	m, ok := root.(*Map)
	if !ok {
		return unlikeAny(root)
	}
	if len(m.Entries) == 0 || m.Get(f.Keys[0]) != nil {
		return ""
	}
	if known := kindOfMap(m); known.name != "" {
		if !slices.ContainsFunc(known.marks, func(mark string) bool { return !slices.Contains(f.Keys, mark) }) {
			return "" // all that marks it is the format's own
		}
		return known.name
	}
	keys := make([]string, len(m.Entries))
	for i, e := range m.Entries {
		keys[i] = e.Key.Value
	}
	if slices.ContainsFunc(keys, func(key string) bool { return slices.Contains(f.Keys, key) || diag.Nearest(key, f.Keys) != "" }) {
		return ""
	}
	const some = 3
	more := ""
	if len(keys) > some {
		keys, more = keys[:some], ", …"
	}
	for i, key := range keys {
		keys[i] = fmt.Sprintf("%q", key)
	}
	language := "YAML"
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		language = "JSON"
	}
	what := " with the keys "
	if len(keys) == 1 {
		what = " with the key "
	}
	return language + what + strings.Join(keys, ", ") + more
}

func unlikeAny(root Value) string {
	if l, ok := root.(*List); ok {
		if len(l.Items) > 0 {
			if first, ok := l.Items[0].(*Map); ok {
				if known := kindOfMap(first).name; known != "" {
					return "a list, and its first item looks like " + known
				}
			}
		}
		return "a list"
	}
	const short = 40
	switch s := root.(*Scalar); {
	case s.lost || s.Data == nil:
		return "" // said already, or empty
	case len(s.Value) > short:
		return "a text"
	}
	return kindOf(root)
}

func kindOfMap(m *Map) kind {
	for _, k := range kinds {
		all := !slices.ContainsFunc(k.marks, func(mark string) bool { return m.Get(mark) == nil })
		if all && (k.without == "" || m.Get(k.without) == nil) {
			return k
		}
	}
	return kind{}
}

var wroteYAML = regexp.MustCompile(`(?m)^[ \t]*["']?[A-Za-z_][A-Za-z0-9_-]*["']?[ \t]*:([ \t\r]|$)`)

// unlikeText says what a file is that is not YAML, or "" if it may be meant as
// one of the format.
func (f Format) unlikeText(text string) string {
	for _, key := range f.Keys {
		if regexp.MustCompile(`(?m)^[ \t{-]*["']?` + regexp.QuoteMeta(key) + `["']?[ \t]*:`).MatchString(text) {
			return ""
		}
	}
	start := strings.TrimSpace(text[:min(len(text), 512)])
	switch {
	case strings.HasPrefix(text, "\xff\xfe"), strings.HasPrefix(text, "\xfe\xff"):
		return "in UTF-16, which YAML files here are not"
	case strings.ContainsRune(text, 0), !utf8.ValidString(text) && !wroteYAML.MatchString(text):
		return "binary"
	case strings.HasPrefix(start, "<"):
		return "XML or HTML"
	case strings.HasPrefix(start, "#!"):
		return "a script"
	case strings.HasPrefix(start, "{") && strings.Contains(text, `"`):
		return "JSON, and broken"
	case !wroteYAML.MatchString(text):
		return "a text and not YAML"
	}
	return ""
}
