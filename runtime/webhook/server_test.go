package webhook_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/webhook"
	"github.com/wendflow/wend/sdk/wire"
)

var now = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

const runID = "01939c3e-0000-7000-8000-000000000001"

// vendor answers the calls of nodes; without an answer nobody is there.
type vendor struct {
	do func(context.Context, outbound.Request) wire.Reply
}

func (v vendor) Do(ctx context.Context, r outbound.Request) wire.Reply {
	if v.do == nil {
		return wire.Reply{Failure: wire.Unreachable, Message: "nobody is there"}
	}
	return v.do(ctx, r)
}

func (vendor) Settings(string) map[string]any { return nil }

// flows loads the flows of testdata, which must have no mistakes.
func flows(t testing.TB) *catalog.Set {
	t.Helper()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	files, err := catalog.Find([]string{"testdata/flows"})
	if err != nil {
		t.Fatal(err)
	}
	set, mistakes := catalog.Load(files, flow.Config{Types: types})
	if err := mistakes.Err(); err != nil {
		t.Fatal(err)
	}
	return set
}

// gateway is a connection whose callers sign with the key "secret".
func gateway(t testing.TB) *outbound.Client {
	t.Helper()
	client, err := outbound.New(outbound.Config{
		Connections: []outbound.Connection{
			{Name: "gateway", Type: "hmac", Secrets: map[string]string{"key": "env:KEY"}},
			{Name: "vendor", Type: "none", Hosts: []string{"vendor.example.com"}},
		},
		Env: func(string) (string, bool) { return "secret", true },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// server is a handler with its engine, without a network.
type server struct {
	http.Handler
	engine *engine.Engine
}

// serve makes a server of the flows in testdata. cfg may leave out what it
// does not care for.
func serve(t testing.TB, cfg webhook.Config, caller engine.Caller) server {
	t.Helper()
	if cfg.Engine == nil {
		cfg.Engine = engine.New(engine.Config{
			Caller: caller, Clock: cfg.Clock, NewID: func() string { return runID },
		})
	}
	if cfg.Flows == nil {
		set := flows(t)
		cfg.Flows = func() *catalog.Set { return set }
	}
	if cfg.Verifier == nil {
		cfg.Verifier = gateway(t)
	}
	e := echo.New()
	e.HTTPErrorHandler = problem.Handler(slog.New(slog.DiscardHandler))
	webhook.New(cfg).Mount(e)
	return server{e, cfg.Engine}
}

var atNow = clock.Told(func() time.Time { return now })
