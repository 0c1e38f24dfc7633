package outbound

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"
)

// A secret is hidden however it is spelt, and so is each spelling in another.
func TestMaskFindsEverySpelling(t *testing.T) {
	t.Parallel()
	quoted := func(s string) string { b, _ := json.Marshal(s); return string(b[1 : len(b)-1]) }
	units := func(s string) string {
		var b strings.Builder
		for _, unit := range utf16.Encode([]rune(s)) {
			fmt.Fprintf(&b, `\u%04X`, unit)
		}
		return b.String()
	}
	percent := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, "%%%02x", s[i])
		}
		return b.String()
	}
	entities := func(s string) string {
		var b strings.Builder
		for _, r := range s {
			fmt.Fprintf(&b, "&#x%x;", r)
		}
		return b.String()
	}
	slashes := func(s string) string { return strings.ReplaceAll(quoted(s), "/", `\/`) }
	b64 := func(e *base64.Encoding, before string) func(string) string {
		return func(s string) string { return e.EncodeToString([]byte(before + s + "...")) }
	}
	spellings := map[string]func(string) string{
		"plain":                 func(s string) string { return s },
		"JSON":                  quoted,
		"JSON in JSON":          func(s string) string { return quoted(quoted(s)) },
		"JSON, slashes escaped": slashes,
		"units":                 units,
		"units in JSON":         func(s string) string { return quoted(units(s)) },
		"some units":            func(s string) string { return s[:2] + units(s[2:4]) + quoted(s[4:]) },
		"query":                 url.QueryEscape,
		"path":                  url.PathEscape,
		"percent":               percent,
		"percent twice":         func(s string) string { return url.QueryEscape(percent(s)) },
		"percent thrice":        func(s string) string { return url.QueryEscape(url.QueryEscape(percent(s))) },
		"query in JSON":         func(s string) string { return quoted(url.QueryEscape(s)) },
		"HTML":                  html.EscapeString,
		"entities":              entities,
		"hex":                   func(s string) string { return hex.EncodeToString([]byte(s)) },
		"HEX":                   func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
		"base64":                b64(base64.StdEncoding, ""),
		"base64, second place":  b64(base64.StdEncoding, "a"),
		"base64, third place":   b64(base64.StdEncoding, "ab"),
		"base64url":             b64(base64.URLEncoding, "user:"),
		"base64 in JSON":        func(s string) string { return slashes(b64(base64.StdEncoding, "x")(s)) },
		"base64 in a query":     func(s string) string { return url.QueryEscape(b64(base64.StdEncoding, "")(s)) },
	}
	secrets := []string{
		"tok-4f9a17", `q"uo\te/d`, "50%25 off&amp;", `back\\slash\`, "é+ü ñ/😀", "~~~???~~~???>>>", "a b+c d", `\u0041bcdef`,
	}
	for _, secret := range secrets {
		m := &mask{}
		m.add(secret)
		for name, spell := range spellings {
			if name == "some units" && !isASCII(secret) {
				continue
			}
			shown := spell(secret)
			got := m.hide("before=" + shown + "=after")
			if !strings.HasPrefix(got, "before=") || !strings.HasSuffix(got, "=after") || !strings.Contains(got, masked) {
				t.Errorf("%q in %s: hide(%q) = %q", secret, name, shown, got)
				continue
			}
			// In base64 the outermost letters belong to neighbours too.
			if left := len(got) - len("before="+masked+"=after"); strings.HasPrefix(name, "base64") && left > 24 || !strings.HasPrefix(name, "base64") && left != 0 {
				t.Errorf("%q in %s: hide(%q) = %q, which leaves %d bytes of it", secret, name, shown, got, left)
			}
		}
	}
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7e })
}

// What is no secret stays byte by byte.
func TestMaskLeavesTheRest(t *testing.T) {
	t.Parallel()
	m := &mask{}
	m.add("tok-4f9a17", "12345678")
	for _, s := range []string{
		"", "tok-4f9a1", "TOK-4F9A17", `{"a":"\u0074ok-4f9a1\u0038","b":"%74ok"}`, `\`, `\u`, `\u00`, "%", "%7", "&", "&;", "&#x;", "&#x74;",
		"1234567", "tok\n-4f9a17", "\xff\xfe\x00",
	} {
		if got := m.hide(s); got != s {
			t.Errorf("hide(%q) = %q", s, got)
		}
	}
	if got := (&mask{}).hide("nothing to hide"); got != "nothing to hide" {
		t.Errorf("hide without secrets = %q", got)
	}
}

func TestMaskHidesOverlapsWhole(t *testing.T) {
	t.Parallel()
	m := &mask{}
	m.add("abcdef", "defghi", "abcdefghijkl", "klmn")
	for s, want := range map[string]string{
		"-abcdefghi-":         "-•••-",
		"-abcdefghijklmn-":    "-•••-",
		"-abcdef-defghi-klmn": "-•••-•••-•••",
		"abcdefdefghi":        "••••••",
	} {
		if got := m.hide(s); got != want {
			t.Errorf("hide(%q) = %q, want %q", s, got, want)
		}
	}
}

// A body that was JSON stays JSON, and what is left of it means what it meant.
func TestMaskKeepsJSON(t *testing.T) {
	t.Parallel()
	m := &mask{}
	m.add("12345678", `ends\`, "true", "tok-4f9a17")
	for body, want := range map[string]string{
		`{"pin":12345678,"n":1234567}`:               `{"pin":"•••","n":1234567}`,
		`[-12345678.5, true ,false]`:                 `["•••", "•••" ,false]`,
		`{"a":"ends\\","b":"x\\"}`:                   `{"a":"•••","b":"x\\"}`,
		`{"tok\u002d4f9a17" : {"k":"tok-4f9a17!"}} `: `{"•••" : {"k":"•••!"}} `,
		`"tok-4f9a17"`:                               `"•••"`,
		`{"a":"<b>\u00e9</b>","t":"ok"}`:             `{"a":"<b>\u00e9</b>","t":"ok"}`,
		`{"t":"<b>tok-4f9a17</b>"}`:                  `{"t":"<b>•••</b>"}`,
		`{"broken":"tok-4f9a17`:                      `{"broken":"•••`,
	} {
		got := string(m.hideBody([]byte(body)))
		if got != want {
			t.Errorf("hideBody(%s) = %s, want %s", body, got, want)
		}
		if json.Valid([]byte(body)) && !json.Valid([]byte(got)) {
			t.Errorf("hideBody(%s) = %s, which is no JSON", body, got)
		}
	}
}

func TestCookiesThatAreWordsStay(t *testing.T) {
	t.Parallel()
	for value, hidden := range map[string]bool{
		"europe": false, "en-US": false, "authenticated-user": false, "2026-11-28": false, "true": false, "1764320000123": false,
		"5e55104f00d1cafe": true, "s%3AkQ3xb7Zp0.aVd8s1": true, "018f3c3e-7a01-7000-8000-00000000abcd": true, "12345678901234567890": true,
	} {
		m := &mask{}
		m.addCookie(value)
		if got := m.shows("the value is " + value); got != hidden {
			t.Errorf("cookie %q: hidden is %t, want %t", value, got, hidden)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("tok-4f9a17", `{"a":"\u0074ok-4f9a17"}`)
	f.Add(`a\b"c`, `a\\b\"c %61 &#x61;`)
	f.Add("%25%25%25", "%25252525%2525")
	f.Fuzz(func(t *testing.T, secret, body string) {
		m := &mask{}
		m.add(secret)
		if len(secret) < leastHidden {
			return
		}
		got := string(m.hideBody([]byte(body)))
		if json.Valid([]byte(body)) && !json.Valid([]byte(got)) {
			t.Errorf("secret %q: %s became %s, which is no JSON", secret, body, got)
		}
		if !strings.Contains(masked, secret) && !json.Valid([]byte(body)) && strings.Contains(got, secret) {
			t.Errorf("secret %q is in %q", secret, got)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	m := &mask{}
	for i := range 20 {
		m.add("secret-" + hex.EncodeToString([]byte{byte(i), 1, 2, 3, 4, 5, 6, 7}))
	}
	body := []byte(`{"items":[` + strings.Repeat(`{"id":"0193-9c3e","name":"A \"quoted\" name","url":"https:\/\/example.com\/a%20b"},`, 40_000) + `{}]}`)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		m.hideBody(body)
	}
}
