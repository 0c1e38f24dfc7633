package main_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wendflow/wend/runtime/journal/sqlite"
)

// TestStories runs the stories of testdata/script. Beside what testscript
// knows they may say
//
//	start NAME wend VERB ARG...  start it beside the story, with the race detector if the tests have it, which
//	                             commands by exec are without; $NAME is the address it prints, if it is not run
//	await NAME PATTERN           wait until it prints a line like that, later than the last one awaited
//	interrupt NAME               interrupt it
//	hangup NAME                  tell it to read everything anew
//	press URL FILE               have clients POST FILE again and again
//	release URL                  have them stop; every answer was 200
//	grab NAME FILE               put into FILE the command that it says to try
//	halt NAME                    interrupt it and wait; what it printed is stdout and stderr
//	crash NAME                   kill it as by kill -9, and wait
//	fill FILE                    put the values of $NAMEs into a file
//	request [-H "NAME: VALUE"] METHOD URL [FILE]
//	                             the answer is stdout: status, type and body, JSON indented
//	until EVENT URL              wait for an event of a run, in the stream at URL
//	keep NAME FILE|stdout|stderr PATTERN
//	                             what the pattern's group matches is $NAME from now on
//	vault start|seal|unseal      have a Vault, whose address is $VAULT and whose token $VAULT_TOKEN, or change it
//	vault put PATH KEY VALUE     put something into it
//	store DIR FILE               make a data folder of what FILE holds as SQL
//	plain FILE|stdout|stderr     print it with ids, times, lengths of time and ports made the same
//
// and find in their environment $ROOT, the repository; $PLUGINS, the plugins
// that ship; $CISCO, that of cisco-cce alone; $MODULES, files that are no plugins.
func TestStories(t *testing.T) {
	t.Parallel()
	broken := modules(t)
	repository, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", quickPath(t))
			env.Setenv("ROOT", repository)
			env.Setenv("PLUGINS", plugins(t, "dist"))
			env.Setenv("CISCO", plugins(t, "cisco-cce"))
			env.Setenv("MODULES", broken)
			env.Setenv("CCE_TOKEN", "cce-admin")
			env.Setenv("WEND_TOKEN", "let-me-in-0123456789")
			for _, name := range cacheNames {
				if value, ok := os.LookupEnv(name); ok {
					env.Setenv(name, value)
				}
			}
			env.Setenv("VAULT_TOKEN", vaultToken)
			env.Values[vaultKey{}] = &standInVault{entries: map[string]map[string]string{}}
			env.Values[serversKey{}] = servers{names: env.Vars, running: map[string]*server{}, pressed: map[string]*press{}}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": start, "await": await, "halt": halt, "crash": crash, "interrupt": interrupt, "hangup": hangup, "press": pressOn, "release": release, "grab": grab, "fill": fill, "request": request, "plain": plain, "keep": keep, "until": until, "store": store, "vault": vaultCommand,
		},
	})
}

// cacheNames lead to the caches of whoever runs the tests: those of Go, and
// that of compiled plugins, since the race detector makes compiling slow. GORACE
// is set in TestMain.
var cacheNames = []string{"GORACE", "HOME", "XDG_CACHE_HOME", "LocalAppData", "USERPROFILE", "GOCACHE", "GOPATH", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GOTOOLCHAIN"}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fill FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), 0o600))
}

func request(ts *testscript.TestScript, neg bool, args []string) {
	header := http.Header{"Content-Type": {"application/json"}}
	for len(args) > 1 && args[0] == "-H" {
		name, value, _ := strings.Cut(args[1], ": ")
		header.Set(name, value)
		args = args[2:]
	}
	if neg || len(args) < 2 {
		ts.Fatalf("usage: request [-H 'NAME: VALUE']... METHOD URL [FILE]")
	}
	var body io.Reader = http.NoBody
	if len(args) == 3 {
		body = strings.NewReader(ts.ReadFile(args[2]))
	}
	req, err := http.NewRequest(args[0], args[1], body)
	ts.Check(err)
	req.Header = header
	if host := header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d %s\n", resp.StatusCode, resp.Header.Get("Content-Type"))
	for _, name := range []string{"Location", "Retry-After", "Allow"} {
		if value := resp.Header.Get(name); value != "" {
			fmt.Fprintf(ts.Stdout(), "%s: %s\n", name, value)
		}
	}
	fmt.Fprintln(ts.Stdout(), indented(answer))
}

func indented(body []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, body, "", "  ") == nil {
		body = out.Bytes()
	}
	return strings.TrimSpace(string(body))
}

// volatile is what differs from one run of a story to the next.
var volatile = []struct {
	pattern *regexp.Regexp
	same    string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[.\d]*(Z|[+-]\d{2}:\d{2})`), "TIME"},
	{regexp.MustCompile(`\bsince \d{2}:\d{2}:\d{2}\b`), "since TIME"},
	{regexp.MustCompile(`("durationMs": )[\d.]+`), "${1}0"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "HOST"},
	{regexp.MustCompile(`\b\d+(\.\d+)?(ms|µs)( {2,})`), "LENGTH  "}, // a column
	{regexp.MustCompile(`\b\d+(\.\d+)?(ms|µs)\b`), "LENGTH"},
	{regexp.MustCompile(`(sha256:)?[0-9a-f]{64}`), "DIGEST"},
}

func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: keep NAME FILE|stdout|stderr PATTERN")
	}
	pattern, err := regexp.Compile(args[2])
	ts.Check(err)
	match := pattern.FindStringSubmatch(ts.ReadFile(args[1]))
	if len(match) < 2 {
		ts.Fatalf("no group of %q in %s", pattern, args[1])
	}
	ts.Setenv(args[0], match[1])
}

func store(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: store DIR FILE")
	}
	ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o700))
	db, err := sql.Open("sqlite", filepath.Join(ts.MkAbs(args[0]), sqlite.File))
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec(ts.ReadFile(args[1]))
	ts.Check(err)
}

func plain(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: plain FILE|stdout|stderr")
	}
	_, err := io.WriteString(ts.Stdout(), same(ts.ReadFile(args[0])))
	ts.Check(err)
}

// same is text with what is volatile made the same.
func same(text string) string {
	for _, v := range volatile {
		text = v.pattern.ReplaceAllString(text, v.same)
	}
	return text
}
