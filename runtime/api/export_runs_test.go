package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/record"
	"github.com/wendflow/wend/runtime/run"
)

// TestExport holds that runs come whole, each on a line that is as described, and
// those that have not ended without events.
func TestExport(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.start(t, "order", `{"id": 0}`)
	s.start(t, "pay", `{"id": "1"}`) // it waits
	s.start(t, "look", `{}`)         // it is in the other list
	w := s.do("GET", "/api/v1/runs/export", "")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%d %s", w.Code, w.Header())
	}
	ended, open := 0, 0
	for line := range strings.Lines(w.Body.String()) {
		one := *w
		one.Body = bytes.NewBufferString(line)
		checkDescribed(t, s, "GET", "/api/v1/runs/export", &one)
		for r, err := range record.Read(strings.NewReader(line)) {
			switch {
			case err != nil:
				t.Error(err)
			case r.Status.Ended():
				ended++
				if _, ok := r.Events[len(r.Events)-1].(run.RunEnded); !ok {
					t.Errorf("run %s has not all of its events", r.ID)
				}
			default:
				open++
				if len(r.Events) > 0 {
					t.Errorf("run %s has not ended, and has events", r.ID)
				}
			}
		}
	}
	if ended != 1 || open != 1 {
		t.Errorf("%d runs that have ended and %d that have not, want one of each:\n%s", ended, open, w.Body)
	}
	if w := s.do("GET", "/api/v1/runs/export?from=2100-01-01T00:00:00Z", ""); w.Code != http.StatusOK || w.Body.Len() > 0 {
		t.Errorf("runs of the future: %d %s", w.Code, w.Body)
	}
	if w := s.do("GET", "/api/v1/runs/export?frm=x", ""); w.Code != http.StatusBadRequest {
		t.Errorf("an unknown parameter: %d %s", w.Code, w.Body)
	}
}
