// Command guest is a plugin whose methods do what a host has to cope with.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/wendflow/wend/sdk"
)

var _ = sdk.Export(sdk.Plugin{
	"end-task": endTask,
	"chatter":  chatter,
	"explode":  explode,
	"look":     look,
	"hoard":    hoard,
	"spin":     spin,
	"quit":     quit,
	"fickle":   fickle,
})

func main() {}

func success(outputs map[string]any) sdk.Result {
	return sdk.Result{Outcome: "Success", Outputs: outputs}
}

// endTask is about what a vendor's method does: read some twenty inputs, ask
// for one call, look at the answer.
func endTask(c *sdk.Ctx) sdk.Result {
	variables := map[string]any{}
	for name, v := range c.Input.Lookup("callVariables").Fields() {
		variables[name] = v.String()
	}
	body := sdk.JSON(map[string]any{
		"taskId":         c.Input.String("taskId"),
		"conversationId": c.Input.String("conversationId"),
		"destination":    c.Input.String("destination"),
		"mediaType":      strings.ToUpper(c.Input.String("mediaType")),
		"callVariables":  variables,
	})
	reply := c.Do(sdk.Request{
		Method:  "POST",
		URL:     "https://" + c.Input.String("domain") + "/drapi/v1/tasks/" + c.Input.String("taskId") + "/close",
		Headers: map[string]string{"Content-Type": "application/json", "Tracking-Id": c.UUID()},
		Body:    body,
	})
	if reply.Failure != "" {
		return sdk.Result{Outcome: "onTimeout", Message: reply.Message}
	}
	if reply.Status >= 300 {
		return sdk.Result{Outcome: "Error", Message: reply.Text("message")}
	}
	return success(map[string]any{"location": reply.Header("Location"), "responsePayload": string(reply.Body)})
}

// chatter asks for one call after the other.
func chatter(c *sdk.Ctx) sdk.Result {
	for i := range c.Input.Int("calls") {
		c.Log(fmt.Sprint("call ", i))
		c.Do(sdk.Request{URL: fmt.Sprint("/", i)})
	}
	return success(nil)
}

func explode(*sdk.Ctx) sdk.Result {
	fmt.Fprintln(os.Stderr, "about to explode")
	var m map[string]int
	m["boom"] = 1
	return success(nil)
}

var seen int

// look tells all that a guest can find out about where it is.
func look(c *sdk.Ctx) sdk.Result {
	seen++
	random := make([]byte, 8)
	_, _ = rand.Read(random)
	order := ""
	for i := range map[int]bool{0: true, 1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true, 8: true, 9: true} {
		order += fmt.Sprint(i)
	}
	before := time.Now()
	time.Sleep(time.Hour)
	return success(map[string]any{
		"seen":   seen,
		"random": hex.EncodeToString(random),
		"order":  order,
		"now":    before.UTC().Format("2006-01-02T15:04:05.000Z"),
		"slept":  time.Since(before).Round(time.Second).String(),
		"env":    len(os.Environ()),
		"args":   len(os.Args),
	})
}

var kept [][]byte

// hoard wants as many megabytes as it is told to.
func hoard(c *sdk.Ctx) sdk.Result {
	for range c.Input.Int("megabytes") {
		kept = append(kept, make([]byte, 1<<20))
	}
	return success(map[string]any{"kept": len(kept)})
}

func spin(*sdk.Ctx) sdk.Result {
	for i := 0; ; i++ {
		kept = kept[:0]
	}
}

func quit(*sdk.Ctx) sdk.Result {
	os.Exit(7)
	return success(nil)
}

var tries int

// fickle asks for another call than before when it is run again, if the host
// lets its state live on.
func fickle(c *sdk.Ctx) sdk.Result {
	tries++
	c.Do(sdk.Request{URL: fmt.Sprint("/replies/", len(c.Input.String("path")), "/", tries)})
	return success(nil)
}
