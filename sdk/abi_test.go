package sdk_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/wendflow/wend/sdk/wire"
)

// TestABIDocument holds docs/abi.md to the documents that the guest is tested
// with.
func TestABIDocument(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../docs/abi.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	for _, name := range []string{"invoke-1.json", "answer-1.json", "invoke-2.json", "answer-2.json"} {
		document := string(example(t, name))
		if !strings.Contains(text, "```\n"+document+"\n```") {
			t.Errorf("docs/abi.md lacks %s as it is:\n%s", name, document)
		}
		if size := fmt.Sprintf("%d bytes", len(document)); !strings.Contains(text, size) {
			t.Errorf("docs/abi.md does not say that %s has %s", name, size)
		}
	}
	calls := []wire.Call{
		{Method: "GET", URL: "/"},
		{Method: "GET", URL: "https://h/p"},
		{Method: "POST", URL: "https://h/p", Headers: map[string]string{"Content-Type": "application/json", "Accept": "*/*"}, Body: []byte("{}")},
	}
	for _, call := range calls {
		if fingerprint := wire.Fingerprint(call); !strings.Contains(text, "`"+fingerprint+"`") {
			t.Errorf("docs/abi.md lacks the fingerprint %s", fingerprint)
		}
	}
}
