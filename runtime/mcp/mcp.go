// Package mcp serves flows as tools to models: the Model Context Protocol over
// streamable HTTP, under /mcp. A flow is one where a `manual` trigger says so. It
// keeps no sessions: each request stands for itself, so it may go to any server.
package mcp

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/quota"
	"github.com/wendflow/wend/runtime/webhook"
)

// Path is where tools are served.
const Path = "/mcp"

// Config is what a Handler needs.
type Config struct {
	Flows  func() *catalog.Set // the live flows; they may change at any time
	Engine *engine.Engine
	// Guard knows who may ask: those with the scope to start runs.
	Guard *auth.Guard
	// MaxBody is the largest body in bytes. Defaults to webhook.MaxBody.
	MaxBody int64
	// Gate is where requests come in. Defaults to one without bounds.
	Gate quota.Gate
	// Wait is how long a call waits for its run before it gets the run's id
	// instead. Defaults to 25 s.
	Wait time.Duration
	// Version of the program. Defaults to "devel".
	Version string
	// Clock is the one that Wait goes by. Defaults to clock.System.
	Clock clock.Clock
	// Log gets the audit, and what callers are not told. Defaults to none.
	Log *slog.Logger
}

// Handler serves the tools. It is safe for concurrent use.
type Handler struct {
	cfg Config
	sdk *sdk.StreamableHTTPHandler
}

// New returns a handler that is ready to be mounted.
func New(cfg Config) *Handler {
	cfg.MaxBody = cmp.Or(cfg.MaxBody, webhook.MaxBody)
	cfg.Wait = cmp.Or(cfg.Wait, 25*time.Second)
	cfg.Version = cmp.Or(cfg.Version, "devel")
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	if cfg.Clock == nil {
		cfg.Clock = clock.System
	}
	return &Handler{cfg: cfg, sdk: sdk.NewStreamableHTTPHandler(serverOf, &sdk.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, MaxRequestBodyBytes: cfg.MaxBody, PropagateRequestCancellation: true,
		// auth.Pages does it, and knows of proxies on this machine.
		DisableLocalhostProtection: true,
	})}
}

// Mount adds the route. Errors are problems; e.HTTPErrorHandler has to be one that
// knows them, such as problem.Handler.
func (h *Handler) Mount(e *echo.Echo) {
	e.POST(Path, h.serve, h.cfg.Guard.For(auth.Run), h.cfg.Gate.Let)
}

// serverKey is where the server for a request is.
type serverKey struct{}

func serverOf(r *http.Request) *sdk.Server {
	s, _ := r.Context().Value(serverKey{}).(*sdk.Server)
	return s
}

// serve answers a message with the tools that are there for who asks.
func (h *Handler) serve(c echo.Context) error {
	if err := webhook.DemandJSON(c.Request().Header); err != nil {
		return err
	}
	raw, err := webhook.ReadBody(c, h.cfg.MaxBody)
	if err != nil {
		return err
	}
	caller := caller{who: auth.Of(c), from: c.Request().RemoteAddr, traceParent: c.Request().Header.Get("Traceparent")}
	r := c.Request().WithContext(context.WithValue(c.Request().Context(), serverKey{}, h.server(caller)))
	r.Body = io.NopCloser(bytes.NewReader(raw))
	w := &answer{ResponseWriter: c.Response()}
	h.sdk.ServeHTTP(w, r)
	return w.refusal()
}

// answer is what the SDK answers, but that its refusals, which are lines of text,
// become problems like all others, and that nobody may keep it.
type answer struct {
	http.ResponseWriter
	begun   bool
	refused int // the status of a refusal; 0 if it is none
	text    bytes.Buffer
}

func (a *answer) WriteHeader(status int) {
	if a.begun {
		return
	}
	a.begun = true
	if status >= http.StatusBadRequest && strings.HasPrefix(a.Header().Get("Content-Type"), "text/plain") {
		a.refused = status
		a.Header().Del("Content-Type") // echo keeps one that is there
		return
	}
	a.Header().Set("Cache-Control", "no-store")
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.refused != 0 {
		return a.text.Write(p)
	}
	return a.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) refusal() error {
	if a.refused == 0 {
		return nil
	}
	return problem.New(a.refused, "%s", strings.TrimSpace(a.text.String()))
}

// caller is who sent a message.
type caller struct {
	who               *auth.Identity
	from, traceParent string
}

// tool is a trigger that is served as one.
type tool struct {
	name string
	flow *flow.Flow
	node *flow.Node
}

// tools are those of the live flows that are there for somebody. One that is the only
// one of its flow has the flow's name, others have that of their node behind it.
func (h *Handler) tools(who *auth.Identity) []tool {
	var all []tool
	for _, f := range h.cfg.Flows().Flows() {
		if !who.Sees(f.Name) {
			continue
		}
		first := len(all)
		for _, n := range f.Triggers {
			if m, ok := n.Trigger.(*node.Manual); ok && m.Tool {
				all = append(all, tool{f.Name + "." + n.ID, f, n})
			}
		}
		if len(all) == first+1 {
			all[first].name = f.Name
		}
	}
	return all
}

const instructions = `Each tool but wend_run starts a run of a flow and waits for its result. A run that takes longer is told as
"running", "waiting" or "paused" with its id: it goes on, and must not be started again; ask wend_run what became of it.`

// server is one with the tools of a caller.
func (h *Handler) server(from caller) *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "wend", Title: "Wend", Version: h.cfg.Version}, &sdk.ServerOptions{
		Instructions: instructions,
		Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}},
	})
	tools := h.tools(from.who)
	for _, t := range tools {
		s.AddTool(&sdk.Tool{
			Name: t.name, Title: t.node.Label, Description: t.flow.Description, InputSchema: inputOf(t.node), OutputSchema: resultSchema,
		}, func(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			return h.call(ctx, from, t, r.Params.Arguments)
		})
	}
	s.AddReceivingMiddleware(h.missed(from, tools))
	readOnly := &sdk.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true}
	s.AddTool(&sdk.Tool{
		Name: askName, Title: "What became of a run", Annotations: readOnly,
		Description: "Waits for the result of a run that another tool started and that was not at its end.",
		InputSchema: askSchema, OutputSchema: resultSchema,
	}, func(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		return h.ask(ctx, from, r.Params.Arguments)
	})
	return s
}

// missed has calls of tools that are not there for somebody in the audit, as those
// that were refused.
func (h *Handler) missed(from caller, tools []tool) sdk.Middleware {
	return func(next sdk.MethodHandler) sdk.MethodHandler {
		return func(ctx context.Context, method string, r sdk.Request) (sdk.Result, error) {
			p, ok := r.GetParams().(*sdk.CallToolParamsRaw)
			if ok && p != nil && p.Name != askName && !slices.ContainsFunc(tools, func(t tool) bool { return t.name == p.Name }) {
				auth.Audit(ctx, h.cfg.Log, from.who, "callTool", from.from, http.StatusNotFound, slog.String("tool", fmt.Sprintf("%.128s", p.Name)))
			}
			return next(ctx, method, r)
		}
	}
}

// inputOf is the schema of what a tool takes.
func inputOf(n *flow.Node) map[string]any {
	m, _ := n.Trigger.(*node.Manual)
	if m == nil || m.Input == nil {
		return map[string]any{"type": "object"}
	}
	schema := maps.Clone(m.Input.Raw())
	schema["type"] = "object" // as it is, said or not
	return schema
}
