package nodes

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/timetable"
	"github.com/wendflow/wend/runtime/yamldoc"
)

type scheduleIn struct {
	Cron     string `json:"cron,omitempty" doc:"When to start, on the clocks of the time zone: minute, hour, day of the month, month, day of the week. \"0 7 * * mon-fri\" is each working day at 7:00."`
	Timezone string `json:"timezone,omitempty" doc:"Time zone of cron, such as Europe/Zurich. UTC if not given."`
	Every    string `json:"every,omitempty" doc:"In the place of cron: how much time passes from one start to the next, such as 15m, at least 1s and at most 366d. Counted from the beginning of 1970 in UTC, so that 15m is at each quarter of an hour."`
	Jitter   string `json:"jitter,omitempty" doc:"Each start is put off by a time of its own that is shorter than this, so that not all schedules start at once."`
	Missed   string `json:"missed,omitempty" enum:"skip,once,all" default:"skip" doc:"What becomes of ticks that are more than a minute late, since no server was there: skip leaves them out, once starts one run for the last of them, and all starts a run for each, at most the last 100."`
	Overlap  string `json:"overlap,omitempty" enum:"skip,queue,allow" doc:"What becomes of a tick while the run of an earlier one goes on: skip leaves it out, queue starts it when that has ended (at most 100 wait), and allow starts it beside. Skip if not given, and queue with missed: all."`
}

// schedule starts a run at each of its times.
func schedule() *node.Type {
	return node.DefineTrigger(node.Type{
		Name:  "schedule",
		Title: "Schedule",
		Doc: "Starts a run at each tick: a time on the clock by `cron` and `timezone`, or whenever `every` has passed. A tick has one run, whatever is restarted " +
			"and however many servers there are. A time on the clock that is jumped over in spring comes at the end of the gap, and one that comes twice in autumn counts once; " +
			"a cron line for every hour goes on hour by hour.",
		Outputs:  node.MustSchema(tickSchema),
		Outcomes: outcomes("The time has come.", ""),
		Shape:    shapeSchedule,
	}, makeSchedule)
}

var tickSchema = map[string]any{
	"type": "object",
	"properties": map[string]any{
		"tick":   map[string]any{"type": "string", "format": "date-time", "description": "When the run was to start, with the offset of the schedule's time zone. Jitter is not in it."},
		"late":   map[string]any{"type": "number", "description": "Seconds from then, and the jitter, until it did."},
		"missed": map[string]any{"type": "integer", "description": "How many ticks just before this one were left out because nobody was there to start them. No more than 1000 are counted."},
	},
	"required":             []any{"tick", "late", "missed"},
	"additionalProperties": false,
}

func makeSchedule(in scheduleIn) (node.Trigger, error) {
	plan, err := in.plan()
	if err != nil {
		return nil, err
	}
	s := &node.Schedule{Plan: plan, Missed: node.Missed(cmp.Or(in.Missed, string(node.MissedSkip)))}
	s.Overlap = node.OverlapSkip
	if s.Missed == node.MissedAll {
		s.Overlap = node.OverlapQueue
	}
	s.Overlap = cmp.Or(node.Overlap(in.Overlap), s.Overlap)
	if in.Jitter != "" {
		s.Jitter, err = parseDuration(in.Jitter)
	}
	return s, err
}

func (in scheduleIn) plan() (*timetable.Plan, error) {
	if in.Every == "" {
		return timetable.Cron(in.Cron, in.Timezone)
	}
	d, err := parseDuration(in.Every)
	if err != nil {
		return nil, &timetable.Error{Input: "every", Msg: "every: " + err.Error()}
	}
	return timetable.Every(d)
}

func shapeSchedule(with map[string]any) (node.Shape, []node.Problem) {
	shape := node.Shape{Unanswered: &node.Problem{
		Msg:     "has no caller who waits; only `wend run` shows it",
		Hint:    "give a result with a node of type \"end\", or start the flow by a webhook",
		Warning: true,
	}}
	problems := fixed(with, "cron", "timezone", "every", "jitter", "missed", "overlap")
	if len(problems) > 0 {
		return shape, problems
	}
	for _, name := range []string{"cron", "timezone", "every"} {
		if _, ok := with[name].(string); with[name] != nil && !ok {
			return shape, nil // its type is wrong, which is told already
		}
	}
	text := func(name string) string { s, _ := with[name].(string); return s }
	_, cron := with["cron"]
	_, every := with["every"]
	_, zone := with["timezone"]
	problem := func(input, hint, format string, a ...any) {
		problems = append(problems, node.Problem{Path: []string{input}, Msg: fmt.Sprintf(format, a...), Hint: hint})
	}
	switch {
	case cron && every:
		problem("every", "leave one of them out", "cron and every are both given, expected one of them")
		return shape, problems
	case !cron && !every:
		problems = append(problems, node.Problem{
			Msg:  "neither cron nor every is given, so it never ticks",
			Hint: `cron: "0 7 * * *" with timezone: Europe/Zurich is each morning at 7:00, every: 15m each quarter of an hour`,
		})
		return shape, problems
	case every && zone:
		problem("timezone", "give the time by cron, or leave timezone out", "timezone has no effect on every, which knows no clock on the wall")
	}
	plan, err := scheduleIn{Cron: text("cron"), Timezone: text("timezone"), Every: text("every")}.plan()
	if wrong, ok := errors.AsType[*timetable.Error](err); ok {
		problem(wrong.Input, wrong.Hint, "%s", wrong.Msg)
		if wrong.Input == "timezone" { // the line may be wrong too
			if _, err := timetable.Cron(text("cron"), ""); errors.As(err, &wrong) {
				problem(wrong.Input, wrong.Hint, "%s", wrong.Msg)
			}
		}
	}
	if msg, hint := timetable.Doubt(text("cron")); msg != "" && plan != nil {
		problem("cron", hint, "%s", msg)
		problems[len(problems)-1].Warning = true
	}
	if jitter, ok := with["jitter"].(string); ok {
		problems = append(problems, checkJitter(jitter, plan)...)
	}
	if text("missed") == string(node.MissedAll) && text("overlap") == string(node.OverlapSkip) {
		problems = append(problems, node.Problem{
			Path: []string{"overlap"}, Warning: true,
			Msg:  "of the ticks that missed: all starts at once, overlap: skip leaves out those that come while the first one's run goes on",
			Hint: "overlap: queue starts them one after the other",
		})
	}
	return shape, problems
}

// checkJitter holds the jitter against the time between two ticks, which it must
// not mix up. A plan that is wrong is nil.
func checkJitter(text string, plan *timetable.Plan) []node.Problem {
	p := node.Problem{Path: []string{"jitter"}}
	jitter, err := parseDuration(text)
	switch {
	case err != nil:
		p.Msg = "jitter: " + err.Error()
	case plan == nil:
		return nil
	default:
		gap := plan.Gap()
		if jitter <= gap {
			return nil
		}
		p.Msg = fmt.Sprintf("jitter is %s, and two ticks are only %s apart", text, yamldoc.FormatDuration(gap))
		p.Hint = "it can be as long as that"
	}
	return []node.Problem{p}
}
