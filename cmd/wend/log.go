package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/diag"
)

// newLog writes for people on a terminal's stderr.
func newLog(std *streams, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: level}))
}

// logFlag is --log, and --log-format where a command has it.
type logFlag struct{ level, format string }

const (
	formatText = "text"
	formatJSON = "json"
)

func (l *logFlag) flags(cmd *cobra.Command, def string) {
	cmd.Flags().StringVar(&l.level, "log", def, "what to log: debug, info, warn or error")
}

func (l *logFlag) formats(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.format, "log-format", formatText, "how to log: text, or json, one object a line")
}

// logger makes the log. If it is JSON, mistakes in files are told by it too, so
// that stderr has nothing else.
func (l *logFlag) logger(std *streams) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.level)); err != nil {
		return nil, fmt.Errorf("--log %q: expected debug, info, warn or error", l.level)
	}
	switch l.format {
	case "", formatText:
		return newLog(std, level), nil
	case formatJSON:
		log := slog.New(slog.NewJSONHandler(std.err, &slog.HandlerOptions{Level: level, ReplaceAttr: inSeconds}))
		std.asLog = func(mistakes diag.List) { logMistakes(log, mistakes) }
		return log, nil
	}
	return nil, fmt.Errorf("--log-format %q: expected text or json", l.format)
}

// inSeconds writes lengths of time as numbers of seconds, and not of
// nanoseconds.
func inSeconds(_ []string, a slog.Attr) slog.Attr {
	if d, ok := a.Value.Any().(time.Duration); ok {
		a.Value = slog.Float64Value(d.Seconds())
	}
	return a
}

// logMistakes logs a line for each mistake.
func logMistakes(log *slog.Logger, mistakes diag.List) {
	for _, m := range mistakes {
		level, text := slog.LevelError, "a file is wrong"
		if m.Severity == diag.SeverityWarning {
			level, text = slog.LevelWarn, "a file may be wrong"
		}
		log.Log(context.Background(), level, text, "file", m.Pos.File, "mistake", m.Error())
	}
}
