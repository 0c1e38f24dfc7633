package main_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	wend "github.com/wendflow/wend/cmd/wend"
)

// TestLSP: what an editor gets is framed to the letter, and the server ends at
// `exit` although nobody closes its input.
func TestLSP(t *testing.T) {
	t.Parallel()
	input, editor := io.Pipe()
	defer editor.Close()
	go func() {
		for _, message := range []string{
			`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":null,"rootUri":null,"capabilities":{}}}`,
			`{"jsonrpc":"2.0","method":"initialized","params":{}}`,
			`{"jsonrpc":"2.0","id":2,"method":"shutdown"}`,
			`{"jsonrpc":"2.0","method":"exit"}`,
		} {
			fmt.Fprintf(editor, "Content-Length: %d\r\n\r\n%s", len(message), message)
		}
	}()
	var out, errs bytes.Buffer
	if code := wend.Main(t.Context(), []string{"lsp"}, input, &out, &errs); code != 0 {
		t.Errorf("exit %d: %s", code, &errs)
	}
	var length int
	if _, err := fmt.Sscanf(out.String(), "Content-Length: %d\r\n\r\n", &length); err != nil || !strings.Contains(out.String(), "\r\n\r\n{") {
		t.Errorf("%v, the answer begins with %.60q", err, out.String())
	}
}
