//go:build unix

package main_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	wend "github.com/wendflow/wend/cmd/wend"
	"github.com/wendflow/wend/runtime/pluginbuild"
)

// BenchmarkTest is `wend test` with a thousand cases that make two calls of a
// plugin each, the start of the command and the compiled plugin's way from the
// cache included. cpu-ms/case is what the process used of all processors: on a
// busy machine the time by the clock says little.
func BenchmarkTest(b *testing.B) {
	const cases = 1000
	dir := b.TempDir()
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	flow, err := os.ReadFile(filepath.Join(root, "flows/cisco-cce/sms.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	write("sms.yaml", flow)
	var tests strings.Builder
	tests.WriteString("trigger: { body: { conversationId: c-1, sms: { senderNumber: \"+4915112345678\", serviceNumber: \"+4969900100\" } } }\ncases:\n")
	for i := range cases {
		fmt.Fprintf(&tests, `  - name: case %d
    calls:
      - expect: { method: POST, url: https://finesse.example.com/drapi/v1/tasks, body: { contains: { conversationId: c-1, mediaType: Social } } }
        reply: { status: 201, headers: { location: /drapi/v1/tasks/1 }, body: { data: { id: "1" } } }
      - expect: { method: POST, url: { contains: /close } }
        reply: { status: 200, body: { data: { id: "1" } } }
    want: { path: [n2, n3, n4, n5, done], response: { status: 200, body: { contains: { ok: true } } } }
`, i)
	}
	write("sms.test.yaml", []byte(tests.String()))
	plugin := filepath.Join(dir, "dist", "cisco-cce.wasm")
	if err := os.Mkdir(filepath.Dir(plugin), 0o700); err != nil {
		b.Fatal(err)
	}
	if _, err := pluginbuild.Build(b.Context(), pluginbuild.Config{Dir: filepath.Join(root, "plugins/cisco-cce"), Out: plugin}); err != nil {
		b.Fatal(err)
	}
	play := func() {
		var out, errs bytes.Buffer
		args := []string{"test", filepath.Join(dir, "sms.yaml"), "--plugins", filepath.Dir(plugin)}
		if code := wend.Main(b.Context(), args, strings.NewReader(""), &out, &errs); code != 0 {
			b.Fatalf("exit %d\n%s%s", code, &out, &errs)
		}
	}
	play() // the plugin is compiled, as it is once on each machine
	before := used(b)
	for b.Loop() {
		play()
	}
	b.ReportMetric(float64((used(b)-before).Microseconds())/1000/float64(b.N)/cases, "cpu-ms/case")
}

// used is the time of processors that this process has used.
func used(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
