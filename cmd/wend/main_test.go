package main_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sync/errgroup"

	wend "github.com/wendflow/wend/cmd/wend"
	"github.com/wendflow/wend/runtime/pluginbuild"
)

// root is the repository, seen from this package.
const root = "../.."

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"wend": wend.Program})
}

// suite is the tests of this package with a folder for what they build.
type suite struct{ *testing.M }

// shared is where the plugins are built. TestMain sets it.
var shared string

func (s suite) Run() int {
	dir, err := os.MkdirTemp("", "wend-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	shared = dir
	// The race detector makes every process wait a second at its end.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return s.M.Run()
}

// buildPlugins builds every plugin that ships, once. Each lies alone in a
// folder of its name, and all of them in the folder dist.
var buildPlugins = sync.OnceValues(func() (dir string, err error) {
	manifests, err := filepath.Glob(filepath.Join(root, "plugins", "*", pluginbuild.ManifestFile))
	if err != nil {
		return "", err
	}
	var group errgroup.Group
	for _, manifest := range manifests {
		group.Go(func() error { return buildPlugin(filepath.Dir(manifest)) })
	}
	if err := group.Wait(); err != nil {
		return "", err
	}
	return shared, compilePlugins()
})

// quick is the folder below shared of a wend without the race detector.
const quick = "quick"

// compilePlugins builds a wend without the race detector, which has it put the
// compiled plugins into the user's cache, before many processes at once find them
// missing: it is ten times as fast.
func compilePlugins() error {
	program := filepath.Join(shared, quick, "wend")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	for _, args := range [][]string{
		{"go", "build", "-buildvcs=false", "-o", program, "."},
		{program, "run", "testdata/ok/smallest.yaml", "--config", "testdata/wend.yaml", "--plugins", filepath.Join(shared, "dist")},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

func buildPlugin(dir string) error {
	name := filepath.Base(dir)
	alone := filepath.Join(shared, name, name+".wasm")
	if _, err := pluginbuild.Build(context.Background(), pluginbuild.Config{Dir: dir, Out: alone}); err != nil {
		return err
	}
	wasm, err := os.ReadFile(alone)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(shared, "dist"), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(shared, "dist", name+".wasm"), wasm, 0o600)
}

// plugins returns the folder of one plugin, or "dist", the one of all, or that of
// the quick wend.
func plugins(t *testing.T, name string) string {
	t.Helper()
	dependsOn(t, "plugins", "sdk")
	dir, err := buildPlugins()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// quickPath is a PATH on which wend is one without the race detector, for commands
// that do one thing and end. What serves is this program, detector and all.
func quickPath(t *testing.T) string {
	t.Helper()
	return plugins(t, quick) + string(filepath.ListSeparator) + os.Getenv("PATH")
}

// dependsOn looks at the files of folders that a tool reads for us, so that a
// cached result of these tests does not outlive a change of them.
func dependsOn(t *testing.T, folders ...string) {
	t.Helper()
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// command runs wend in this process. Paths in args are seen from this package.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = wend.Main(t.Context(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// withoutRace leaves a test to the part of make test that has no race detector: one
// that computes a lot and has nothing side by side, for which the detector has
// nothing to find and takes ten times as long.
func withoutRace(t *testing.T) {
	t.Helper()
	if !strings.Contains(readFile(t, filepath.Join(root, "Makefile")), t.Name()) {
		t.Errorf("make test runs %s nowhere: name it in PLAIN of the Makefile", t.Name())
	}
	info, _ := debug.ReadBuildInfo()
	if info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("make test runs it without the race detector")
	}
}

// golden holds got against a file, which UPDATE=1 rewrites.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("not what %s holds; UPDATE=1 rewrites it (-want +got):\n%s", file, cmp.Diff(string(want), got))
	}
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// serve runs `wend serve` in this process until the test ends, and returns its
// address.
func serve(t *testing.T, args ...string) string {
	t.Helper()
	url, _, stop := serveLogged(t, append([]string{"--log", "error"}, args...)...)
	t.Cleanup(stop)
	return url
}

// serveLogged runs `wend serve` in this process until stop is called, which may be
// more than once. Its log is what it has said so far.
func serveLogged(t *testing.T, args ...string) (url string, log func() string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stdout, stderr := newTranscript(), newTranscript()
	ended := make(chan int, 1)
	go func() {
		ended <- wend.Main(ctx, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...), strings.NewReader(""), stdout, stderr)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("the server's exit status is %d:\n%s", code, stderr)
		}
	})
	for {
		match, more := stdout.next(printedAddress)
		if match != nil {
			return "http://" + match[1], stderr.String, stop
		}
		select {
		case <-more:
		case code := <-ended:
			ended <- code
			t.Fatalf("the server's exit status is %d:\n%s", code, stderr)
		}
	}
}
