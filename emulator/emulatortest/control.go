package emulatortest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wendflow/wend/emulator"
)

// Config is that of an emulator with these settings, as their JSON has them, and
// these faults, as emulator.ParseFault reads them. Its seed is 1.
func Config(t testing.TB, settings map[string]any, faults []string) emulator.Config {
	t.Helper()
	cfg := emulator.Config{Seed: 1}
	if settings != nil {
		given, err := json.Marshal(settings)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Settings = given
	}
	for _, text := range faults {
		fault, err := emulator.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Faults = append(cfg.Faults, fault)
	}
	return cfg
}

// Control makes a request to the control surface, at a path below /_emulator,
// and fails unless it is done. What comes back is decoded into into, which may
// be nil, numbers in it as they were written.
func Control(t testing.TB, v *emulator.Vendor, method, path, body string, into any) {
	t.Helper()
	w := httptest.NewRecorder()
	v.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "/_emulator"+path, strings.NewReader(body)))
	if w.Code >= http.StatusMultipleChoices {
		t.Fatalf("%s %s answered %d %s", method, path, w.Code, w.Body)
	}
	if into == nil {
		return
	}
	decoder := json.NewDecoder(w.Body)
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
}
