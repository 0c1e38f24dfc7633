package main_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ownTime are the places that go by the time of the machine and not by the
// clock that cmd/wend passes to all others, each with why.
var ownTime = map[string]string{
	"runtime/clock/system.go":          "it is that clock",
	"runtime/journal/memory.go":        "a default, where nobody gives the clock's Now",
	"runtime/journal/sqlite/sqlite.go": "the same",
	"runtime/api/stream.go":            "a network client is slow by no other time",
	"runtime/outbound/credential.go":   "bounds an exchange on the network",
	"runtime/outbound/exchange.go":     "the same",
	"runtime/outbound/status.go":       "what is left of an exchange on the network",
	"runtime/secret/vault/vault.go":    "bounds an exchange on the network",
	"runtime/outbound/token.go":        "undoes what the OAuth library adds, which is the machine's time",
	"runtime/pluginhost/cache.go":      "what the user has not needed for a month is removed from the cache",
	"runtime/journal/sqlite/writer.go": "says how long a transaction took, and those before it waited",
	"runtime/telemetry/figures.go":     "bounds how long one reading of figures may take",
	"runtime/telemetry/otlp.go":        "sends spans and lines every few seconds, whatever runs think the time is",
	"runtime/telemetry/push.go":        "sends metrics as often, with the time that receivers go by",
	"runtime/telemetry/telemetry.go":   "says when its counters began, by the time that receivers go by",
	"cmd/wend/serve_metrics.go":        "bounds how long one reading of figures may take",
	"runtime/pluginhost/instance.go":   "bounds a guest, and says how long it took",
	"runtime/watch/watch.go":           "files come to rest by no other time",
	"cmd/wend/demo.go":                 "tells people how long it took",
	"cmd/wend/test.go":                 "the same",
	"cmd/wend/runs_list.go":            "`--from 2h` is two hours before the user asked",
	"cmd/wend/token.go":                "`--expires 90d` is ninety days after the user asked",
	"cmd/wend/runs_retry.go":           "the same",
	"cmd/wend/runs_resume.go":          "the same",
	"cmd/wend/runs_export.go":          "the same",
	"cmd/wend/backtest.go":             "the same",
}

var asksForTime = regexp.MustCompile(`\b(time\.(Now|Since|Until|After|AfterFunc|NewTimer|NewTicker|Tick|Sleep)|context\.With(Timeout|Deadline)\w*)\b`)

// TestClock finds who asks what time it is, or waits for it, without the clock
// that is passed in: virtual time would not count for it.
func TestClock(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, root := range []string{"runtime", "cmd", "nodes"} {
		err := filepath.WalkDir(filepath.Join("..", "..", root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") {
				return err
			}
			file := filepath.ToSlash(strings.TrimPrefix(path, filepath.Join("..", "..")+string(filepath.Separator)))
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for nr, line := range strings.Split(string(src), "\n") {
				code, _, _ := strings.Cut(line, "//")
				found := asksForTime.FindString(code)
				if found == "" {
					continue
				}
				seen[file] = true
				if ownTime[file] == "" {
					t.Errorf("%s: %s goes by the time of the machine; use the clock, or say why not in ownTime", fmt.Sprint(file, ":", nr+1), found)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for file := range ownTime {
		if !seen[file] {
			t.Errorf("ownTime has a row for %q, which goes by the clock or is gone", file)
		}
	}
}
