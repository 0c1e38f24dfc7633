package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/wendflow/wend/runtime/problem"
)

// named asks about the run with the id name or, if there is none, about the one
// that has name as its key. Of several it prints the list, and fails.
func (r *remote) named(ctx context.Context, std *streams, name string, asJSON bool, ask func(id string) error) error {
	err := ask(name)
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Status != http.StatusNotFound {
		return err
	}
	raw, more, found := r.keyed(ctx, name)
	switch {
	case found != nil:
		return found
	case len(raw) == 0:
		return err
	}
	runs := make([]runLine, len(raw))
	for i, one := range raw {
		if err := json.Unmarshal(one, &runs[i]); err != nil {
			return wrongf("the server's list of runs: %w", err)
		}
	}
	if len(runs) == 1 {
		return ask(runs[0].Run)
	}
	if asJSON {
		err = printJSON(std.out, map[string]any{"runs": raw})
	} else {
		err = printTable(std.out, runs)
	}
	if err != nil {
		return err
	}
	if more {
		return wrongf("more than %d runs have the key %q: say one by its id, or look for it with wend runs list --key", len(runs), name)
	}
	return wrongf("%d runs have the key %q: say one by its id", len(runs), name)
}

// keyed returns the newest runs that have a key, those of durable flows and then
// the others, and tells whether there are more.
func (r *remote) keyed(ctx context.Context, key string) (runs []json.RawMessage, more bool, err error) {
	for _, durable := range []string{"true", "false"} {
		raw, err := r.ask(ctx, http.MethodGet, "/api/v1/runs?"+url.Values{"key": {key}, "durable": {durable}}.Encode(), nil)
		if err != nil {
			return nil, false, err
		}
		var page struct {
			Runs []json.RawMessage
			Next string
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, false, wrongf("the server's list of runs: %w", err)
		}
		runs, more = slices.Concat(runs, page.Runs), more || page.Next != ""
	}
	return runs, more, nil
}
