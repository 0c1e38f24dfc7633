package sdk_test

import (
	"fmt"

	"github.com/wendflow/wend/sdk"
	"github.com/wendflow/wend/sdk/sdktest"
	"github.com/wendflow/wend/sdk/wire"
)

// A method is straight-line code, and a test answers its calls.
func Example() {
	endTask := func(c *sdk.Ctx) sdk.Result {
		reply := c.Do(sdk.Request{
			Method: "POST",
			URL:    "https://" + c.Input.String("domain") + "/tasks/" + c.Input.String("taskId") + "/close",
		})
		if reply.Status != 200 {
			return sdk.Result{Outcome: "Error", Message: reply.Text("error", "message")}
		}
		return sdk.Result{Outcome: "Success", Outputs: map[string]any{"location": reply.Header("Location")}}
	}

	result, err := sdktest.Run(sdk.Plugin{"end-task": endTask}, "end-task", sdktest.Visit{
		Inputs: map[string]any{"domain": "finesse.example.com", "taskId": "7"},
		Reply: func(wire.Call) wire.Reply {
			return wire.Reply{Status: 404, Body: []byte(`{"error":{"message":"no such task"}}`)}
		},
	})
	fmt.Println(result.Calls[0].URL)
	fmt.Println(result.Outcome, result.Message, err)
	// Output:
	// https://finesse.example.com/tasks/7/close
	// Error no such task <nil>
}
