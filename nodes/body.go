package nodes

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wendflow/wend/runtime/node"
)

// bodyKinds is what the bodies of a webhook may be.
type bodyKinds struct {
	takes []node.BodyKind
	whole bool // the body is one output, since it is no object
}

// newBodyKinds reads what a webhook accepts and the schema of its body; both may
// be nil.
func newBodyKinds(accepts []string, body map[string]any) bodyKinds {
	types := typesOf(body)
	k := bodyKinds{whole: types != nil && !slices.Equal(types, []string{"object"})}
	for _, kind := range accepts {
		k.takes = append(k.takes, node.BodyKind(kind))
	}
	switch {
	case body == nil && slices.Equal(accepts, []string{string(node.BodyText)}):
		k.whole = true
	case k.takes != nil:
	case slices.Equal(types, []string{"string"}):
		k.takes = []node.BodyKind{node.BodyText}
	case k.whole:
		k.takes = []node.BodyKind{node.BodyJSON}
	default:
		k.takes = []node.BodyKind{node.BodyJSON, node.BodyForm}
	}
	return k
}

// schema is that of the body: a text of which nothing is said is a string.
func (k bodyKinds) schema(body map[string]any) map[string]any {
	if k.whole && body == nil {
		return map[string]any{"type": "string"}
	}
	return body
}

// typesOf are the types that a schema says at its head; nil if it says none.
func typesOf(schema map[string]any) []string {
	switch t := schema["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var types []string
		for _, v := range t {
			name, _ := v.(string)
			types = append(types, name)
		}
		return types
	default:
		return nil
	}
}

// kindsIn reads what is written under `with`.
func kindsIn(with map[string]any) bodyKinds {
	var accepts []string
	given, _ := with["accepts"].([]any)
	for _, v := range given {
		kind, _ := v.(string)
		accepts = append(accepts, kind)
	}
	body, _ := with["body"].(map[string]any)
	return newBodyKinds(accepts, body)
}

// checkAccepts reports kinds of bodies that can never fit the schema.
func checkAccepts(with map[string]any) []node.Problem {
	given, ok := with["accepts"].([]any)
	if !ok {
		return fixed(with, "accepts")
	}
	_, problems := checkWords("accepts", given)
	body, _ := with["body"].(map[string]any)
	types := typesOf(body)
	if types == nil {
		types = []string{"object"}
	}
	if kindsIn(with).whole && body == nil {
		types = []string{"string"}
	}
	for i, kind := range given {
		makes := "object"
		switch node.BodyKind(fmt.Sprint(kind)) {
		case node.BodyText:
			makes = "string"
		case node.BodyForm, node.BodyMultipart, node.BodyXML:
		default: // JSON is anything, and what is no kind is told already
			continue
		}
		if !slices.Contains(types, makes) {
			problems = append(problems, node.Problem{
				Path: []string{"accepts", strconv.Itoa(i)},
				Msg:  fmt.Sprintf("accepts: a body of kind %v is of type %s, and the body here is of type %s", kind, makes, strings.Join(types, " or ")),
				Hint: fmt.Sprintf("say body: { type: [%s, %s] } for both", strings.Join(types, ", "), makes),
			})
		}
	}
	return problems
}
