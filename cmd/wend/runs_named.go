package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/wendflow/wend/runtime/problem"
)

// named asks about the run with the id name. If there is none, name may be the
// begin or the end of an id, or else the key of a run. Of several it prints the
// list, and fails.
func (r *remote) named(ctx context.Context, std *streams, name string, asJSON bool, ask func(id string) error) error {
	err := ask(name)
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Status != http.StatusNotFound {
		return err
	}
	have := fmt.Sprintf("have ids that begin or end with %q", name)
	raw, more, failed := r.shortened(ctx, name)
	if failed == nil && len(raw) == 0 {
		have = fmt.Sprintf("have the key %q", name)
		raw, more, failed = r.keyed(ctx, name)
	}
	switch {
	case failed != nil:
		return failed
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
		return wrongf("more than %d runs %s: say one by its id, or look for it with wend runs list", len(runs), have)
	}
	return wrongf("%d runs %s: say one by its id", len(runs), have)
}

var partOfID = regexp.MustCompile(`^[0-9a-f-]{4,35}$`)

// shortened returns the runs whose ids begin or end with text, and tells whether
// there may be more.
func (r *remote) shortened(ctx context.Context, text string) (runs []json.RawMessage, more bool, err error) {
	if !partOfID.MatchString(text) {
		return nil, false, nil
	}
	const most = 20
	raw, err := r.ask(ctx, http.MethodGet, "/api/v1/runs?"+url.Values{"id": {text}, "limit": {strconv.Itoa(most)}}.Encode(), nil)
	if err != nil {
		return nil, false, err
	}
	var page struct{ Runs []json.RawMessage }
	if err := json.Unmarshal(raw, &page); err != nil {
		return nil, false, wrongf("the server's list of runs: %w", err)
	}
	return page.Runs, len(page.Runs) == most, nil
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

// served fails if the server has never had a flow of that name: that is why nothing
// was found of it. Of no name it asks nothing.
func (r *remote) served(ctx context.Context, flow string) error {
	if flow == "" {
		return nil
	}
	_, err := r.ask(ctx, http.MethodGet, flowPath(flow, "versions"), nil)
	return err
}
