package main_test

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// mark starts a server on a folder, or stops the one that runs.
var mark = regexp.MustCompile(`(?m)^<!-- (?:server (\S+)|(stop)) -->$`)

// TestOperationsPage does what docs/operations.md tells its reader to try, from
// top to bottom.
func TestOperationsPage(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the page is for a Unix shell")
	}
	r := &reader{t: t, dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(r.dir, "flows"), 0o700); err != nil {
		t.Fatal(err)
	}
	page := readFile(t, filepath.Join(root, "docs", "operations.md"))
	stop := func() {}
	t.Cleanup(func() { stop() })
	for page != "" {
		b, m := block.FindStringSubmatchIndex(page), mark.FindStringSubmatchIndex(page)
		switch {
		case b == nil:
			page = ""
		case m != nil && m[0] < b[0]:
			stop()
			stop = func() {}
			if m[2] > 0 {
				r.server, stop = serveFolder(t, r.dir, page[m[2]:m[3]])
			}
			page = page[m[1]:]
		default:
			switch kind, content := page[b[2]:b[3]], page[b[6]:b[7]]; {
			case kind == "console":
				r.console(content)
			case kind == "yaml" && b[4] > 0:
				r.write(page[b[4]:b[5]], content)
			}
			page = page[b[1]:]
		}
	}
	if r.commands < 8 {
		t.Errorf("only %d commands were found", r.commands)
	}
}

// serveFolder serves the flows of dir in this process until stop is called.
func serveFolder(t *testing.T, dir, data string) (addr string, stop func()) {
	t.Helper()
	url, _, stop := serveLogged(t, "--data", filepath.Join(dir, data), filepath.Join(dir, "flows"))
	return strings.TrimPrefix(url, "http://"), stop
}

// TestUnit lets systemd read its unit, with this program where the unit has it.
func TestUnit(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	unit := readFile(t, filepath.Join(root, "deploy", "wend.service"))
	const installed = "ExecStart=/usr/local/bin/wend "
	if !strings.Contains(unit, installed) {
		t.Fatalf("no line %q", installed)
	}
	file := filepath.Join(t.TempDir(), "wend.service")
	if err := os.WriteFile(file, []byte(strings.Replace(unit, installed, "ExecStart="+program+" ", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", file).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestBuildIsStatic builds as the Makefile does and holds that nothing else is
// needed to run what comes out, and that it knows its version.
func TestBuildIsStatic(t *testing.T) {
	t.Parallel()
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("it builds for Linux, which takes a while")
	}
	program := filepath.Join(t.TempDir(), "wend")
	recipe := regexp.MustCompile(`(?m)^BUILD += (.*)$`).FindStringSubmatch(readFile(t, filepath.Join(root, "Makefile")))
	if recipe == nil {
		t.Fatal("no BUILD in the Makefile")
	}
	line := strings.NewReplacer("$(GO)", "go", "$(if $(VERSION), -X main.release=$(VERSION))", " -X main.release=v9.8.7").Replace(recipe[1])
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line+` -o "$0" .`, program)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if err != nil || len(libraries) > 0 || f.Section(".symtab") != nil || f.Section(".interp") != nil {
		t.Errorf("not static, or with symbols: libraries %v, %v", libraries, err)
	}
	out, err := exec.CommandContext(t.Context(), program, "version", "--json").Output()
	if err != nil || !bytes.Contains(out, []byte(`"version": "v9.8.7"`)) {
		t.Errorf("wend version --json: %v\n%s", err, out)
	}
}
