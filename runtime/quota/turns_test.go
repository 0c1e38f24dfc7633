package quota_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/quota"
)

// TestTurns: so many at a time of each name, others in the order in which they
// came, and none beyond those who may wait.
func TestTurns(t *testing.T) {
	t.Parallel()
	var turns quota.Turns
	enter := func(name string) (func(), error) { return turns.Enter(t.Context(), name) }
	if _, err := enter("a"); err != nil {
		t.Fatalf("without bounds: %v", err)
	}
	turns.Set(2, 1)
	leave, err := enter("a")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan func())
	go func() {
		leave, err := enter("a")
		if err != nil {
			t.Error(err)
		}
		got <- leave
	}()
	for { // until that one waits
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = turns.Enter(ctx, "a")
		var p *problem.Problem
		if !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable || p.Header.Get("Retry-After") == "" {
			t.Fatalf("beyond those who may wait: %v", err)
		}
		if turns.Waiting("a") == 1 {
			break
		}
	}
	other, err := enter("b")
	if err != nil {
		t.Fatalf("another name: %v", err)
	}
	other()
	leave()
	leave() // does nothing
	second := <-got
	if turns.Waiting("a") != 0 {
		t.Error("somebody waits still")
	}
	second()
	third, err := enter("a")
	if err != nil {
		t.Fatal(err)
	}
	third()
}

// TestTurnsGivenUp: who waits no more takes nobody's turn.
func TestTurnsGivenUp(t *testing.T) {
	t.Parallel()
	var turns quota.Turns
	turns.Set(1, 10)
	leave, err := turns.Enter(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := turns.Enter(ctx, "a"); err == nil {
		t.Fatal("a turn though there is none")
	}
	leave()
	if leave, err = turns.Enter(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	turns.Set(0, 0)
	for range 3 {
		if _, err := turns.Enter(t.Context(), "a"); err != nil {
			t.Fatalf("without bounds again: %v", err)
		}
	}
	leave()
}
