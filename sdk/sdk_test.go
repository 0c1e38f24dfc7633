package sdk_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/sdk"
	"github.com/wendflow/wend/sdk/sdktest"
	"github.com/wendflow/wend/sdk/wire"
)

func TestMethod(t *testing.T) {
	t.Parallel()
	plugin := sdk.Plugin{"fetch": func(c *sdk.Ctx) sdk.Result {
		first := c.Do(sdk.Request{URL: "https://h/" + c.Input.String("id")})
		both := c.DoAll(
			sdk.Request{Method: "PUT", URL: first.Header("Location"), Headers: map[string]string{"A": "1"}, Body: []byte("text")},
			sdk.Request{Method: "PUT", URL: c.Settings.String("path"), Body: []byte{0xff, 0}},
		)
		return sdk.Result{
			Outcome: "success",
			Outputs: map[string]any{
				"status": both[0].Status, "name": both[0].Text("data", "name"),
				"raw": string(both[1].Body[:1]) == "\xfe", "failure": string(both[1].Failure),
				"where": []string{c.Run, c.Node, c.Now}, "visit": c.Visit, "attempt": c.Attempt,
			},
			Message: "done \"well\"",
		}
	}}
	result, err := sdktest.Run(plugin, "fetch", sdktest.Visit{
		Inputs:   map[string]any{"id": "7 ü"},
		Settings: map[string]any{"path": "/second"},
		Reply: func(call wire.Call) wire.Reply {
			switch call.URL {
			case "https://h/7 ü":
				return wire.Reply{Status: 302, Headers: map[string][]string{"Location": {"/first", "/other"}}}
			case "/first":
				return wire.Reply{Status: 200, Body: []byte(`{"data":{"name":"n"}}`)}
			default:
				return wire.Reply{Failure: wire.Timeout, Message: "slow", Body: []byte{0xfe}}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := sdktest.Result{
		Outcome: "success",
		Outputs: map[string]any{
			"status": 200, "name": "n", "raw": true, "failure": "timeout",
			"where": []any{"0199f3a0-0000-7000-8000-000000000001", "node", "2026-11-20T08:00:00.000Z"},
			"visit": 1, "attempt": 1,
		},
		Message: `done "well"`,
		Calls: []wire.Call{
			{Method: "GET", URL: "https://h/7 ü", Headers: map[string]string{}, Body: []byte{}},
			{Method: "PUT", URL: "/first", Headers: map[string]string{"A": "1"}, Body: []byte("text")},
			{Method: "PUT", URL: "/second", Headers: map[string]string{}, Body: []byte{0xff, 0}},
		},
	}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Errorf("Run (-want +got):\n%s", diff)
	}
}

// TestMethodFaults holds what ends an invoke, and how it is told.
func TestMethodFaults(t *testing.T) {
	t.Parallel()
	swallow := func(f func()) {
		defer func() { _ = recover() }()
		f()
	}
	state := 0
	tests := map[string]struct {
		method sdk.Method
		want   string
	}{
		"an input of the wrong kind": {
			func(c *sdk.Ctx) sdk.Result { return sdk.Result{Outcome: c.Input.String("n")} },
			`m: "n" is 1, expected a string`,
		},
		"an output that JSON cannot say": {
			func(*sdk.Ctx) sdk.Result { return sdk.Result{Outputs: map[string]any{"x": t}} },
			`m: cannot write a value of this type as JSON; see the documentation of sdk.JSON for those it takes`,
		},
		"a recover that takes the suspension": {
			func(c *sdk.Ctx) sdk.Result {
				swallow(func() { c.Do(sdk.Request{URL: "/"}) })
				return sdk.Result{Outcome: "success"}
			},
			`m: the method went on without a reply: a recover() took the SDK's own panic, it must panic again with what it does not know`,
		},
		"a recover that takes it, and another call": {
			func(c *sdk.Ctx) sdk.Result {
				swallow(func() { c.Do(sdk.Request{URL: "/"}) })
				swallow(func() { c.Do(sdk.Request{URL: "/2"}) })
				return sdk.Result{Outcome: "success"}
			},
			`m: Do was called while the method was being left: from a deferred function, or after a recover() that took the SDK's own panic`,
		},
		"a call from a deferred function": {
			func(c *sdk.Ctx) sdk.Result {
				defer c.Do(sdk.Request{URL: "/2"})
				c.Do(sdk.Request{URL: "/"})
				return sdk.Result{Outcome: "success"}
			},
			`m: Do was called while the method was being left: from a deferred function, or after a recover() that took the SDK's own panic`,
		},
		"another call on replay": {
			func(c *sdk.Ctx) sdk.Result {
				state++
				c.Do(sdk.Request{URL: "/" + strconv.Itoa((state+1)/2)})
				return sdk.Result{Outcome: "success"}
			},
			`the method is not deterministic: call 1 was GET /1 #5a367e6604fd4895, and on replay GET /2 #`,
		},
		"no call on replay": {
			func(c *sdk.Ctx) sdk.Result {
				if state++; state <= 2 {
					c.Do(sdk.Request{URL: "/"})
				}
				return sdk.Result{Outcome: "success"}
			},
			`the method is not deterministic: it made call 1, GET / #889bc0906a911dbe, and did not on replay`,
		},
		"another answer to the same document": {
			func(*sdk.Ctx) sdk.Result { state++; return sdk.Result{Outcome: strconv.Itoa(state)} },
			`the method is not deterministic: the same document was answered by`,
		},
		"calls without end": {
			func(c *sdk.Ctx) sdk.Result {
				for {
					c.DoAll(slices.Repeat([]sdk.Request{{URL: "/"}}, 500)...)
				}
			},
			`the method makes calls without end`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			state = 0
			_, err := sdktest.Run(sdk.Plugin{"m": test.method}, "m", sdktest.Visit{
				Inputs: map[string]any{"n": 1},
				Reply:  func(wire.Call) wire.Reply { return wire.Reply{Status: 200} },
			})
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("Run fails with %v, want %s", err, test.want)
			}
		})
	}
}

func TestInvokeFaults(t *testing.T) {
	t.Parallel()
	plugin := sdk.Plugin{"m": func(*sdk.Ctx) sdk.Result { return sdk.Result{} }}
	tests := []struct{ document, want string }{
		{`{`, `invoke document: byte 1: expected a name in quotes`},
		{`{"abi":2,"method":"m"}`, `abi "2" is not supported, this plugin speaks abi 1`},
		{`[]`, `abi "" is not supported, this plugin speaks abi 1`},
		{`{"abi":1,"method":"n"}`, `the plugin has no method "n"`},
		{`{"abi":1,"method":"m","context":{"visit":"x"}}`, `invoke document: "visit" is a string, expected a number`},
		{`{"abi":1,"method":"m","replies":[{"status":1.5}]}`, `invoke document: "status" is 1.5, expected an integer of 64 bits`},
		{`{"abi":1,"method":"m","replies":[{"bodyBase64":"?"}]}`, `invoke document: "bodyBase64" of a reply is no base64`},
	}
	for _, test := range tests {
		out, err := plugin.Invoke([]byte(test.document))
		if err == nil || err.Error() != test.want || out != nil {
			t.Errorf("Invoke(%s) = %q, %v, want %s", test.document, out, err, test.want)
		}
	}
}

// TestAuthorPanic holds that a panic of the method itself comes through, with
// its own value.
func TestAuthorPanic(t *testing.T) {
	t.Parallel()
	defer func() {
		if got := recover(); got != "mine" {
			t.Errorf("recovered %v, want the method's own panic", got)
		}
	}()
	plugin := sdk.Plugin{"m": func(*sdk.Ctx) sdk.Result { panic("mine") }}
	_, err := plugin.Invoke([]byte(`{"abi":1,"method":"m"}`))
	t.Errorf("Invoke returned %v instead of panicking", err)
}

// TestDoAllAsksForTheRest holds that calls answered so far are not asked for
// again.
func TestDoAllAsksForTheRest(t *testing.T) {
	t.Parallel()
	plugin := sdk.Plugin{"m": func(c *sdk.Ctx) sdk.Result {
		c.DoAll(sdk.Request{URL: "/1"}, sdk.Request{URL: "/2"}, sdk.Request{URL: "/3"})
		return sdk.Result{Outcome: "success"}
	}}
	out, err := plugin.Invoke([]byte(`{"abi":1,"method":"m","replies":[{"status":200}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"calls":[{"method":"GET","url":"/2","headers":{}},{"method":"GET","url":"/3","headers":{}}],"replayed":["` +
		wire.Fingerprint(wire.Call{Method: "GET", URL: "/1"}) + `"]}`
	if string(out) != want {
		t.Errorf("Invoke = %s, want %s", out, want)
	}
}

// TestInvalidUTF8 holds that a request which no JSON string can carry is hashed
// as it arrives.
func TestInvalidUTF8(t *testing.T) {
	t.Parallel()
	plugin := sdk.Plugin{"m": func(c *sdk.Ctx) sdk.Result {
		reply := c.Do(sdk.Request{URL: "/\xff", Headers: map[string]string{"X\xfe": "\xfd"}})
		return sdk.Result{Outcome: strconv.Itoa(reply.Status)}
	}}
	result, err := sdktest.Run(plugin, "m", sdktest.Visit{Reply: func(wire.Call) wire.Reply { return wire.Reply{Status: 204} }})
	if err != nil {
		t.Fatal(err)
	}
	if result.Outcome != "204" || result.Calls[0].URL != "/\uFFFD" {
		t.Errorf("Run = %+v, want outcome 204 and the call's URL with U+FFFD", result)
	}
}

func TestRandomness(t *testing.T) {
	t.Parallel()
	plugin := sdk.Plugin{"m": func(c *sdk.Ctx) sdk.Result {
		return sdk.Result{Outcome: c.UUID(), Message: c.UUID() + strconv.Itoa(c.Rand().IntN(1000))}
	}}
	seen := map[string]string{}
	for _, seed := range []string{"", "a", "b", strings.Repeat("long", 100)} {
		result, err := sdktest.Run(plugin, "m", sdktest.Visit{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		uuid := result.Outcome
		if len(uuid) != 36 || uuid[14] != '4' || !strings.ContainsRune("89ab", rune(uuid[19])) || uuid == result.Message[:36] {
			t.Errorf("UUID() = %q and then %q, want two of version 4", uuid, result.Message[:36])
		}
		if other, twice := seen[uuid]; twice {
			t.Errorf("seeds %q and %q give the same UUID", other, seed)
		}
		seen[uuid] = seed
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reply wire.Reply
		want  string
	}{
		{wire.Reply{Status: 500}, ""},
		{wire.Reply{Failure: wire.Timeout}, "the call had no response: timeout"},
		{wire.Reply{Failure: wire.Timeout, Message: "no answer in 5s"}, "no answer in 5s"},
	} {
		if got := (sdk.Reply{Reply: tt.reply}).Reason(); got != tt.want {
			t.Errorf("Reason of %+v = %q, want %q", tt.reply, got, tt.want)
		}
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 0, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc"},
		{"abcd", 0, ""},
		{"aéz", 3, "aé"},
		{"aéz", 2, "a"},
		{"😀😀", 7, "😀"},
		{"😀", 3, ""},
		{"a\xffb", 5, "a\uFFFDb"},
		{"a\xffb", 3, "a"},
	} {
		if got := sdk.Clip(tt.text, tt.limit); got != tt.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}
