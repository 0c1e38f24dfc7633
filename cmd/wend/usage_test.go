package main_test

import (
	"strings"
	"testing"
)

// TestUsage holds that wrong usage is exit 2, with a reason and a way on, and
// that nothing is done.
func TestUsage(t *testing.T) {
	t.Parallel()
	const onward = "\ntry: wend --help\n"
	tests := map[string]string{
		"frobnicate":                        `wend: no command "frobnicate"; expected one of "backtest", "backup", "check", "completion", "curl", "demo", "emulate", "events", "flows", "fmt", "graph", "help", …`,
		"chekc":                             `wend: no command "chekc"; did you mean "check"?`,
		"plugin biuld":                      `wend: no command "plugin biuld"; did you mean "build"?`,
		"check":                             `wend: requires at least 1 arg(s), only received 0`,
		"fmt":                               `wend: requires at least 1 arg(s), only received 0`,
		"fmt - flows":                       `wend: "-" stands alone: stdin is one file`,
		"graph":                             `wend: name a flow's file, or a run by --run`,
		"graph a.yaml --format picture":     `wend: --format "picture": expected one of "mermaid", "dot", "svg", "json"`,
		"graph a.yaml --format sgv":         `wend: --format "sgv": did you mean "svg"?`,
		"graph a.yaml --out a.png":          `wend: --out "a.png": its name does not say a format; end it in .mmd, .dot, .svg or .json, or say it with --format`,
		"check --frobnicate x":              `wend: unknown flag: --frobnicate`,
		"run":                               `wend: accepts 1 arg(s), received 0`,
		"run a.yaml b.yaml":                 `wend: accepts 1 arg(s), received 2`,
		"run a.yaml --log loud":             `wend: --log "loud": expected debug, info, warn or error`,
		"serve --log loud":                  `wend: --log "loud": expected debug, info, warn or error`,
		"demo --log loud":                   `wend: --log "loud": expected debug, info, warn or error`,
		"demo all":                          `wend: unknown command "all" for "wend demo"`,
		"nodes log http":                    `wend: accepts at most 1 arg(s), received 2`,
		"backup":                            `wend: accepts 1 arg(s), received 0`,
		"version 2":                         `wend: unknown command "2" for "wend version"`,
		"schema flows":                      `wend: unknown command "flows" for "wend schema"`,
		"plugin inspect":                    `wend: accepts 1 arg(s), received 0`,
		"plugin build a b":                  `wend: accepts at most 1 arg(s), received 2`,
		"emulate --port seven":              `wend: invalid argument "seven" for "--port" flag: strconv.ParseInt: parsing "seven": invalid syntax`,
		"run testdata/ok/two-triggers.yaml": `wend: flow "two-triggers" has 2 triggers; choose one with --trigger: sms, mail`,
		"run testdata/ok/smallest.yaml --set a=1":                               `wend: --set "a=1": flow "smallest" declares no variables`,
		"run testdata/ok/loop.yaml --config testdata/wend.yaml --set attempt=1": `wend: --set "attempt=1": flow "loop" declares no variable "attempt"; did you mean "attempts"?`,
		"run testdata/ok/loop.yaml --config testdata/wend.yaml --set a":         `wend: --set "a": expected name=value`,
		"emulate cisco-cce --port 0 --seed x":                                   `wend: invalid argument "x" for "--seed" flag: strconv.ParseUint: parsing "x": invalid syntax`,
	}
	for line, want := range tests {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := command(t, strings.Fields(line)...)
			if code != 2 || stdout != "" || stderr != want+onward {
				t.Errorf("exit %d, stdout %q, stderr:\n%s\nwant 2, nothing and:\n%s", code, stdout, stderr, want+onward)
			}
		})
	}
}

// TestHelp holds that asking for help is no mistake, and that every command can
// be asked.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"", "--help", "help", "backtest --help", "check --help", "fmt --help", "graph --help", "run -h", "lsp --help", "serve --help", "emulate --help", "nodes --help", "schema --help",
		"demo --help", "plugin", "plugin --help", "plugin build --help", "plugin inspect --help", "--version", "version", "version --json", "backup --help",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := command(t, strings.Fields(line)...)
			if code != 0 || stdout == "" || stderr != "" {
				t.Errorf("exit %d, stdout %q, stderr %q; want 0, some help and nothing", code, stdout, stderr)
			}
		})
	}
}

// TestWrong holds that what is given to work on, where it is wrong, is exit 1,
// and that nobody sees a stack.
func TestWrong(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"run nowhere.yaml", "run testdata", "run testdata/err/five-mistakes.yaml", "run testdata/err/yaml-broken.yaml",
		"check nowhere.yaml", "check testdata/script/testdata", "check testdata/err",
		"serve nowhere --addr 127.0.0.1:0", "serve testdata/ok --addr 256.0.0.1:0",
		"nodes no-such-type", "nodes --plugins nowhere", "schema --plugins nowhere",
		"plugin inspect nowhere.wasm", "plugin inspect testdata", "plugin inspect main.go", "plugin build nowhere", "plugin build testdata",
		"emulate cisco-cce --port 0 --host 256.0.0.1", "demo --plugins nowhere",
		"run testdata/ok/smallest.yaml --config nowhere.yaml", "run testdata/ok/smallest.yaml --config testdata/err/yaml-broken.yaml",
		"run testdata/ok/smallest.yaml --plugins nowhere", "run testdata/ok/smallest.yaml --input nowhere.json",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := command(t, strings.Fields(line)...)
			if code != 1 || stdout != "" || stderr == "" || strings.Contains(stderr, "goroutine") {
				t.Errorf("exit %d, stdout %q, stderr:\n%s\nwant 1, nothing and a reason", code, stdout, stderr)
			}
		})
	}
}
