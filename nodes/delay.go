package nodes

import (
	"context"
	"fmt"
	"time"

	"github.com/wendflow/wend/runtime/node"
)

type delayIn struct {
	For   string `json:"for,omitempty" doc:"How long to wait: 200ms, 5s, 1h30m, 2d."`
	Until string `json:"until,omitempty" doc:"When to go on, in the form of RFC 3339: 2026-11-20T08:00:00Z. A time that is over does not wait."`
}

type delayOut struct{}

// delay waits for a time.
func delay() *node.Type {
	return node.Define[delayIn, delayOut](node.Type{
		Name:       "delay",
		Title:      "Delay",
		Doc:        "Waits for a time, or until one. A run that waits costs nothing, and goes on after a restart.",
		Idempotent: true,
		Waits:      true,
		Outcomes:   outcomes("The time is over.", "What was given is no duration or time, or a template failed."),
		Shape:      shapeDelay,
	}, stepDelay)
}

func shapeDelay(with map[string]any) (node.Shape, []node.Problem) {
	length, hasFor := with["for"]
	moment, hasUntil := with["until"]
	if hasFor == hasUntil {
		return node.Shape{}, []node.Problem{{Msg: "delay takes either for or until", Hint: `such as for: 5s`}}
	}
	var problems []node.Problem
	var shape node.Shape
	if text, ok := length.(string); ok && !isTemplate(text) {
		d, err := parseDuration(text)
		if err != nil {
			problems = append(problems, node.Problem{Path: []string{"for"}, Msg: "for: " + err.Error()})
		}
		shape.Lapse = node.Lapse{Input: "for", For: d, Always: true}
	}
	if text, ok := moment.(string); ok && !isTemplate(text) {
		if _, err := parseTime(text); err != nil {
			problems = append(problems, node.Problem{Path: []string{"until"}, Msg: "until: " + err.Error()})
		}
	}
	return shape, problems
}

func stepDelay(_ context.Context, v node.Visit, in delayIn) (node.Action, error) {
	if v.Woken {
		return node.Finish{}, nil
	}
	wait, err := in.wait(v.Now)
	switch {
	case err != nil:
		return nil, err
	case wait <= 0:
		return node.Finish{}, nil
	default:
		return node.Sleep{For: wait}, nil
	}
}

// wait is how long to wait from now on.
func (in delayIn) wait(now time.Time) (time.Duration, error) {
	switch {
	case in.For != "" && in.Until == "":
		d, err := parseDuration(in.For)
		if err != nil {
			return 0, wrong("for", "%s", err)
		}
		return d, nil
	case in.Until != "" && in.For == "":
		at, err := parseTime(in.Until)
		if err != nil {
			return 0, wrong("until", "%s", err)
		}
		return at.Sub(now), nil
	default:
		return 0, wrong("for", "either for or until must come to something")
	}
}

func parseTime(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf(`%q is not a time, expected one such as "2026-11-20T08:00:00Z"`, text)
	}
	return at, nil
}
