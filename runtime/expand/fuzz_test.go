package expand_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/expand"
)

// FuzzCompile holds that nothing panics or runs away, that a value is plain
// data, that evaluating twice gives the same, and that literal text around a
// template comes out as it went in.
func FuzzCompile(f *testing.F) {
	archives, err := filepath.Glob("testdata/err/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range bytes.Lines(ar.Files[0].Data) {
			if _, value, ok := strings.Cut(string(line), ": "); ok {
				f.Add(strings.TrimSpace(value), "literal")
			}
		}
	}
	for _, s := range []string{
		"$(n2.items | map(.qty) | sum())", "$(let s = n2; s.sms?.parts ?? 1)", "$(n2.open.x?.y[0]?.z ?? (n5 ?? 1))",
		"$(groupBy(n2.items, .qty))", "$(sortBy(n2.items, .name, 'desc'))", "$(reduce(1..9, #acc + #, 0))", "$({a: [1, 'x', nil, 1.5]})",
		"$(now().Format('2006'))", "$(date('2026-01-02') - now())", "$(n2.vip ? keys(n2) : toPairs(n2.sms))", "$(\"\\u00e9\" + `)` + '(')", "$$($(1100))",
		"$(n2?.items[n5?.items[0]])", "$(uniq(concat(n2.items, n2.items)))", "$(if n2.vip { 1 } else if n5.vip { 2 } else { 3 })", "$(b'x')",
		"$(n2.open.text[1:-1][0])", "$(n2.open.huge in [1, n2.open.max * 2.5])", "$(find(n2.items, .qty == 9)?.name[0:1] ?? [1][0])",
		"$(hex(hmac(n2, sha256(domain))))", "$({(domain): 1, b: -2 ** 3 % 2})", "$(n2.open?.[0]?.x[0:1].y)", "$(sum(n2.items, .qty) / 2 == 1.5)",
	} {
		f.Add(s, "a $b (c) $")
	}
	f.Fuzz(func(t *testing.T, template, literal string) {
		scope := newScope()
		expand.CompileCondition(text(template), scope)
		tmpl, mistakes := expand.Compile(text(template), scope)
		tmpl.Refs()
		tmpl.Type()
		for _, e := range mistakes {
			if e.Pos.Line != 1 || e.Pos.Col < 1 || e.Pos.Col > len(template)+1 {
				t.Errorf("%v: outside the text", e)
			}
		}
		began := time.Now()
		value, err := tmpl.Eval(newEnv())
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("Eval took %s", took)
		}
		if err == nil {
			checkPlain(t, value)
			if again, _ := tmpl.Eval(newEnv()); !reflect.DeepEqual(again, value) {
				t.Errorf("Eval twice: %v, then %v", value, again)
			}
		}
		roundTrip(t, literal)
	})
}

func checkPlain(t *testing.T, v any) {
	t.Helper()
	switch v := v.(type) {
	case nil, bool, int, string:
	case float64, json.Number:
		text, err := data.Text(v)
		if err != nil {
			t.Error(err)
		}
		if again, err := data.Number(text); err != nil || again != v {
			t.Errorf("%#v comes back from its text as %#v, %v", v, again, err)
		}
	case map[string]any:
		for _, e := range v {
			checkPlain(t, e)
		}
	case []any:
		for _, e := range v {
			checkPlain(t, e)
		}
	default:
		t.Errorf("the value holds a %T, which is not plain data", v)
	}
}

// roundTrip writes s around a template and expects it back.
func roundTrip(t *testing.T, s string) {
	t.Helper()
	if strings.HasSuffix(s, "$") {
		return // it would make a literal $( of the template
	}
	escaped := strings.ReplaceAll(s, "$(", "$$(")
	tmpl, mistakes := expand.Compile(text(escaped+"$(domain)"+escaped), newScope())
	if mistakes.HasErrors() {
		t.Fatalf("%q: %v", escaped, mistakes.Err())
	}
	got, err := tmpl.Eval(newEnv())
	if want := s + "example.com" + s; err != nil || got != want {
		t.Errorf("Eval(%q) = %q, %v, want %q", escaped, got, err, want)
	}
}

func BenchmarkCompile(b *testing.B) {
	for name, source := range benchmarks {
		b.Run(name, func(b *testing.B) {
			scope := newScope()
			b.ReportAllocs()
			for b.Loop() {
				if _, mistakes := expand.Compile(text(source), scope); mistakes.HasErrors() {
					b.Fatal(mistakes.Err())
				}
			}
		})
	}
}

func BenchmarkEval(b *testing.B) {
	for name, source := range benchmarks {
		b.Run(name, func(b *testing.B) {
			tmpl, mistakes := expand.Compile(text(source), newScope())
			if mistakes.HasErrors() {
				b.Fatal(mistakes.Err())
			}
			env := newEnv()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tmpl.Eval(env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var benchmarks = map[string]string{
	"literal":     "Social",
	"path":        "$(n2.sms.senderNumber)",
	"default":     `$(n5.sms.senderNumber ?? "none")`,
	"interpolate": "$(domain)_Callback to $(n2.sms.senderNumber)",
	"uuid":        "$(uuid(run.id))",
	"condition":   `$(n2.sms.parts == 3 and n2.sms.senderNumber != "")`,
	"filter":      "$(filter(n2.items, .qty > 1))",
}
