package emulator_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wendflow/wend/emulator"
)

// receive serves a receiver of events that answers each with a status, once it
// has told it to the channel.
func receive(t *testing.T, status int) (url string, events <-chan string) {
	t.Helper()
	told := make(chan string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		words := []string{r.Method, r.Header.Get("Content-Type"), r.Header.Get("X-Emulator-Basis"), string(body)}
		select {
		case told <- strings.Join(words, " "):
			w.WriteHeader(status)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, told
}

func TestWebhookTellsInOrder(t *testing.T) {
	t.Parallel()
	url, events := receive(t, http.StatusNoContent)
	hook := emulator.NewWebhook(emulator.Inference, nil)
	event := map[string]int{"n": 1}
	hook.Send(url, event)
	event["n"] = 2 // told is what the event was
	hook.Send(url, event)
	hook.SendText(url, []byte(`{"n":None}`))
	for _, want := range []string{`{"n":1}`, `{"n":2}`, `{"n":None}`} {
		if got := <-events; got != "POST application/json inference "+want {
			t.Errorf("the receiver was told %q, want %s", got, want)
		}
	}
	if err := hook.Close(); err != nil {
		t.Fatal(err)
	}
	hook.Send(url, event) // after Close: nobody would take it
	if got := hook.Deliveries(); got.Delivered < 2 || got.Delivered+got.Failed != 3 {
		t.Errorf("of three events became %+v", got)
	}
}

func TestWebhookCountsFailures(t *testing.T) {
	t.Parallel()
	refuses, refused := receive(t, http.StatusServiceUnavailable)
	takes, taken := receive(t, http.StatusOK)
	hook := emulator.NewWebhook(emulator.Decision, nil)
	defer func() { _ = hook.Close() }()
	hook.Send(refuses, 1)
	hook.Send("http://", 2)
	hook.Send(takes, 3)
	hook.Send(takes, 4)
	<-refused
	<-taken
	<-taken                  // the third is done by now
	got := hook.Deliveries() // the fourth may be done, or not
	if got.Delivered < 1 || got.Failed != 2 || !strings.Contains(got.LastError, "no Host") {
		t.Errorf("deliveries are %+v, want one or two done and two failed, the last for its URL", got)
	}
	hook.Reset()
	if got := hook.Deliveries(); got.Failed != 0 || got.LastError != "" {
		t.Errorf("after a reset deliveries are %+v", got)
	}
}

// TestWebhookCloses holds that Close ends a delivery to a receiver that does not
// answer, and that a sender is not held up by one.
func TestWebhookCloses(t *testing.T) {
	t.Parallel()
	url, events := receive(t, http.StatusOK)
	hook := emulator.NewWebhook(emulator.Decision, nil)
	hook.Send(url, 0)
	<-events
	for range 1100 {
		hook.Send(url, 1)
	}
	if err := hook.Close(); err != nil {
		t.Fatal(err)
	}
	if got := hook.Deliveries(); got.Failed < 99 {
		t.Errorf("of 1100 events that nobody takes became %+v", got)
	}
}

func TestWebhookSweeps(t *testing.T) {
	t.Parallel()
	url, events := receive(t, http.StatusOK)
	swept := make(chan struct{})
	hook := emulator.NewWebhook(emulator.Decision, func() {
		select {
		case swept <- struct{}{}:
		default:
		}
	})
	defer func() { _ = hook.Close() }()
	hook.Send(url, 0)
	<-events
	<-swept
}
