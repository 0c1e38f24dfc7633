package sdktest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/sdk"
	"github.com/wendflow/wend/sdk/sdktest"
	"github.com/wendflow/wend/sdk/wire"
)

func TestRunDecodesNumbersAsFlowsSeeThem(t *testing.T) {
	t.Parallel()
	plugin := sdk.Plugin{"m": func(*sdk.Ctx) sdk.Result {
		return sdk.Result{Outcome: "success", Outputs: map[string]any{
			"int": 1, "large": int64(1) << 60, "float": 1.5, "list": []any{2, map[string]any{"n": 3}},
		}}
	}}
	result, err := sdktest.Run(plugin, "m", sdktest.Visit{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"int": 1, "large": 1 << 60, "float": 1.5, "list": []any{2, map[string]any{"n": 3}}}
	if diff := cmp.Diff(want, result.Outputs); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
}

func TestRunPassesTheVisitOn(t *testing.T) {
	t.Parallel()
	plugin := sdk.Plugin{"m": func(c *sdk.Ctx) sdk.Result {
		return sdk.Result{Outcome: c.Now, Message: c.Input.String("i") + c.Settings.String("s")}
	}}
	result, err := sdktest.Run(plugin, "m", sdktest.Visit{
		Inputs: map[string]any{"i": "in"}, Settings: map[string]any{"s": "set"}, Now: "2027-01-01T00:00:00.000Z",
	})
	if err != nil || result.Outcome != "2027-01-01T00:00:00.000Z" || result.Message != "inset" {
		t.Errorf("Run = %+v, %v", result, err)
	}
}

func TestRunMistakes(t *testing.T) {
	t.Parallel()
	plugin := sdk.Plugin{"m": func(c *sdk.Ctx) sdk.Result {
		c.Do(sdk.Request{URL: "/p"})
		return sdk.Result{}
	}}
	answer := func(wire.Call) wire.Reply { return wire.Reply{Status: 200} }
	tests := []struct {
		name, method string
		visit        sdktest.Visit
		want         string
	}{
		{"no such method", "n", sdktest.Visit{Reply: answer}, `the plugin has no method "n"`},
		{"nobody answers", "m", sdktest.Visit{}, `the method asks for GET /p, and Visit.Reply is nil`},
		{"inputs that are no JSON", "m", sdktest.Visit{Inputs: map[string]any{"f": func() {}}}, `inputs or settings: json: unsupported type: func()`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := sdktest.Run(plugin, test.method, test.visit); err == nil || err.Error() != test.want {
				t.Errorf("Run fails with %v, want %s", err, test.want)
			}
		})
	}
}
