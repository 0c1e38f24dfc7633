// Package emulatortest is for tests that concern an emulator. It holds it against
// the page that documents it: the sessions on the page print what the emulator
// answers, and the page names every setting and fault. And it reaches behind the
// emulator's API, by the control surface. It knows no vendor.
package emulatortest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/emulator"
)

var console = regexp.MustCompile("(?s)```console\n(.*?)```")

// Session types the commands of the page's console blocks, one after the other
// in one shell, and fails where v does not print what the page says. UPDATE=1
// in the environment writes it into the page instead. Whatever host a command
// names, v answers. Session closes v at the end of the test.
func Session(t testing.TB, page string, v *emulator.Vendor) {
	t.Helper()
	text := read(t, page)
	server := httptest.NewServer(v)
	t.Cleanup(func() {
		_ = v.Close()
		server.Close()
	})
	sh := shell{t: t, addr: server.Listener.Addr().String(), variables: map[string]string{}}
	got := console.ReplaceAllStringFunc(text, func(block string) string {
		return "```console\n" + sh.play(console.FindStringSubmatch(block)[1]) + "```"
	})
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(text, got); diff != "" {
		t.Errorf("%s does not print what it says (-page +emulator); UPDATE=1 rewrites it:\n%s", page, diff)
	}
}

// Names fails for every setting and every fault of v that does not stand in
// backquotes on the page. It closes v at the end of the test.
func Names(t testing.TB, page string, v *emulator.Vendor) {
	t.Helper()
	t.Cleanup(func() { _ = v.Close() })
	text := read(t, page)
	var index struct{ Faults []string }
	Control(t, v, http.MethodGet, "", "", &index)
	var settings map[string]any
	Control(t, v, http.MethodGet, "/settings", "", &settings)
	for _, name := range index.Faults {
		mentions(t, page, text, name)
	}
	for name := range settings {
		mentions(t, page, text, name)
	}
}

func mentions(t testing.TB, page, text, name string) {
	t.Helper()
	if !strings.Contains(text, "`"+name+"`") {
		t.Errorf("%s says nothing of `%s`", page, name)
	}
}

func read(t testing.TB, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
