package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"
)

func TestCompile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                           "",
		`^[0-9]{4}$`:                 "",
		`^.{1,1000}$`:                "",
		`^[\p{L}\p{M}' -]{1,100}$`:   "",
		`^([a-z0-9]{1,63}\.){1,10}$`: "",
		`^(` + strings.TrimSuffix(strings.Repeat("Zürich|", 500), "|") + `)$`: "",
		strings.Repeat("a", MaxLength+1):                                      "it is 4097 bytes long, expected 4096 at most",
		`(`:                                                                   "missing closing ): `(`",
		`(?=a)`:                                                               "invalid or unsupported Perl syntax: `(?=`",
		`(abcdefghij){600}`:                                                   "its repetitions unfold to more than 5000 steps",
		`(a{5}){5,}`:                                                          "",
	} {
		p, err := Compile(text)
		if want == "" {
			if err != nil || p.String() != text || p.Cost() < 1 || p.Cost() > MaxCost {
				t.Errorf("Compile(%q) = %v, %v", text, p, err)
			}
			continue
		}
		if wrong := (*Error)(nil); !errors.As(err, &wrong) || wrong.Why != want || !strings.Contains(err.Error(), want) {
			t.Errorf("Compile(%.40q) = %v, want an error %q", text, err, want)
		}
	}
	if p, _ := Compile("^a+$"); !p.MatchString("aa") || p.MatchString("ab") {
		t.Error("^a+$ does not match as it should")
	}
}

// TestLongText: what could take too long is not tried.
func TestLongText(t *testing.T) {
	t.Parallel()
	p, err := Compile(`x{1,1000}`)
	if err != nil {
		t.Fatal(err)
	}
	fits, over := strings.Repeat("x", maxSteps/p.Cost()), strings.Repeat("x", maxSteps/p.Cost()+1)
	if !p.MatchString(fits) || p.MatchString(over) {
		t.Errorf("a text of %d bytes: %v, of %d: %v", len(fits), p.MatchString(fits), len(over), p.MatchString(over))
	}
}

// TestCost: what is counted is what the library unfolds a pattern to, or more.
func TestCost(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a", "abc", "(a|b)*", "a{3}", "a{3,}", "a{2,7}", "(ab{2,3}){4}", `\pL+`, "[a-z]?x", "(?i)k{3}", "^$", "((a{3}){4}){5}", "(a|b|c){9}"} {
		p, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if n := steps(t, text); p.Cost() < n/3 {
			t.Errorf("the cost of %s is %d, and the library makes %d steps of it", text, p.Cost(), n)
		}
	}
}

// TestCache: it holds what was compiled, and no more than its bound.
func TestCache(t *testing.T) {
	t.Parallel()
	c := &cache{compiled: map[string]compiled{}, most: 200}
	get := func(text string) *regexp.Regexp {
		p, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		return c.get(p)
	}
	if first := get("a"); get("a") != first || first.String() != "a" {
		t.Error("a pattern is compiled again at once")
	}
	for i := range 100 {
		get(fmt.Sprintf("a{%d}", i))
		sum := 0
		for _, kept := range c.compiled {
			sum += kept.price
		}
		if c.cost != sum || sum > c.most {
			t.Fatalf("after %d patterns the cost is %d, those kept have %d of %d", i, c.cost, sum, c.most)
		}
	}
	if len(c.compiled) == 0 {
		t.Error("nothing is kept")
	}
}

func FuzzCompile(f *testing.F) {
	for _, text := range []string{"a", "(a{2}){3,4}", `[^\d\pL]{5}`, "(?i)ſ|k", "(", `\1`, "x*{3}"} {
		f.Add(text, "aab")
	}
	f.Fuzz(func(t *testing.T, text, in string) {
		p, err := Compile(text)
		if err != nil {
			if !errors.As(err, new(*Error)) {
				t.Errorf("an error of another type: %v", err)
			}
			return
		}
		if n := steps(t, text); n > 5*MaxCost {
			t.Errorf("%q costs %d and unfolds to %d steps", text, p.Cost(), n)
		}
		p.MatchString(in)
	})
}

// steps compiles a pattern as the library does.
func steps(t *testing.T, text string) int {
	t.Helper()
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		t.Fatal(err)
	}
	return len(prog.Inst)
}
