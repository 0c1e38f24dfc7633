package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/diag"
)

// flowFiles are the flows of a folder under testdata.
func flowFiles(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no flows in testdata/%s: %v", folder, err)
	}
	return files
}

// check runs `wend check` with the plugin of one vendor.
func check(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	args = append([]string{"check", "--plugins", plugins(t, "cisco-cce"), "--config", "testdata/wend.yaml"}, args...)
	return command(t, args...)
}

// TestCheckIsSilent holds that flows without a mistake are passed without a
// word, one by one and together.
func TestCheckIsSilent(t *testing.T) {
	t.Parallel()
	for _, path := range append(flowFiles(t, "ok"), "testdata/ok") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			if code, stdout, stderr := check(t, path); code != 0 || stdout+stderr != "" {
				t.Errorf("exit %d:\n%s%s", code, stdout, stderr)
			}
		})
	}
}

// TestCheckIsSilentOnShippedFlows holds that a user's first check of what we
// ship prints no warning either: with the configuration beside it and without,
// a vendor's flows alone and all together.
func TestCheckIsSilentOnShippedFlows(t *testing.T) {
	t.Parallel()
	vendors, err := filepath.Glob(filepath.Join(root, "flows", "*"))
	if err != nil || len(vendors) < 5 {
		t.Fatalf("%d folders of flows: %v", len(vendors), err)
	}
	folder := plugins(t, "dist")
	for _, path := range append(vendors, filepath.Join(root, "flows")) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := command(t, "check", "--plugins", folder, "--config", filepath.Join(root, "wend.yaml"), path)
			if code != 0 || stdout+stderr != "" {
				t.Errorf("exit %d:\n%s%s", code, stdout, stderr)
			}
			if code, _, stderr = command(t, "check", "--plugins", folder, path); code != 0 || stderr != "" {
				t.Errorf("without a configuration: exit %d:\n%s", code, stderr)
			}
		})
	}
}

// TestCheckTells holds what is printed for every flow with a mistake, and that
// only warnings leave the exit status 0.
func TestCheckTells(t *testing.T) {
	t.Parallel()
	withoutRace(t)
	for _, file := range flowFiles(t, "err") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := check(t, file)
			if stdout != "" {
				t.Errorf("there is no data to print, but stdout has:\n%s", stdout)
			}
			if want := exitFor(stderr); code != want {
				t.Errorf("exit %d, want %d", code, want)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".out", stderr)
		})
	}
}

var printedMistake = regexp.MustCompile(`(?m)^\S+\.yaml:\d+:\d+: (warning: )?.* \[([a-z-]+)\]$`)

// exitFor is what a command exits with that prints these mistakes.
func exitFor(printed string) int {
	for _, m := range printedMistake.FindAllStringSubmatch(printed, -1) {
		if m[1] == "" {
			return 1
		}
	}
	return 0
}

// TestCheckTellsEveryMistake holds that every code is among the golden files,
// but for those that need two files or none; package catalog tests them.
func TestCheckTellsEveryMistake(t *testing.T) {
	t.Parallel()
	if os.Getenv("UPDATE") != "" {
		t.Skip("the golden files are being rewritten")
	}
	told := []string{string(diag.FlowNameTaken), string(diag.TooManyFlows), string(diag.Unreadable)}
	for _, file := range flowFiles(t, "err") {
		printed := readFile(t, strings.TrimSuffix(file, ".yaml")+".out")
		for _, m := range printedMistake.FindAllStringSubmatch(printed, -1) {
			told = append(told, m[2])
		}
	}
	slices.Sort(told)
	if diff := cmp.Diff(codes(t), slices.Compact(told)); diff != "" {
		t.Errorf("codes (-known +told):\n%s", diff)
	}
}

// codes are the mistakes that docs/errors.md describes.
func codes(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, m := range regexp.MustCompile("(?m)^### `([a-z-]+)`$").FindAllStringSubmatch(readFile(t, root+"/docs/errors.md"), -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return all
}

// TestCheckJSON holds the form that other programs read.
func TestCheckJSON(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := check(t, "--json", "testdata/err/five-mistakes.yaml", "testdata/err/yaml-boolean.yaml")
	if code != 1 || stderr != "" {
		t.Errorf("exit %d, stderr %q; want 1 and nothing", code, stderr)
	}
	golden(t, "testdata/check.json", stdout)
	code, stdout, stderr = check(t, "--json", "testdata/ok")
	if code != 0 || stdout != "[]\n" || stderr != "" {
		t.Errorf("exit %d, stdout %q, stderr %q; want 0, [] and nothing", code, stdout, stderr)
	}
}

// leastMistakes is how many kinds of mistakes have a golden message at least.
const leastMistakes = 180

// TestMistakesAreMany counts how many different mistakes the golden files hold: of
// another code or with another message, where names, numbers, types and hints do not
// count. `go test ./cmd/wend -run TestMistakesAreMany -v` prints it.
func TestMistakesAreMany(t *testing.T) {
	t.Parallel()
	kinds := map[string]bool{}
	told := map[string]bool{}
	files := flowFiles(t, "err")
	for _, file := range files {
		for _, m := range printedMistake.FindAllStringSubmatch(readFile(t, strings.TrimSuffix(file, ".yaml")+".out"), -1) {
			kinds[messageForm(m[0])+" ["+m[2]+"]"], told[m[2]] = true, true
		}
	}
	t.Logf("%d different mistakes of %d codes in %d files", len(kinds), len(told), len(files))
	if len(kinds) < leastMistakes {
		t.Errorf("%d different mistakes, want %d", len(kinds), leastMistakes)
	}
}

var (
	quotedNames = regexp.MustCompile(`"[^"]*"(, (and )?"[^"]*")*(, …)?`)
	typeNames   = regexp.MustCompile(`\b(an? )?(string|integer|number|boolean|array|object|null)( or (an? )?(string|integer|number|boolean|array|object|null))*\b`)
	withDigits  = regexp.MustCompile(`[^\s,:]*\d[^\s,:]*`)
	pathOfNames = regexp.MustCompile(`\S+( → \S+)+`)
	ofAName     = regexp.MustCompile(`(^| in | at )[\w.]+( (is|may)|$)`)
)

// messageForm is a printed mistake without its place, its hint and all that is of this
// one flow.
func messageForm(printed string) string {
	_, message, _ := strings.Cut(printed, ".yaml:")
	_, message, _ = strings.Cut(message, ": ")
	message, _, _ = strings.Cut(message, "; ")
	for _, part := range []*regexp.Regexp{quotedNames, pathOfNames, typeNames, withDigits, ofAName} {
		message = part.ReplaceAllString(message, "…")
	}
	return message
}
