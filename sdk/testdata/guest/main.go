// Command guest is a small plugin that the tests of package sdk build and run
// as WebAssembly.
package main

import "github.com/wendflow/wend/sdk"

var plugin = sdk.Plugin{
	"fetch": fetch,
	"break": broken,
}

var _ = sdk.Export(plugin)

func main() {}

func fetch(c *sdk.Ctx) sdk.Result {
	c.Log("fetching")
	reply := c.Do(sdk.Request{URL: c.Input.String("url"), Headers: map[string]string{"Accept": "*/*"}})
	return sdk.Result{
		Outcome: "success",
		Outputs: map[string]any{"status": reply.Status, "name": reply.Text("name"), "id": c.UUID()},
	}
}

func broken(*sdk.Ctx) sdk.Result { panic("the author's own") }
