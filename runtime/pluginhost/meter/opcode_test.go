package meter_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/wendflow/wend/runtime/pluginhost/meter"
)

// TestOpcodesMatchEngine checks that Rewrite knows exactly the instructions that wazero compiles, threads excepted,
// and gives them immediates of the same length. Each stands in dead code, where any operands will do.
func TestOpcodesMatchEngine(t *testing.T) {
	t.Parallel()
	// The interpreter shares the compiler's decoder and validation, and is quicker to compile for.
	rt := wazero.NewRuntimeWithConfig(context.Background(), wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(allFeatures))
	defer rt.Close(context.Background())
	known := 0
	try := func(opcode []byte) {
		if opcode[0] == 0x05 || opcode[0] == 0x0b {
			return // else and end do not stand alone
		}
		accepted, wanted := false, false
		for _, imm := range immediates {
			wasm := everything(cat(op(0x00), opcode, imm, op(0x00))).build()
			errA := compile(rt, wasm)
			m, errB := meter.Rewrite(wasm, meter.Config{})
			wanted = wanted || errA == nil
			if errB == nil {
				errB = compile(rt, m.Bytes)
				accepted = accepted || errB == nil
			}
			if (errA == nil) != (errB == nil) {
				t.Errorf("%x with immediates %x: wazero: %v; rewritten: %v", opcode, imm, errA, errB)
			}
		}
		if accepted {
			known++
		}
		if accepted != wanted {
			t.Errorf("%x: accepted is %v, want %v", opcode, accepted, wanted)
		}
	}
	for i := range 256 {
		b := byte(i)
		switch b {
		case 0xfc, 0xfd:
			for sub := range 256 { // TestRefusals has those above
				try(append([]byte{b}, uleb(sub)...))
			}
		case 0xfe: // threads
		default:
			try([]byte{b})
		}
	}
	if want := 444; known != want {
		t.Errorf("%d instructions are known, want %d", known, want)
	}
}

// compile turns a panic of the engine, which wazero 1.12 has for some truncated code, into an error.
func compile(rt wazero.Runtime, wasm []byte) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the engine panics: %v", r)
		}
	}()
	m, err := rt.CompileModule(context.Background(), wasm)
	if err == nil {
		err = m.Close(context.Background())
	}
	return err
}

// immediates are the forms that what follows an opcode can take.
var immediates = [][]byte{
	{},
	{0},
	{0, 0},
	{0, 0, 0},
	{0x40, 0x0b},
	{0x40, 0, 0x0b},
	{1, 0x7f},
	{0x70},
	{0x80, 0x80, 0},
	make([]byte, 4), make([]byte, 8), make([]byte, 16),
}

// everything has one of each thing that an instruction can name.
func everything(code []byte) wasmModule {
	m := one("run", ":", "i", code)
	m.pages, m.data, m.tags = 1, "x", []string{""}
	m.tables, m.passive = [][2]int{{1, 1}}, []string{"run"}
	m.globals = []wasmGlobal{{0x7f, true, i32(0)}}
	return m
}
