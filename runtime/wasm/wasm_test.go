package wasm_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wendflow/wend/runtime/wasm"
)

const header = "\x00asm\x01\x00\x00\x00"

func TestParse(t *testing.T) {
	t.Parallel()
	file := header +
		"\x01\x0a\x02\x60\x02\x7f\x7e\x01\x7d\x60\x00\x00" + // (i32, i64) f32 and ()
		"\x02\x0d\x01\x03env\x05steal\x00\x01" +
		"\x03\x02\x01\x00" +
		"\x05\x04\x01\x01\x02\x03" +
		"\x07\x0b\x02\x01m\x02\x00\x03run\x00\x01" +
		"\x0b\x0b\x01\x00\x41\x90\x80\x04\x0b\x03abc" +
		"\x00\x05\x04note"
	got, err := wasm.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	want := &wasm.Module{
		File:      []byte(file),
		Types:     []wasm.Signature{{Params: "\x7f\x7e", Results: "\x7d"}, {}},
		Imports:   []wasm.Import{{Module: "env", Name: "steal", Type: 1}},
		Exports:   []wasm.Export{{Name: "m", Kind: wasm.KindMemory}, {Name: "run", Index: 1}},
		Functions: []uint32{1, 0},
		Memory:    &wasm.Memory{Min: 2, Max: 3},
		Data:      &wasm.Section{ID: wasm.SectionData, Start: 58, End: 71, Content: []byte("\x01\x00\x41\x90\x80\x04\x0b\x03abc")},
		Custom:    []wasm.Custom{{Name: "note", Section: wasm.Section{Start: 71, End: 78, Content: []byte{}}}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(wasm.Module{})); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	if s, ok := got.SignatureOf(1); !ok || s.String() != "(i32, i64) f32" {
		t.Errorf("SignatureOf(1) = %s, %t", s, ok)
	}
	segments, ok := got.Segments()
	if diff := cmp.Diff([]wasm.Segment{{Offset: 65552, Bytes: []byte("abc")}}, segments); !ok || diff != "" {
		t.Errorf("Segments, %t (-want +got):\n%s", ok, diff)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ file, want string }{
		"text":       {"no WebAssembly", "not a WebAssembly file"},
		"component":  {"\x00asm\x0d\x00\x01\x00", "components are not supported"},
		"cut":        {header + "\x01\x04\x01", "unexpected end"},
		"long count": {header + "\x01\x05\xff\xff\xff\xff\x0f", "cannot fit into"},
		"kind":       {header + "\x02\x08\x01\x01a\x01b\x09\x00\x00", "unknown kind 9"},
	} {
		if _, err := wasm.Parse([]byte(test.file)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Parse = %v, want %q", name, err, test.want)
		}
	}
}

// FuzzParse: hostile bytes give an error or a module that lies in them, never a
// panic.
func FuzzParse(f *testing.F) {
	f.Add([]byte(header + "\x01\x04\x01\x60\x00\x00" + "\x02\x0d\x01\x03env\x05steal\x00\x00"))
	f.Add([]byte(header + "\x05\x04\x01\x01\x02\x03" + "\x0b\x0b\x01\x00\x41\x90\x80\x04\x0b\x03abc"))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := wasm.Parse(file)
		if (m == nil) == (err == nil) {
			t.Fatalf("Parse = %v, %v", m, err)
		}
		if m == nil {
			return
		}
		for i := range m.Functions {
			m.SignatureOf(uint32(i))
		}
		segments, _ := m.Segments()
		for _, s := range segments {
			if len(s.Bytes) > len(file) {
				t.Errorf("a segment of %d bytes in %d", len(s.Bytes), len(file))
			}
		}
	})
}
