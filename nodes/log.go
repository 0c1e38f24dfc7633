package nodes

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
)

type logIn struct {
	Message string         `json:"message" doc:"What to say."`
	Level   string         `json:"level,omitempty" enum:"debug,info,warn,error" default:"info" doc:"How much it matters."`
	Fields  map[string]any `json:"fields,omitempty" doc:"Values to note with it, by name."`
}

type logOut struct{}

// logLine writes a line to the log.
func logLine() *node.Type {
	return node.Define[logIn, logOut](node.Type{
		Name:       "log",
		Title:      "Log",
		Doc:        "Writes a line to the log of the server, with the run and the node.",
		Idempotent: true,
		Outcomes:   outcomes("The line is written.", "A template failed."),
	}, stepLog)
}

func stepLog(_ context.Context, v node.Visit, in logIn) (node.Action, error) {
	var line strings.Builder
	if level := cmp.Or(in.Level, "info"); level != "info" {
		line.WriteString(level + ": ")
	}
	line.WriteString(in.Message)
	for _, name := range slices.Sorted(maps.Keys(in.Fields)) {
		line.WriteString(" " + name + "=" + show(in.Fields[name]))
	}
	v.Log(line.String())
	return node.Finish{}, nil
}

// show writes a value on one line, text without quotes where that is clear.
func show(v any) string {
	if text, ok := v.(string); ok && text != "" && !strings.ContainsAny(text, " \t\r\n\"=") {
		return text
	}
	b, err := data.JSON(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
