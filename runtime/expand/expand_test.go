package expand_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/spec"
	"github.com/wendflow/wend/runtime/yamldoc"
)

type (
	object = map[string]any
	list   = []any
)

// webhook is the schema of the outputs of n2, which was visited, and of n5,
// which was not.
var webhook = object{
	"type": "object",
	"properties": object{
		"sms": object{"type": "object", "properties": object{
			"senderNumber": object{"type": "string"},
			"parts":        object{"type": "integer"},
		}},
		"items": object{"type": "array", "items": object{"type": "object", "properties": object{
			"name": object{"type": "string"},
			"qty":  object{"type": "integer"},
		}}},
		"open":  object{"type": "object"},
		"vip":   object{"type": "boolean"},
		"ratio": object{"type": "number"},
	},
}

func newScope() *expand.Scope {
	return &expand.Scope{Names: map[string]expand.Type{
		"n2":     expand.FromSchema(webhook),
		"n5":     expand.FromSchema(webhook),
		"run":    expand.FromSchema(object{"type": "object", "properties": object{"id": object{"type": "string"}}}),
		"domain": expand.TypeOf("example.com"),
		"empty":  expand.TypeOf(nil),
		"1100":   expand.TypeOf("x"),
		// Named like functions.
		"count": expand.TypeOf(1), "now": expand.TypeOf("x"), "keys": expand.TypeOf("x"),
	}}
}

func newEnv() expand.Env {
	return expand.Env{
		Now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.FixedZone("CET", 3600)),
		Names: object{
			"n2": object{
				"sms":   object{"senderNumber": "+49", "parts": 3},
				"items": list{object{"name": "a", "qty": 1}, object{"name": "b", "qty": 2}},
				"open":  object{"x": object{"y": 1}, "list": list{1, 2.5, "s", nil}, "max": math.MaxInt, "huge": json.Number("18446744073709551615"), "text": "Zürich €5"},
				"vip":   true,
				"ratio": 0.5,
			},
			"run":    object{"id": "01935a2b-7c3d-7e4f-8a5b-6c7d8e9f0a1b"},
			"domain": "example.com",
			"1100":   "declared",
			"count":  7, "now": "a variable", "keys": "another",
		},
	}
}

// text is a scalar as Parse yields it, written plain at 1:1.
func text(s string) yamldoc.Text { return yamldoc.Text{Value: s, Pos: diag.Pos{Line: 1, Col: 1}} }

func TestEval(t *testing.T) {
	t.Parallel()
	tests := []struct {
		template string
		kind     string
		want     any
	}{
		// Literals.
		{"", "string", ""},
		{"plain", "string", "plain"},
		{"$$(x)", "string", "$(x)"},
		{"$$$(x) $ ($)", "string", "$$(x) $ ($)"},

		// Exactly one template keeps its type, others become text.
		{"$(domain)", "string", "example.com"},
		{"$( domain )", "string", "example.com"},
		{" $(domain)", "string", " example.com"},
		{"$(domain)_Callback", "string", "example.com_Callback"},
		{"$(n2.vip)", "boolean", true},
		{`$("text")`, "string", "text"},
		{"$(true)", "boolean", true},
		{"$(-5)", "integer", -5},
		{"$(1.5)", "number", 1.5},
		{"$(nil)", "null", nil},
		{"$(n2.sms.parts)", "integer", 3},
		{"$(n2.ratio)", "number", 0.5},
		{"$(n2.sms)", "object", object{"senderNumber": "+49", "parts": 3}},
		{"$(empty)", "null", nil},
		{"$(n2.vip)/$(n2.ratio)/$(n2.sms.parts)", "string", "true/0.5/3"},
		{"$(n2.items)", "array", list{object{"name": "a", "qty": 1}, object{"name": "b", "qty": 2}}},
		{"=$(n2.open.x)", "string", `={"y":1}`},
		{`$("a)b" + ')' + ` + "`(`)", "string", "a)b)("},
		{`$(("(") + "\")")`, "string", `(")`},

		// Names of digits.
		{"$(1100)", "string", "declared"},
		{"$(0000)", "string", "0000"},
		{"x$(007)y", "string", "x007y"},
		{"$(1100 + 1)", "integer", 1101},

		// Missing values.
		{"$(n2.open.miss)", "any", nil},
		{`$(n2.open.miss ?? "d")`, "any", "d"},
		{`$(n2.open.miss.deeper ?? "d")`, "any", "d"},
		{`$(n5.sms.senderNumber ?? "d")`, "string", "d"},
		{"$(n5?.sms.senderNumber)", "string", nil},
		{`$(n5 ?? domain)`, "any", "example.com"},
		{`$(n5.sms.parts ?? n2.sms.parts ?? 0)`, "integer", 3},
		{`$(n5.items[0].name ?? "d")`, "string", "d"},
		{`$(n2.items[9].name ?? "d")`, "string", "d"},
		{`$((n2.vip ? n5.ratio : 1.5) ?? 2.5)`, "number", 2.5},
		{`$((n5.sms ?? n2.sms).senderNumber)`, "string", "+49"},
		{`$(n5 == nil)`, "boolean", true},
		{`x$(n5.ratio ?? "")y`, "string", "xy"},
		{`$(n2.open.miss == "a" or n2.open.miss == 1)`, "boolean", false},
		{`$(findIndex(n2.items, .qty == 9) == 0)`, "boolean", false},

		// The expression language.
		{"$(n2.items[0].name)", "string", "a"},
		{"$(n2.items[-1].name)", "string", "b"},
		{"$(n2.items[0:1])", "array", list{object{"name": "a", "qty": 1}}},
		{"$(map(n2.items, .name))", "array", list{"a", "b"}},
		{"$(filter(n2.items, .qty > 1))", "array", list{object{"name": "b", "qty": 2}}},
		{"$(filter(n2.items, {.qty > 1 && #.name != n2.sms.senderNumber})[0].name)", "string", "b"},
		{"$(n2.items | map(.qty) | sum())", "integer", 3},
		{"$(reduce(n2.items, #acc + .qty, 10))", "any", 13},
		{"$(groupBy(n2.items, .qty))", "object", object{"1": list{object{"name": "a", "qty": 1}}, "2": list{object{"name": "b", "qty": 2}}}},
		{"$(let s = n2.sms; s.parts + 1)", "integer", 4},
		{`$(n2.vip ? "gold" : "plain")`, "string", "gold"},
		{`$(if n2.vip { "gold" } else { "plain" })`, "string", "gold"},
		{`$({a: 1, "b": [n2.vip]})`, "object", object{"a": 1, "b": list{true}}},
		{"$(1..3)", "array", list{1, 2, 3}},
		{"$(n2.sms.parts / 2)", "number", 1.5},
		{`$("sms" in n2 and 3 in [1, 3])`, "boolean", true},
		{`$(n2["sms"].parts)`, "integer", 3},
		{`$(upper(n2.sms.senderNumber + "a") matches "^.49A$")`, "boolean", true},
		{`$(split("a,b", ","))`, "array", list{"a", "b"}},
		{`$(join(map(n2.items, .name), "-"))`, "string", "a-b"},
		{`$(replace("aXbX", "X", "yy"))`, "string", "ayybyy"},
		{`$(replace("aXbX", "X", "", 1))`, "string", "abX"},
		{`$(repeat("ab", 3))`, "string", "ababab"},
		{`$(sort([3, 1, 2]))`, "array", list{1, 2, 3}},
		{`$(uniq([1, 1, 2]))`, "array", list{1, 2}},
		{`$(b"abc")`, "string", "abc"},

		// Names of variables may be names of functions.
		{"$(count + count([true, false]))", "integer", 8},
		{"$(now)", "string", "a variable"},
		{"$(keys + string(len(keys({a: 1}))))", "string", "another1"},

		// What is not deterministic in expr is here.
		{"$(now())", "string", "2026-11-20T08:00:00Z"},
		{"at $(now())", "string", "at 2026-11-20T08:00:00Z"},
		{"$(now().Year())", "integer", 2026},
		{`$(now(timezone("Europe/Zurich")))`, "string", "2026-11-20T09:00:00+01:00"},
		{`$(now() - duration("1h"))`, "string", "2026-11-20T07:00:00Z"},
		{`$(duration("90m"))`, "string", "1h30m0s"},
		{`$(now().Weekday())`, "integer", 5},
		{"$(keys(n2))", "array", list{"items", "open", "ratio", "sms", "vip"}},
		{"$(values(n2.sms))", "array", list{3, "+49"}},
		{"$(toPairs(n2.sms))", "array", list{list{"parts", 3}, list{"senderNumber", "+49"}}},
		{"$(uuid(run.id))", "string", "01935a2b-7c3d-7e4f-8a5b-6c7d8e9f0a1b"},
		{`$(uuid("6BA7B810-9DAD-11D1-80B4-00C04FD430C8"))`, "string", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{"$(uuid(domain))", "string", "5f7e8171-1ffc-59aa-9b07-ffff249d4866"},
		{`$(fromJSON('{"id": 9007199254740993, "f": 1.5}'))`, "any", object{"id": 9007199254740993, "f": 1.5}},
		{`$(toJSON("<b>"))`, "string", `"<b>"`},
		{`$(toJSON(groupBy(n2.items, .qty))[0:12])`, "string", "{\n  \"1\": [\n "},
		{`$(toJSON(fromPairs([["a", 1], [2, 3]])))`, "string", "{\n  \"2\": 3,\n  \"a\": 1\n}"},
		{`$(fromPairs([["a", 1]]).a)`, "any", 1},
		{`$(groupBy(n2.items, .qty)[2][0].name)`, "any", "b"},

		// Numbers.
		{"$(4 / 2)", "number", 2},
		{"$((4 / 2) == 2 and 1.0 == 1)", "boolean", true},
		{"$({b: 1.0} == {b: 1} and [1.0] == [1])", "boolean", true},
		{"$({b: [4 / 2]} != {b: [2]})", "boolean", false},
		{"$(1..3 == [1, 2, 3])", "boolean", true},
		{"$(2.0 in [1, 2] and {a: 1.0} in [{a: 1}])", "boolean", true},
		{"$(2 ** 62)", "number", 1 << 62},
		{"$(2 ** -1)", "number", 0.5},
		{"$(n2.open.max - 1 + 1)", "any", math.MaxInt},
		{"$(n2.open.max / 1)", "number", math.MaxInt},
		{"$(round(n2.open.max))", "number", math.MaxInt},
		{"$(sum(n2.items, .qty))", "integer", 3},
		{"$(sum([0.5, 1.5]))", "number", 2},
		{"$(-n2.sms.parts)", "integer", -3},
		{"$(n2.open.huge)", "any", json.Number("18446744073709551615")},
		{"id $(n2.open.huge)", "string", "id 18446744073709551615"},
		{"$(string(n2.open.huge))", "string", "18446744073709551615"},
		{"$([n2.open.huge][0] == n2.open.huge)", "boolean", true},
		{"$(type(n2.open.huge))", "string", "int"},
		{`$(fromJSON("18446744073709551615"))`, "any", json.Number("18446744073709551615")},
		{`$(fromJSON("1e3"))`, "any", 1000},

		// Text of values.
		{"$(string(2500000.0)) $(2.5e6) $(1e20) $(1e21) $(1e-7)", "string", "2500000 2500000 100000000000000000000 1e+21 1e-7"},
		{"$(string({id: 7}))", "string", `{"id":7}`},
		{`$(string("a") + string(true) + string([1]))`, "string", "atrue[1]"},

		// Texts are made of characters.
		{"$(n2.open.text[0:2])", "any", "Zü"},
		{"$(n2.open.text[-2:])", "any", "€5"},
		{"$(n2.open.text[:100])", "any", "Zürich €5"},
		{"$(n2.open.text[5:2])", "any", ""},
		{"$(n2.open.text[-2])", "any", "€"},
		{"$(domain[-1])", "string", "m"},
		{"$(domain[0:0])", "string", ""},
		{"$(upper(domain)[0])", "string", "E"},
		{`$(domain[99] ?? "-")`, "string", "-"},
		{`$(find(n2.items, .qty == 2)?.name[0])`, "string", "b"},
		{`$(find(n2.items, .qty == 9)?.name[0] ?? "none")`, "string", "none"},
		{`$(find([n2.open], true)?.text[1:2] + "!")`, "any", "ü!"},
		{`$(find([n2.open], true)?.text[1])`, "any", "ü"},
		{`$([find([n2.open], false)?.["list"].x, n2.open.miss?.[0].x, n2.open.list?.[1] ?? 0])`, "array", list{nil, nil, 2.5}},
		{`$([n2.open][0:1]?.[0].text)`, "any", "Zürich €5"},
		{"$(len(n2.open.text))", "integer", 9},
		{`$(n2.open.text[indexOf(n2.open.text, "€"):])`, "any", "€5"},
		{`$(lastIndexOf(n2.open.text, "5"))`, "integer", 8},
		{"$(first(n2.open.text) + last(n2.open.text) + get(n2.open.text, 1))", "any", "Z5ü"},
		{`$(get(n2.open.text, 99) ?? "-")`, "any", "-"},
		{`$(n2.open.miss[0:2] ?? "none")`, "any", "none"},
		{`$(n2.open.miss.deep[0:2] ?? "none")`, "any", "none"},
		{`$(n5.sms.senderNumber[0:2] ?? "none")`, "string", "none"},
		{`$(n5.items[0:2][0].name ?? "none")`, "string", "none"},
		{`$(n2.items[0:2][0].name ?? "none")`, "string", "a"},
		{`$(n2.sms.senderNumber[1:] ?? "none")`, "string", "49"},
		{`$(n2.open?.text[0:1] ?? "none")`, "any", "Z"},
		{`$(find(n2.items, .qty == 9)?.name[0:1] ?? "none")`, "string", "none"},
		{`$({(domain): 1, b: 2})`, "object", object{"example.com": 1, "b": 2}},

		// Escapes and digests.
		{`$(pathEscape("a/b ?#%&+é.."))`, "string", "a%2Fb%20%3F%23%25%26%2B%C3%A9.."},
		{`$(queryEscape("a b&c=d+é"))`, "string", "a+b%26c%3Dd%2B%C3%A9"},
		{`$(fromXML('<?xml version="1.0" encoding="latin1"?><o id="7"><n>é</n></o>').o["@id"])`, "any", "7"},
		{`$(fromXML("<o><n>5</n><n>6</n></o>").o.n)`, "any", []any{"5", "6"}},
		{`$(xmlEscape("<b> & \"q\" 'a'"))`, "string", "&lt;b&gt; &amp; &#34;q&#34; &#39;a&#39;"},
		{`$(htmlEscape("<b> & \"q\""))`, "string", "&lt;b&gt; &amp; &#34;q&#34;"},
		{`$(base64("é"))`, "string", "w6k="},
		{`$(hex("é"))`, "string", "c3a9"},
		{`$(base64(5) + hex([1]))`, "string", "NQ==5b315d"},
		{`$(hex(sha256("abc")))`, "string", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{`$(base64(sha256("")))`, "string", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
		{`$("what do ya want for nothing?" | hmac("Jefe") | hex())`, "string", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{`$(hex(hmac("what do ya want for nothing?", "Jefe", "sha1")))`, "string", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
		{`$(hex(hmac("c", hmac("b", "a"))))`, "string", "afb366b1e7d0ffd4e7c273ecd31eb15ce01301c2c39155f3a8ddd8190ef26edc"},

		{`$(now() + duration("1d"))`, "string", "2026-11-21T08:00:00Z"},
		{`$(duration("1d12h").Hours())`, "number", 36},
		{`$("http://x" + '//y' + ` + "`//z`)", "string", "http://x//y//z"},

		{`$(toJSON({b: 1, a: [2]}))`, "string", "{\n  \"a\": [\n    2\n  ],\n  \"b\": 1\n}"},
	}
	for _, tt := range tests {
		t.Run(tt.template, func(t *testing.T) {
			t.Parallel()
			tmpl, mistakes := expand.Compile(text(tt.template), newScope())
			if mistakes.HasErrors() {
				t.Fatal(mistakes.Err())
			}
			got, err := tmpl.Eval(newEnv())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Eval (-want +got):\n%s", diff)
			}
			if k := tmpl.Type().Kind(); k != tt.kind {
				t.Errorf("Type().Kind() = %q, want %q", k, tt.kind)
			}
		})
	}
}

func TestEvalFails(t *testing.T) {
	t.Parallel()
	tests := []struct{ template, want string }{
		{"$(n5.sms)", `1:3: $(n5.sms): n5 is nil and has no field "sms"; give a default with ?? or read it with ?.sms`},
		{"$(n2.open.a.b)", `1:3: $(n2.open.a.b): n2.open.a is nil and has no field "b"; give a default with ?? or read it with ?.b`},
		{"$(n2.open.x.y.z)", `1:3: $(n2.open.x.y.z): n2.open.x.y is an integer and has no field "z"`},
		{"a $(n2.open.miss)", `1:5: $(n2.open.miss): it is nil, which has no text; give a default with ?? "…"`},
		{"$(n2.items[9].name)", `1:11: $(n2.items[9].name): index out of range: 9 (array length is 2)`},
		{"é $(1 + n2.open.miss)", `1:7: $(1 + n2.open.miss): "+" does not work with integer and nil`},
		{"$(n2.open.x < 3)", `1:13: $(n2.open.x < 3): "<" does not work with object and integer`},
		{"$(upper(n2.open.miss))", `1:3: $(upper(n2.open.miss)): the value is nil, expected a string`},
		{"$(map(n2.open.miss, #))", `1:3: $(map(n2.open.miss, #)): the value is nil, expected an array`},
		{"$(map(n2.open.list, .x))", `1:22: $(map(n2.open.list, .x)): the value is an integer and has no field "x"`},
		{"$(n2.open.miss ? 1 : 2)", `1:11: $(n2.open.miss ? 1 : 2): the value is nil, expected a boolean`},
		{"$(1 / 0)", `1:5: $(1 / 0): division by zero`},
		{"$(string(n2.ratio / 0))", `1:19: $(string(n2.ratio / 0)): division by zero`},
		{"$(1 % 0)", `1:5: $(1 % 0): division by zero`},
		{`$("a" matches "(" + "")`, `1:7: $("a" matches "(" + ""): the pattern "(" cannot be run: missing closing ): ` + "`(`"},
		{`$("a" matches repeat("a{900}", 6))`, `1:7: $("a" matches repeat("a{900}", 6)): the pattern "a{900}a{900}a{900}a{900}a{900}a{900}" cannot be run: its repetitions unfold to more than 5000 steps`},
		{`$("a" matches repeat("a", 5000))`, `1:7: $("a" matches repeat("a", 5000)): the pattern "` + strings.Repeat("a", 80) + `…" cannot be run: it is 5000 bytes long, expected 4096 at most`},
		{`$(n2.open.list matches "x")`, `1:16: $(n2.open.list matches "x"): matches of an array, expected a string`},
		{`$(int("x"))`, `1:3: $(int("x")): cannot make an integer of "x"`},
		{`$(timezone("Loc" + "al"))`, `1:3: $(timezone("Loc" + "al")): time zone "Local" depends on the machine; expected one such as "Europe/Zurich"`},
		{`$(date("2026-01-01", "2006-01-02", "Local"))`, `1:3: $(date("2026-01-01", "2006-01-02", "Local")): time zone "Local" depends on the machine; expected one such as "Europe/Zurich"`},
		{`$(timezone("UTC"))`, `1:3: $(timezone("UTC")): the result is a *time.Location, expected a value`},
		{`$(uuid(empty))`, `1:3: $(uuid(empty)): uuid: it is nil, which has no text; give a default with ?? "…"`},
		{`$(fromXML("<a><b>" + ""))`, `1:3: $(fromXML("<a><b>" + "")): fromXML: not XML: line 1: unexpected EOF`},
		{`$(fromJSON("{" + ""))`, `1:3: $(fromJSON("{" + "")): fromJSON: not JSON: unexpected EOF`},
		{`$(fromJSON("{}}" + ""))`, `1:3: $(fromJSON("{}}" + "")): fromJSON: not JSON: after the JSON document: invalid character '}' looking for beginning of value`},
		{`$(fromJSON("1e400" + ""))`, `1:3: $(fromJSON("1e400" + "")): fromJSON: not JSON: number 1e400 is out of range`},

		// Whole numbers do not wrap around.
		{"$(n2.open.max + 1)", `1:15: $(n2.open.max + 1): 9223372036854775807 + 1 is beyond 64 bits`},
		{"$(-n2.open.max - 2)", `1:16: $(-n2.open.max - 2): -9223372036854775807 - 2 is beyond 64 bits`},
		{"$(n2.open.max * 1000000)", `1:15: $(n2.open.max * 1000000): 9223372036854775807 * 1000000 is beyond 64 bits`},
		{"$(-(-n2.open.max - 1))", `1:3: $(-(-n2.open.max - 1)): -(-9223372036854775808) is beyond 64 bits`},
		{"$(abs(-n2.open.max - 1))", `1:3: $(abs(-n2.open.max - 1)): -(-9223372036854775808) is beyond 64 bits`},
		{"$((-n2.open.max - 1) / -1)", `1:22: $((-n2.open.max - 1) / -1): -9223372036854775808 / -1 is beyond 64 bits`},
		{"$(10 ** 19)", `1:6: $(10 ** 19): 10 ** 19 is beyond 64 bits`},
		{"$(sum([n2.open.max, 1]))", `1:3: $(sum([n2.open.max, 1])): sum: 9223372036854775807 + 1 is beyond 64 bits`},
		{"$(reduce([n2.open.max, 1], #acc + #))", `1:33: $(reduce([n2.open.max, 1], #acc + #)): 9223372036854775807 + 1 is beyond 64 bits`},
		{"$(bitshl(n2.open.max, 1))", `1:3: $(bitshl(n2.open.max, 1)): bitshl: 9223372036854775807 << 1 is beyond 64 bits`},
		{"$(bitshl(1, 63))", `1:3: $(bitshl(1, 63)): bitshl: 1 << 63 is beyond 64 bits`},
		{"$(bitshl(1, 64))", `1:3: $(bitshl(1, 64)): bitshl: 1 << 64 is beyond 64 bits`},
		{"$(bitshl(1, -1))", `1:3: $(bitshl(1, -1)): bitshl by -1, expected at least 0`},
		{"$(int(1e19))", `1:3: $(int(1e19)): int: 1e+19 is beyond 64 bits`},
		{`$(int("9223372036854775808"))`, `1:3: $(int("9223372036854775808")): int: 9223372036854775808 is beyond 64 bits`},
		{"$(int(n2.open.huge))", `1:3: $(int(n2.open.huge)): int: 18446744073709551615 is beyond 64 bits`},
		{"$(n2.open.huge + 1)", `1:16: $(n2.open.huge + 1): "+" does not work with a whole number beyond 64 bits and integer`},
		{"$(n2.open.huge / 2)", `1:16: $(n2.open.huge / 2): "/" does not work with a whole number beyond 64 bits and integer`},
		{"$(n2.open.huge > 2)", `1:16: $(n2.open.huge > 2): ">" does not work with a whole number beyond 64 bits and integer`},
		{"$(sum([n2.open.huge]))", `1:3: $(sum([n2.open.huge])): sum: 18446744073709551615 is beyond 64 bits`},

		// nil has no text, and bytes have none.
		{"$(string(n2.open.miss))", `1:3: $(string(n2.open.miss)): string: it is nil, which has no text; give a default with ?? "…"`},
		{"$(xmlEscape(n2.open.miss))", `1:3: $(xmlEscape(n2.open.miss)): xmlEscape: it is nil, which has no text; give a default with ?? "…"`},
		{"$(groupBy(n2.items, n2.open.miss))", `1:3: $(groupBy(n2.items, n2.open.miss)): a key is nil, expected a text, a number or a boolean`},
		{`$(n2.vip ? sha256("a") : "b")`, `1:3: $(n2.vip ? sha256("a") : "b"): the bytes are not a text; write hex(…) or base64(…)`},
		{`$(fromBase64("/w=="))`, `1:3: $(fromBase64("/w==")): fromBase64: the bytes are not a text`},
		{`$(hex(hmac("a", "k", "md5")))`, `1:7: $(hex(hmac("a", "k", "md5"))): hmac: no algorithm "md5", expected "sha1", "sha256" or "sha512"`},

		// Items, slices and keys.
		{"$(domain[11])", `1:9: $(domain[11]): index out of range: 11 (text length is 11)`},
		{"$(n2.open.list[0.5])", `1:15: $(n2.open.list[0.5]): the index is a number, expected an integer`},
		{"$(n2.open.x[0:1])", `1:12: $(n2.open.x[0:1]): the value is an object, expected an array or a text to cut`},
		{`$({(domain): 1, "example.com": 2})`, `1:3: $({(domain): 1, "example.com": 2}): two keys read "example.com" as text`},
		{`$(fromPairs([[1, "a"], ["1", "b"]]))`, `1:3: $(fromPairs([[1, "a"], ["1", "b"]])): two keys read "1" as text`},
		{`$(join(n2.open.list))`, `1:3: $(join(n2.open.list)): join: item 0 is an integer, expected a string`},
		{`$(b"\xff")`, `1:3: $(b"\xff"): the bytes are not a text`},
	}
	for _, tt := range tests {
		t.Run(tt.template, func(t *testing.T) {
			t.Parallel()
			tmpl, mistakes := expand.Compile(text(tt.template), newScope())
			if mistakes.HasErrors() {
				t.Fatal(mistakes.Err())
			}
			v, err := tmpl.Eval(newEnv())
			var at *expand.Error
			if !errors.As(err, &at) {
				t.Fatalf("Eval = %v, %v, want an *expand.Error", v, err)
			}
			if err.Error() != tt.want {
				t.Errorf("Eval error:\n got %s\nwant %s", err, tt.want)
			}
		})
	}
}

// TestBounds runs expressions that would take hours or fill the memory.
func TestBounds(t *testing.T) {
	t.Parallel()
	for _, source := range []string{
		"filter(1..100000, any(1..100000, # == -1))",
		"map(1..900000, map(1..900000, #))",
		"reduce(1..64, [#acc, #acc], 0)",
		"reduce(1..64, #acc + #acc, 'x')",
		"let a = repeat('x', 1000000); let b = a + a; let c = b + b; let d = c + c; let e = d + d; e + e",
		"repeat('x', 999999999999)",
		"repeat(repeat('x', 100000), 100000)",
		"replace(repeat('x', 100000), '', repeat('y', 100000))",
		"join(map(1..50000, 'x'), repeat('y', 100000))",
		"toJSON(reduce(1..64, [#acc, #acc], 0))",
		"len(flatten(reduce(1..64, [#acc, #acc], 0)))",
		"reduce(1..64, [#acc, #acc], 0) == reduce(1..64, [#acc, #acc], 0)",
		"string(reduce(1..64, ({a: #acc, b: #acc}), 0))",
		"len(toJSON(reduce(1..100000, [#acc], 0)))",
		"uniq(1..100000)",
		"filter(1..100000, # in n2.big)",
		"filter(1..100000, sum(n2.big) < 0)",
		"filter(1..100000, n2.long contains 'zz')",
		"filter(1..100000, upper(n2.long) == '')",
		"filter(1..100000, n2.long matches 'a.b')",
		"filter(1..100000, 'a' matches 'a{9' + '9}')",
		"repeat('x', 900000) matches 'y{900}'",
		"map(1..100000, timezone('Europe/Zurich'))",
		"split(n2.long + n2.long, '')",
		"1..99999999",
		"map(1..100000, sha256(n2.long))",
		"map(1..100000, n2.long[1:2])",
		"map(1..100000, indexOf(n2.long, 'y'))",
		"reduce(1..64, hex(#acc), 'x')",
		"reduce(1..64, base64(#acc), 'x')",
		"toJSON(reduce(1..400, [#acc], map(1..20000, #)))",
		"string(map(1..1000, n2.long))",
		"toJSON(map(1..1000, n2.long))",
		"hex(sha256(map(1..1000, n2.long)))",
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			big := make(list, 100_000)
			for i := range big {
				big[i] = -1
			}
			env := expand.Env{Names: object{"n2": object{"big": big, "long": strings.Repeat("x", 1<<20)}}}
			tmpl, mistakes := expand.Compile(text("$("+source+")"), &expand.Scope{Names: map[string]expand.Type{"n2": {}}})
			if mistakes.HasErrors() {
				t.Fatal(mistakes.Err())
			}
			_, err := tmpl.Eval(env)
			if err == nil {
				t.Fatal("Eval succeeded, want an error")
			}
			for _, word := range []string{"too much work", "too much data", "deeper than", "it takes more than 8MB as JSON"} {
				if strings.Contains(err.Error(), word) {
					return
				}
			}
			t.Errorf("Eval: %v, want an error that names the limit", err)
		})
	}
}

// TestLongText holds that a text with templates in it has an end: data of a few
// megabytes can stand in it many times.
func TestLongText(t *testing.T) {
	t.Parallel()
	env := expand.Env{Names: object{"n2": object{"long": strings.Repeat("x", 1<<20), "list": list{strings.Repeat("x", 1<<20)}}}}
	scope := &expand.Scope{Names: map[string]expand.Type{"n2": {}}}
	for source, fits := range map[string]bool{
		strings.Repeat("$(n2.long)", 8) + "":           true,
		strings.Repeat("$(n2.long)", 9):                false,
		"a" + strings.Repeat("$(n2.list)", 9):          false,
		"https://h/" + strings.Repeat("$(n2.long)", 3): true,
	} {
		tmpl, mistakes := expand.Compile(text(source), scope)
		if mistakes.HasErrors() {
			t.Fatal(mistakes.Err())
		}
		_, err := tmpl.Eval(env)
		if fits != (err == nil) || err != nil && !strings.HasSuffix(err.Error(), "with it the text is longer than 8MB") {
			t.Errorf("%.20s…: %v, fits: %v", source, err, fits)
		}
	}
}

// TestBoundsLeaveRoom runs expressions of a size that flows really have.
func TestBoundsLeaveRoom(t *testing.T) {
	t.Parallel()
	items := make(list, 5_000)
	for i := range items {
		items[i] = object{"id": i, "name": fmt.Sprintf("item %d", i), "tags": list{"a", "b"}}
	}
	env := expand.Env{Names: object{"n2": object{"items": items}}}
	for source, want := range map[string]any{
		"len(filter(n2.items, .name matches '^item [0-9]{1,3}$'))":                    1000,
		"len(filter(n2.items, .name matches ('^item ' + string(.id) + '$')))":         5000,
		"len(filter(n2.items, .id % 2 == 0 and .name contains '1' and 'a' in .tags))": 880,
		"len(sortBy(n2.items, .name))":                                                5000,
		"len(toJSON(n2.items)) > 100000":                                              true,
		"len(join(map(n2.items, .name), ', '))":                                       53888,
		"len(uniq(map(take(n2.items, 1000), .id % 10)))":                              10,
		"sum(map(n2.items, len(upper(.name))))":                                       43890,
		"len(groupBy(n2.items, .id % 7))":                                             7,
		"find(n2.items, .id == 4999).name":                                            "item 4999",
		"len(filter(1..300, any(1..300, # == -1)))":                                   0,
		"len(reduce(map(n2.items, .name), #acc + ',' + #))":                           nil,
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			tmpl, mistakes := expand.Compile(text("$("+source+")"), &expand.Scope{Names: map[string]expand.Type{"n2": {}}})
			if mistakes.HasErrors() {
				t.Fatal(mistakes.Err())
			}
			got, err := tmpl.Eval(env)
			if want == nil {
				// Quadratic: each turn copies all that came before.
				if err == nil || !strings.Contains(err.Error(), "too much work") {
					t.Errorf("Eval = %v, %v, want too much work", got, err)
				}
				return
			}
			if err != nil || got != want {
				t.Errorf("Eval = %v, %v, want %v", got, err, want)
			}
		})
	}
}

func TestRefs(t *testing.T) {
	t.Parallel()
	tests := []struct{ template, want string }{
		{"no template", ""},
		{"$(domain)", "domain@3"},
		{"$(n2.sms.parts) and $(n5?.sms)", "n2.sms.parts@3 n5.sms?@23"},
		{`$(n5.sms.parts ?? n2.sms.parts)`, "n5.sms.parts?@3 n2.sms.parts@19"},
		{`$(n5 ?? n2)`, "n5?@3 n2@9"},
		{`$(n2.sms ?? domain ?? n5)`, "n2.sms?@3 domain?@13 n5@23"},
		{`$((n2.vip ? n5.ratio : 1.5) ?? 2.5)`, "n2.vip@4 n5.ratio?@13"},
		{`$(n2.items[0].name)`, "n2.items@3"},
		{`$(n5.items[0].name ?? "")`, "n5.items?@3"},
		{`$(n2.open?.x)`, "n2.open.x@3"},
		{`$(n2["sms"].parts)`, "n2.sms.parts@3"},
		{`$(map(n2.items, .name + domain))`, "n2.items@7 domain@25"},
		{`$(let s = n2.sms; s.parts)`, "n2.sms@11"},
		{"$(1100) $(0000)", "1100@3"},
		{`$(lower(n5?.sms.senderNumber ?? "x"))`, "n5.sms.senderNumber?@9"},
	}
	for _, tt := range tests {
		t.Run(tt.template, func(t *testing.T) {
			t.Parallel()
			tmpl, mistakes := expand.Compile(text(tt.template), newScope())
			if mistakes.HasErrors() {
				t.Fatal(mistakes.Err())
			}
			var got []string
			for _, r := range tmpl.Refs() {
				s := strings.Join(append([]string{r.Name}, r.Path...), ".")
				if r.Optional {
					s += "?"
				}
				got = append(got, fmt.Sprintf("%s@%d", s, r.Pos.Col))
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("Refs = %s, want %s", s, tt.want)
			}
		})
	}
}

func TestCondition(t *testing.T) {
	t.Parallel()
	tests := []struct {
		condition string
		want      any // a bool, or the error's end
	}{
		{`n2.sms.parts == 3`, true},
		{` $(n2.vip) `, true},
		{`$(n2.vip and not n2.vip)`, false},
		{`true`, true},
		{`n2.open.miss == ""`, false},
		{`n5?.vip ?? false`, false},
		{`any(n2.items, .qty > 1)`, true},
		{`n2.open.x`, "the condition is an object, neither true nor false"},
		{`n2.open.miss`, "the condition is nil, neither true nor false"},
	}
	for _, tt := range tests {
		t.Run(tt.condition, func(t *testing.T) {
			t.Parallel()
			c, mistakes := expand.CompileCondition(text(tt.condition), newScope())
			if len(mistakes) > 0 {
				t.Fatal(mistakes)
			}
			got, err := c.Eval(newEnv())
			if want, fails := tt.want.(string); fails {
				if err == nil || !strings.HasSuffix(err.Error(), want) {
					t.Errorf("Eval = %v, %v, want an error that ends %q", got, err, want)
				}
			} else if err != nil || got != tt.want {
				t.Errorf("Eval = %v, %v, want %v", got, err, tt.want)
			}
			if k := c.Type().Kind(); k != "boolean" {
				t.Errorf("Type().Kind() = %q, want boolean", k)
			}
		})
	}
}

// TestBroken holds that a template with mistakes can still be asked.
func TestBroken(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"$(", "$()", "$(a +)", "$(nope)", "x $(nope) y", "$(domain - 1)"} {
		tmpl, mistakes := expand.Compile(text(source), newScope())
		if !mistakes.HasErrors() {
			t.Errorf("Compile(%q) found no mistake", source)
		}
		tmpl.Refs()
		tmpl.Type()
		if _, ok := tmpl.IsLiteral(); ok {
			t.Errorf("%q is a literal", source)
		}
		if v, err := tmpl.Eval(newEnv()); err == nil {
			t.Errorf("Eval of %q = %v, want an error", source, v)
		}
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	flow, mistakes := spec.Parse("f.yaml", []byte(`flow: f
nodes:
  n1:
    type: respond
    with:
      status: 200
      text: "200"
      body: { ok: true, to: $(domain), parts: [$(n2.sms.parts), "x$(n2.sms.parts)", null] }
      fixed: { a: [1, { b: c }], literal: $$(x) }
      nothing:
`))
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	v, mistakes := expand.CompileValue(flow.Nodes[0].With, newScope())
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	got, err := v.Eval(newEnv())
	if err != nil {
		t.Fatal(err)
	}
	want := object{
		"status": 200, "text": "200",
		"body":    object{"ok": true, "to": "example.com", "parts": list{3, "x3", nil}},
		"fixed":   object{"a": list{1, object{"b": "c"}}, "literal": "$(x)"},
		"nothing": nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Eval (-want +got):\n%s", diff)
	}
	if refs := v.Refs(); len(refs) != 3 || refs[1].Pos.String() != "f.yaml:8:50" {
		t.Errorf("Refs = %v, want three, the second at f.yaml:8:50", refs)
	}
	if _, ok := v.IsLiteral(); ok {
		t.Error("IsLiteral of a value with templates")
	}
}

// TestMistakes compiles what stands under with, `when` as a condition, and
// compares what is printed. UPDATE=1 rewrites the answers.
func TestMistakes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/err/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{}
			for _, f := range ar.Files {
				want[f.Name] = string(f.Data)
			}
			updated := &txtar.Archive{Comment: ar.Comment}
			for _, f := range ar.Files {
				name, isFlow := strings.CutSuffix(f.Name, ".yaml")
				if !isFlow {
					continue
				}
				var b bytes.Buffer
				diag.Print(&b, mistakesOf(f.Name, f.Data), func(string) []byte { return f.Data })
				updated.Files = append(updated.Files, f, txtar.File{Name: name + ".out", Data: b.Bytes()})
				if diff := cmp.Diff(want[name+".out"], b.String()); diff != "" && os.Getenv("UPDATE") == "" {
					t.Errorf("%s (-want +got):\n%s", f.Name, diff)
				}
			}
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(file, txtar.Format(updated), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// mistakesOf parses a flow and compiles its templates: what `when` says, at any
// depth, as a condition.
func mistakesOf(name string, src []byte) diag.List {
	flow, mistakes := spec.Parse(name, src)
	if flow == nil {
		return mistakes
	}
	scope := newScope()
	for _, v := range flow.Variables {
		scope.Names[v.Name.Value] = expand.TypeOf(yamldoc.Plain(v.Value))
	}
	for _, n := range flow.Nodes {
		compileAll(n.With, scope, &mistakes)
	}
	return mistakes
}

func compileAll(v yamldoc.Value, scope *expand.Scope, mistakes *diag.List) {
	var found diag.List
	switch v := v.(type) {
	case *yamldoc.Map:
		for _, e := range v.Entries {
			if s, ok := e.Value.(*yamldoc.Scalar); ok && e.Key.Value == "when" {
				_, found = expand.CompileCondition(s.Text, scope)
				*mistakes = append(*mistakes, found...)
				continue
			}
			compileAll(e.Value, scope, mistakes)
		}
		_, found = expand.CompileValue(&yamldoc.Map{Entries: keysOf(v)}, scope)
	case *yamldoc.List:
		for _, item := range v.Items {
			compileAll(item, scope, mistakes)
		}
	case *yamldoc.Scalar:
		_, found = expand.CompileValue(v, scope)
	}
	*mistakes = append(*mistakes, found...)
}

// keysOf is m without its values.
func keysOf(m *yamldoc.Map) []yamldoc.Entry {
	var entries []yamldoc.Entry
	for _, e := range m.Entries {
		entries = append(entries, yamldoc.Entry{Key: e.Key})
	}
	return entries
}

func ExampleCompile() {
	scope := &expand.Scope{Names: map[string]expand.Type{
		"n2": expand.FromSchema(object{"type": "object", "properties": object{"name": object{"type": "string"}}}),
	}}
	hello, mistakes := expand.Compile(yamldoc.Text{Value: `Hello $(n2.name ?? "you")!`}, scope)
	if mistakes.HasErrors() {
		fmt.Println(mistakes.Err())
		return
	}
	fmt.Println(hello.Eval(expand.Env{Names: map[string]any{"n2": map[string]any{"name": "Ada"}}}))
	fmt.Println(hello.Eval(expand.Env{}))
	// Output:
	// Hello Ada! <nil>
	// Hello you! <nil>
}
