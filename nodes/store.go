package nodes

import (
	"context"
	"fmt"
	"slices"

	"github.com/wendflow/wend/runtime/node"
)

type storeIn struct {
	Operation string         `json:"operation" enum:"get,put,delete,add" doc:"get reads the value, put keeps another, delete forgets it, add counts: it adds to a whole number, which begins as 0."`
	Key       string         `json:"key" x-wend:"text" doc:"Name of the value, at most 1024 bytes. A template makes one for each customer, order or day."`
	Scope     string         `json:"scope,omitempty" enum:"flow,global" default:"flow" doc:"Whose key it is: this flow's own, or one that all flows share."`
	Value     any            `json:"value,omitempty" doc:"What put keeps. Any value but null."`
	If        *storeIf       `json:"if,omitempty" doc:"What must be there for put or delete to be done; else the node leaves by conflict, with what is there as its value."`
	By        *int           `json:"by,omitempty" doc:"How much add adds. 1 if not given; below 0 it counts down."`
	For       string         `json:"for,omitempty" doc:"How long the value is kept: by put from now on, by add since it began to count. For ever if not given."`
	Schema    map[string]any `json:"schema,omitempty" x-wend:"literal" doc:"JSON Schema of the value. It types what templates read; a value that does not fit is neither kept nor given."`
}

type storeIf struct {
	Value  any  `json:"value,omitempty" doc:"This value, such as the one that get gave. A template that comes to null wants none to be there."`
	Absent bool `json:"absent,omitempty" doc:"true: none."`
}

type storeOut struct {
	Key   string `json:"key" doc:"The key."`
	Value any    `json:"value,omitempty" doc:"What is kept now: what get found, what put kept, the new count. After conflict, what is there instead; after delete, what it was. Null if there is none."`
}

const (
	absent   = "absent"
	conflict = "conflict"
)

// store keeps a value between runs.
func store() *node.Type {
	return node.Define[storeIn, storeOut](node.Type{
		Name:  "store",
		Title: "Keep a value",
		Doc: "Reads, keeps, deletes or counts a value that outlives the run: a token of progress, a last-seen id, a counter. It is no database: few values, " +
			"small ones, each found by its key alone. A change is made once, also if the server stops in the middle. " +
			"With `get` and `delete` the node has the outcome `absent` for a key that has no value, with `if` it has `conflict`.",
		Idempotent: true,
		Outcomes: outcomes("It is done.",
			"The key is empty, a value is too large, no whole number or does not fit the schema, there is no more room (code `store-full`), or a template failed."),
		Shape: shapeStore,
	}, stepStore)
}

func shapeStore(with map[string]any) (node.Shape, []node.Problem) {
	problems := fixed(with, "operation", "scope")
	if text, ok := with["for"].(string); ok && !isTemplate(text) {
		if _, err := parseDuration(text); err != nil {
			problems = append(problems, node.Problem{Path: []string{"for"}, Msg: "for: " + err.Error()})
		}
	}
	operation, _ := with["operation"].(string)
	problems = append(problems, storeInputs(operation, with)...)
	shape := node.Shape{Counts: operation == "add"}
	if operation == "get" || operation == "delete" {
		shape.Outcomes = append(shape.Outcomes, node.Outcome{Name: absent, Doc: "The key has no value."})
	}
	if with["if"] != nil {
		shape.Outcomes = append(shape.Outcomes, node.Outcome{Name: conflict, Doc: "What must be there is not.", Path: []string{"if"}})
	}
	outputs, wrong := storeOutputs(operation, with)
	shape.Outputs = outputs
	return shape, append(problems, wrong...)
}

// storeOutputs types the value, where it is known what it may be.
func storeOutputs(operation string, with map[string]any) (*node.Schema, []node.Problem) {
	var problems []node.Problem
	value := map[string]any{"type": "integer"}
	if given, ok := with["schema"]; ok {
		schema, is := given.(map[string]any)
		if !is {
			return nil, []node.Problem{{Path: []string{"schema"}, Msg: "schema: expected a JSON Schema, which is a map"}}
		}
		if problems = schemaProblems("schema", schema); refused(problems) {
			return nil, problems
		}
		value = schema
	} else if operation != "add" {
		return nil, nil
	}
	outputs := map[string]any{
		"type": "object", "properties": map[string]any{"key": map[string]any{"type": "string"}, "value": value},
		"required": []any{"key", "value"}, "additionalProperties": false,
	}
	if defs := value["$defs"]; defs != nil {
		outputs["$defs"] = defs // where its references find them
	}
	typed, err := node.NewSchema(outputs)
	if err != nil {
		problems = append(problems, node.Problem{
			Path: []string{"schema"}, Msg: "schema: as that of a value it cannot be used: " + err.Error(), Hint: `let $ref point to "#/$defs/…"`,
		})
	}
	return typed, problems
}

// storeInputs are the inputs that an operation lacks, or has no use for.
func storeInputs(operation string, with map[string]any) (problems []node.Problem) {
	of := map[string][]string{
		"get": {"schema"}, "put": {"value", "if", "for", "schema"}, "delete": {"if", "schema"}, "add": {"by", "for"},
	}
	takes, known := of[operation]
	if !known {
		return nil // the schema says so
	}
	for _, name := range []string{"value", "if", "by", "for", "schema"} {
		if _, given := with[name]; given && !slices.Contains(takes, name) {
			problems = append(problems, node.Problem{Path: []string{name}, Key: true, Msg: fmt.Sprintf("operation %q takes no %s", operation, name)})
		}
	}
	value, given := with["value"]
	switch {
	case operation == "put" && !given:
		problems = append(problems, node.Problem{Msg: `operation "put" needs the input value: what is kept`})
	case operation == "put" && value == nil:
		problems = append(problems, node.Problem{Path: []string{"value"}, Msg: "value is null, which cannot be kept", Hint: "operation: delete forgets a value"})
	}
	if cond, ok := with["if"].(map[string]any); ok {
		_, hasValue := cond["value"]
		if yes, hasAbsent := cond["absent"]; hasValue == hasAbsent || hasAbsent && yes != true {
			problems = append(problems, node.Problem{Path: []string{"if"}, Msg: "if takes either value or absent: true", Hint: "such as if: { absent: true }"})
		}
	}
	return problems
}

func stepStore(_ context.Context, v node.Visit, in storeIn) (node.Action, error) {
	schema, err := in.schema()
	if err != nil {
		return nil, err
	}
	if v.Kept != nil {
		return in.kept(*v.Kept, schema)
	}
	k := node.Keep{Kind: node.KeepKind(in.Operation), Global: in.Scope == "global", Key: in.Key, Value: in.Value, By: 1}
	if in.By != nil {
		k.By = int64(*in.By)
	}
	if in.For != "" {
		if k.For, err = parseDuration(in.For); err != nil {
			return nil, wrong("for", "%s", err)
		}
		k.For = max(k.For, 1) // 0 would be for ever
	}
	if in.If != nil {
		k.If = &node.KeepIf{Value: in.If.Value}
	}
	if in.Key == "" {
		return nil, wrong("key", "is empty")
	}
	if k.Kind != node.KeepPut {
		return k, nil
	}
	if in.Value == nil {
		return nil, wrong("value", "is null, which cannot be kept")
	}
	if problems := schema.Validate(in.Value); problems != nil {
		return nil, wrong("value", "does not fit: %s", node.FormatProblems(problems))
	}
	return k, nil
}

func (in storeIn) schema() (*node.Schema, error) {
	if in.Schema == nil {
		return nil, nil
	}
	return node.NewSchema(in.Schema)
}

func (in storeIn) kept(k node.Kept, schema *node.Schema) (node.Action, error) {
	f := node.Finish{Outputs: map[string]any{"key": in.Key, "value": k.Value}}
	switch {
	case k.Done:
		if problems := schema.Validate(k.Value); in.Operation == "get" && problems != nil {
			return node.Finish{
				Outcome: onError, Code: "store-value",
				Message: fmt.Sprintf("the value of key %q does not fit: %s", in.Key, node.FormatProblems(problems)),
			}, nil
		}
	case k.Value == nil:
		f.Outcome, f.Message = absent, fmt.Sprintf("key %q has no value", in.Key)
		if in.Operation == "put" {
			f.Outcome = conflict
		}
	default:
		f.Outcome, f.Message = conflict, fmt.Sprintf("key %q has another value than it must", in.Key)
		if in.If != nil && in.If.Value == nil {
			f.Message = fmt.Sprintf("key %q has a value already", in.Key)
		}
	}
	return f, nil
}
