package lsp

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.lsp.dev/protocol"

	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
)

func (s *server) Completion(_ context.Context, p *protocol.CompletionParams) (protocol.CompletionResult, error) {
	d, err := s.document(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	at := d.offset(p.Position)
	c := &completion{world: d.world, place: d.placeAt(at)}
	if d.mayBeFlow() {
		c.draft = d.draft()
		c.find()
	}
	// What is typed of the word is replaced, whatever the editor takes for one.
	word := c.place.typed
	if c.place.template {
		word = word[strings.LastIndexByte(word, '.')+1:]
	}
	from := at - len(word)
	for i := range c.items {
		text := c.items[i].Label
		if t, ok := c.items[i].InsertText.Get(); ok {
			text = t
		}
		c.items[i].InsertText = protocol.Optional[string]{}
		c.items[i].TextEdit = &protocol.TextEdit{Range: d.span(from, at), NewText: text}
		c.items[i].SortText = protocol.NewOptional(fmt.Sprintf("%04d", i))
	}
	if c.items == nil {
		c.items = []protocol.CompletionItem{}
	}
	return &protocol.CompletionList{Items: c.items}, nil
}

// completion is one answer in the making: items in the order to show them.
type completion struct {
	world *world
	draft *flow.Draft
	place place
	items []protocol.CompletionItem
}

func (c *completion) add(label, detail, doc string, kind protocol.CompletionItemKind) *protocol.CompletionItem {
	item := protocol.CompletionItem{Label: label, Kind: kind}
	if detail != "" {
		item.Detail = protocol.NewOptional(detail)
	}
	if doc != "" {
		item.Documentation = &protocol.MarkupContent{Kind: protocol.MarkupKindMarkdown, Value: doc}
	}
	c.items = append(c.items, item)
	return &c.items[len(c.items)-1]
}

// addKey adds a key with the colon behind it.
func (c *completion) addKey(name, detail, doc string) {
	c.add(name, detail, doc, protocol.CompletionItemKindProperty).InsertText = protocol.NewOptional(name + ": ")
}

func (c *completion) find() {
	path := c.place.path
	switch {
	case c.place.template:
		c.template()
	case len(path) >= 2 && path[0] == "nodes":
		c.node(path[1], path[2:])
	case len(path) == 2 && path[0] == "defaults" && path[1] == "outcomes" && c.place.key:
		c.allOutcomes()
	case len(path) == 3 && path[0] == "defaults" && path[1] == "outcomes":
		c.targets("")
	case len(path) == 1 && path[0] == "nodes":
		// Ids are the author's own.
	default:
		c.schema(c.world.shape(), path)
	}
}

// node completes inside of one node.
func (c *completion) node(id string, path []string) {
	var n flow.DraftNode
	for _, found := range c.draft.Nodes {
		if found.ID == id {
			n = found
		}
	}
	switch {
	case len(path) == 0 && c.place.key:
		c.nodeKeys(id, n)
	case len(path) == 0:
	case path[0] == "type":
		c.types()
	case path[0] == "connection":
		c.connections()
	case path[0] == "next":
		c.targets(id)
	case path[0] == "outcomes" && len(path) == 1 && c.place.key:
		for _, o := range n.Outcomes.All {
			if o.Name != n.Outcomes.Success {
				c.addKey(o.Name, "outcome", o.Doc)
			}
		}
		c.addKey("else", "outcome", "Every outcome that is not listed.")
	case path[0] == "outcomes":
		c.targets(id)
	case path[0] == "retry" && path[len(path)-1] == "on":
		for _, o := range n.Outcomes.All {
			if o.Name != n.Outcomes.Success {
				c.add(o.Name, "outcome", o.Doc, protocol.CompletionItemKindEnumMember)
			}
		}
		for _, class := range []flow.RetryClass{flow.Unreachable, flow.TimedOut, flow.RateLimited, flow.ServerError} {
			c.add(string(class), "failure of a call", "", protocol.CompletionItemKindEnumMember)
		}
	case path[0] == "with" && n.Type != nil:
		if len(path) == 2 && path[1] == "verify" {
			c.connections()
			return
		}
		c.schema(n.Type.Inputs.Raw(), path[1:])
	default:
		nodes, _ := properties(c.world.shape())["nodes"].(map[string]any)
		each, _ := nodes["additionalProperties"].(map[string]any)
		c.schema(each, path)
	}
}

// nodeKeys are the keys that a node may have, without those of another kind.
func (c *completion) nodeKeys(id string, n flow.DraftNode) {
	nodes, _ := properties(c.world.shape())["nodes"].(map[string]any)
	each, _ := nodes["additionalProperties"].(map[string]any)
	known := properties(each)
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if name == "connection" && n.Type != nil && !n.Type.Connects {
			continue
		}
		schema, _ := known[name].(map[string]any)
		doc, _ := schema["description"].(string)
		c.addKey(name, "of node "+id, doc)
	}
}

func (c *completion) types() {
	for _, t := range c.world.Flows.Types.All() {
		name := t.Name
		if t.Version != "" {
			major, _, _ := strings.Cut(t.Version, ".")
			name += "@" + major
		}
		c.add(name, t.Title, t.Doc, protocol.CompletionItemKindClass)
	}
}

func (c *completion) connections() {
	for _, name := range c.world.Flows.Connections {
		c.add(name, "connection of wend.yaml", "", protocol.CompletionItemKindReference)
	}
}

// targets are the nodes that a route may lead to: no triggers, which only begin.
func (c *completion) targets(from string) {
	for _, n := range c.draft.Nodes {
		if n.ID != from && (n.Type == nil || !n.Type.Starts()) {
			c.add(n.ID, n.TypeName, n.Label, protocol.CompletionItemKindReference)
		}
	}
	if from != "" {
		c.add(from, "this node again", "", protocol.CompletionItemKindReference)
	}
}

func (c *completion) allOutcomes() {
	docs := map[string]string{}
	for _, n := range c.draft.Nodes {
		for _, o := range n.Outcomes.All {
			if o.Name != n.Outcomes.Success && docs[o.Name] == "" {
				docs[o.Name] = o.Doc
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		c.addKey(name, "outcome", docs[name])
	}
}

func properties(schema map[string]any) map[string]any {
	p, _ := schema["properties"].(map[string]any)
	return p
}

// schema completes the keys of an object, or the values that are listed.
func (c *completion) schema(schema map[string]any, path []string) {
	for _, key := range path {
		if schema = down(schema, key); schema == nil {
			return
		}
	}
	if c.place.key {
		known := properties(schema)
		required, _ := schema["required"].([]any)
		for _, first := range []bool{true, false} {
			for _, name := range slices.Sorted(maps.Keys(known)) {
				if needed := slices.Contains(required, any(name)); needed == first {
					sub, _ := known[name].(map[string]any)
					c.addKey(name, kindOf(sub, needed), about(sub))
				}
			}
		}
		return
	}
	for _, value := range valuesOf(schema) {
		c.add(value, "", "", protocol.CompletionItemKindEnumMember)
	}
}

// down goes to what a key, or the items of a list, have to be.
func down(schema map[string]any, key string) map[string]any {
	if sub, ok := properties(schema)[key].(map[string]any); ok {
		return sub
	}
	if items, ok := schema["items"].(map[string]any); ok {
		return down(items, key)
	}
	sub, _ := schema["additionalProperties"].(map[string]any)
	return sub
}

func kindOf(schema map[string]any, required bool) string {
	kind, _ := schema["type"].(string)
	if required {
		return strings.TrimSpace(kind + " required")
	}
	return kind
}

// about is what a schema says for people.
func about(schema map[string]any) string {
	var parts []string
	for _, key := range []string{"title", "description"} {
		if text, _ := schema[key].(string); text != "" {
			parts = append(parts, text)
		}
	}
	if choices, ok := node.ChoicesOf(schema); ok {
		parts = append(parts, "Known words: "+choices.String())
	}
	if v, ok := schema["default"]; ok {
		parts = append(parts, fmt.Sprintf("Default: `%v`", v))
	}
	return strings.Join(parts, "\n\n")
}

func valuesOf(schema map[string]any) (values []string) {
	if choices, ok := node.ChoicesOf(schema); ok {
		return choices.Values
	}
	enum, _ := schema["enum"].([]any)
	for _, v := range enum {
		values = append(values, fmt.Sprint(v))
	}
	if schema["type"] == "boolean" {
		values = append(values, "true", "false")
	}
	return values
}

// template completes an expression: names and functions, or the fields behind a
// dot.
func (c *completion) template() {
	at := ""
	if path := c.place.path; len(path) >= 2 && path[0] == "nodes" {
		at = path[1]
	}
	chain := strings.Split(strings.ReplaceAll(c.place.typed, "?", ""), ".")
	names := c.draft.Names(at)
	if len(chain) > 1 {
		i := slices.IndexFunc(names, func(n flow.Name) bool { return n.Name == chain[0] })
		if i < 0 {
			return
		}
		t := names[i].Type
		for _, field := range chain[1 : len(chain)-1] {
			t, _ = t.Field(field)
		}
		for _, field := range t.Fields() {
			of, _ := t.Field(field)
			c.add(field, of.Kind(), "", protocol.CompletionItemKindField)
		}
		return
	}
	for _, n := range names {
		detail := string(n.Kind) + ", " + n.Type.Kind()
		if n.Kind == flow.NodeName {
			detail = "outputs of a node"
			if !n.Certain {
				detail = "outputs of a node that not every way passes: use ??"
			}
		}
		c.add(n.Name, detail, "", protocol.CompletionItemKindVariable)
	}
	for _, f := range expand.Functions() {
		c.add(f.Name, f.Form, f.Doc, protocol.CompletionItemKindFunction).InsertText = protocol.NewOptional(f.Name + "(")
	}
}
