// Command command is a plugin without the SDK: a program that reads a document
// from standard input and writes one to standard output.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	var in struct {
		Inputs  struct{ Name string }
		Replies []struct{ Status int }
	}
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		fmt.Fprintln(os.Stderr, "read the document:", err)
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "greeting", in.Inputs.Name)
	if len(in.Replies) == 0 {
		fmt.Println(`{"calls":[{"method":"GET","url":"/hello"}]}`)
		return
	}
	out, _ := json.Marshal(map[string]any{
		"outcome": "Success",
		"outputs": map[string]any{"greeting": "hello " + in.Inputs.Name, "status": in.Replies[0].Status},
	})
	os.Stdout.Write(out)
	os.Exit(0)
}
