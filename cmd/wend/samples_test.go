package main_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	wend "github.com/wendflow/wend/cmd/wend"
	"github.com/wendflow/wend/emulator"
)

// TestCiscoSamples holds what the six shipped flows send, one for each channel
// of the vendor's page, against the values of its table of samples with the
// data of the flow's own sample put in.
func TestCiscoSamples(t *testing.T) {
	t.Parallel()
	vendor, err := wend.OpenEmulator("cisco-cce", emulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	stand := httptest.NewServer(vendor)
	t.Cleanup(func() {
		_ = vendor.Close()
		stand.Close()
	})
	host := strings.TrimPrefix(stand.URL, "http://")
	token := writeFile(t, "token", "cce-admin")
	config := writeFile(t, "wend.yaml", `{variables: {domain: "`+host+`"}, connections: {cce: {type: bearer, secrets: {token: "file:`+token+`"}, `+
		`hosts: ["`+host+`"], private: true, settings: {scheme: http}}}}`)
	flows := filepath.Join(root, "flows", "cisco-cce")
	base := serve(t, "--plugins", plugins(t, "cisco-cce"), "--config", config, "--data", t.TempDir(), flows)

	sent := map[string]map[string]any{}
	for _, channel := range []string{"sms", "facebook-messenger", "whatsapp", "email", "live-chat", "web-callback"} {
		input := json.RawMessage(readFile(t, filepath.Join(flows, channel+".json")))
		if status, answer := post(t, base+"/hooks/cisco-cce/"+channel, input); status != http.StatusOK {
			t.Fatalf("%s was answered %d %s", channel, status, answer)
		}
		sent[channel] = requests(t, stand.URL)
	}
	golden(t, "testdata/cisco-samples.json", strings.ReplaceAll(indented(asJSON(t, sent)), host, "HOST")+"\n")
}

// requests are the bodies that an emulator got since it was asked last, by path.
func requests(t *testing.T, base string) map[string]any {
	t.Helper()
	_, body := get(t, base+"/_emulator/journal")
	var entries []emulator.Entry
	if err := json.Unmarshal(body, &entries); err != nil {
		t.Fatal(err)
	}
	bodies := map[string]any{}
	for _, e := range entries {
		var sent any
		if err := json.Unmarshal([]byte(same(e.Body)), &sent); err != nil {
			t.Fatalf("%s %s had %q: %v", e.Method, e.Path, e.Body, err)
		}
		bodies[e.Method+" "+same(e.Path)] = sent
	}
	if status, answer := post(t, base+"/_emulator/reset", nil); status >= 300 {
		t.Fatalf("reset was answered %d %s", status, answer)
	}
	return bodies
}
