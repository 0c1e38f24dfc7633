package pluginhost_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/sdk/wire"
)

// refused are modules that never get to run, each with what the error says.
func refused(t *testing.T) map[string]struct {
	wasm []byte
	want string
} {
	t.Helper()
	good := withManifest(t, answer(done).module(), manifest.Limits{})
	plugin := func(a asm) []byte { return withManifest(t, a.module(), manifest.Limits{}) }
	changed := func(f func(*asm)) []byte {
		a := answer(done)
		f(&a)
		return plugin(a)
	}
	forged := func(content string) []byte {
		return append(answer(done).module(), section(0, code(text("wend.plugin"), []byte(content)))...)
	}
	_, declared, _ := strings.Cut(string(good), "wend.plugin")
	return map[string]struct {
		wasm []byte
		want string
	}{
		"huge file":       {make([]byte, 64<<20+1), "has 67108865B, expected at most 64MB"},
		"empty file":      {nil, `not a WebAssembly file: expected it to begin with "\0asm"`},
		"a script":        {[]byte("#!/bin/sh"), "not a WebAssembly file"},
		"a component":     {[]byte("\x00asm\x0d\x00\x01\x00"), "components are not supported"},
		"truncated":       {good[:len(good)-10], "unexpected end"},
		"no manifest":     {answer(done).module(), `has no custom section "wend.plugin"`},
		"two manifests":   {append(bytes.Clone(good), section(0, code(text("wend.plugin"), []byte(declared)))...), "more than one custom section"},
		"forged manifest": {forged(`{"plugin":"x"`), "is not JSON"},
		"binary manifest": {forged("\xff\xfe"), "is not valid UTF-8"},
		"other ABI":       {forged(strings.Replace(declared, `"abi":1`, `"abi":2`, 1)), "ABI 2 is not supported, only ABI 1 is"},
		"unknown key":     {forged(strings.Replace(declared, `"methods"`, `"metods"`, 1)), `the manifest has no key "metods"; did you mean "methods"?`},
		"name of a path":  {forged(strings.Replace(declared, `"bad"`, `"../bad"`, 1)), `"../bad" is not a name`},
		"foreign import": {
			changed(func(a *asm) { a.imports = []wasmImport{{"env", "system", i32, i32}} }),
			"imports env.system; a plugin may import nothing but",
		},
		"file import": {
			changed(func(a *asm) { a.imports = []wasmImport{wasi("path_open", "", "")} }),
			"imports wasi_snapshot_preview1.path_open;",
		},
		"forged meter": {
			changed(func(a *asm) { a.imports = []wasmImport{{"wend_meter", "refill", i64, i64}} }),
			"imports wend_meter.refill;",
		},
		"no invoke": {
			changed(func(a *asm) { a.rename = map[string]string{"wend_invoke": ""} }),
			"does not export the function wend_invoke(i32, i32) i64 of ABI 1",
		},
		"wrong signature": {changed(func(a *asm) {
			a.rename = map[string]string{"wend_alloc": ""}
			a.extra = []wasmFunc{{"wend_alloc", i64, i32, body(const32(0))}}
		}), "exports the function wend_alloc(i64) i32, expected wend_alloc(i32) i32"},
		"threads":          {changed(func(a *asm) { a.memory = []byte{3, 1, 1} }), "shared memory; threads are not supported"},
		"atomics":          {changed(func(a *asm) { a.invoke = body([]byte{0xfe, 0x03, 0x00}, const64(0)) }), "threads"},
		"large from birth": {changed(func(a *asm) { a.memory = append([]byte{0}, uleb(2000)...) }), "needs 125MB of memory to begin with, its limit is 64MB"},
		"huge table":       {changed(func(a *asm) { a.table = code([]byte{1, 0x70, 0}, uleb(100_000_000)) }), "table"},
		"invalid code":     {changed(func(a *asm) { a.invoke = body(const32(1)) }), "compile"},
		"unknown opcode":   {changed(func(a *asm) { a.invoke = body([]byte{0xff}) }), "not known"},
		"data outside":     {changed(func(a *asm) { a.data = map[uint32]string{65530: "0123456789"} }), "out of bounds"},
		"endless start": {
			changed(func(a *asm) { a.start, a.extra = true, []wasmFunc{{"", "", "", body(loop())}} }),
			"does not start: used up its fuel",
		},
		"endless initialise": {
			changed(func(a *asm) { a.extra = []wasmFunc{{"_initialize", "", "", body(loop())}} }),
			"does not start: used up its fuel",
		},
		"trap in initialise": {
			changed(func(a *asm) { a.extra = []wasmFunc{{"_initialize", "", "", body(opUnreachable)}} }),
			"does not start: unreachable",
		},
		"greedy": {
			withManifest(t, answer(done).module(), manifest.Limits{Calls: 5000, Memory: 1 << 32}),
			"asks for a memory limit of 4GB, above the ceiling of 256MB",
		},
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	h := newHost(t, pluginhost.Config{Ceiling: manifest.Limits{Fuel: 100_000_000}})
	for name, test := range refused(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := h.Load(t.Context(), test.wasm)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Load = %v, want %q", err, test.want)
			}
		})
	}
}

// hostile is a module that is loaded and then does harm.
type hostile struct {
	asm    asm
	limits manifest.Limits
	visit  func(*node.Visit)
	code   string // of the fault; empty if the plugin answers all the same
	want   string // in the fault
}

func write(fd, at, n int32) []byte {
	return code(const32(512), const32(at), opStore32, const32(516), const32(n), opStore32,
		const32(fd), const32(512), const32(1), const32(520), call(0), opDrop)
}

var fdWrite = []wasmImport{wasi("fd_write", i32+i32+i32+i32, i32)}

func importing(a asm, imports ...wasmImport) asm {
	a.imports = imports
	return a
}

func adversaries() map[string]hostile {
	hugeCalls := `{"calls":[` + strings.TrimSuffix(strings.Repeat(`{"method":"GET","url":"/"},`, 1000), ",") + `]}`
	recursion := answer(done)
	recursion.invoke = body(get(0), get(1), call(1))
	overlap := answer(done)
	overlap.alloc = body(const32(8192))
	overlap.data = nil
	overlap.invoke = body(const64(8192<<32), get(1), opExtend, opOr64) // its input is its output
	allocTrap := answer(done)
	allocTrap.alloc = body(opUnreachable)
	allocNone := answer(done)
	allocNone.alloc = body(const32(0))
	allocFar := answer(done)
	allocFar.alloc = body(const32(-8))
	quiet := manifest.Limits{Fuel: 300_000_000}

	return map[string]hostile{
		"endless loop":      {asm: after(loop()), limits: quiet, code: "fuel", want: "used up its fuel of 300000000"},
		"endless recursion": {asm: recursion, code: "depth", want: "nested more than 10000 calls"},
		"memory bomb": {
			asm:  after(loop(const32(64), opGrow, const32(1), opAdd, []byte{0x45, 0x04, 0x40}, opUnreachable, opEnd)),
			code: "memory", want: "wanted 65600KB of memory, 64KB over its limit of 64MB",
		},
		"fill loop": {asm: after(loop(const32(0), const32(0), const32(65536), opFill)), limits: quiet, code: "fuel"},
		"huge output": {
			asm:  asm{memory: []byte{0, 32}, invoke: body(answerAt(0, 1<<20+1))},
			code: "output", want: "its output has 1048577B, 1B over the output limit of 1MB",
		},
		"output outside":         {asm: asm{invoke: body(answerAt(65530, 100))}, code: "contract", want: "100 bytes at 0xfffa, outside of its memory of 65536 bytes"},
		"output wraps around":    {asm: asm{invoke: body(const64(-1))}, code: "contract", want: "outside of its memory"},
		"alloc of nothing":       {asm: allocNone, code: "contract", want: "returned 0: it has no memory to lend"},
		"alloc outside":          {asm: allocFar, code: "contract", want: "returned 0xfffffff8, outside of its memory"},
		"output is the input":    {asm: overlap, code: "contract", want: `unexpected "abi", "context", "inputs"`},
		"trap in alloc":          {asm: allocTrap, code: "trap", want: "unreachable"},
		"no UTF-8":               {asm: answer("{\"outcome\":\"Suc\xffess\"}"), code: "contract", want: "not valid UTF-8"},
		"no JSON":                {asm: answer("<xml/>"), code: "contract", want: "not JSON"},
		"no object":              {asm: answer("[1]"), code: "contract", want: "not an object"},
		"empty":                  {asm: answer(""), code: "contract", want: "ends at byte 0"},
		"two documents":          {asm: answer(done + done), code: "contract", want: "expected the end of the document"},
		"deep JSON":              {asm: answer(strings.Repeat("[", 20_000)), code: "contract", want: "nested deeper than"},
		"neither form":           {asm: answer("{}"), code: "contract", want: "neither"},
		"both forms":             {asm: answer(`{"calls":[{"method":"GET","url":"/"}],"outcome":"Success"}`), code: "contract", want: "both"},
		"wrong outcome":          {asm: answer(`{"outcome":"Succes"}`), code: "contract", want: `left by the outcome "Succes", its manifest has ["Success" "onError"]`},
		"extra output":           {asm: answer(`{"outcome":"Success","outputs":{"n":1,"secret":2}}`), code: "contract", want: "secret: is not expected here"},
		"wrong output":           {asm: answer(`{"outcome":"Success","outputs":{"n":"1"}}`), code: "contract", want: "n: is a string, expected an integer"},
		"unknown field":          {asm: answer(`{"outcome":"Success","exec":"rm"}`), code: "contract", want: `unexpected "exec"`},
		"a call without URL":     {asm: answer(`{"calls":[{"method":"GET"}]}`), code: "contract", want: "call 1: has no method or no URL"},
		"a call to nowhere else": {asm: answer(`{"calls":[{"method":"GET","url":"/","follow":true}]}`), code: "contract", want: `call 1: unexpected "follow"`},
		"1,000 calls":            {asm: answer(hugeCalls), code: "calls", want: "asks for 1000 calls in one visit, 984 over its limit of 16"},
		"one call too many": {
			asm:   answer(`{"calls":[{"method":"GET","url":"/"}]}`),
			visit: func(v *node.Visit) { v.Replies = make([]wire.Reply, 16); v.Asked = make([]string, 16) },
			code:  "calls", want: "asks for 17 calls",
		},
		"another call on replay": {
			asm:   answer(`{"outcome":"Success","replayed":["GET /b #2"]}`),
			visit: func(v *node.Visit) { v.Replies = make([]wire.Reply, 1); v.Asked = []string{"GET /a #1"} },
			code:  "nondeterministic", want: `call 1 was "GET /a #1" before and is "GET /b #2" now`,
		},
		"no call on replay": {
			asm:   answer(`{"outcome":"Success","replayed":[]}`),
			visit: func(v *node.Visit) { v.Replies = make([]wire.Reply, 1); v.Asked = []string{"GET /a #1"} },
			code:  "nondeterministic", want: "now there is no such call",
		},
		"huge input": {
			asm: answer(done), visit: func(v *node.Visit) { v.Inputs = map[string]any{"a": strings.Repeat("x", 5<<20)} },
			code: "input", want: "over the input limit of 4MB",
		},
		"huge reply": {
			asm: answer(done), visit: func(v *node.Visit) { v.Replies = []wire.Reply{{Status: 200, Body: make([]byte, 2<<20)}} },
			code: "reply", want: "the body of reply 1 has 2MB, 1MB over the reply limit of 1MB",
		},
		"log flood": {asm: importing(after(loop(write(1, 8192, 39))), fdWrite...), code: "log", want: "over the log limit of 64KB"},
		"one long line": {
			asm:  asm{memory: []byte{0, 32}, imports: fdWrite, invoke: body(write(2, 0, 1<<20), const64(0))},
			code: "log", want: "its log has 1MB",
		},
		"last words": {asm: func() asm {
			a := importing(after(write(2, 1000, 9), opUnreachable), fdWrite...)
			a.data[1000] = "I am out\n"
			return a
		}(), code: "trap", want: "it last wrote: I am out"},
		"exit":            {asm: importing(after(const32(3), call(0)), wasi("proc_exit", i32, "")), code: "exit", want: "exited with status 3"},
		"exit well":       {asm: importing(after(const32(0), call(0)), wasi("proc_exit", i32, "")), code: "exit", want: "exited with status 0"},
		"division by 0":   {asm: after(const32(1), const32(0), opDiv, opDrop), code: "trap", want: "integer divide by zero"},
		"load outside":    {asm: after(const32(-4), opLoad32, opDrop), code: "trap", want: "out of bounds memory access"},
		"random flood":    {asm: importing(asm{memory: append([]byte{0}, uleb(1000)...), invoke: body(loop(const32(0), const32(60<<20), call(0), opDrop), const64(0))}, wasi("random_get", i32+i32, i32)), limits: manifest.Limits{Wall: 100 * time.Millisecond}, code: "wall"},
		"out of time":     {asm: after(loop()), limits: manifest.Limits{Wall: 50 * time.Millisecond, Fuel: 20_000_000_000}, code: "wall", want: "over its wall limit of 50ms"},
		"grows each time": {asm: after(const32(1), opGrow, opDrop)},
		"reads stdin": {asm: importing(after(const32(512), const32(0), opStore32, const32(516), const32(8), opStore32,
			const32(0), const32(512), const32(1), const32(520), call(0), opDrop,
			const32(520), opLoad32, []byte{0x04, 0x40}, opUnreachable, opEnd), wasi("fd_read", i32+i32+i32+i32, i32))},
		"closes stderr": {asm: importing(after(const32(2), call(0), []byte{0x04, 0x40}, opUnreachable, opEnd), wasi("fd_close", i32, i32))},
		"sleeps for an hour": {asm: importing(func() asm {
			// one subscription: clock 1 (monotonic), relative, 3,600 s in ns
			sub := make([]byte, 48)
			sub[16] = 1
			copy(sub[24:], []byte{0x00, 0xa0, 0xb8, 0x30, 0x46, 0x03, 0, 0})
			a := after(const32(2000), const32(3000), const32(1), const32(4000), call(0), opDrop)
			a.data[2000] = string(sub)
			return a
		}(), wasi("poll_oneoff", i32+i32+i32+i32, i32))},
		"grows its table": {asm: func() asm {
			a := after([]byte{0xd0, 0x70}, const32(1), []byte{0xfc, 0x0f, 0}, opDrop)
			a.table = []byte{1, 0x70, 0, 1}
			return a
		}()},
	}
}

// TestAdversaries runs each hostile module a few times: every run ends in its
// own fault, or in the same answer, and never takes long.
func TestAdversaries(t *testing.T) {
	t.Parallel()
	h := newHost(t, pluginhost.Config{})
	good := method(t, load(t, h, guest(t)), "end-task")
	for name, test := range adversaries() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := load(t, h, withManifest(t, test.asm.module(), test.limits))
			bad := method(t, p, "go")
			v := visit(map[string]any{})
			if test.visit != nil {
				test.visit(&v)
			}
			for range 3 {
				began := time.Now()
				action, err := bad.Step(t.Context(), v)
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("took %s", took)
				}
				checkFault(t, action, err, test.code, test.want)
			}
			if _, err := good.Step(t.Context(), visit(endTaskInputs)); err != nil {
				t.Errorf("a good plugin meanwhile: %v", err)
			}
			if err := p.Close(t.Context()); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

func checkFault(t *testing.T, action node.Action, err error, code, want string) {
	t.Helper()
	if code == "" {
		if f, ok := action.(node.Finish); err != nil || !ok || f.Outputs["n"] != 1 {
			t.Errorf("Step = %v, %v, want it to finish", action, err)
		}
		return
	}
	f, ok := errors.AsType[*node.Fault](err)
	if !ok || f.Code != code {
		t.Fatalf("Step = %v, %v, want the fault %q", action, err, code)
	}
	if !strings.Contains(f.Msg, want) || !strings.HasPrefix(f.Msg, "plugin bad@1.0.0, method go: ") {
		t.Errorf("fault = %q, want %q", f.Msg, want)
	}
}

// TestMemoryReturns loads, runs and closes all hostile modules again and again:
// the process is as large after the last round as after the first.
func TestMemoryReturns(t *testing.T) {
	h := newHost(t, pluginhost.Config{Ceiling: manifest.Limits{Fuel: 50_000_000}})
	round := func() int {
		for name, test := range adversaries() {
			test.limits.Fuel = 0
			p := load(t, h, withManifest(t, test.asm.module(), test.limits))
			_, _ = method(t, p, "go").Step(t.Context(), visit(map[string]any{})) // faults
			if err := p.Close(t.Context()); err != nil {
				t.Errorf("%s: Close: %v", name, err)
			}
		}
		return atoi(t, residentSize(t))
	}
	first := round()
	round()
	if last := round(); last > first+32<<10 {
		t.Errorf("resident memory is %d KB after the first round, %d KB after the last", first, last)
	}
}

// TestHiddenState has a module count its invokes in memory and in a global: it
// sees the first every time, as do those that run at the same time.
func TestHiddenState(t *testing.T) {
	t.Parallel()
	a := asm{globals: code([]byte{1, 0x7f, 1}, const32(0x30), opEnd), data: map[uint32]string{8192: `{"outcome":"Success","outputs":{"n":   }}`}}
	const memoryDigit, globalDigit = 8192 + 36, 8192 + 37
	a.invoke = body(
		const32(60000), const32(60000), opLoad8, const32(1), opAdd, opStore8, // memory count
		const32(memoryDigit), const32(60000), opLoad8, const32(0x30), opAdd, opStore8,
		[]byte{0x23, 0}, const32(1), opAdd, []byte{0x24, 0}, // global count
		const32(globalDigit), []byte{0x23, 0}, opStore8,
		answerAt(8192, 41))
	h := newHost(t, pluginhost.Config{})
	count := method(t, load(t, h, withManifest(t, a.module(), manifest.Limits{})), "go")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				action, err := count.Step(t.Context(), visit(map[string]any{}))
				if f, ok := action.(node.Finish); err != nil || !ok || f.Outputs["n"] != 11 {
					t.Errorf("Step = %v, %v, want n = 11", action, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestMany invokes one plugin very often: the answers are the same and memory
// stays where it was. WEND_INVOKES sets how often.
func TestMany(t *testing.T) {
	invokes := 20_000
	if n, err := strconv.Atoi(os.Getenv("WEND_INVOKES")); err == nil {
		invokes = n
	}
	h := newHost(t, pluginhost.Config{})
	p := load(t, h, guest(t))
	endTask := method(t, p, "end-task")
	v := visit(endTaskInputs)
	var first, before string
	var fuel uint64
	for i := range invokes {
		action, err := endTask.Step(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(action); first == "" {
			first, fuel = got, p.Status().Fuel
		} else if got != first {
			t.Fatalf("invoke %d = %s, want %s", i, got, first)
		}
		if i == invokes/10 {
			before = residentSize(t)
		}
	}
	if s := p.Status(); s.Fuel != fuel*uint64(invokes) {
		t.Errorf("%d invokes took %d fuel, the first took %d", invokes, s.Fuel, fuel)
	}
	after := residentSize(t)
	t.Logf("resident after a tenth: %s KB, at the end: %s KB; %+v", before, after, p.Status())
	if b, a := atoi(t, before), atoi(t, after); a > b+b/4+16<<10 {
		t.Errorf("resident memory grew from %d KB to %d KB", b, a)
	}
	if s := p.Status(); s.Dropped > 0 || !s.Restored {
		t.Errorf("status = %+v, want every invoke restored and no instance dropped", s)
	}
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// residentSize is what the process holds in memory, in KB.
func residentSize(t *testing.T) string {
	t.Helper()
	runtime.GC()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("the kernel does not tell the resident size:", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	return strings.Fields(rest)[0]
}
