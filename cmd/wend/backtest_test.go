package main_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wendflow/wend/runtime/backtest"
	"github.com/wendflow/wend/runtime/record"
	"github.com/wendflow/wend/runtime/run"
)

// TestBacktestOfShippedFlows has a server run the shipped flows against the
// emulators, and makes the runs again: with nothing changed nothing differs, and with
// words changed those runs that they touch. WEND_RUNS says how many; it takes
// minutes for 10,000.
func TestBacktestOfShippedFlows(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a session is at a Unix shell")
	}
	n, err := strconv.Atoi(cmp.Or(os.Getenv("WEND_RUNS"), "140"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t)
	s.emulate("--faults", fmt.Sprintf("cisco-cce:POST /drapi/v1/tasks=503*%d", n/50+1), "--faults", fmt.Sprintf("luware-lucs:500*%d", n/50+1))
	s.serve(shippedFolders...)
	fireShipped(t, "http://"+s.addresses[pageServer], n)
	week := s.shell("wend runs export --server http://" + s.addresses[pageServer])
	s.write("week.jsonl", week)
	file := filepath.Join(s.dir, "week.jsonl")

	r := s.backtest(0, "")
	if r.Runs < n*9/10 || r.Same < n*9/10 || r.Differ > 0 { // some repeat what a dedupe key has seen
		t.Errorf("nothing was changed: %+v", r)
	}
	for _, l := range r.LeftOut {
		if l.Reason != "it has not ended" {
			t.Errorf("left out: %+v", l)
		}
	}

	r = s.backtest(1, s.changed())
	found := map[string][]string{} // by flow
	for _, g := range r.Differences {
		found[g.Flow] = append(found[g.Flow], g.Runs...)
	}
	for _, c := range wordsChanged {
		want := touched(t, file, c)
		slices.Sort(found[c.flow])
		got := slices.Compact(found[c.flow])
		if delete(found, c.flow); len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: %d runs differ, want these %d:\n%q\n%q", c.flow, len(got), len(want), got, want)
		}
		if !slices.ContainsFunc(r.Differences, func(g *backtest.Group) bool { return g.Name == c.name }) {
			t.Errorf("nothing differs in %q", c.name)
		}
	}
	if len(found) > 0 {
		t.Errorf("nothing was changed for %v", found)
	}
}

// wordChange is a change of one word, with the flow that it is about and the runs of
// that which it touches.
type wordChange struct {
	flow    string
	file    string
	was, is string
	touched func(*record.Run) bool
	name    string // of what differs then
}

var wordsChanged = []wordChange{
	{
		"cisco-cce-sms", "flows/cisco-cce/sms.yaml", "ScriptSelector: Insurance", "ScriptSelector: Claims",
		func(*record.Run) bool { return true }, "cisco-cce-sms call n4 body",
	},
	{ // on a way that few runs take
		"nice-cxone-chat", "flows/nice-cxone/chat.yaml", "status: 502", "status: 500",
		func(r *record.Run) bool { return answered(r) == 502 }, "nice-cxone-chat response status 502 -> 500",
	},
	{ // in the nodes for each item of a list
		"cxone-close-all", "flows/contact-centre/cxone-close-all.yaml", "contactId: $(item.contactId)", "contactId: $(index)",
		func(r *record.Run) bool { return len(r.Children) > 0 }, "cxone-close-all call close new",
	},
	{ // in how a plugin maps channels
		"cisco-cce-facebook-messenger", "plugins/dist/cisco-cce.wasm", "Facebook Messenger", "Facebook-Messenger",
		func(*record.Run) bool { return true }, "cisco-cce-facebook-messenger call n4 body",
	},
}

// touched are the ids of the runs in a file that a change touches.
func touched(t *testing.T, file string, c wordChange) []string {
	t.Helper()
	var ids []string
	for r, err := range record.Read(strings.NewReader(readFile(t, file))) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Flow == c.flow && r.Status.Ended() && c.touched(r) {
			ids = append(ids, r.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// shippedFolders are those of the flows, as a session has them.
var shippedFolders = []string{
	"flows/cisco-cce", "flows/nice-cxone", "flows/genesys-cs", "flows/genesys-gws", "flows/luware-lucs", "flows/contact-centre",
}

func answered(r *record.Run) int {
	for _, e := range r.Events {
		if response, ok := e.(run.RunResponded); ok {
			return response.Status
		}
	}
	return 0
}

// shell runs a command in the session, and returns what it prints.
func (s *session) shell(line string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "sh", "-ec", line)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("$ %s: %v\n%s", line, err, out)
	}
	return string(out)
}

// backtest makes the runs of week.jsonl again. Without a folder nothing is changed;
// else that holds flows and plugins.
func (s *session) backtest(exit int, folder string) *backtest.Report {
	s.t.Helper()
	args := []string{"backtest", "week.jsonl", "--json", "--plugins", cmp.Or(folder, ".") + "/plugins/dist"}
	for _, name := range shippedFolders {
		args = append(args, "--flows", filepath.Join(folder, name))
	}
	cmd := exec.CommandContext(s.t.Context(), filepath.Join(plugins(s.t, quick), "wend"), args...)
	cmd.Dir = s.dir // without the environment, which has the secrets
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	began := time.Now()
	out, _ := cmd.Output()
	var r backtest.Report
	if err := json.Unmarshal(out, &r); err != nil || cmd.ProcessState.ExitCode() != exit {
		s.t.Fatalf("exit %d, want %d: %s\n%.2000s", cmd.ProcessState.ExitCode(), exit, &stderr, out)
	}
	used := cmd.ProcessState
	s.t.Logf("%d runs made again in %s, %s of a processor", r.Runs, time.Since(began).Round(time.Millisecond), used.UserTime()+used.SystemTime())
	return &r
}

// changed is a folder with the flows and plugins after the changes.
func (s *session) changed() string {
	s.t.Helper()
	dir := s.t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "flows"), os.DirFS(filepath.Join(root, "flows"))); err != nil {
		s.t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "plugins", "dist"), os.DirFS(plugins(s.t, "dist"))); err != nil {
		s.t.Fatal(err)
	}
	for _, c := range wordsChanged {
		file := filepath.Join(dir, c.file)
		src := readFile(s.t, file)
		code := len(src)
		if strings.HasSuffix(file, ".wasm") { // the manifest, behind the code, stays
			code = strings.LastIndex(src, "wend.plugin")
		}
		changed := strings.ReplaceAll(src[:code], c.was, c.is)
		if changed == src[:code] {
			s.t.Fatalf("%s has no %q", file, c.was)
		}
		if err := os.WriteFile(file, []byte(changed+src[code:]), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	return dir
}

var hookPath = regexp.MustCompile(`(?m)^      path: (/\S+)$`)

// fireShipped calls webhooks of the shipped flows in turn, n times in all.
func fireShipped(t *testing.T, base string, n int) {
	t.Helper()
	type request struct{ path, body string }
	var shipped []request
	inputs, err := filepath.Glob(filepath.Join(root, "flows/*/*.json"))
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no inputs: %v", err)
	}
	for _, input := range inputs {
		if strings.HasSuffix(input, "task-life.json") {
			continue // it waits for an agent
		}
		path := hookPath.FindStringSubmatch(readFile(t, strings.TrimSuffix(input, ".json")+".yaml"))
		shipped = append(shipped, request{"/hooks" + path[1], readFile(t, input)})
	}
	shipped = append(shipped,
		request{"/hooks/contact-centre/cxone-close-all", `{"contacts": [{"contactId": "%d"}, {"contactId": "none"}]}`},
		request{"/hooks/contact-centre/gws-once", `{"sessionId": "s-1", "number": %d}`},
		request{"/hooks/contact-centre/cce-approved-callback", `{"conversationId": "C-%d", "phone": "+4915112345678"}`},
		request{"/api/v1/events/callback-approved", `{"key": "C-%d", "data": {"approved": true}}`},
	)
	var group errgroup.Group
	group.SetLimit(8)
	made := 0
	for i := 0; made < n; i++ {
		one := shipped[i%len(shipped)]
		if strings.HasPrefix(one.path, "/hooks/") {
			made++
		}
		group.Go(func() error {
			resp, err := http.Post(base+one.path, "application/json", strings.NewReader(strings.ReplaceAll(one.body, "%d", strconv.Itoa(i/len(shipped)))))
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err == nil && resp.StatusCode != http.StatusBadGateway && resp.StatusCode >= http.StatusBadRequest {
				err = fmt.Errorf("%s: %d %s", one.path, resp.StatusCode, text)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}
