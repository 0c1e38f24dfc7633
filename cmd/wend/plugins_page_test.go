package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wendflow/wend/sdk/wire"
)

// TestPluginsPage does what docs/plugins.md tells its reader to do, from top to
// bottom: runs the commands of its consoles, writes the files that it shows,
// makes the changes, and holds what is printed against the page.
func TestPluginsPage(t *testing.T) {
	t.Parallel()
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, dir: t.TempDir(), checkout: checkout}
	blocks := block.FindAllStringSubmatch(readFile(t, filepath.Join(root, "docs", "plugins.md")), -1)
	for _, b := range blocks {
		switch kind, file, content := b[1], b[2], b[3]; {
		case kind == "console":
			r.console(content)
		case kind == "diff":
			r.change(file, content)
		case kind == "yaml" && file != "" || kind == "json":
			r.write(file, content)
		case kind == "go":
			r.has(filepath.Join(r.dir, file), content)
		case kind == "ts":
			r.has(filepath.Join(root, "examples", "assemblyscript", file), content)
		}
	}
	if r.commands < 13 {
		t.Errorf("only %d commands were found", r.commands)
	}
}

// block is a fenced block of a page: its language, the file it is, its text.
var block = regexp.MustCompile("(?ms)^```([a-z]*)(?: (\\S+))?\n(.*?)^```$")

// reader does what a page says.
type reader struct {
	t        *testing.T
	dir      string
	checkout string
	server   string // who answers for 127.0.0.1:8080, if anybody
	commands int
}

// console runs each line that begins with a dollar; the lines below it are what
// it prints.
func (r *reader) console(text string) {
	for _, part := range strings.Split("\n"+text, "\n$ ")[1:] {
		line, printed, _ := strings.Cut(part, "\n")
		r.commands++
		if dir, ok := strings.CutPrefix(line, "cd "); ok {
			r.dir = filepath.Join(r.dir, dir)
			continue
		}
		r.run(line, strings.Split(strings.TrimSuffix(printed, "\n"), "\n"))
	}
}

// argument is a word of a command line, or several in quotes.
var argument = regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`)

// run holds what a command prints against lines in which … stands for anything.
// One that says "wend: " has failed.
func (r *reader) run(line string, want []string) {
	r.t.Helper()
	line, into, redirected := strings.Cut(line, " > ")
	args := argument.FindAllString(line, -1)
	for i := range args {
		args[i] = strings.Trim(args[i], `"'`)
		if r.server != "" {
			args[i] = strings.Replace(args[i], "127.0.0.1:8080", r.server, 1)
		}
	}
	if r.server != "" && slices.Equal(args[:min(2, len(args))], []string{"wend", "runs"}) {
		args = append(args, "--server", "http://"+r.server)
	}
	if slices.Equal(args[:min(3, len(args))], []string{"wend", "plugin", "new"}) {
		args = append(args, "--replace", r.checkout) // this wend is no release
	}
	if args[0] == "wend" {
		args[0] = filepath.Join(plugins(r.t, quick), "wend")
	}
	cmd := exec.CommandContext(r.t.Context(), args[0], args[1:]...)
	cmd.Dir = r.dir
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	fails := slices.ContainsFunc(want, func(s string) bool { return strings.HasPrefix(s, "wend: ") })
	if (err != nil) != fails {
		r.t.Errorf("$ %s: %v\n%s%s", line, err, &out, &errs)
	}
	printed := out.String() + errs.String()
	if redirected {
		r.write(into, out.String())
		printed = errs.String()
	}
	var pattern strings.Builder
	for _, w := range want {
		if w != "" {
			pattern.WriteString("(?m)^" + strings.ReplaceAll(regexp.QuoteMeta(w), "…", ".*") + "$\n")
		}
	}
	for p := range strings.Lines(pattern.String()) {
		if !regexp.MustCompile(strings.TrimSuffix(p, "\n")).MatchString(printed) {
			r.t.Errorf("$ %s\ndoes not print a line like %s but\n%s", line, p, printed)
		}
	}
	if len(want) == 1 && want[0] == "" && printed != "" {
		r.t.Errorf("$ %s\nprints\n%s", line, printed)
	}
}

func (r *reader) write(file, content string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, file), []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// change takes out the lines with a minus and puts in those with a plus, at the
// place of the other lines.
func (r *reader) change(file, diff string) {
	r.t.Helper()
	var before, after strings.Builder
	for line := range strings.Lines(diff) {
		switch rest := line[1:]; line[0] {
		case '-':
			before.WriteString(rest)
		case '+':
			after.WriteString(rest)
		default:
			before.WriteString(rest)
			after.WriteString(rest)
		}
	}
	content := readFile(r.t, filepath.Join(r.dir, file))
	if strings.Count(content, before.String()) != 1 {
		r.t.Fatalf("%s: where to change it is not plain:\n%s", file, diff)
	}
	r.write(file, strings.Replace(content, before.String(), after.String(), 1))
}

// has holds that what the page shows of a file is in it.
func (r *reader) has(file, part string) {
	r.t.Helper()
	if !strings.Contains(readFile(r.t, file), part) {
		r.t.Errorf("%s has no such lines:\n%s", file, part)
	}
}

// TestPluginsPageBytes holds the exchange that the page shows.
func TestPluginsPageBytes(t *testing.T) {
	t.Parallel()
	page := readFile(t, filepath.Join(root, "docs", "plugins.md"))
	call := wire.Call{Method: "GET", URL: "/people/zoe", Headers: map[string]string{"Accept": "application/json"}}
	asked := `{"calls":[{"method":"GET","url":"/people/zoe","headers":{"Accept":"application/json"}}]}`
	for _, want := range []string{wire.Fingerprint(call), "\n" + asked + "\n", "writes these " + strconv.Itoa(len(asked)) + " bytes", hexLine(asked[:16], 0), hexLine(asked[16:32], 16), hexLine(asked[32:48], 32)} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func hexLine(text string, at int) string {
	return fmt.Sprintf("%08x  % x  % x  |%s|", at, text[:8], text[8:], text)
}
