package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	wend "github.com/wendflow/wend/cmd/wend"
	"github.com/wendflow/wend/emulator"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/run"
)

// matrix is a file of rows: what becomes of one visit of a vendor's method, when
// the vendor's system is in such a state. {base} and {host} in inputs and
// settings are the address of the row's emulator.
type matrix struct {
	Connections map[string]matrixConnection
	Rows        []matrixRow
}

type matrixConnection struct {
	Type     string
	Secrets  map[string]string // the values themselves
	Settings map[string]any
	Hosts    []string // beside the emulator's
}

// matrixVisit is one visit of a method.
type matrixVisit struct {
	Method string
	Inputs map[string]any
	Into   string // {Into} in later inputs is the taskId that it puts out
}

// matrixRow has what this test needs. What else a row says is held by the
// plugin's own tests, which have no WebAssembly and no engine between.
type matrixRow struct {
	matrixVisit `yaml:",inline"`

	Name       string
	Connection string         // admin if not given
	Settings   map[string]any // over those of the connection; null takes one away
	Emulator   map[string]any // its settings
	Control    []string       // requests to its control surface, before
	First      []matrixVisit  // visits before, which must succeed
	Advance    string         // what the emulator's clock is put ahead by after them
	Faults     []string
	Timeout    string // of the attempt
	Repeat     int    // how often the visit is made; the last one counts
	Want       struct {
		Outcome string
		Outputs map[string]any // a part of all; null is one that must not be there
		Calls   *int
	}
}

// TestMatrix plays every row of every vendor through what `wend serve` is made
// of: the webhook, the engine, the plugin as WebAssembly, the connection and
// the vendor's emulator behind it.
func TestMatrix(t *testing.T) {
	t.Parallel()
	for _, vendor := range wend.Vendors() {
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendor)
			m := b.readMatrix()
			for i := range m.Rows {
				b.add(i, m)
			}
			b.serve()
			for i, r := range m.Rows {
				t.Run(r.Name, func(t *testing.T) {
					t.Parallel()
					r.check(t, b.play(t, i, r))
				})
			}
		})
	}
}

// readMatrix reads the rows that lie here or with the plugin. It leaves out those
// that give null to an input that need not be there: the engine takes an input
// that comes to nil for one that is not given, so no plugin sees it.
func (b *bench) readMatrix() matrix {
	b.t.Helper()
	source, err := os.ReadFile(filepath.Join("testdata", "matrix", b.vendor+".yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		source, err = os.ReadFile(filepath.Join(root, "plugins", b.vendor, "testdata", "matrix.yaml"))
	}
	if err != nil {
		b.t.Fatalf("a vendor needs its matrix: %v", err)
	}
	var m matrix
	if err := yaml.Unmarshal(source, &m); err != nil {
		b.t.Fatal(err)
	}
	m.Rows = slices.DeleteFunc(m.Rows, func(r matrixRow) bool {
		for input, value := range r.Inputs {
			if value == nil && !slices.Contains(b.required[b.vendor+"/"+r.Method], input) {
				return true
			}
		}
		return false
	})
	if len(m.Rows) == 0 {
		b.t.Fatal("the matrix has no rows")
	}
	return m
}

// bench is one server with flows, a connection and an emulator for each row.
type bench struct {
	t           *testing.T
	vendor      string
	dir         string
	required    map[string][]string // inputs, by node type
	success     map[string]string   // outcome, by node type
	connections map[string]any
	hosts       []string // of the emulators
	base        string   // of the server
}

func newBench(t *testing.T, vendor string) *bench {
	t.Helper()
	b := &bench{t: t, vendor: vendor, dir: t.TempDir(), required: map[string][]string{}, success: map[string]string{}, connections: map[string]any{}}
	wasm, err := os.ReadFile(filepath.Join(plugins(t, vendor), vendor+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Read(wasm)
	if err != nil {
		t.Fatal(err)
	}
	types, err := m.Types("")
	if err != nil {
		t.Fatal(err)
	}
	for _, declared := range types {
		b.success[declared.Name] = declared.Outcomes.Success
		names, _ := declared.Inputs.Raw()["required"].([]any)
		for _, name := range names {
			b.required[declared.Name] = append(b.required[declared.Name], name.(string))
		}
	}
	return b
}

// name is what the connection of a row is called, and its flow and path.
func name(row int) string { return fmt.Sprintf("row-%d", row) }

// nameFirst is what the flow and the path of a visit before are called.
func nameFirst(row, visit int) string { return fmt.Sprintf("%s-first-%d", name(row), visit) }

// add starts the emulator of a row and writes its connection and its flows.
func (b *bench) add(i int, m matrix) {
	b.t.Helper()
	r := m.Rows[i]
	if r.Connection == "" {
		r.Connection = "admin"
	}
	c, ok := m.Connections[r.Connection]
	if !ok {
		b.t.Fatalf("row %q: no connection %q", r.Name, r.Connection)
	}
	host := b.emulate(r)
	b.hosts = append(b.hosts, host)
	b.connections[name(i)] = b.connection(i, c, r, host)
	b.writeFlow(name(i), name(i), r.matrixVisit, r.Timeout)
	for j, first := range r.First {
		b.writeFlow(nameFirst(i, j), name(i), first, "")
	}
}

// writeFlow writes a flow for a visit. The inputs come with the webhook, so that
// no check refuses them before the run.
func (b *bench) writeFlow(flow, connection string, v matrixVisit, timeout string) {
	b.t.Helper()
	method := b.vendor + "/" + v.Method
	with := map[string]any{}
	for _, input := range append(slices.Collect(maps.Keys(v.Inputs)), b.required[method]...) {
		with[input] = fmt.Sprintf("$(hook[%q])", input)
	}
	call := map[string]any{"type": method, "connection": connection, "with": with, "next": "out", "outcomes": map[string]any{"else": "out"}}
	if timeout != "" {
		call["timeout"] = timeout
	}
	b.write(flow+".yaml", map[string]any{
		"flow": flow, "durable": false,
		"nodes": map[string]any{
			"hook": map[string]any{"type": "webhook", "with": map[string]any{"path": "/" + flow}, "next": "call"},
			"call": call,
			"out":  map[string]any{"type": "end"},
		},
	})
}

// emulate starts an emulator in the state that a row wants and returns its
// address.
func (b *bench) emulate(r matrixRow) string {
	b.t.Helper()
	cfg := emulator.Config{Seed: 1}
	if r.Emulator != nil {
		cfg.Settings = asJSON(b.t, r.Emulator)
	}
	vendor, err := wend.OpenEmulator(b.vendor, cfg)
	if err != nil {
		b.t.Fatalf("row %q: %v", r.Name, err)
	}
	server := httptest.NewServer(vendor)
	b.t.Cleanup(func() {
		_ = vendor.Close()
		server.Close()
	})
	host := strings.TrimPrefix(server.URL, "http://")
	for _, path := range r.Control {
		control(b.t, host, path, nil)
	}
	return host
}

// control makes a request to the control surface of an emulator.
func control(t *testing.T, host, path string, v any) {
	t.Helper()
	if status, body := post(t, "http://"+host+"/_emulator"+path, v); status >= 300 {
		t.Fatalf("%s answered %d %s", path, status, body)
	}
}

func (b *bench) connection(i int, c matrixConnection, r matrixRow, host string) map[string]any {
	b.t.Helper()
	secrets := map[string]any{}
	for secret, value := range c.Secrets {
		file := filepath.Join(b.dir, name(i)+"-"+secret)
		if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
			b.t.Fatal(err)
		}
		secrets[secret] = "file:" + file
	}
	settings := maps.Clone(c.Settings)
	if settings == nil {
		settings = map[string]any{}
	}
	maps.Copy(settings, r.Settings)
	maps.DeleteFunc(settings, func(_ string, v any) bool { return v == nil })
	return map[string]any{
		"type": c.Type, "secrets": secrets, "settings": placed(settings, strings.NewReplacer("{base}", "http://"+host, "{host}", host)),
		"baseURL": "http://" + host, "hosts": append([]string{host}, c.Hosts...), "private": true, "timeout": patience.String(),
	}
}

// placed replaces in every text of v.
func placed(v any, r *strings.Replacer) any {
	switch v := v.(type) {
	case string:
		return r.Replace(v)
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			out[key] = placed(value, r)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = placed(value, r)
		}
		return out
	default:
		return v
	}
}

func (b *bench) write(file string, v any) {
	b.t.Helper()
	source, err := yaml.Marshal(v)
	if err != nil {
		b.t.Fatal(err)
	}
	path := filepath.Join(b.dir, "flows", file)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, source, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// serve starts the server, which stops when the test ends.
func (b *bench) serve() {
	b.t.Helper()
	b.write("wend.yaml", map[string]any{"connections": b.connections})
	flows := filepath.Join(b.dir, "flows")
	b.base = serve(b.t, "--plugins", plugins(b.t, b.vendor), "--config", filepath.Join(flows, "wend.yaml"), "--data", filepath.Join(b.dir, "data"), flows)
}

// play runs a row and returns what its node did.
func (b *bench) play(t *testing.T, i int, r matrixRow) run.Trace {
	t.Helper()
	known := []string{"{base}", "http://" + b.hosts[i], "{host}", b.hosts[i]}
	for j, first := range r.First {
		done := b.visit(t, nameFirst(i, j), first, known)
		if want := b.success[b.vendor+"/"+first.Method]; done.Outcome != want {
			t.Fatalf("%s before: outcome %s: %s; want %s", first.Method, done.Outcome, done.Message, want)
		}
		id, _ := done.Outputs["taskId"].(string)
		known = append(known, "{"+first.Into+"}", id)
	}
	if r.Advance != "" {
		control(t, b.hosts[i], "/clock", map[string]any{"advance": r.Advance})
	}
	for _, text := range r.Faults {
		fault, err := emulator.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		control(t, b.hosts[i], "/faults", fault)
	}
	for range r.Repeat - 1 {
		b.visit(t, name(i), r.matrixVisit, known)
	}
	return b.visit(t, name(i), r.matrixVisit, known)
}

// visit runs a flow once, over HTTP, and returns what the node did that calls
// the vendor.
func (b *bench) visit(t *testing.T, flow string, v matrixVisit, known []string) run.Trace {
	t.Helper()
	inputs := placed(v.Inputs, strings.NewReplacer(known...))
	status, body := post(t, b.base+"/hooks/"+flow, inputs)
	var answer struct{ Run string }
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
		t.Fatalf("the webhook answered %d %s", status, body)
	}
	status, body = get(t, b.base+"/api/v1/runs/"+url.PathEscape(answer.Run))
	var report run.Report
	if err := json.Unmarshal(body, &report); err != nil || status != http.StatusOK {
		t.Fatalf("the run was answered with %d %s: %v", status, body, err)
	}
	for _, n := range report.Nodes {
		if n.Node == "call" {
			return n
		}
	}
	t.Fatalf("the run did not come to the node: %s", body)
	return run.Trace{}
}

func (r matrixRow) check(t *testing.T, got run.Trace) {
	t.Helper()
	if got.Outcome != r.Want.Outcome {
		t.Errorf("outcome %s: %s; want %s", got.Outcome, got.Message, r.Want.Outcome)
	}
	if r.Want.Calls != nil && len(got.Calls) != *r.Want.Calls {
		t.Errorf("%d calls were made, want %d: %+v", len(got.Calls), *r.Want.Calls, got.Calls)
	}
	for output, want := range r.Want.Outputs {
		value, there := got.Outputs[output]
		if want == nil && !there {
			continue
		}
		if diff := cmp.Diff(string(asJSON(t, want)), string(asJSON(t, value))); diff != "" {
			t.Errorf("output %s (-want +got):\n%s", output, diff)
		}
	}
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// post sends v as JSON, or nothing if it is nil.
func post(t *testing.T, address string, v any) (status int, body []byte) {
	t.Helper()
	var content io.Reader = http.NoBody
	if v != nil {
		content = bytes.NewReader(asJSON(t, v))
	}
	return exchange(t, http.MethodPost, address, content)
}

func get(t *testing.T, address string) (status int, body []byte) {
	t.Helper()
	return exchange(t, http.MethodGet, address, http.NoBody)
}

func exchange(t *testing.T, method, address string, content io.Reader) (status int, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, content)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}
