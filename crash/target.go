package main

import (
	"context"
	"sync"
)

// target is where the server listens at present. It is safe for concurrent use.
type target struct {
	mu      sync.Mutex
	base    string        // "http://127.0.0.1:1234", empty while there is none
	changed chan struct{} // closed when there is one
}

func newTarget() *target { return &target{changed: make(chan struct{})} }

// up says that a server listens.
func (t *target) up(base string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.base = base
	close(t.changed)
}

// down says that it is about to be gone.
func (t *target) down() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.base != "" {
		t.base, t.changed = "", make(chan struct{})
	}
}

// await returns the address, once there is one.
func (t *target) await(ctx context.Context) (string, error) {
	for {
		t.mu.Lock()
		base, changed := t.base, t.changed
		t.mu.Unlock()
		if base != "" {
			return base, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}
