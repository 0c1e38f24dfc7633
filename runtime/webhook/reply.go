package webhook

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
)

// RunHeader names the run that an answer comes from.
const RunHeader = "Wend-Run"

// runPath is the address of a run in the API.
func runPath(id string) string { return "/api/v1/runs/" + id }

// run starts a run and answers. The run goes on whatever becomes of the caller.
// A request that is known already gets the run of the first. free is called if
// none is made.
func (h *Handler) run(c echo.Context, hook *hook, output map[string]any, dedupe journal.Dedupe, free func()) error {
	ctx := c.Request().Context()
	leave, err := h.turn(ctx, hook)
	if err != nil {
		free()
		return h.refused(c.Request(), hook, err)
	}
	started, repeated, err := h.cfg.Engine.Start(context.WithoutCancel(ctx), engine.Start{
		Flow: hook.Flow, Trigger: hook.Node.ID, Output: output,
		TraceParent: traceParent(c.Request()), Accepted: hook.Accept,
		Dedupe: dedupe, Left: leave,
	})
	if err != nil {
		leave()
		free()
	}
	if mismatch, ok := errors.AsType[*journal.MismatchError](err); ok {
		p := problem.New(http.StatusConflict,
			"a request with the same dedupe key and another body came before: no run was made; give a new request a key of its own")
		p.Run = &problem.Run{ID: mismatch.Holder, Flow: hook.Flow.Name}
		return h.refused(c.Request(), hook, &refusal{error: p, why: mismatch})
	}
	if err != nil {
		return NotStarted(err)
	}
	c.Response().Header().Set(RunHeader, started.ID)
	if repeated {
		c.Response().Header().Set(RepeatedHeader, "true")
		if res := started.Result(); res.Response != nil || res.Status.Ended() {
			return answer(c, hook, started.ID, res)
		}
	}
	switch {
	case hook.Accept && repeated:
		return Accepted(c, started.ID, cmp.Or(started.Result().Status, run.Running))
	case hook.Accept:
		return Accepted(c, started.ID, started.Began())
	case !repeated:
		defer started.Leave()
	}
	return h.await(c, hook, started)
}

// longestTurn is how long a request waits for runs of its flow to end, so that it
// can have one.
const longestTurn = 10 * time.Second

func (h *Handler) turn(ctx context.Context, hook *hook) (leave func(), err error) {
	ctx, cancel := h.cfg.Clock.WithTimeout(ctx, longestTurn, errWaited)
	defer cancel()
	return h.cfg.Turns.Enter(ctx, hook.Flow.Name)
}

// RepeatedHeader marks the answer to a request that repeats an earlier one.
const RepeatedHeader = "Wend-Repeated"

// NotStarted is the problem that the engine started no run. Why is for those who
// observe the engine.
func NotStarted(err error) *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, "the server is stopping, no run was made")
	switch {
	case errors.Is(err, engine.ErrStopped):
	case errors.Is(err, journal.ErrKeys):
		p.Detail = "there are as many dedupe keys as may be at one time, no run was made"
	case errors.Is(err, engine.ErrNoShards):
		p.Detail = "the server has no part of the work yet, no run was made"
	default:
		p.Detail = "the run could not be put on record, so none was made"
	}
	p.Header.Set("Retry-After", retryAfter(comeBack))
	return p
}

// comeBack is when another instance, or this one restarted, may be there.
const comeBack = 5 * time.Second

var errWaited = errors.New("waited long enough")

// await answers with the response of the run.
func (h *Handler) await(c echo.Context, hook *hook, started *engine.Run) error {
	ctx, cancel := h.cfg.Clock.WithTimeout(c.Request().Context(), h.cfg.Wait, errWaited)
	defer cancel()
	res, err := started.Response(ctx)
	if errors.Is(err, errWaited) {
		// From here on the run is promised, so it has to be on record.
		if err := started.Accept(context.WithoutCancel(ctx)); err != nil {
			return notYet(started.ID, hook, h.cfg.Wait)
		}
	}
	switch {
	case err == nil && (res.Response != nil || res.Status.Ended()):
		return answer(c, hook, started.ID, res)
	case err == nil, errors.Is(err, errWaited):
		return Accepted(c, started.ID, cmp.Or(res.Status, run.Running))
	case c.Request().Context().Err() != nil:
		h.cfg.Log.Debug("caller is gone, the run goes on", "run", started.ID)
		return nil
	case hook.Flow.Durable && onRecord(started):
		return Accepted(c, started.ID, cmp.Or(res.Status, run.Running)) // it goes on, at the latest after the next start
	case errors.Is(err, engine.ErrStopped):
		return interrupted(started.ID, hook, "the run was interrupted, and will not go on")
	default:
		return interrupted(started.ID, hook, "the run could not be put on record, and will not go on")
	}
}

func interrupted(id string, hook *hook, detail string) *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, "%s", detail)
	p.Run = &problem.Run{ID: id, Flow: hook.Flow.Name}
	return p
}

// onRecord tells whether a run can be promised: it survives this process, if
// its flow is durable.
func onRecord(r *engine.Run) bool { return len(r.Events()) > 0 }

// notYet is the problem that a run goes on, but that nothing of it is on record
// for which it could be promised.
func notYet(id string, hook *hook, waited time.Duration) *problem.Problem {
	p := problem.New(http.StatusGatewayTimeout, "no response within %s; the run goes on, but could not be put on record", waited)
	p.Run = &problem.Run{ID: id, Flow: hook.Flow.Name, Status: string(run.Running)}
	p.Header.Set("Location", runPath(id))
	return p
}

// Accepted answers 202 with the address of a run that is on record.
func Accepted(c echo.Context, id string, status run.Status) error {
	c.Response().Header().Set("Location", runPath(id))
	c.Response().Header().Set(RunHeader, id)
	return c.JSON(http.StatusAccepted, struct {
		Run    string     `json:"run"`
		Status run.Status `json:"status"`
	}{id, status})
}

// answer tells what became of a run that has responded or ended.
func answer(c echo.Context, hook *hook, id string, res engine.Result) error {
	switch {
	case res.Response != nil:
		return respond(c, hook, id, res.Response)
	case res.Status == run.Completed:
		return c.JSON(http.StatusOK, struct {
			Run     string     `json:"run"`
			Flow    string     `json:"flow"`
			Status  run.Status `json:"status"`
			Outcome string     `json:"outcome"`
			Code    string     `json:"code,omitempty"`
			Reason  string     `json:"reason,omitempty"`
		}{id, hook.Flow.Name, res.Status, res.Outcome, res.Code, res.Reason})
	}
	p := problem.New(http.StatusInternalServerError, "the run ended as %s", res.Status)
	p.Run = &problem.Run{
		ID: id, Flow: hook.Flow.Name, Status: string(res.Status),
		Outcome: res.Outcome, Code: res.Code, Reason: res.Reason,
	}
	return p
}

// respond writes the response that the flow gave.
func respond(c echo.Context, hook *hook, id string, r *node.Response) error {
	given := r.Body
	if r.Status == http.StatusNoContent || r.Status == http.StatusNotModified {
		given = nil // these have none
	}
	body, kind, err := data.Body(given, contentType(r.Headers))
	if err != nil {
		p := problem.New(http.StatusInternalServerError, "the flow's response cannot be sent: %s", err)
		p.Run = &problem.Run{ID: id, Flow: hook.Flow.Name}
		return p
	}
	header := c.Response().Header()
	if kind != "" {
		header.Set("Content-Type", kind)
		header.Set("X-Content-Type-Options", "nosniff")
	}
	for name, value := range r.Headers {
		header.Set(name, value)
	}
	c.Response().WriteHeader(r.Status)
	if len(body) == 0 {
		return nil
	}
	if _, isText := given.(string); !isText {
		body = append(body, '\n')
	}
	_, err = c.Response().Write(body)
	return err
}

// contentType is what the flow says of the body, or "".
func contentType(headers map[string]string) string {
	for name, value := range headers {
		if strings.EqualFold(name, "Content-Type") {
			return value
		}
	}
	return ""
}
