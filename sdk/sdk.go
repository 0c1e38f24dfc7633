// Package sdk is what a Wend plugin written in Go imports. A plugin is a map of
// methods, and one line that hands it to the host:
//
//	var plugin = sdk.Plugin{
//		"end-task": endTask,
//	}
//
//	var _ = sdk.Export(plugin)
//
//	func main() {} // a plugin is a library: main never runs
//
//	func endTask(c *sdk.Ctx) sdk.Result {
//		reply := c.Do(sdk.Request{Method: "POST", URL: "https://" + c.Input.String("domain") + "/tasks"})
//		if reply.Status != 200 {
//			return sdk.Result{Outcome: "Error", Message: reply.Text("error", "message")}
//		}
//		return sdk.Result{Outcome: "Success", Outputs: map[string]any{"location": reply.Header("location")}}
//	}
//
// It is built with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared
//
// and tested natively, without WebAssembly, by package sdktest.
//
// A method is a pure function of its input and of the replies to its calls. Do
// does no I/O: at the first call without a reply it leaves the method, the host
// makes the call, and runs the method again from its beginning with one reply
// more. So a method must come to the same calls each time, which it does unless
// it keeps state between invokes, uses goroutines, or lets the order of a map
// reach a call; the host compares and refuses to go on where they differ.
// Deferred functions run at every such leave.
//
// The package encodes and decodes JSON itself, without reflection: encoding/json
// would double the size of a plugin and the time of an invoke.
package sdk

// Plugin is the methods of a plugin, by the names that its manifest gives them.
type Plugin map[string]Method

// Method does one kind of work.
type Method func(*Ctx) Result

// Result is how a method ends.
type Result struct {
	// Outcome is one of the outcomes that the manifest declares.
	Outcome string
	// Outputs are what later nodes of the flow read, as the manifest declares
	// them, of the types that JSON takes.
	Outputs map[string]any
	// Message tells people why, above all where the outcome is no success.
	Message string
}

// fault is a mistake of the plugin, or of a host that breaks the contract.
// Raised as a panic it ends the invoke.
type fault string

func (f fault) Error() string { return string(f) }
