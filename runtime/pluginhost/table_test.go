package pluginhost

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/sdk/wire"
)

// TestTable holds that a table says what the JSON of the same visit does.
func TestTable(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 8, 0, 0, 123456789, time.FixedZone("", 3600))
	visits := map[string]node.Visit{
		"empty": {},
		"every kind of value": {Inputs: map[string]any{
			"text": "Zoë \"\\\n\x01", "invalid \xff": "a\xffb\xe2\x82", "empty": "", "": "no name",
			"yes": true, "no": false, "nothing": nil, "int": -42, "float": 1.5, "large": 1e300, "nan": math.NaN(),
			"exact": json.Number("12345678901234567890.10"), "time": at,
			"list": []any{1, []any{}, map[string]any{"deep": []any{"x"}}}, "object": map[string]any{},
			"texts": []string{"a", "b"}, "number": int64(1) << 60, "struct": struct{ A, B any }{1, []int{2}}, "none": func() {},
		}},
		"all else": {
			Run: "run", Node: "n1", Visit: 12, Attempt: 3, Key: "k", Now: at, Seed: "s\xfe",
			Settings: map[string]any{"a": "b"},
			Replies: []wire.Reply{
				{Status: 200, Headers: map[string][]string{"b": {"1", "2"}, "a": {}}, Body: []byte(`{"code":"ü"}`)},
				{Status: 204},
				{Status: 200, Body: []byte{0xff, 0}},
				{Failure: wire.Timeout, Message: "slow"},
			},
		},
	}
	for name, v := range visits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkTable(t, "me\"thod", v)
		})
	}
}

// FuzzTable does the same for inputs that came as JSON.
func FuzzTable(f *testing.F) {
	f.Add(`{"a":[1,-2.5e300,"é\n",{"b":null,"":true}],"c":12345678901234567890}`, "body")
	f.Add(`{}`, "\xff")
	f.Fuzz(func(t *testing.T, inputs, text string) {
		v, err := data.DecodeJSON([]byte(inputs))
		object, is := v.(map[string]any)
		if err != nil || !is {
			t.Skip("no object")
		}
		checkTable(t, text, node.Visit{Inputs: object, Replies: []wire.Reply{{Status: 1, Body: []byte(text), Headers: map[string][]string{text: {text}}}}})
	})
}

func checkTable(t *testing.T, method string, v node.Visit) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(appendInput(nil, method, v)))
	d.UseNumber()
	var want any
	if err := d.Decode(&want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, readTable(t, new(table).append(nil, method, v))); diff != "" {
		t.Errorf("the table (-JSON +table):\n%s", diff)
	}
}

// readTable reads a table by docs/abi.md, and holds it to what stands there.
func readTable(t *testing.T, table []byte) any {
	t.Helper()
	n := binary.LittleEndian.Uint32(table)
	entries := make([]tableEntry, n)
	texts := table[4:]
	for i := range entries {
		e := &entries[i]
		for _, field := range []*uint32{&e.kind, &e.name, &e.nameSize, &e.text, &e.textSize, &e.next} {
			*field = binary.LittleEndian.Uint32(texts)
			texts = texts[4:]
		}
	}
	last := uint32(0) // the place that was read before
	var read func(at uint32) any
	read = func(at uint32) any {
		if at != 0 && at != last+1 {
			t.Errorf("entry %d stands behind entry %d", at, last)
		}
		last = at
		e := entries[at]
		if e.kind >= kindList {
			list, object := []any{}, map[string]any{}
			for i, place := uint32(0), at+1; i < e.textSize; i++ {
				m := entries[place]
				value := read(place)
				list = append(list, value)
				object[string(texts[m.name:][:m.nameSize])] = value
				if (m.next == 0) != (i == e.textSize-1) {
					t.Errorf("entry %d of %d has next %d", i+1, e.textSize, m.next)
				}
				place = m.next
			}
			if e.kind == kindList {
				return list
			}
			if len(object) != len(list) {
				t.Errorf("a name is there twice: %d fields, %d names", len(list), len(object))
			}
			return object
		}
		text := string(texts[e.text:][:e.textSize])
		switch e.kind {
		case kindBool:
			return text == "true"
		case kindNumber:
			return json.Number(text)
		case kindString:
			return text
		default:
			return nil
		}
	}
	v := read(0)
	if last != n-1 {
		t.Errorf("the table has %d entries, %d are in use", n, last+1)
	}
	return v
}

// TestTableFile holds the table with which package sdk tests its guest.
func TestTableFile(t *testing.T) {
	t.Parallel()
	const folder = "../../sdk/testdata/abi"
	got := new(table).append(nil, "fetch", node.Visit{
		Run: "0199f3a0-0000-7000-8000-000000000001", Node: "n1", Visit: 1, Attempt: 1, Key: "k", Seed: "s",
		Now:    time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC),
		Inputs: map[string]any{"url": "https://h/p"},
		Replies: []wire.Reply{{
			Status: 200, Headers: map[string][]string{"content-type": {"application/json"}}, Body: []byte(`{"name":"Zoë"}`),
		}},
	})
	file := filepath.Join(folder, "invoke-2.table")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the table is not that of %s: UPDATE=1 writes it", file)
	}
	document, err := os.ReadFile(filepath.Join(folder, "invoke-2.json"))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain, readTable(t, want)); diff != "" {
		t.Errorf("%s (-JSON +table):\n%s", file, diff)
	}
}
