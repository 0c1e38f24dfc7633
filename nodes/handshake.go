package nodes

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/wendflow/wend/runtime/node"
)

func makeHandshake(in *handshakeIn, verify string) *node.Handshake {
	if in == nil {
		return nil
	}
	h := &node.Handshake{Type: node.HandshakeType(in.Type), Parameter: in.Parameter}
	if needsSecret(h.Type) {
		h.Connection = cmp.Or(in.Connection, verify)
	}
	return h
}

// needsSecret tells whether a handshake is answered by something that only we and
// the sender know.
func needsSecret(t node.HandshakeType) bool {
	return t == node.HandshakeHub || t == node.HandshakeCRC || t == node.HandshakeZoom
}

// checkHandshake reports what a handshake lacks, what it does not use, and what
// would let anybody have bodies signed by it.
func checkHandshake(with map[string]any) []node.Problem {
	shake, ok := with["handshake"].(map[string]any)
	if !ok {
		return fixed(with, "handshake")
	}
	var problems []node.Problem
	report := func(name, hint, format string, a ...any) {
		at := []string{"handshake"}
		if name != "" {
			at = append(at, name)
		}
		problems = append(problems, node.Problem{Path: at, Msg: "handshake: " + fmt.Sprintf(format, a...), Hint: hint})
	}
	for _, name := range []string{"type", "connection", "parameter"} {
		if isTemplate(shake[name]) {
			problems = append(problems, takesNoTemplate("handshake", name))
		}
	}
	text, _ := shake["type"].(string)
	if len(problems) > 0 || text == "" {
		return problems
	}
	kind := node.HandshakeType(text)
	switch {
	case needsSecret(kind) && shake["connection"] == nil && with["verify"] == nil:
		report("", "say connection: it has the secret that both know", "%s needs a connection", kind)
	case !needsSecret(kind) && shake["connection"] != nil:
		report("connection", "leave it out", "%s needs no connection", kind)
	}
	switch {
	case kind == node.HandshakeEcho && shake["parameter"] == nil:
		report("", "say which: parameter: validationToken", "echo sends a parameter of the query back")
	case kind != node.HandshakeEcho && shake["parameter"] != nil:
		report("parameter", "leave it out", "%s knows its parameters", kind)
	}
	kinds := kindsIn(with)
	posts := with["methods"] == nil
	if methods, ok := with["methods"].([]any); ok {
		posts = slices.Contains(methods, any(http.MethodPost))
	}
	inBody := kind == node.HandshakeSlack || kind == node.HandshakeZoom
	if inBody && (!posts || !slices.Contains(kinds.takes, node.BodyJSON)) {
		report("", "leave methods and accepts out, or add POST and json", "%s comes as JSON by POST, which this webhook does not take", kind)
	}
	if kind == node.HandshakeZoom && with["verify"] == nil {
		report("", "say verify: with the same connection", "without verify anybody could have a body signed with the key, since zoom has texts of any form signed")
	}
	return problems
}
