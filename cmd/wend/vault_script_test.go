package main_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// standInVault is a Vault for a story, which takes one token.
type standInVault struct {
	mu      sync.Mutex
	sealed  bool
	entries map[string]map[string]string
}

const vaultToken = "hvs-story-token"

func (v *standInVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fields := v.entries[strings.TrimPrefix(r.URL.Path, "/v1/")]
	switch {
	case v.sealed:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.Header.Get("X-Vault-Token") != vaultToken:
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodPost: // a renewal
		_ = json.NewEncoder(w).Encode(map[string]any{"auth": map[string]any{"lease_duration": 3600, "renewable": true}})
	case fields == nil:
		w.WriteHeader(http.StatusNotFound)
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"data": fields}})
	}
}

type vaultKey struct{}

func vaultCommand(ts *testscript.TestScript, neg bool, args []string) {
	v := ts.Value(vaultKey{}).(*standInVault)
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case neg:
		ts.Fatalf("usage: vault start|seal|unseal, or vault put PATH KEY VALUE")
	case len(args) == 1 && args[0] == "start":
		server := httptest.NewServer(v)
		ts.Defer(server.Close)
		ts.Setenv("VAULT", server.URL)
	case len(args) == 1 && (args[0] == "seal" || args[0] == "unseal"):
		v.sealed = args[0] == "seal"
	case len(args) == 4 && args[0] == "put":
		v.entries[args[1]] = map[string]string{args[2]: args[3]}
	default:
		ts.Fatalf("usage: vault start|seal|unseal, or vault put PATH KEY VALUE")
	}
}
