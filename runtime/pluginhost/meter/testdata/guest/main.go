// Command guest is work of the kind that plugins do: JSON in, JSON out. It is built as a wasip1 reactor.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"unsafe"
)

func main() {}

type item struct {
	ID     string            `json:"id"`
	Name   string            `json:"name"`
	Amount float64           `json:"amount"`
	Tags   []string          `json:"tags"`
	Attrs  map[string]string `json:"attrs"`
}

type order struct {
	Customer string `json:"customer"`
	Items    []item `json:"items"`
}

type summary struct {
	Customer string   `json:"customer"`
	Total    float64  `json:"total"`
	Tags     []string `json:"tags"`
	Digest   string   `json:"digest"`
	Lines    []string `json:"lines"`
}

var input, output []byte

//go:wasmexport alloc
func alloc(n uint32) uint32 {
	input = make([]byte, n)
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(input))))
}

// invoke summarises the order in the input.
//
//go:wasmexport invoke
func invoke() uint64 {
	var o order
	if err := json.Unmarshal(input, &o); err != nil {
		return answer(map[string]string{"error": err.Error()})
	}
	s := summary{Customer: o.Customer}
	seen := map[string]bool{}
	for _, it := range o.Items {
		s.Total += it.Amount
		for _, tag := range it.Tags {
			seen[strings.ToLower(tag)] = true
		}
		s.Lines = append(s.Lines, fmt.Sprintf("%-10s %8.2f %s", it.ID, it.Amount, it.Attrs["colour"]))
	}
	for tag := range seen {
		s.Tags = append(s.Tags, tag)
	}
	sort.Strings(s.Tags)
	sum := sha256.Sum256([]byte(strings.Join(s.Lines, "\n")))
	s.Digest = hex.EncodeToString(sum[:])
	return answer(s)
}

func answer(v any) uint64 {
	output, _ = json.Marshal(v)
	runtime.Gosched()
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(output))))<<32 | uint64(len(output))
}

// sum is a tight loop.
//
//go:wasmexport sum
func sum(n uint32) uint64 {
	var s uint64
	for i := uint64(0); i < uint64(n); i++ {
		s = s*31 + i ^ s>>7
	}
	return s
}

// recurse calls itself n times.
//
//go:wasmexport recurse
func recurse(n uint32) uint32 {
	if n == 0 {
		return 0
	}
	return recurse(n-1) + n&1
}

//go:wasmexport spin
func spin() {
	for {
		runtime.KeepAlive(output)
	}
}

//go:wasmexport fail
func fail() {
	fmt.Fprintln(os.Stderr, "about to panic")
	panic("guest panic")
}
