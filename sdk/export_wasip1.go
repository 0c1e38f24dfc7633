package sdk

import (
	"runtime"
	"unsafe"
)

// A guest's exports are functions without a receiver: what they work on can be
// nowhere but in variables of the package.
var (
	exported Plugin
	input    []byte // lent to the host by wend_alloc
	output   []byte // lent to the host until the next invoke
)

// Export hands the plugin to the host that loads this module. A module exports
// one plugin:
//
//	var _ = sdk.Export(plugin)
func Export(p Plugin) Plugin {
	exported = p
	reserveHeap()
	warmUp()
	fillCaches()
	return p
}

// reserveHeap leaves the module with more heap than it needs so far. A host
// puts a module's memory back to where it was after the start, and cannot do
// so where an invoke has made it grow.
func reserveHeap() {
	output = make([]byte, 2<<20) // into a variable, or it would be left out
	output = nil
	runtime.GC()
}

// warmUp runs a method that does a little of everything, so that the state
// which the host keeps has the runtime's caches filled. Without it each invoke
// would fill them anew, for a third of its cost.
func warmUp() {
	plugin := Plugin{"": func(c *Ctx) Result {
		body := JSON(map[string]any{"input": c.Input})
		reply := c.Do(Request{Method: "POST", URL: "/" + c.UUID(), Headers: map[string]string{"a": "b"}, Body: body})
		return Result{Outcome: reply.Header("a"), Outputs: map[string]any{"a": reply.Text("a"), "n": 1}}
	}}
	const document = `{"abi":1,"method":"","inputs":{"a":"b","c":[1,2.5,true]},"replies":[`
	for _, replies := range []string{`]}`, `{"status":200,"headers":{"a":["b"]},"body":"{\"a\":\"\u00e9\"}"}]}`} {
		if _, err := plugin.Invoke([]byte(document + replies)); err != nil {
			panic(err)
		}
	}
}

// filler keeps what fillCaches makes from being left out.
var filler any

// fillCaches leaves the allocator with room for each size that an invoke may
// want, with pointers in it and without. Else every invoke would begin by
// looking for that room, for a fifth of its cost.
func fillCaches() {
	for size := 8; size <= 4096; size += max(8, size/8) {
		filler = make([]byte, size)
		filler = make([]*byte, size/8)
	}
	filler = nil
}

//go:wasmexport wend_alloc
func alloc(size uint32) uint32 {
	input = make([]byte, max(size, 1))
	return address(input)
}

//go:wasmexport wend_invoke
func invoke(at, size uint32) uint64 {
	return answer(exported.Invoke(lent(at, size)))
}

//go:wasmexport wend_invoke_table
func invokeTable(at, size uint32) uint64 {
	return answer(exported.invoke(openTable(lent(at, size))))
}

// lent is the memory where the host has put a document.
func lent(at, size uint32) []byte {
	if at != address(input) || int(size) > len(input) {
		panic(fault("an invoke was given memory that wend_alloc did not lend"))
	}
	return input[:size]
}

// answer lends the host what a method answered. Nothing is tidied up after it:
// each invoke finds the module as it was after its start.
func answer(document []byte, err error) uint64 {
	if err != nil {
		panic(err) // a trap; the message goes to stderr
	}
	output = document
	return uint64(address(output))<<32 | uint64(len(output))
}

func address(b []byte) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}
