package nodes_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

// recorder answers every call with 204 and writes it down.
type recorder struct{ calls []string }

func (r *recorder) Do(_ context.Context, req outbound.Request) wire.Reply {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", req.Call.Method, req.Call.URL)
	for _, name := range slices.Sorted(maps.Keys(req.Call.Headers)) {
		fmt.Fprintf(&b, "|%s: %s", name, req.Call.Headers[name])
	}
	fmt.Fprintf(&b, "|%s", req.Call.Body)
	r.calls = append(r.calls, b.String())
	return wire.Reply{Status: 204}
}

func (*recorder) Settings(string) map[string]any { return nil }

// TestValues sends what stands under `with` of an http node, of which x is what
// a webhook got. A want that begins with "!" is a part of the run's reason.
func TestValues(t *testing.T) {
	t.Parallel()
	const jsonBody = "|Content-Type: application/json|"
	tests := []struct{ with, x, want string }{
		// By their place in the address.
		{`url: "https://h/orders/$(n1.x)/close"`, `"../../admin"`, "GET https://h/orders/..%2F..%2Fadmin/close|"},
		{`url: "https://h/orders/$(n1.x)/close"`, `"x?admin=1#b"`, "GET https://h/orders/x%3Fadmin%3D1%23b/close|"},
		{`url: "https://h/orders/$(n1.x)/close"`, `".."`, `!it makes ".." of a part of the path`},
		{`url: "https://h/orders/$(n1.x)/close"`, `null`, `!it is nil`},
		{`url: "https://h/orders?q=$(n1.x)"`, `"a b&c=d\r\n"`, "GET https://h/orders?q=a+b%26c%3Dd%0D%0A|"},
		{`url: $(n1.x)`, `"https://h/a/b?c=d"`, "GET https://h/a/b?c=d|"},
		{`{ url: $(n1.x), query: { z: $(n1.x) } }`, `"https://h/a?b=1"`, "GET https://h/a?b=1&z=https%3A%2F%2Fh%2Fa%3Fb%3D1|"},
		{`url: '$("/files/" + n1.x)'`, `"a/b"`, "GET /files/a/b|"},

		// Numbers.
		{`url: "https://h/orders/$(n1.x)"`, `18446744073709551615`, "GET https://h/orders/18446744073709551615|"},
		{`url: "https://h/orders/$(n1.x)"`, `2500000.0`, "GET https://h/orders/2500000|"},
		{`{ url: "https://h/", query: { n: $(n1.x * 1.0) } }`, `2500000`, "GET https://h/?n=2500000|"},
		{
			`{ url: "https://h/", method: POST, body: { n: $(n1.x), t: "n$(n1.x)" } }`, `[18446744073709551615, 1e20, 1e21, 2.0]`,
			"POST https://h/" + jsonBody + `{"n":[18446744073709551615,100000000000000000000,1e+21,2],"t":"n[18446744073709551615,100000000000000000000,1e+21,2]"}`,
		},
		{`{ url: "https://h/", method: POST, body: { n: $(n1.x * 1000000) } }`, `9223372036854775807`, `!9223372036854775807 * 1000000 is beyond 64 bits`},

		// Headers are text.
		{`{ url: "https://h/", headers: { X-N: $(n1.x) } }`, `2500000.0`, "GET https://h/|X-N: 2500000|"},
		{`{ url: "https://h/", headers: { X-N: $(n1.x) } }`, `{"id": 7}`, `GET https://h/|X-N: {"id":7}|`},
		{`{ url: "https://h/", headers: { X-N: $(n1.x), X-M: "a$(n1.x ?? 0)" } }`, `null`, "GET https://h/|X-M: a0|"},
		{`{ url: "https://h/", headers: { X-N: "é$(n1.x)" } }`, `"ü"`, "GET https://h/|X-N: éü|"},

		// What is written is sent; an input that comes to nothing is left out.
		{`{ url: "https://h/", method: PATCH, body: { assignee: null } }`, `1`, "PATCH https://h/" + jsonBody + `{"assignee":null}`},
		{`{ url: "https://h/", method: PATCH, body: { a: { b: { c: $(n1.x), d: ~ } }, l: [null, $(n1.x)] } }`, `null`, "PATCH https://h/" + jsonBody + `{"a":{"b":{"c":null,"d":null}},"l":[null,null]}`},
		{`{ url: "https://h/", method: PATCH, body: $(n1.x) }`, `null`, "PATCH https://h/|"},
		{`{ url: "https://h/", method: PATCH, body: $(n1.x) }`, `{"a": null}`, "PATCH https://h/" + jsonBody + `{"a":null}`},
		{`{ url: "https://h/", query: { a: $(n1.x), b: 1 } }`, `null`, "GET https://h/?b=1|"},

		// Bodies of other types.
		{
			`{ url: "https://h/", method: POST, headers: { Content-Type: application/x-www-form-urlencoded }, body: { to: $(n1.x), n: 5 } }`, `"+47 & <b>"`,
			"POST https://h/|Content-Type: application/x-www-form-urlencoded|n=5&to=%2B47+%26+%3Cb%3E",
		},
		{
			`{ url: "https://h/", method: POST, headers: { Content-Type: text/xml }, body: "<a>$(xmlEscape(n1.x))</a>" }`, `"<b> & \"c\""`,
			"POST https://h/|Content-Type: text/xml|<a>&lt;b&gt; &amp; &#34;c&#34;</a>",
		},
		{
			`{ url: "https://h/", headers: { X-Signature: "sha256=$(hex(hmac(toJSON(n1.x), 'k')))" } }`, `1`,
			"GET https://h/|X-Signature: sha256=" + "0aa2054d88556d7e5df6e54b00683dae80bbd4266a5d1cbc89abacbf856ad862" + "|",
		},
	}
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.with+" "+tt.x, func(t *testing.T) {
			t.Parallel()
			with := tt.with
			if !strings.HasPrefix(with, "{") {
				with = "{ " + with + " }"
			}
			f, mistakes := flow.Load("flow.yaml", []byte("flow: f\nnodes:\n  n1: { type: webhook, with: { path: /a }, next: n2 }\n  n2:\n    type: http\n    with: "+with+"\n"), flow.Config{Types: types})
			if f == nil {
				t.Fatal(mistakes.Err())
			}
			x, err := data.DecodeJSON([]byte(tt.x))
			if err != nil {
				t.Fatal(err)
			}
			sent := &recorder{}
			eng := engine.New(engine.Config{Caller: sent, Journal: journal.NewMemory(1)})
			r, _, err := eng.Start(t.Context(), engine.Start{Flow: f, Output: map[string]any{"x": x}})
			if err != nil {
				t.Fatal(err)
			}
			result, err := r.Wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if want, fails := strings.CutPrefix(tt.want, "!"); fails {
				if len(sent.calls) > 0 || !strings.Contains(result.Reason, want) {
					t.Errorf("sent %q, reason %q; want nothing sent and %q", sent.calls, result.Reason, want)
				}
				return
			}
			if len(sent.calls) != 1 || sent.calls[0] != tt.want {
				t.Errorf("sent %q, reason %q; want %q", sent.calls, result.Reason, tt.want)
			}
		})
	}
}
