package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/secret"
	"github.com/wendflow/wend/runtime/secret/vault"
)

// safe is the vault that secrets come from, if there is one. Another can take its
// place. It is safe for concurrent use.
type safe struct {
	clock clock.Clock
	log   *slog.Logger
	now   atomic.Pointer[vault.Store] // nil: none
	moved chan struct{}               // holds one token when another has taken its place
}

func openSafe(cfg *config.Config, by clock.Clock, log *slog.Logger) (*safe, error) {
	s := &safe{clock: by, log: log, moved: make(chan struct{}, 1)}
	store, err := s.vault(cfg)
	s.now.Store(store)
	return s, err
}

// vault is that of a configuration, nil if it has none. Nothing is asked yet.
func (s *safe) vault(cfg *config.Config) (*vault.Store, error) {
	if cfg.Vault.Address == "" {
		return nil, nil
	}
	transport, err := outbound.Transport(cfg.Vault.TLS)
	if err != nil {
		return nil, fmt.Errorf("%s: vault: %w", cfg.File, err)
	}
	return vault.New(cfg.Vault.Config, transport, os.LookupEnv, s.clock, s.log), nil
}

// take puts another in its place, which may be nil, and returns the one before.
func (s *safe) take(store *vault.Store) (before *vault.Store) {
	before = s.now.Swap(store)
	select {
	case s.moved <- struct{}{}:
	default: // told already
	}
	return before
}

// Read implements secret.Store.
func (s *safe) Read(e secret.Entry) (secret.Text, error) {
	store := s.now.Load()
	if store == nil {
		return "", secret.ErrNoStore
	}
	return store.Read(e)
}

// keep keeps our token good in whichever vault there is, until ctx ends.
func (s *safe) keep(ctx context.Context) {
	for ctx.Err() == nil {
		s.keepThis(ctx)
	}
}

// keepThis does so until another takes its place.
func (s *safe) keepThis(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if store := s.now.Load(); store != nil {
			store.Keep(ctx)
		}
	}()
	select {
	case <-ctx.Done():
	case <-s.moved:
	}
	cancel()
	<-ended
}

// sources are where references lead.
func (s *safe) sources() secret.Sources { return secret.Sources{Env: os.LookupEnv, Store: s} }
