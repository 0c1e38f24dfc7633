package main_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.lsp.dev/uri"

	wend "github.com/wendflow/wend/cmd/wend"
)

// TestLSP: what an editor gets is framed to the letter, and the server ends at
// `exit` although nobody closes its input.
func TestLSP(t *testing.T) {
	t.Parallel()
	out := talk(t, t.TempDir())
	var length int
	if _, err := fmt.Sscanf(out, "Content-Length: %d\r\n\r\n", &length); err != nil || !strings.Contains(out, "\r\n\r\n{") {
		t.Errorf("%v, the answer begins with %.60q", err, out)
	}
}

// TestLSPWorkspace: the configuration is that of the folder in which an editor
// works, and what is wrong with it the editor is told.
func TestLSPWorkspace(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "wend.yaml"), []byte("conections: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := talk(t, folder); !strings.Contains(out, `did you mean \"connections\"`) {
		t.Errorf("the editor gets %s", out)
	}
}

// talk begins and ends a conversation about a folder.
func talk(t *testing.T, folder string) string {
	t.Helper()
	input, editor := io.Pipe()
	t.Cleanup(func() { _ = editor.Close() })
	out := &answers{begun: make(chan struct{})}
	go func() {
		for i, message := range []string{
			`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":null,"rootUri":"` + string(uri.File(folder)) + `","capabilities":{}}}`,
			`{"jsonrpc":"2.0","method":"initialized","params":{}}`,
			`{"jsonrpc":"2.0","id":2,"method":"shutdown"}`,
			`{"jsonrpc":"2.0","method":"exit"}`,
		} {
			if i == 1 { // until it is answered nothing else may be asked
				select {
				case <-out.begun:
				case <-t.Context().Done():
					return
				}
			}
			fmt.Fprintf(editor, "Content-Length: %d\r\n\r\n%s", len(message), message)
		}
	}()
	var errs bytes.Buffer
	wend.Main(t.Context(), []string{"lsp"}, input, out, &errs)
	return out.text.String()
}

// answers are what the server has said; begun is closed when the first is there.
type answers struct {
	text  bytes.Buffer
	begun chan struct{}
	known bool
}

func (a *answers) Write(p []byte) (int, error) {
	n, err := a.text.Write(p)
	if !a.known && bytes.Contains(a.text.Bytes(), []byte(`"id":1`)) {
		a.known = true
		close(a.begun)
	}
	return n, err
}
