package registry_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
)

func vec(items ...string) string {
	return string(binary.AppendUvarint(nil, uint64(len(items)))) + strings.Join(items, "")
}

func text(s string) string { return string(binary.AppendUvarint(nil, uint64(len(s)))) + s }

func section(id byte, items ...string) string { return string([]byte{id}) + text(vec(items...)) }

// sleb64 writes a constant for i64.const.
func sleb64(v int64) string {
	var b []byte
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 {
			return string(append(b, c))
		}
		b = append(b, c|0x80)
	}
}

// assemble makes a plugin "p" with one method "say", that leaves by "ok" with
// the output n. Its initialize is the body of a function that is called when
// an instance is made.
func assemble(tb testing.TB, version, n, initialize string) []byte {
	tb.Helper()
	const at = 2048
	answer := `{"outcome":"ok","outputs":{"n":` + n + `}}`
	code := func(body string) string { return text("\x00" + body + "\x0b") }
	module := "\x00asm\x01\x00\x00\x00" +
		section(1, "\x60\x01\x7f\x01\x7f", "\x60\x02\x7f\x7f\x01\x7e", "\x60\x00\x00") +
		section(3, "\x00", "\x01", "\x02") +
		section(5, "\x00\x01") +
		section(7, text("memory")+"\x02\x00", text("wend_alloc")+"\x00\x00", text("wend_invoke")+"\x00\x01", text("_initialize")+"\x00\x02") +
		section(10, code("\x41\x80\x08"), code("\x42"+sleb64(at<<32|int64(len(answer)))), code(initialize)) +
		section(11, "\x00\x41\x80\x10\x0b"+text(answer))
	object := map[string]any{"type": "object"}
	file, err := manifest.Append([]byte(module), &manifest.Manifest{
		Plugin: "p", Version: version, ABI: 1,
		Methods: []manifest.Method{{
			Name: "say", Inputs: object, Outputs: object,
			Outcomes: node.Outcomes{Success: "ok", Fault: "bad", All: []node.Outcome{{Name: "ok"}, {Name: "bad"}}},
		}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return file
}

// Bodies of initialize.
const (
	sound = ""
	traps = "\x00"
)
