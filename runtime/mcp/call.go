package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/trigger"
	"github.com/wendflow/wend/runtime/webhook"
)

// askName is that of the tool which asks after a run. No flow can have it, since
// theirs have no _.
const askName = "wend_run"

var (
	askSchema = map[string]any{
		"type": "object", "required": []string{"run"}, "additionalProperties": false,
		"properties": map[string]any{"run": map[string]any{"type": "string", "description": "Its id, as the tool that started it told."}},
	}
	resultSchema = map[string]any{
		"type": "object", "required": []string{"run", "status"},
		"properties": map[string]any{
			"run":     map[string]any{"type": "string", "description": "The run's id."},
			"status":  map[string]any{"enum": []run.Status{run.Running, run.Waiting, run.Paused, run.Completed, run.Failed, run.Cancelled}},
			"outcome": map[string]any{"type": "string", "description": "By which the run ended."},
			"code":    map[string]any{"type": "string"},
			"reason":  map[string]any{"type": "string"},
			"outputs": map[string]any{"type": "object", "description": "What the flow gave back at its end."},
			"response": map[string]any{
				"type": "object", "description": "What the flow responded. It may go on after that.", "required": []string{"status"},
				"properties": map[string]any{"status": map[string]any{"type": "integer", "description": "As HTTP has it: 400 and above is a failure."}, "body": true},
			},
		},
	}
)

// result is what is told of a run.
type result struct {
	Run      string         `json:"run"`
	Status   run.Status     `json:"status"`
	Outcome  string         `json:"outcome,omitempty"`
	Code     string         `json:"code,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	Outputs  map[string]any `json:"outputs,omitempty"`
	Response *response      `json:"response,omitempty"`
}

type response struct {
	Status int `json:"status"`
	Body   any `json:"body,omitempty"`
}

// failed tells whether a model is to take it for a failure.
func (r result) failed() bool {
	return r.Status == run.Failed || r.Status == run.Cancelled || r.Response != nil && r.Response.Status >= http.StatusBadRequest
}

// call starts a run and waits for its result. What does not fit is told as the
// tool's failure and not the protocol's, so that the model sees it and can do
// better.
func (h *Handler) call(ctx context.Context, from caller, t tool, input json.RawMessage) (*sdk.CallToolResult, error) {
	audit := func(status int, about ...slog.Attr) {
		about = append([]slog.Attr{slog.String("tool", t.name), slog.String("flow", t.flow.Name)}, about...)
		auth.Audit(ctx, h.cfg.Log, from.who, "callTool", from.from, status, about...)
	}
	if len(input) == 0 {
		input = json.RawMessage("{}")
	}
	output, err := trigger.ByHand(t.node, input, trigger.Request{}, h.cfg.Clock.Now())
	if err != nil {
		audit(problem.Status(err))
		return refusal(err.Error()), nil
	}
	// The run goes on whatever becomes of the caller.
	started, _, err := h.cfg.Engine.Start(context.WithoutCancel(ctx), engine.Start{
		Flow: t.flow, Trigger: t.node.ID, Output: output, Accepted: true, TraceParent: from.traceParent,
	})
	if err != nil {
		why := webhook.NotStarted(err)
		audit(why.Status)
		return refusal(why.Error()), nil
	}
	audit(http.StatusAccepted, slog.String("started", started.ID))
	return h.resultOf(ctx, started.ID)
}

// ask waits for the result of a run that a tool started.
func (h *Handler) ask(ctx context.Context, from caller, input json.RawMessage) (*sdk.CallToolResult, error) {
	var in struct {
		Run string `json:"run"`
	}
	if json.Unmarshal(input, &in) != nil || in.Run == "" {
		return refusal(`expected the id of a run, such as {"run": "0198…"}`), nil //nolint:nilerr // the model is told
	}
	events, _, err := h.cfg.Engine.Happened(ctx, in.Run)
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		return nil, h.unexpected(in.Run, err)
	}
	if !h.isOf(from.who, events) {
		return refusal(fmt.Sprintf("no run %q of a tool", in.Run)), nil
	}
	return h.resultOf(ctx, in.Run)
}

// isOf tells whether a run is one of a tool that somebody may call.
func (h *Handler) isOf(who *auth.Identity, events []run.Event) bool {
	if len(events) == 0 {
		return false
	}
	begun, _ := events[0].(run.RunStarted)
	for _, t := range h.tools(who) {
		if t.flow.Name == begun.Flow && t.node.ID == begun.Trigger {
			return true
		}
	}
	return false
}

var errWaited = errors.New("waited long enough")

// resultOf waits until a run has responded or ended, but not for ever, and tells
// what is known of it then.
func (h *Handler) resultOf(ctx context.Context, id string) (*sdk.CallToolResult, error) {
	waiting, cancel := h.cfg.Clock.WithTimeout(ctx, h.cfg.Wait, errWaited)
	defer cancel()
	err := h.cfg.Engine.Follow(waiting, id, 0, func(e run.Event) bool {
		_, responded := e.(run.RunResponded)
		return !responded
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // nobody is there any more
	}
	if err != nil && !errors.Is(err, errWaited) && !errors.Is(err, engine.ErrStopped) {
		return nil, h.unexpected(id, err)
	}
	events, _, err := h.cfg.Engine.Happened(ctx, id)
	if err != nil {
		return nil, h.unexpected(id, err)
	}
	report, err := run.NewReport(nil, events)
	if err != nil {
		return nil, h.unexpected(id, err)
	}
	told := result{Run: id, Status: report.Status, Outcome: report.Outcome, Code: report.Code, Reason: report.Reason, Outputs: report.Outputs}
	if report.Response != nil {
		told.Response = &response{report.Response.Status, report.Response.Body}
	}
	text, err := json.Marshal(told)
	if err != nil {
		return nil, h.unexpected(id, err)
	}
	// The text is for clients of before there was structured content.
	answer := &sdk.CallToolResult{StructuredContent: told, Content: []sdk.Content{&sdk.TextContent{Text: string(text)}}, IsError: told.failed()}
	if told.Response == nil && !told.Status.Ended() {
		answer.Content = append(answer.Content, &sdk.TextContent{Text: fmt.Sprintf("The run goes on. Do not start it again; ask %s with {\"run\": %q} for its result.", askName, id)})
	}
	return answer, nil
}

// unexpected is told to nobody but the log.
func (h *Handler) unexpected(id string, err error) error {
	h.cfg.Log.Error("a tool's run cannot be told of", "run", id, "error", err)
	return errors.New("an error of this server; its log says more")
}

// refusal is what a model is told that asked for what cannot be.
func refusal(why string) *sdk.CallToolResult {
	return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: why}}}
}
