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
		"check":                             `wend: check takes PATH..., and nothing is given`,
		"fmt":                               `wend: fmt takes PATH..., and nothing is given`,
		"fmt - flows":                       `wend: "-" stands alone: stdin is one file`,
		"graph":                             `wend: name a flow's file, or a run by --run`,
		"graph a.yaml --format picture":     `wend: --format "picture": expected one of "mermaid", "dot", "svg", "json"`,
		"graph a.yaml --format sgv":         `wend: --format "sgv": did you mean "svg"?`,
		"graph a.yaml --out a.png":          `wend: --out "a.png": its name does not say a format; end it in .mmd, .dot, .svg or .json, or say it with --format`,
		"check --frobnicate x":              `wend: check has no flag --frobnicate; wend check --help lists those that it has`,
		"run":                               `wend: run takes FLOW.yaml, and nothing is given`,
		"run a.yaml b.yaml":                 `wend: run takes FLOW.yaml, and "b.yaml" is one too many`,
		"run a.yaml --log loud":             `wend: --log "loud": expected debug, info, warn or error`,
		"serve --log loud":                  `wend: --log "loud": expected debug, info, warn or error`,
		"demo --log loud":                   `wend: --log "loud": expected debug, info, warn or error`,
		"demo all":                          `wend: demo takes no arguments, and "all" is given`,
		"nodes log http":                    `wend: nodes takes [TYPE|PLUGIN], and "http" is one too many`,
		"backup":                            `wend: backup takes FILE, and nothing is given`,
		"version 2":                         `wend: version takes no arguments, and "2" is given`,
		"schema flows":                      `wend: schema takes no arguments, and "flows" is given`,
		"plugin inspect":                    `wend: plugin inspect takes FILE.wasm, and nothing is given`,
		"plugin build a b":                  `wend: plugin build takes [DIR], and "b" is one too many`,
		"emulate --port seven":              `wend: --port "seven": expected a whole number`,
		"run testdata/ok/two-triggers.yaml": `wend: flow "two-triggers" has 2 triggers; choose one with --trigger: sms, mail`,
		"run testdata/ok/smallest.yaml --set a=1":                               `wend: --set "a=1": flow "smallest" declares no variables`,
		"run testdata/ok/loop.yaml --config testdata/wend.yaml --set attempt=1": `wend: --set "attempt=1": flow "loop" declares no variable "attempt"; did you mean "attempts"?`,
		"run testdata/ok/loop.yaml --config testdata/wend.yaml --set a":         `wend: --set "a": expected name=value`,
		"emulate cisco-cce --port 0 --seed x":                                   `wend: --seed "x": expected a whole number of at least 0`,
		"flows diff greet":                                                      `wend: flows diff takes NAME VERSION [VERSION], and only "greet" is given`,
		"runs list --durable=maybe":                                             `wend: --durable "maybe": expected true or false`,
		"runs list --lmit 5":                                                    `wend: runs list has no flag --lmit; did you mean --limit?`,
		"runs list --flow":                                                      `wend: --flow needs a value behind it: of this flow`,
		"test flows --min-coverage abc":                                         `wend: --min-coverage "abc": expected a number`,
		"test flows --watch --record x":                                         `wend: --record does not go together with --watch: leave one of them out`,
		"store list --flow a --global":                                          `wend: --global does not go together with --flow: leave one of them out`,
		"graph a.yaml --run 1b2c --diff old.yaml":                               `wend: --diff does not go together with --run: leave one of them out`,
		"run a.yaml --input a.json --tick 7":                                    `wend: --tick does not go together with --input: leave one of them out`,
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
