package emulatortest_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/emulator"
	"github.com/wendflow/wend/emulator/emulatortest"
)

const page = "testdata/echo.md"

// newEcho returns the emulator of a vendor that answers with the request.
func newEcho(t *testing.T) *emulator.Vendor {
	t.Helper()
	settings, err := emulator.NewSettings(struct {
		Loud bool `json:"loud"`
	}{}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	control := http.NewServeMux()
	control.Handle("/_emulator/settings", settings)
	v, err := emulator.New(emulator.NewWorld(emulator.Config{Seed: 1}), emulator.API{
		Name: "echo", Handler: http.HandlerFunc(echo), Control: control,
		State: func() any { return nil }, Reset: func() {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func echo(w http.ResponseWriter, r *http.Request) {
	w.Header()["TrackingID"] = []string{"7"} // not as http.Header would spell it
	_, _ = fmt.Fprintf(w, "%s %s %s\n", r.Method, r.Host, r.URL)
	for _, name := range []string{"Accept", "Content-Type", "Authorization", "X-Name"} {
		if v := r.Header.Get(name); v != "" {
			_, _ = fmt.Fprintf(w, "%s: %s\n", name, v)
		}
	}
	_, _ = io.Copy(w, r.Body)
}

func TestSession(t *testing.T) {
	t.Parallel()
	emulatortest.Session(t, page, newEcho(t))
}

func TestNames(t *testing.T) {
	t.Parallel()
	emulatortest.Names(t, page, newEcho(t))
}

func TestConfig(t *testing.T) {
	t.Parallel()
	cfg := emulatortest.Config(t, map[string]any{"loud": true}, []string{"POST /things=503*1"})
	if cfg.Seed != 1 || string(cfg.Settings) != `{"loud":true}` || len(cfg.Faults) != 1 || cfg.Faults[0].Then.String() != "503" {
		t.Errorf("the configuration is %+v", cfg)
	}
	if cfg := emulatortest.Config(t, nil, nil); cfg.Settings != nil {
		t.Errorf("without settings there are %s", cfg.Settings)
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	v := newEcho(t)
	var settings any
	emulatortest.Control(t, v, "PATCH", "/settings", `{"loud":true}`, &settings)
	if diff := cmp.Diff(map[string]any{"loud": true}, settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	emulatortest.Control(t, v, "DELETE", "/faults", "", nil)
	said, _ := fails(t, "", func(t testing.TB, _ string, v *emulator.Vendor) {
		emulatortest.Control(t, v, "PATCH", "/settings", `{"quiet":true}`, nil)
	})
	if !strings.Contains(said, "PATCH /settings answered 400") {
		t.Errorf("of a setting that is not there it says %q", said)
	}
}

// witness is a test that may fail.
type witness struct {
	testing.TB

	said string
}

func (w *witness) Helper() {}

func (w *witness) Errorf(format string, args ...any) { w.said += fmt.Sprintf(format, args...) + "\n" }

func (w *witness) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	runtime.Goexit()
}

func (w *witness) Fatal(args ...any) { w.Fatalf("%s", fmt.Sprint(args...)) }

// fails returns what check says of a page with that text, and the page after it.
func fails(t *testing.T, text string, check func(t testing.TB, page string, v *emulator.Vendor)) (said, after string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w, v := &witness{TB: t}, newEcho(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(w, file, v)
	}()
	<-done
	now, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return w.said, string(now)
}

const stale = "```console\n$ curl -s http://echo/a\nGET echo /b\n```\n"

func TestSessionFails(t *testing.T) {
	t.Setenv("UPDATE", "")
	console := func(command string) string { return "```console\n$ " + command + "\n```\n" }
	tests := []struct{ name, page, want string }{
		{"another answer", stale, "page.md does not print what it says"},
		{"another command", console("jq ."), `no command "jq .", only curl and NAME=value`},
		{"no command", console(""), `no command ""`},
		{"an option that is not there", console("curl -L http://echo/"), "this curl has no option -L"},
		{"an option without its value", console("curl http://echo/ -X"), "curl -X without a value"},
		{"a file", console("curl -o reply http://echo/"), "this curl writes no file reply"},
		{"no URL", console("curl -s"), "curl without a URL"},
		{"a broken URL", console("curl http://echo:x/"), "invalid port"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			said, after := fails(t, test.page, emulatortest.Session)
			if !strings.Contains(said, test.want) {
				t.Errorf("it says %q, want %q", said, test.want)
			}
			if after != test.page {
				t.Errorf("the page is now %q", after)
			}
		})
	}
}

func TestNamesFails(t *testing.T) {
	t.Parallel()
	said, _ := fails(t, "`loud`, drop and every other", emulatortest.Names)
	if !strings.Contains(said, "says nothing of `drop`") || strings.Contains(said, "`loud`") {
		t.Errorf("it says %q, want `drop` missing and `loud` not", said)
	}
}

func TestSessionUpdates(t *testing.T) {
	t.Setenv("UPDATE", "1")
	said, after := fails(t, stale, emulatortest.Session)
	if want := "```console\n$ curl -s http://echo/a\nGET echo /a\nAccept: */*\n```\n"; said != "" || after != want {
		t.Errorf("the page is now %q (%s), want %q", after, said, want)
	}
}
