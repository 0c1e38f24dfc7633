package manifest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// TestMistakes compares what is printed for each wrong manifest with the .out
// beside it. UPDATE=1 rewrites them.
func TestMistakes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	for _, file := range files {
		src := read(t, file)
		m, mistakes := manifest.Parse(filepath.Base(file), src)
		if m != nil || !mistakes.HasErrors() {
			t.Errorf("%s: no mistakes", file)
		}
		var got bytes.Buffer
		diag.Print(&got, mistakes, func(string) []byte { return src })
		golden := strings.TrimSuffix(file, ".yaml") + ".out"
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(string(read(t, golden)), got.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func read(tb testing.TB, file string) []byte {
	tb.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func guestManifest(tb testing.TB) *manifest.Manifest {
	tb.Helper()
	m, mistakes := manifest.Parse("plugin.yaml", read(tb, "../pluginhost/testdata/guest/plugin.yaml"))
	if err := mistakes.Err(); err != nil {
		tb.Fatal(err)
	}
	return m
}

func TestManifest(t *testing.T) {
	t.Parallel()
	m := guestManifest(t)
	if m.Plugin != "guest" || m.Version != "1.2.0" || m.ABI != 1 || len(m.Methods) != 8 {
		t.Fatalf("manifest = %+v", m)
	}
	endTask := m.Methods[0]
	want := manifest.Method{
		Name: "end-task", Title: "End Task", Doc: "Closes a task.", Aliases: []string{"close-task"}, Idempotent: true,
		Inputs: endTask.Inputs, Outputs: endTask.Outputs,
		Outcomes: node.Outcomes{
			Success: "Success", Fault: "onError", Invalid: "onInvalidData",
			All: []node.Outcome{
				{Name: "Success", Doc: "It worked."},
				{Name: "onInvalidData", Doc: "An input does not fit."},
				{Name: "onTimeout", Doc: "The vendor did not answer in time."},
				{Name: "Error", Doc: "The vendor refused."},
				{Name: "onError", Doc: "The plugin itself failed."},
			},
		},
	}
	if diff := cmp.Diff(want, endTask); diff != "" {
		t.Errorf("end-task (-want +got):\n%s", diff)
	}
}

// TestSection puts manifests into a module and reads them back.
func TestSection(t *testing.T) {
	t.Parallel()
	m := guestManifest(t)
	m.Limits = manifest.Limits{Fuel: 7, Memory: 3 << 20, Log: 1000, Wall: 250 * time.Millisecond}
	file, err := manifest.Append(bare, m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := manifest.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Errorf("ReadManifest(Append(m)) (-want +got):\n%s", diff)
	}

	m.Version = "1.3.0"
	again, err := manifest.Append(file, m)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(again, []byte("wend.plugin")); n != 1 || !bytes.HasPrefix(again, bare) {
		t.Errorf("the second Append left %d sections", n)
	}
	if got, err := manifest.Read(again); err != nil || got.Version != "1.3.0" {
		t.Errorf("ReadManifest = %+v, %v, want version 1.3.0", got, err)
	}

	m.Methods = nil
	if _, err := manifest.Append(bare, m); err == nil || !strings.Contains(err.Error(), "at least one method") {
		t.Errorf("Append of a manifest without methods = %v", err)
	}
}

// bare is a module with a custom section of another name, and no manifest.
var bare = []byte("\x00asm\x01\x00\x00\x00\x00\x07\x04notess")

func withManifest(tb testing.TB) []byte {
	tb.Helper()
	file, err := manifest.Append(bare, guestManifest(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return file
}

// FuzzRead: hostile bytes give an error, never a panic.
func FuzzRead(f *testing.F) {
	f.Add(withManifest(f))
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x00\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := manifest.Read(file)
		if (m == nil) == (err == nil) {
			t.Errorf("Read = %v, %v", m, err)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	file := withManifest(b)
	for b.Loop() {
		if _, err := manifest.Read(file); err != nil {
			b.Fatal(err)
		}
	}
}

// TestSectionLimits: a manifest in a module is held to the limits of a file.
func TestSectionLimits(t *testing.T) {
	t.Parallel()
	many := func(n int, item string) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }
	var object strings.Builder
	for i := range yamldoc.MaxEntries + 1 {
		fmt.Fprintf(&object, ",\"k%d\":1", i)
	}
	for section, want := range map[string]string{
		`{"x":"` + strings.Repeat("x", yamldoc.MaxBytes) + `"}`: "it is 1048584 bytes long, expected 1048576 at most",
		"[" + many(yamldoc.MaxEntries+1, "1") + "]":             "a list of more than 5000 items",
		"{" + object.String()[1:] + "}":                         "an object of more than 5000 properties",
		"[" + many(1001, "["+many(99, "1")+"]") + "]":           "more than 100000 values",
		strings.Repeat("[", yamldoc.MaxDepth+2):                 "nested deeper than 100",
	} {
		if _, err := manifest.Decode([]byte(section)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a section of %.20s…: %v, want %q", section, err, want)
		}
	}
}

// TestSchema holds that the schema for editors has the keys of the reader, no more and
// no less: what has all of them fits it, and it has none that this has not.
func TestSchema(t *testing.T) {
	t.Parallel()
	object := map[string]any{"type": "object"}
	whole, err := json.Marshal(&manifest.Manifest{
		Plugin: "p", Version: "1.0.0", ABI: 1, Summary: "s", Settings: object,
		Methods: []manifest.Method{{
			Name: "m", Aliases: []string{"n"}, Title: "t", Doc: "d", Idempotent: true, Inputs: object, Outputs: object,
			Outcomes: node.Outcomes{Success: "a", Fault: "b", Invalid: "c", Default: "d", All: []node.Outcome{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}}},
		}},
		Limits: manifest.DefaultLimits(),
	})
	if err != nil {
		t.Fatal(err)
	}
	var document, schema map[string]any
	if err := errors.Join(json.Unmarshal(whole, &document), json.Unmarshal(manifest.Schema, &schema)); err != nil {
		t.Fatal(err)
	}
	compiled, err := node.NewSchema(schema)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range compiled.Validate(document) {
		t.Error(p)
	}
	method := document["methods"].(map[string]any)["m"].(map[string]any)
	defs := schema["$defs"].(map[string]any)
	for what, pair := range map[string][2]any{
		"the manifest": {schema, document}, "limits": {schema["properties"].(map[string]any)["limits"], document["limits"]},
		"a method": {defs["method"], method}, "outcomes": {defs["outcomes"], method["outcomes"]},
	} {
		known := pair[0].(map[string]any)["properties"].(map[string]any)
		for name := range known {
			if _, ok := pair[1].(map[string]any)[name]; !ok {
				t.Errorf("%s: the schema has %q, which the reader does not know", what, name)
			}
		}
	}
}
