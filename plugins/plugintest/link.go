package plugintest

import (
	"context"
	"maps"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/emulator"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/sdktest"
	"github.com/wendflow/wend/sdk/wire"
)

// Connection is a connection to an emulator. In its settings {base} stands for
// the emulator's URL; a setting that is nil is none.
type Connection struct {
	Type     string
	Secrets  map[string]string // the secrets themselves
	Settings map[string]any
}

// With returns the connection with some settings changed.
func (c Connection) With(settings map[string]any) Connection {
	all := map[string]any{}
	maps.Copy(all, c.Settings)
	maps.Copy(all, settings)
	c.Settings = all
	return c
}

func (c Connection) at(base string) outbound.Connection {
	secrets := map[string]string{}
	for name := range c.Secrets {
		secrets[name] = "env:" + name
	}
	settings := map[string]any{}
	for name, v := range c.Settings {
		switch v := v.(type) {
		case nil:
		case string:
			settings[name] = strings.ReplaceAll(v, "{base}", base)
		default:
			settings[name] = v
		}
	}
	return outbound.Connection{
		Name: linkName, Type: c.Type, Secrets: secrets, Settings: settings,
		BaseURL: base, Private: true, Timeout: 20 * time.Second,
	}
}

const linkName = "emulator"

// Link is a plugin that is connected with an emulator.
type Link struct {
	URL string // of the emulator

	plugin *Plugin
	client *outbound.Client
}

// Connect connects the plugin with an emulator, which is served and closed at
// the end of the test.
func (p *Plugin) Connect(t testing.TB, v *emulator.Vendor, c Connection) *Link {
	t.Helper()
	server := httptest.NewServer(v)
	t.Cleanup(func() {
		_ = v.Close()
		server.Close()
	})
	client, err := outbound.New(outbound.Config{
		Connections: []outbound.Connection{c.at(server.URL)},
		Env:         func(name string) (string, bool) { secret, ok := c.Secrets[name]; return secret, ok },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &Link{URL: server.URL, plugin: p, client: client}
}

// Visit runs a method as Run does. Its calls go over the wire, with the
// credentials of the connection and the idempotency key "key"; timeout is that
// of each call, 0 for the connection's.
func (l *Link) Visit(t testing.TB, method string, inputs map[string]any, timeout time.Duration) sdktest.Result {
	t.Helper()
	return l.plugin.Run(t, method, sdktest.Visit{
		Inputs: inputs, Settings: l.client.Settings(linkName),
		Reply: func(call wire.Call) wire.Reply {
			return l.client.Do(context.Background(), outbound.Request{Connection: linkName, Call: call, Key: "key", Timeout: timeout})
		},
	})
}
