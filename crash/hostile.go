package main

import (
	"bufio"
	"context"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
)

//go:embed hostile
var hostileFiles embed.FS

// What -hostile holds the server to.
const (
	maxResident = 300 << 20 // bytes of memory
	maxSlower   = 2.0       // p99 of good callers, against that without hostile ones
)

// attack is one kind of input that nobody should send.
type attack struct {
	name string
	do   func(h *hostile, ctx context.Context, random *rand.Rand) (answer string, err error)
}

// attacks are mixed into the load, each as one request in a hundred. They are
// about as large as the limits of this server, which are small as they should
// be where strangers may call, and made for nobody else.
var attacks = []attack{
	{"a body with 700 misfits", postBody("/hooks/bad-closed", misfits)},
	{"a body 400 deep, kept", postBody("/hooks/bad-keep", deep(400))},
	{"a body 700 deep", postBody("/hooks/bad-keep", deep(700))},
	{"a body of 28 KB, kept", postBody("/hooks/bad-keep", func(*rand.Rand) string { return `{"item":"` + strings.Repeat("x", 28<<10) + `"}` })},
	{"a variable that doubles", postBody("/hooks/bad-grow", func(r *rand.Rand) string { return fmt.Sprintf(`{"item":"%d"}`, r.Uint64()) })},
	{"a pattern of the caller's", postBody("/hooks/bad-match", pattern)},
	{"a vendor: come back in 68 years", postBody("/hooks/bad-reply", how("later"))},
	{"a vendor's reply 700 deep", postBody("/hooks/bad-reply", how("deep"))},
	{"a vendor's reply of 120 KB", postBody("/hooks/bad-reply", how("large"))},
	{"a vendor's echo of our token", (*hostile).echo},
	{"a body of 28 KB for a plugin", postBody("/hooks/bad-task", func(*rand.Rand) string { return `{"item":"` + strings.Repeat("y", 28<<10) + `"}` })},
	{"a proof that is wrong", postBody("/hooks/bad-signed", func(*rand.Rand) string { return `{}` })},
	{"a new dedupe key of 1 KB", postBody("/hooks/bad-forget", func(r *rand.Rand) string { return fmt.Sprintf(`{"key":"%01000d"}`, r.Uint64()) })},
	{"an event that nobody wants", postBody("/api/v1/events/wanted", func(r *rand.Rand) string { return fmt.Sprintf(`{"key":"%0500d","for":"5s"}`, r.Uint64()) })},
	{"an event with a key of 2 KB", postBody("/api/v1/events/wanted", func(*rand.Rand) string { return `{"key":"` + strings.Repeat("k", 2<<10) + `"}` })},
	{"a page of another site", (*hostile).page},
	{"a path of odd characters", (*hostile).path},
	{"control characters in a log line", postBody("/hooks/bad-keep", func(*rand.Rand) string { return `{"item":"\u001b[2J\u0007\r\nlevel=ERROR msg=forged"}` })},
	{"a body that comes slowly", (*hostile).slow},
	{"an answer that nobody takes", (*hostile).deaf},
	{"a stream that nobody reads", (*hostile).stream},
}

// hostile mixes attacks into the load of a server.
type hostile struct {
	site   *site
	target *target
	http   *http.Client
	bad    *badVendor
	waits  atomic.Pointer[string] // a run that can be streamed

	mu      sync.Mutex
	answers map[string]map[string]int // by attack
	busy    chan struct{}             // one for each attack under way
	group   sync.WaitGroup
}

// attackHostile measures good callers without attacks, with them, and without
// once more, and audits what is left. What is without is measured on both sides
// because the journal grows meanwhile, which has its price of its own.
func (s *site) attackHostile(ctx context.Context, each time.Duration, out io.Writer) error {
	s.vendor.tame.Store(true)
	bad, err := openBadVendor(ctx)
	if err != nil {
		return err
	}
	defer bad.close()
	if err := s.writeHostile(bad.addr); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := newTarget()
	h := &hostile{
		site: s, target: t, bad: bad, answers: map[string]map[string]int{}, busy: make(chan struct{}, 256),
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute},
	}
	c := newClients(t, s.seed)
	p, err := s.serve(ctx, t)
	if err != nil {
		return err
	}
	if _, err := c.mixed(ctx, s.clients, each/20, nil); err != nil { // warm
		return err
	}
	alone, err := c.mixed(ctx, s.clients, each/10, nil)
	if err != nil {
		return err
	}
	quietest, err := resident(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	stopFiles := h.meddle(ctx)
	during, err := c.mixed(ctx, s.clients, each*4/5, h)
	stopFiles()
	h.group.Wait()
	if err != nil {
		return err
	}
	peak, err := resident(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	after, err := c.mixed(ctx, s.clients, each/10, nil)
	if err != nil {
		return err
	}
	alone = append(alone, after...)
	base, err := t.await(ctx)
	if err != nil {
		return err
	}
	var checks []check
	wedged := check{Promise: "every run has ended a minute after the last attack", Looked: 1}
	if err := quiet(ctx, base); err != nil {
		wedged.failf("%v", err)
	}
	again := check{Promise: "the server stops, and starts again, in an orderly way", Looked: 1}
	if err := p.stop(); err != nil {
		again.failf("%v", err)
	}
	t.down()
	if p, err = s.serve(ctx, t); err != nil {
		again.failf("%v", err)
	} else if err := p.stop(); err != nil {
		again.failf("%v", err)
	}
	lost, err := s.accepted(ctx, c)
	if err != nil {
		return err
	}
	alone99, during99 := quantile(alone, 99), quantile(during, 99)
	memory := check{Promise: fmt.Sprintf("resident memory stays under %d MB", maxResident>>20), Looked: 1}
	if peak > maxResident {
		memory.failf("%d MB", peak>>20)
	}
	slower := check{Promise: fmt.Sprintf("good callers' p99 stays within %g × of what it is without", maxSlower), Looked: len(during)}
	long := each >= time.Minute // what is shorter tells nothing of how fast it is
	if long && float64(during99) > maxSlower*float64(alone99) {
		slower.failf("%s, and %s without attacks", millis(during99), millis(alone99))
	}
	silent := check{Promise: "every attack was answered, or cut off", Looked: len(attacks)}
	for _, a := range attacks {
		if long && h.answers[a.name] == nil {
			silent.failf("%s: never made", a.name)
		}
	}
	odd := check{Promise: "good callers got sensible answers", Looked: len(during), Broken: c.odd}
	checks = append(checks, lost, wedged, again, memory, slower, odd, silent)

	fmt.Fprintf(out, "attacks: %s of load with %d clients, %d attacks of %d kinds mixed in, 1 %% each\nlimits: %s\n%s\n\n",
		each.Round(time.Second), s.clients, h.made(), len(attacks), hostileLimits, s.machine())
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "good callers\trequests/s\tp50\tp99\tpeak of memory\t")
	fmt.Fprintf(table, "alone\t%.0f\t%s\t%s\t%d MB\t\n", float64(len(alone))/(each/5).Seconds(), millis(quantile(alone, 50)), millis(alone99), quietest>>20)
	fmt.Fprintf(table, "with attacks\t%.0f\t%s\t%s\t%d MB\t\n", float64(len(during))/(each*4/5).Seconds(), millis(quantile(during, 50)), millis(during99), peak>>20)
	_ = table.Flush()
	fmt.Fprintln(out)
	h.print(out)
	fmt.Fprintln(out)
	return printChecks(out, checks)
}

// writeHostile adds the flows that attacks are for.
func (s *site) writeHostile(bad string) error {
	err := fs.WalkDir(hostileFiles, "hostile", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := hostileFiles.ReadFile(file)
		if err != nil {
			return err
		}
		return os.WriteFile(s.path(filepath.Join("flows", path.Base(file))), text, 0o600)
	})
	if err != nil {
		return err
	}
	config, err := os.ReadFile(s.path("wend.yaml"))
	if err != nil {
		return err
	}
	config = fmt.Appendf(config, `  bad:
    type: bearer
    secrets: { token: env:BAD_TOKEN }
    baseURL: http://%s
    private: true
  signer:
    type: hmac
    secrets: { key: env:SIGNER_KEY }
    settings: { header: X-Signature }

limits: { %s }
`, bad, hostileLimits)
	return os.WriteFile(s.path("wend.yaml"), config, 0o600)
}

// hostileLimits are those of the server.
const hostileLimits = "body: 32KB, reply: 128KB, value: 128KB, run: 2MB, journal: 2MB"

// badToken is the credential that the bad vendor sends back in every spelling.
const badToken = "0123456789-bad-vendor-token-abcdef"

// goodFlows are what good callers ask for, each as often as it stands here.
var goodFlows = []string{"accept", "accept", "put", "put", "charge", "close-task"}

// mixed has n good clients ask one after the other for a time, and attacks made
// beside them if there is somebody to make them. It returns how long each good
// request took.
func (c *clients) mixed(ctx context.Context, n int, each time.Duration, h *hostile) ([]time.Duration, error) {
	end := time.Now().Add(each)
	all := make([][]time.Duration, n)
	var group errgroup.Group
	for k := range n {
		random := rand.New(rand.NewPCG(c.seed, uint64(end.UnixNano())+uint64(k)))
		group.Go(func() error {
			for nr := 0; time.Now().Before(end); nr++ {
				if h != nil && random.IntN(100) < len(attacks) {
					h.attack(ctx, attacks[random.IntN(len(attacks))], rand.New(rand.NewPCG(random.Uint64(), 0)))
				}
				d := c.deal(goodFlows[random.IntN(len(goodFlows))], fmt.Sprintf("%d-%d-%d", end.Unix(), k, nr))
				began := time.Now()
				if _, err := c.askAs(ctx, d, ""); err != nil {
					return err
				}
				all[k] = append(all[k], time.Since(began))
			}
			return nil
		})
	}
	err := group.Wait()
	return slices.Concat(all...), err
}

// attack makes one beside whoever calls. When as many are under way as may be
// it makes none.
func (h *hostile) attack(ctx context.Context, a attack, random *rand.Rand) {
	select {
	case h.busy <- struct{}{}:
	default:
		return
	}
	h.group.Go(func() {
		defer func() { <-h.busy }()
		answer, err := a.do(h, ctx, random)
		if err != nil {
			answer = "cut off"
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.answers[a.name] == nil {
			h.answers[a.name] = map[string]int{}
		}
		h.answers[a.name][answer]++
	})
}

func (h *hostile) made() (n int) {
	for _, answers := range h.answers {
		for _, times := range answers {
			n += times
		}
	}
	return n
}

func (h *hostile) print(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "attack\tanswers")
	for _, a := range attacks {
		var parts []string
		for _, answer := range slices.Sorted(maps.Keys(h.answers[a.name])) {
			parts = append(parts, fmt.Sprintf("%s × %d", answer, h.answers[a.name][answer]))
		}
		fmt.Fprintf(table, "%s\t%s\n", a.name, strings.Join(parts, " · "))
	}
	_ = table.Flush()
}

func postBody(path string, body func(*rand.Rand) string) func(*hostile, context.Context, *rand.Rand) (string, error) {
	return func(h *hostile, ctx context.Context, random *rand.Rand) (string, error) {
		status, _, err := h.send(ctx, http.MethodPost, path, body(random), nil)
		return status, err
	}
}

// send returns the status and what came with it.
func (h *hostile) send(ctx context.Context, method, path, body string, change func(*http.Request)) (status, got string, err error) {
	base, err := h.target.await(ctx)
	if err != nil {
		return "", "", err
	}
	r, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
	if err != nil {
		return "", "", err
	}
	r.Header.Set("Content-Type", "application/json")
	if change != nil {
		change(r)
	}
	resp, err := h.http.Do(r)
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if len(text) > 64<<10 && resp.StatusCode >= http.StatusBadRequest {
		return fmt.Sprintf("%d with %d KB", resp.StatusCode, len(text)>>10), "", err
	}
	return strconv.Itoa(resp.StatusCode), string(text), err
}

func misfits(*rand.Rand) string { return manyMisfits }

// manyMisfits is written once: who attacks takes time from good callers where
// both are on one machine, and only what the server takes is to be measured.
var manyMisfits = func() string {
	var b strings.Builder
	b.WriteString(`{"item":7`)
	for i := range 700 {
		fmt.Fprintf(&b, `,"not-expected-%d":[1,2]`, i)
	}
	return b.String() + "}"
}()

func deep(levels int) func(*rand.Rand) string {
	text := `{"item":` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + `}`
	return func(*rand.Rand) string { return text }
}

func pattern(random *rand.Rand) string {
	return fmt.Sprintf(`{"text":"%s","pattern":"(x{1,%d}y?){1,20}z"}`, strings.Repeat("x", 1024), 5+random.IntN(10))
}

func how(word string) func(*rand.Rand) string {
	return func(*rand.Rand) string { return `{"how":"` + word + `"}` }
}

// echo says whether the token of the connection came through.
func (h *hostile) echo(ctx context.Context, _ *rand.Rand) (string, error) {
	status, got, err := h.send(ctx, http.MethodPost, "/hooks/bad-reply", how("echo")(nil), nil)
	if slices.ContainsFunc(spellings, func(spelt string) bool { return strings.Contains(got, spelt) }) {
		status += " WITH THE TOKEN"
	}
	return status, err
}

// spellings of the token.
var spellings = []string{
	badToken, hex.EncodeToString([]byte(badToken)), base64.StdEncoding.EncodeToString([]byte(badToken)), url.QueryEscape("/" + badToken),
}

func (h *hostile) page(ctx context.Context, random *rand.Rand) (string, error) {
	status, _, err := h.send(ctx, http.MethodGet, "/api/v1/runs", "", func(r *http.Request) {
		if random.IntN(2) == 0 {
			r.Host = "wend.example.com"
		} else {
			r.Header.Set("Origin", "https://elsewhere.example.com")
		}
	})
	return status, err
}

func (h *hostile) path(ctx context.Context, random *rand.Rand) (string, error) {
	paths := []string{"/hooks/%2e%2e/%2e%2e/etc", "/hooks/bad-closed%00", "/api/v1/runs/%ff%fe", "/api/v1/events/%0d%0aX:%201?x", "/" + strings.Repeat("a", 30<<10)}
	status, _, err := h.send(ctx, http.MethodPost, paths[random.IntN(len(paths))], "{}", nil)
	return status, err
}

// dial is a connection to the server, to be used by hand.
func (h *hostile) dial(ctx context.Context) (net.Conn, error) {
	base, err := h.target.await(ctx)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", strings.TrimPrefix(base, "http://"))
}

// slow sends half of a body and goes away.
func (h *hostile) slow(ctx context.Context, _ *rand.Rand) (string, error) {
	conn, err := h.dial(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /hooks/bad-keep HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 200000\r\n\r\n{\"item\":\"")
	for range 30 {
		fmt.Fprint(conn, "xxxxxxxx")
		pause(ctx, 100*time.Millisecond)
	}
	return "gone", nil
}

// deaf asks for the description, which is long, and takes nothing.
func (h *hostile) deaf(ctx context.Context, _ *rand.Rand) (string, error) {
	conn, err := h.dial(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(3 * time.Second))
	for range 20 {
		if _, err := fmt.Fprint(conn, "GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
			return "gone", nil
		}
	}
	pause(ctx, 3*time.Second)
	return "gone", nil
}

// stream follows a run that rests, reads the first line and no more.
func (h *hostile) stream(ctx context.Context, _ *rand.Rand) (string, error) {
	id := h.waits.Load()
	if id == nil {
		_, got, err := h.send(ctx, http.MethodPost, "/hooks/bad-wait", "{}", nil)
		if err != nil {
			return "", err
		}
		_, after, _ := strings.Cut(got, `"run":"`)
		run, _, _ := strings.Cut(after, `"`)
		h.waits.CompareAndSwap(nil, &run)
		id = &run
		time.AfterFunc(10*time.Second, func() { h.waits.Store(nil) }) // it ends after twenty
	}
	conn, err := h.dial(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /api/v1/runs/%s/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", *id)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return "", err
	}
	pause(ctx, 2*time.Second)
	return strings.Fields(line + " - -")[1], nil
}

// meddle puts odd files beside the flows and takes them away again, until it is
// stopped.
func (h *hostile) meddle(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	var large strings.Builder
	large.WriteString("flow: bad-large\nnodes:\n  n0: { type: manual, next: n1 }\n")
	for i := range 3000 {
		fmt.Fprintf(&large, "  n%d: { type: log, with: { message: x }, next: n%d, outcomes: { onError: n%d } }\n", i+1, i+2, i+2)
	}
	large.WriteString("  n3001: { type: end }\n")
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			for name, text := range map[string]string{"odd-large.yaml": large.String(), "odd-wrong.yaml": "flow: [", "odd-deep.yaml": strings.Repeat("[", 400), "odd.wasm": "\x00asm"} {
				_ = os.WriteFile(h.site.path(filepath.Join("flows", name)), []byte(text), 0o600)
			}
			odd := h.site.path(filepath.Join("flows", "odd-pipe.yaml"))
			makePipe(odd)
			pause(ctx, 3*time.Second)
			names, _ := filepath.Glob(h.site.path("flows/odd*"))
			for _, name := range names {
				_ = os.Remove(name)
			}
			pause(ctx, 3*time.Second)
		}
	}()
	return func() {
		cancel()
		<-done
		names, _ := filepath.Glob(h.site.path("flows/odd*"))
		for _, name := range names {
			_ = os.Remove(name)
		}
	}
}

// accepted holds that what good callers were promised is on record and ended,
// and that nothing came to the vendor twice.
func (s *site) accepted(ctx context.Context, c *clients) (check, error) {
	k := check{Promise: "every accepted run of a good caller is on record and has ended, and charged once at most"}
	ended, err := endedRuns(ctx, s.path("data"))
	if err != nil {
		return k, err
	}
	requests, _ := s.vendor.seen()
	charges := map[string]int{}
	for _, q := range requests {
		if q.What == "charge" {
			charges[q.Run]++
		}
	}
	for _, d := range c.deals {
		for _, a := range d.Answers {
			k.Looked++
			if !ended[a.Run] {
				k.failf("%s %s: run %s was answered with %d and has not ended", d.Flow, d.Item, a.Run, a.Status)
			}
			n, paid := charges[a.Run], strings.Contains(a.Body, `"success"`)
			if d.Flow == "charge" && (n > 1 || paid && n == 0) {
				k.failf("%s: run %s charged %d times and was answered %s", d.Item, a.Run, n, a.Body)
			}
		}
	}
	return k, nil
}

// badVendor answers as nobody should.
type badVendor struct {
	server *http.Server
	addr   string
}

func openBadVendor(ctx context.Context) (*badVendor, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	nested := []byte(strings.Repeat("[", 700) + strings.Repeat("]", 700))
	large := []byte(`{"text":"` + strings.Repeat("z", 120<<10) + `"}`)
	mux := http.NewServeMux()
	mux.HandleFunc("/later/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "2147483647")
		http.Error(w, "later", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/deep/", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, nested) })
	mux.HandleFunc("/large/", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, large) })
	mux.HandleFunc("/keep/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answerJSON(w, []byte(`{}`))
	})
	mux.HandleFunc("/echo/", func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.Header().Set("X-Seen", token)
		answerJSON(w, fmt.Appendf(nil, `{"plain":%q,"hex":"%x","base64":%q,"url":%q}`,
			token, token, base64.StdEncoding.EncodeToString([]byte(token)), url.QueryEscape("/"+token)))
	})
	v := &badVendor{server: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}, addr: l.Addr().String()}
	go func() { _ = v.server.Serve(l) }() // close ends it
	return v, nil
}

func answerJSON(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

func (v *badVendor) close() { _ = v.server.Close() }

// resident is the most memory that a process has had so far, in bytes. It knows
// only on Linux.
func resident(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, errors.New("-hostile needs /proc to see the server's memory")
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(after)
	if err != nil || len(fields) == 0 {
		return 0, errors.Join(err, errors.New("no VmHWM"))
	}
	kb, err := strconv.ParseInt(fields[0], 10, 64)
	return kb << 10, err
}
