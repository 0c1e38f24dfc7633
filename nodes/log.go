package nodes

import (
	"context"
	"log/slog"

	"github.com/wendflow/wend/runtime/node"
)

type logIn struct {
	Message string         `json:"message" doc:"What to say."`
	Level   string         `json:"level,omitempty" enum:"debug,info,warn,error" default:"info" doc:"How much it matters."`
	Fields  map[string]any `json:"fields,omitempty" doc:"Values to note with it, by name. Of any kind; the log has them as fields.name."`
}

type logOut struct{}

// logLine writes a line to the log.
func logLine() *node.Type {
	return node.Define[logIn, logOut](node.Type{
		Name:       "log",
		Title:      "Log",
		Doc:        "Writes a line to the log of the server, with the run and the node. 'wend run' shows it too, those of level debug with --log debug.",
		Idempotent: true,
		Outcomes:   outcomes("The line is written.", "A template failed."),
	}, stepLog)
}

func stepLog(_ context.Context, _ node.Visit, in logIn) (node.Action, error) {
	var level slog.Level // info
	if in.Level != "" {
		if err := level.UnmarshalText([]byte(in.Level)); err != nil {
			return nil, wrong("level", "%q is none, expected debug, info, warn or error", in.Level)
		}
	}
	return node.Finish{Log: &node.LogLine{Level: level, Text: in.Message, Fields: in.Fields}}, nil
}
