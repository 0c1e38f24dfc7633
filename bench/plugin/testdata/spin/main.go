// Command spin is a plugin that never ends.
package main

import "github.com/wendflow/wend/sdk"

var _ = sdk.Export(sdk.Plugin{"spin": spin})

func main() {}

var spun []byte

func spin(*sdk.Ctx) sdk.Result {
	for n := 0; ; n++ {
		spun = spun[:0]
	}
}
