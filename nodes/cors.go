package nodes

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/wendflow/wend/runtime/node"
)

var (
	origin     = regexp.MustCompile(`^(https?|app|capacitor|ionic)://[a-z0-9.-]+(:[0-9]+)?$`)
	originPart = regexp.MustCompile(`^[a-z]+://[^/]+`)
)

// checkCORS reports origins that no browser would ever send, and what would let
// any page act as whoever visits it.
func checkCORS(with map[string]any) []node.Problem {
	cors, ok := with["cors"].(map[string]any)
	if !ok {
		return fixed(with, "cors")
	}
	var problems []node.Problem
	origins, _ := cors["origins"].([]any)
	if origins != nil && len(origins) == 0 {
		problems = append(problems, node.Problem{Path: []string{"cors", "origins"}, Msg: "cors.origins is empty", Hint: "leave cors out if no page may call"})
	}
	for i, v := range origins {
		text, isText := v.(string)
		at := []string{"cors", "origins", strconv.Itoa(i)}
		switch {
		case !isText:
		case isTemplate(text):
			problems = append(problems, takesNoTemplate(at...))
		case text == "*" && cors["credentials"] == true:
			problems = append(problems, node.Problem{
				Path: at, Msg: "cors: with credentials any page could act as whoever visits it, so * does not go with them",
				Hint: "name the origins, or leave credentials out",
			})
		case text != "*" && !origin.MatchString(text):
			p := node.Problem{Path: at, Msg: fmt.Sprintf("cors: %q is no origin", text), Hint: "expected one such as https://shop.example.com, with the port if it is not the usual one, or *"}
			if lower := originPart.FindString(strings.ToLower(text)); lower != text && origin.MatchString(lower) {
				p.Hint = fmt.Sprintf("did you mean %q?", lower)
			}
			problems = append(problems, p)
		}
	}
	headers, _ := cors["headers"].([]any)
	for i, v := range headers {
		at := []string{"cors", "headers", strconv.Itoa(i)}
		switch text, isText := v.(string); {
		case isText && isTemplate(text):
			problems = append(problems, takesNoTemplate(at...))
		case isText && !headerName.MatchString(text):
			problems = append(problems, node.Problem{Path: at, Msg: fmt.Sprintf("cors: %q is no header's name", text)})
		}
	}
	return problems
}
