package emulator_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/emulator"
	lucs "github.com/wendflow/wend/plugins/luware-lucs/emulator"
)

const page = "../../../docs/vendors/luware-lucs.md"

// TestSession types the session of the documentation and compares what is
// printed. UPDATE=1 writes it into the page instead.
func TestSession(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	vendor, err := lucs.New(emulator.Config{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(vendor)
	t.Cleanup(func() {
		_ = vendor.Close()
		server.Close()
	})
	sh := shell{t: t, addr: server.Listener.Addr().String(), variables: map[string]string{}}
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```")
	got := blocks.ReplaceAllFunc(text, func(block []byte) []byte {
		return []byte("```console\n" + sh.play(string(blocks.FindSubmatch(block)[1])) + "```")
	})
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(page, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), string(got)); diff != "" {
		t.Errorf("%s does not print what it says (-page +emulator):\n%s", page, diff)
	}
}

// shell does as much of sh and curl as the page needs.
type shell struct {
	t         *testing.T
	addr      string
	variables map[string]string
}

// play returns the commands of a block, each with what it prints.
func (sh shell) play(block string) string {
	var out strings.Builder
	for _, command := range commands(block) {
		out.WriteString("$ " + command)
		if printed := sh.run(strings.TrimSpace(command)); printed != "" {
			out.WriteString(strings.TrimSuffix(printed, "\n") + "\n")
		}
	}
	return out.String()
}

// commands are the commands of a block, without what they printed. A command
// goes on as long as a quote is open.
func commands(block string) []string {
	var found []string
	open := false
	for line := range strings.Lines(block) {
		command, starts := strings.CutPrefix(line, "$ ")
		switch {
		case open:
			found[len(found)-1] += line
		case starts:
			found = append(found, command)
		default:
			continue
		}
		open = strings.Count(found[len(found)-1], "'")%2 == 1
	}
	return found
}

var (
	assignment = regexp.MustCompile(`^([A-Z]+)=(.*)$`)
	word       = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)
	date       = regexp.MustCompile(`(?m)^Date: .*$`)
)

func (sh shell) run(command string) string {
	if a := assignment.FindStringSubmatch(command); a != nil {
		sh.variables[a[1]] = strings.Trim(a[2], "'")
		return ""
	}
	words := word.FindAllString(command, -1)
	if words[0] != "curl" {
		sh.t.Fatalf("no command %q", words[0])
	}
	for i, w := range words {
		if strings.HasPrefix(w, "'") {
			words[i] = strings.Trim(w, "'")
		} else {
			words[i] = os.Expand(strings.Trim(w, `"`), func(name string) string { return sh.variables[name] })
		}
	}
	return sh.curl(words[1:])
}

func (sh shell) curl(args []string) string {
	r := &http.Request{Method: "GET", Header: http.Header{"User-Agent": {"curl/7.88.1"}, "Accept": {"*/*"}}}
	explicit, head, silent := "", false, false
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		value := func() string {
			v := args[0]
			args = args[1:]
			return v
		}
		switch arg {
		case "-i":
			head = true
		case "-s", "-sS":
		case "-o":
			silent = value() == "/dev/null"
		case "-X":
			explicit = value()
		case "-H":
			name, v, _ := strings.Cut(value(), ": ")
			r.Header[http.CanonicalHeaderKey(name)] = []string{v}
		case "--json":
			body := value()
			r.Method = "POST"
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "application/json")
			r.Body = io.NopCloser(strings.NewReader(body))
			r.ContentLength = int64(len(body))
		default:
			url, err := r.URL.Parse(arg)
			if err != nil {
				sh.t.Fatal(err)
			}
			r.URL, r.Host = url, url.Host
		}
	}
	if explicit != "" {
		r.Method = explicit
	}
	printed := sh.exchange(r, head)
	if silent {
		return ""
	}
	return printed
}

// exchange makes a request and returns the body, or all bytes of the reply.
func (sh shell) exchange(r *http.Request, head bool) string {
	conn, err := net.Dial("tcp", sh.addr)
	if err != nil {
		sh.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := r.Write(conn); err != nil {
		sh.t.Fatal(err)
	}
	var raw bytes.Buffer
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &raw)), r)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "curl: (52) Empty reply from server\n"
	}
	if err != nil {
		sh.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		sh.t.Fatal(err)
	}
	if !head {
		return string(body)
	}
	text := strings.ReplaceAll(raw.String(), "\r\n", "\n")
	return date.ReplaceAllString(text, "Date: Fri, 20 Nov 2026 08:00:00 GMT")
}

func TestPageNamesEverySettingAndFault(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, "")
	var settings map[string]any
	var index struct{ Faults []string }
	for path, into := range map[string]any{"/_emulator/settings": &settings, "/_emulator": &index} {
		if err := json.Unmarshal([]byte(s.must(200, "GET", path, "").body), into); err != nil {
			t.Fatal(err)
		}
	}
	names := index.Faults
	for name := range settings {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !bytes.Contains(text, []byte("`"+name+"`")) {
			t.Errorf("%s says nothing of `%s`", page, name)
		}
	}
}
