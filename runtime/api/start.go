package api

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/trigger"
	"github.com/wendflow/wend/runtime/webhook"
)

// startRun starts a run with the body as what its trigger gives, and answers
// when the run is on record.
func (s *Server) startRun(c echo.Context) error {
	f, err := s.findFlow(c, param(c, "flow"))
	if err != nil {
		return err
	}
	from, err := findTrigger(f, c.QueryParam("trigger"))
	if err != nil {
		return err
	}
	if err := webhook.DemandJSON(c.Request().Header); err != nil {
		return err
	}
	key, err := idempotencyKey(c.Request().Header)
	if err != nil {
		return err
	}
	raw, err := webhook.ReadBody(c, s.cfg.MaxBody)
	if err != nil {
		return err
	}
	output, err := trigger.ByHand(from, raw, trigger.Request{}, s.cfg.Clock.Now())
	if err != nil {
		return err
	}
	start := engine.Start{Flow: f, Trigger: from.ID, Output: output, Accepted: true}
	if key != "" {
		if start.Dedupe, err = keyed("api:"+f.Name+"/"+from.ID, key, raw); err != nil {
			return err
		}
	}
	started, repeated, err := s.cfg.Engine.Start(c.Request().Context(), start)
	if mismatch, ok := errors.AsType[*journal.MismatchError](err); ok {
		p := problem.New(http.StatusUnprocessableEntity,
			"a request with the same Idempotency-Key and another body came before: no run was made; give a new request a key of its own")
		p.Run = &problem.Run{ID: mismatch.Holder, Flow: f.Name}
		return p
	}
	if err != nil {
		return webhook.NotStarted(err)
	}
	if !repeated {
		return webhook.Accepted(c, started.ID, started.Began())
	}
	c.Response().Header().Set(webhook.RepeatedHeader, "true")
	return webhook.Accepted(c, started.ID, cmp.Or(started.Result().Status, run.Running))
}

// keysFor is how long the key of a start is known, whatever became of its run.
const keysFor = 24 * time.Hour

// keyed makes requests with one key and one body the same.
func keyed(scope, key string, raw []byte) (d journal.Dedupe, err error) {
	body, err := trigger.ParseJSON(raw)
	if err != nil {
		return d, err
	}
	mark, err := webhook.Fingerprint(body)
	return journal.Dedupe{Scope: scope, Key: key, Print: mark, For: keysFor, Keep: true}, err
}

const (
	keyHeader  = "Idempotency-Key"
	longestKey = 255 // bytes
)

// idempotencyKey reads what the header says: a string in quotes, as RFC 8941 has
// it and the header's draft demands, or the key alone, as most send it. It is ""
// if there is none.
func idempotencyKey(header http.Header) (string, error) {
	given := header.Values(keyHeader)
	text := strings.TrimSpace(header.Get(keyHeader))
	key, rest := text, ""
	if strings.HasPrefix(text, `"`) {
		key, rest = unquote(text)
	}
	switch {
	case text == "" && len(given) < 2:
		return "", nil
	case len(given) > 1:
		return "", problem.New(http.StatusBadRequest, "%s is given %d times, expected once", keyHeader, len(given))
	case rest != "":
		return "", problem.New(http.StatusBadRequest, "%s %q: expected one string in quotes, or a key without any", keyHeader, text)
	case key == "" || len(key) > longestKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }):
		return "", problem.New(http.StatusBadRequest, "%s %q: expected 1 to %d characters of ASCII", keyHeader, text, longestKey)
	}
	return key, nil
}

// unquote reads a string in quotes; rest is what is wrong, or comes after it.
func unquote(text string) (s, rest string) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return b.String(), text[i+1:]
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		case text[i] == '\\':
			return "", text
		default:
			b.WriteByte(text[i])
		}
	}
	return "", text // it has no end
}
