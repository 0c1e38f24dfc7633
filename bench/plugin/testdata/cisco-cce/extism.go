// This file is laid over the shipped plugin's package when it is built for
// Extism: the same code, the same SDK, only another way in and out.
package main

import (
	"runtime"

	"github.com/extism/go-pdk"
)

//go:wasmexport end_task
func extismEndTask() int32 {
	defer runtime.Gosched() // as the SDK's own export: without it a reused instance leaks
	out, err := plugin.Invoke(pdk.Input())
	if err != nil {
		pdk.SetError(err)
		return 1
	}
	pdk.Output(out)
	return 0
}
