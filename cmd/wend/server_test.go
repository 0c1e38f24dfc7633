package main_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience bounds every wait of a story.
const patience = 2 * time.Minute

// servers are the processes that one story has started.
type servers struct {
	names   []string // NAME=value as the story began
	running map[string]*server
	pressed map[string]*press // by URL
}

type serversKey struct{}

// server is a process that runs beside a story.
type server struct {
	cmd            *exec.Cmd
	stdout, stderr *transcript
	exited         chan struct{}
}

func serversOf(ts *testscript.TestScript) servers {
	return ts.Value(serversKey{}).(servers)
}

var printedAddress = regexp.MustCompile(`http://([^\s/]+)`)

func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: start NAME wend VERB [ARG...]")
	}
	all := serversOf(ts)
	s := &server{
		cmd:    exec.Command(args[1], args[2:]...),
		stdout: newTranscript(), stderr: newTranscript(), exited: make(chan struct{}),
	}
	s.cmd.Dir = ts.MkAbs(".")
	for _, pair := range all.names {
		name, _, _ := strings.Cut(pair, "=")
		s.cmd.Env = append(s.cmd.Env, name+"="+ts.Getenv(name))
	}
	s.cmd.Stdout, s.cmd.Stderr = s.stdout, s.stderr
	ts.Check(s.cmd.Start())
	all.running[args[0]] = s
	go func() {
		_ = s.cmd.Wait() // halt looks at its state
		close(s.exited)
	}()
	ts.Defer(func() {
		_ = s.cmd.Process.Kill()
		<-s.exited
	})
	if args[2] != "run" && args[2] != "test" {
		address := s.await(ts, s.stdout, printedAddress)
		ts.Setenv(args[0], address[1])
	}
}

// await waits until one of the streams has a match that was not awaited before.
func (s *server) await(ts *testscript.TestScript, stream *transcript, pattern *regexp.Regexp) []string {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		match, more := stream.next(pattern)
		if match != nil {
			return match
		}
		select {
		case <-more:
		case <-s.exited:
			ts.Fatalf("it has exited, %s:\n%s%s", s.cmd.ProcessState, s.stdout, s.stderr)
		case <-timeout.C:
			ts.Fatalf("nothing like %q within %s:\n%s%s", pattern, patience, s.stdout, s.stderr)
		}
	}
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await NAME PATTERN")
	}
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	s := serversOf(ts).running[args[0]]
	if s == nil {
		ts.Fatalf("%q was not started", args[0])
	}
	s.await(ts, s.stderr, pattern)
}

// press is clients that send one request after the other.
type press struct {
	clients sync.WaitGroup
	ended   atomic.Bool
	mu      sync.Mutex
	answers map[string]int
}

// pressers is how many clients press at one time.
const pressers = 2

func pressOn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: press URL FILE")
	}
	p, body := &press{answers: map[string]int{}}, ts.ReadFile(args[1])
	serversOf(ts).pressed[args[0]] = p
	for range pressers {
		p.clients.Go(func() {
			for !p.ended.Load() {
				p.ask(args[0], body)
			}
		})
	}
	ts.Defer(func() {
		p.ended.Store(true)
		p.clients.Wait()
	})
}

func (p *press) ask(url, body string) {
	answer := "lost"
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		answer = resp.Status
	}
	if err != nil {
		answer = err.Error()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[answer]++
}

func release(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || serversOf(ts).pressed[args[0]] == nil {
		ts.Fatalf("usage: release URL, one that is pressed")
	}
	p := serversOf(ts).pressed[args[0]]
	p.ended.Store(true)
	p.clients.Wait()
	if len(p.answers) != 1 || p.answers["200 OK"] < pressers {
		ts.Fatalf("not all answers were 200: %v", p.answers)
	}
}

func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || serversOf(ts).running[args[0]] == nil {
		ts.Fatalf("usage: interrupt NAME, of a server that was started")
	}
	ts.Check(serversOf(ts).running[args[0]].cmd.Process.Signal(os.Interrupt))
}

var tryLine = regexp.MustCompile(`(?m)^try: (.*)$`)

func grab(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || serversOf(ts).running[args[0]] == nil {
		ts.Fatalf("usage: grab NAME FILE, of a server that was started")
	}
	s := serversOf(ts).running[args[0]]
	line := s.await(ts, s.stdout, tryLine)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(line[1]+"\n"), 0o600))
}

func hangup(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || serversOf(ts).running[args[0]] == nil {
		ts.Fatalf("usage: hangup NAME, of a server that was started")
	}
	ts.Check(serversOf(ts).running[args[0]].cmd.Process.Signal(syscall.SIGHUP))
}

func halt(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || serversOf(ts).running[args[0]] == nil {
		ts.Fatalf("usage: [!] halt NAME, of a server that was started")
	}
	s := serversOf(ts).running[args[0]]
	ts.Check(s.cmd.Process.Signal(os.Interrupt))
	select {
	case <-s.exited:
	case <-time.After(patience):
		ts.Fatalf("it has not stopped within %s:\n%s%s", patience, s.stdout, s.stderr)
	}
	if failed := !s.cmd.ProcessState.Success(); failed != neg {
		ts.Fatalf("%s:\n%s%s", s.cmd.ProcessState, s.stdout, s.stderr)
	}
	_, _ = io.WriteString(ts.Stdout(), s.stdout.String())
	_, _ = io.WriteString(ts.Stderr(), s.stderr.String())
}

func crash(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || serversOf(ts).running[args[0]] == nil {
		ts.Fatalf("usage: crash NAME, of a server that was started")
	}
	s := serversOf(ts).running[args[0]]
	ts.Check(s.cmd.Process.Kill())
	<-s.exited
}

// transcript keeps what a process prints, and tells when there is more.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
	read int // how much of it next has gone past
	more chan struct{}
}

func newTranscript() *transcript { return &transcript{more: make(chan struct{})} }

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.more)
	t.more = make(chan struct{})
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// next returns the first match after the last one, or nil and a channel that
// is closed when there is more.
func (t *transcript) next(pattern *regexp.Regexp) ([]string, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rest := t.text.String()[t.read:]
	at := pattern.FindStringSubmatchIndex(rest)
	if at == nil {
		return nil, t.more
	}
	t.read += at[1]
	return pattern.FindStringSubmatch(rest), nil
}
