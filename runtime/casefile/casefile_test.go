package casefile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/runtime/casefile"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

const codeValue, codeDiffers diag.Code = "value", "differs"

// wants is a file that says what must be.
type wants struct {
	value, text, body casefile.Want
	headers           *casefile.Texts
}

func parse(src []byte) (wants, diag.List) {
	doc, mistakes := yamldoc.Format{Name: "test"}.Parse("want.yaml", src)
	r := &yamldoc.Reader{Mistakes: mistakes, Invalid: codeValue}
	var w wants
	with := func(read func(*yamldoc.Reader, yamldoc.Field) casefile.Want) func(yamldoc.Field) casefile.Want {
		return func(f yamldoc.Field) casefile.Want { return read(r, f) }
	}
	r.Object(yamldoc.Field{What: "the file", Value: doc.Root()}, nil,
		yamldoc.Key{Name: "value", Read: yamldoc.Into(&w.value, with(casefile.Read))},
		yamldoc.Key{Name: "text", Read: yamldoc.Into(&w.text, with(casefile.ReadText))},
		yamldoc.Key{Name: "body", Read: yamldoc.Into(&w.body, with(casefile.Read))},
		yamldoc.Key{Name: "headers", Read: func(f yamldoc.Field) { w.headers = casefile.ReadTexts(r, f) }},
	)
	return w, r.Mistakes.Sorted()
}

// TestFiles holds what came about, got.json, against want.yaml, and what is said
// of the differences against what stands in the archive.
func TestFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := differences(t, archive.Files[0].Data, archive.Files[1].Data)
			if os.Getenv("UPDATE") != "" {
				archive.Files[2].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(archive.Files[2].Data), got); d != "" {
				t.Errorf("not what the archive holds; UPDATE=1 rewrites it (-want +got):\n%s", d)
			}
		})
	}
}

func differences(t *testing.T, json, src []byte) string {
	t.Helper()
	v, err := data.DecodeJSON(json)
	if err != nil {
		t.Fatal(err)
	}
	came := v.(map[string]any)
	w, list := parse(src)
	if !list.HasErrors() {
		d := casefile.Differ{Code: codeDiffers}
		d.Value("value", w.value, came["value"])
		text, _ := came["text"].(string)
		d.Text("text", w.text, text)
		body, _ := came["body"].(string)
		d.Body("body", w.body, []byte(body))
		headers := map[string]string{}
		given, _ := came["headers"].(map[string]any)
		for name, value := range given {
			headers[name] = value.(string)
		}
		d.Headers("reply", w.headers, headers)
		list = append(list, d.Found.Sorted()...)
	}
	var out strings.Builder
	diag.Print(&out, list, func(string) []byte { return src })
	return out.String()
}

// FuzzWritable shows that any data, written into a file, is what it wants.
func FuzzWritable(f *testing.F) {
	for _, seed := range []string{
		`1`, `18700000000000000001`, `10000000000000000000`, `{"<<": "<<"}`, `[1e21, 0.1]`, `"text"`, `null`, `{}`, `{"matches": "("}`, `{"contains": {"absent": true}}`, `[{"equals": 1, "absent": 2}]`,
		`{"a": {"equals": {"matches": "x"}}, "b": [{"absent": "no"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		v, err := data.DecodeJSON(doc)
		if err != nil {
			t.Skip()
		}
		before, _ := data.JSON(v)
		src, err := yamldoc.Encode(map[string]any{"value": yamldoc.Writable(casefile.Writable(v))})
		if err != nil {
			t.Skip()
		}
		w, mistakes := parse(src)
		if mistakes.HasErrors() {
			if len(src) > yamldoc.MaxBytes/2 || depth(v) > yamldoc.MaxDepth/3 {
				t.Skip() // what a file cannot hold
			}
			t.Fatalf("%s is written as\n%s: %v", doc, src, mistakes)
		}
		d := casefile.Differ{}
		d.Value("value", w.value, v)
		if len(d.Found) > 0 {
			t.Errorf("%s is written as\n%swhich it does not fit: %v", doc, src, d.Found)
		}
		if after, _ := data.JSON(v); !bytes.Equal(before, after) {
			t.Errorf("Writable changed %s to %s", before, after)
		}
	})
}

func depth(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
	case []any:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
	}
	return deepest + 1
}
