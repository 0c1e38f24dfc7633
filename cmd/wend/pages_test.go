package main_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// tried are the pages whose commands TestPages runs, with the files that a
// reader has by then. Commands that go on until they are interrupted run beside
// those that follow.
var tried = map[string]func(s *session, page string){
	"README.md": func(s *session, page string) {
		flow := yamlBlocks(page, "flow: sms-end-task")[0]
		s.write("sms.yaml", strings.Replace(flow, "n2.sms.senderNumber", "n2.sms.sendrNumber", 1))
	},
	"docs/flows.md": nil,
	"docs/guides/first-flow.md": func(s *session, _ string) {
		s.configs = "" // there is none yet
	},
	"docs/testing.md": func(s *session, page string) {
		s.write("order.yaml", yamlBlocks(page, "flow: order")[0])
		s.write("order.test.yaml", yamlBlocks(page, "cases:")[0])
	},
	"docs/backtest.md": nil,
	"docs/configuration.md": func(s *session, page string) {
		s.env = append(s.env, "SMS_KEY=topsecret", "GITHUB_KEY=topsecret-too", "GITHUB_NEXT_KEY=topsecret-later")
		s.configs = yamlBlocks(page, "  sms-gateway:\n    type: hmac")[0]
		flow := yamlBlocks(page, "flow: sms-in")[0]
		s.write("own/sms.yaml", flow)
		s.write("own/github.yaml", strings.NewReplacer("sms-in", "github-in", "/sms", "/github", "sms-gateway", "github").Replace(flow))
	},
	"docs/vendors/cisco-cce.md":   nil,
	"docs/vendors/genesys-cs.md":  nil,
	"docs/vendors/genesys-gws.md": nil,
	"docs/vendors/luware-lucs.md": nil,
	"docs/vendors/nice-cxone.md":  nil,
}

// untried are the commands that no test runs, with the reason. What begins like
// one of them is meant.
var untried = map[string]string{
	"make ":             "continuous integration runs make test and make demo; the others are made of them, or take long",
	"go run ./crash":    "crash has tests of its own; this takes minutes",
	"go install":        "it is for a released version",
	"useradd ":          "it changes the machine",
	"install ":          "it changes the machine; TestUnit reads the unit that is installed",
	"systemctl ":        "it changes the machine",
	"systemd-analyze ":  "TestUnit runs it",
	"docker ":           "it needs a container engine",
	"wend emulate ":     "TestPages starts it for all its sessions, and consoles are played to the emulator itself",
	"findings/":         "they are asked outside of these tests",
	"git ":              "it is about this repository",
	"wend token ":       "the story token.txtar does",
	"npm ":              "make editors installs, tests and packages the extension",
	"UPDATE=1 go test ": "it changes this repository",
}

// TestPages does what the pages tell their reader to do, from top to bottom.
// The commands in consoles of the vendors' pages are run beside their emulators.
func TestPages(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the pages are for a Unix shell")
	}
	for page, prepare := range tried {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			text := readFile(t, filepath.Join(root, page))
			s := newSession(t)
			if prepare != nil {
				prepare(s, text)
			}
			s.emulate()
			commands := commandsOf(page, text)
			for _, c := range commands {
				s.do(c)
			}
			if len(commands) == 0 {
				t.Error("no command was found")
			}
		})
	}
}

// TestEveryCommandIsTried finds the commands of all pages that no test runs and
// of which nobody says why.
func TestEveryCommandIsTried(t *testing.T) {
	t.Parallel()
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*/*.md", "findings/*.md", "deploy/*.md", "editors/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	for _, file := range pages {
		page, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		page = filepath.ToSlash(page)
		if _, ok := tried[page]; ok || page == "docs/plugins.md" {
			continue
		}
		for _, c := range commandsOf(page, readFile(t, file)) {
			known := c.file != ""
			for start := range untried {
				known = known || strings.HasPrefix(c.line, start)
			}
			if !known {
				t.Errorf("%s: nobody tries $ %s", page, c.line)
			}
		}
	}
}

// pageCommand is a command of a page, with the lines that it says are printed; or
// a file that its reader writes, or adds to.
type pageCommand struct {
	line string
	want []string

	file, content string
	more          bool
}

var (
	// A file's name behind the language says that the reader writes it.
	fence     = regexp.MustCompile("(?ms)^```([a-z]*)([^\n]*)\n(.*?)^```$")
	codeBlock = regexp.MustCompile(`(?m)(?:^|\n\n)((?:    [^\n]*(?:\n|$))+)`)
	// starts are what a line of a block without prompts begins with, if it is a
	// command.
	starts = regexp.MustCompile(`^(?:[A-Z_]+=\S+ )?(?:bin/)?(?:wend|curl|export|make|go|docker|systemctl|useradd|install|npm|git) `)
)

// commandsOf are the commands of a page in their order. Those in consoles are
// other tests'.
func commandsOf(page, text string) []pageCommand {
	type found struct {
		at       int
		commands []pageCommand
	}
	var all []found
	plain := []byte(text)
	for _, m := range fence.FindAllStringSubmatchIndex(text, -1) {
		kind, about, content := text[m[2]:m[3]], strings.TrimSpace(text[m[4]:m[5]]), text[m[6]:m[7]]
		for i := m[0]; i < m[1]; i++ {
			if plain[i] != '\n' {
				plain[i] = '.' // not to be taken for an indented block
			}
		}
		switch {
		case kind == "yaml" && about != "":
			name, more := strings.CutPrefix(about, ">> ")
			all = append(all, found{m[0], []pageCommand{{file: name, content: content, more: more}}})
		case kind == "sh" && page == "docs/configuration.md":
			all = append(all, found{m[0], []pageCommand{{line: strings.TrimSpace(content)}}})
		case kind == "sh" || kind == "":
			all = append(all, found{m[0], linesOf(content)})
		}
	}
	for _, m := range codeBlock.FindAllSubmatchIndex(plain, -1) {
		block := regexp.MustCompile(`(?m)^    `).ReplaceAllString(text[m[2]:m[3]], "")
		all = append(all, found{m[2], linesOf(block)})
	}
	slices.SortFunc(all, func(a, b found) int { return a.at - b.at })
	var commands []pageCommand
	for _, f := range all {
		commands = append(commands, f.commands...)
	}
	return commands
}

// linesOf are the commands of a block: the lines with a prompt, each with what
// is printed below, or those that look like commands.
func linesOf(block string) []pageCommand {
	var commands []pageCommand
	block = strings.ReplaceAll(block, "\\\n", " ")
	prompts := strings.Contains("\n"+block, "\n$ ")
	for line := range strings.Lines(block) {
		line = strings.TrimRight(line, "\n")
		command, prompted := strings.CutPrefix(line, "$ ")
		switch {
		case prompted, !prompts && starts.MatchString(line):
			command, _, _ = strings.Cut(command, "  #")
			commands = append(commands, pageCommand{line: strings.TrimSpace(command)})
		case prompts && len(commands) > 0 && line != "":
			last := &commands[len(commands)-1]
			last.want = append(last.want, line)
		}
	}
	return commands
}

func yamlBlocks(page, with string) []string {
	var found []string
	for _, m := range fence.FindAllStringSubmatch(page, -1) {
		if m[1] == "yaml" && strings.Contains(m[3], with) {
			found = append(found, m[3])
		}
	}
	return found
}

// session is a reader at a terminal, in a checkout whose ports are free ones.
type session struct {
	t         *testing.T
	dir       string
	env       []string
	addresses map[string]string // of this session, by those of the page
	configs   string            // wend.yaml as the page's reader has it
	last      string            // what was printed last
}

var (
	emulators  = regexp.MustCompile(`(?m)^(\S+) +http://(127\.0\.0\.1:\d+)$`)
	credential = regexp.MustCompile(`(?m)^their credentials?: export (.*)$`)
	taskID     = regexp.MustCompile(`"taskId": ?"([^"]+)"`)
)

// vendorPorts are those that `wend emulate` takes where nobody says another.
var vendorPorts = map[string]string{
	"cisco-cce": "127.0.0.1:9101", "nice-cxone": "127.0.0.1:9102", "genesys-cs": "127.0.0.1:9103",
	"genesys-gws": "127.0.0.1:9104", "luware-lucs": "127.0.0.1:9105",
}

// newSession is one in which nothing runs.
func newSession(t *testing.T) *session {
	t.Helper()
	s := &session{t: t, dir: t.TempDir(), env: append(os.Environ(), "PATH="+quickPath(t)), addresses: map[string]string{}}
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(checkout, "flows"), filepath.Join(s.dir, "flows")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "plugins"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(plugins(t, "dist"), filepath.Join(s.dir, "plugins", "dist")); err != nil {
		t.Fatal(err)
	}
	s.configs = readFile(t, filepath.Join(root, "wend.yaml"))
	return s
}

func (s *session) write(name, content string) {
	s.t.Helper()
	file := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// emulate starts emulators, and says what is printed of credentials.
func (s *session) emulate(args ...string) {
	s.t.Helper()
	printed := s.start(append([]string{"emulate", "--port", "0"}, args...), credential)
	for _, m := range emulators.FindAllStringSubmatch(printed, -1) {
		s.addresses[vendorPorts[m[1]]] = m[2]
	}
	s.env = append(s.env, strings.Fields(credential.FindStringSubmatch(printed)[1])...)
}

// start runs a command beside the session, and returns what it has printed when
// it prints that.
func (s *session) start(args []string, until *regexp.Regexp) string {
	s.t.Helper()
	s.configure()
	ctx, cancel := context.WithCancel(context.Background())
	out := newTranscript()
	cmd := exec.CommandContext(ctx, "wend", args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	ended := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { ended <- cmd.Wait() }()
	s.t.Cleanup(func() {
		cancel()
		<-ended
	})
	for {
		match, more := out.next(until)
		if match != nil {
			return out.String()
		}
		select {
		case <-more:
		case err := <-ended:
			ended <- err
			s.t.Fatalf("$ wend %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// configure puts the ports of this session into wend.yaml, if there is one.
func (s *session) configure() {
	s.t.Helper()
	if s.configs == "" {
		return
	}
	s.write("wend.yaml", s.here(s.configs))
}

// here has the addresses of this session in place of the page's.
func (s *session) here(text string) string {
	for page, here := range s.addresses {
		text = strings.ReplaceAll(text, page, here)
	}
	return text
}

const pageServer = "127.0.0.1:8080"

func (s *session) do(c pageCommand) {
	s.t.Helper()
	switch {
	case c.file == "wend.yaml":
		s.configs = c.content
		return
	case c.more:
		c.content = readFile(s.t, filepath.Join(s.dir, c.file)) + c.content
		fallthrough
	case c.file != "":
		s.write(c.file, c.content)
		return
	}
	line := regexp.MustCompile(`(^|\s)bin/wend `).ReplaceAllString(c.line, "${1}wend ")
	args := argument.FindAllString(line, -1)
	for i := range args {
		args[i] = strings.Trim(args[i], `"'`)
	}
	switch {
	case strings.HasPrefix(line, "make "):
		return // see untried
	case strings.HasPrefix(line, "export "):
		s.env = append(s.env, strings.Fields(line)[1:]...)
		return
	case strings.HasPrefix(line, "wend emulate"):
		s.emulate(args[2:]...)
		return
	case strings.HasPrefix(line, "wend serve"):
		s.serve(args[2:]...)
		return
	case strings.Contains(line, pageServer) && s.addresses[pageServer] == "":
		s.serve(s.flows())
	}
	if m := taskID.FindStringSubmatch(s.last); m != nil {
		line = strings.ReplaceAll(line, `"taskId": "…"`, `"taskId": "`+m[1]+`"`)
	}
	s.configure()
	cmd := exec.CommandContext(s.t.Context(), "sh", "-ec", s.here(strings.ReplaceAll(line, "curl -s", "curl -fs")))
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	s.last = string(out)
	// Who shows what a command prints shows one that finds mistakes too.
	if err != nil && c.want == nil {
		s.t.Errorf("$ %s: %v\n%s", line, err, out)
	}
	for _, want := range c.want {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(s.here(want)), "…", ".*")
		if !regexp.MustCompile(`(?m)^` + pattern + ` *$`).MatchString(s.last) {
			s.t.Errorf("$ %s\ndoes not print %q but\n%s", line, want, out)
		}
	}
}

// flows are the reader's own, if the page gives some.
func (s *session) flows() string {
	if _, err := os.Stat(filepath.Join(s.dir, "own")); err == nil {
		return "own"
	}
	return "flows/cisco-cce"
}

func (s *session) serve(args ...string) {
	s.t.Helper()
	printed := s.start(append([]string{"serve", "--addr", "127.0.0.1:0", "--data", s.t.TempDir()}, args...), regexp.MustCompile(`listening on http://\S+`))
	s.addresses[pageServer] = regexp.MustCompile(`listening on http://(\S+)`).FindStringSubmatch(printed)[1]
}
