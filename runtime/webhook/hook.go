package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/problem"
)

// hooks are the webhooks of one set of flows.
type hooks struct {
	set    *catalog.Set
	byPath map[string]*hook
	// schemes are those in which the webhooks that check callers ask for proof.
	schemes []string
	guarded bool // there is one that does
}

// hook is one webhook, ready to be called.
type hook struct {
	catalog.Hook
}

func newHooks(set *catalog.Set, v Verifier) *hooks {
	h := &hooks{set: set, byPath: map[string]*hook{}}
	for _, found := range set.Hooks() {
		made := &hook{Hook: found}
		h.byPath[found.Path] = made
		h.guarded = h.guarded || found.Verify != ""
		if found.Verify == "" || v == nil {
			continue
		}
		if _, scheme := v.Proof(found.Verify); scheme != "" {
			h.schemes = append(h.schemes, scheme)
		}
	}
	slices.Sort(h.schemes)
	h.schemes = slices.Compact(h.schemes)
	return h
}

// dedupe is what makes the request the same as another; zero if the webhook
// takes each for new. A request without a key would escape what the webhook
// promises, so it is refused; observers are told why, for the flow's author.
func (h *hook) dedupe(output map[string]any, body any, now time.Time) (journal.Dedupe, error) {
	if h.Dedupe == nil {
		return journal.Dedupe{}, nil
	}
	key, err := h.dedupeKey(output, now)
	if err != nil {
		return journal.Dedupe{}, err
	}
	d := journal.Dedupe{Scope: h.Flow.Name + "/" + h.Node.ID, Key: short(key), For: h.Dedupe.For, Keep: h.Dedupe.Keep}
	if h.Dedupe.AnyBody {
		return d, nil
	}
	mark, err := fingerprint(body)
	if err != nil {
		return journal.Dedupe{}, err
	}
	if h.Dedupe.Start {
		d.Key = short(key + " " + mark)
	} else {
		d.Print = mark
	}
	return d, nil
}

func (h *hook) dedupeKey(output map[string]any, now time.Time) (string, error) {
	key, err := h.Dedupe.Key.Eval(h.Flow.NamesBefore(h.Node.ID, output), now)
	switch key := key.(type) {
	case nil:
	case string:
		if key != "" {
			return key, nil
		}
	default:
		if text, err := data.Text(key); err == nil {
			return text, nil
		}
	}
	p := problem.New(http.StatusBadRequest, "the request has no dedupe key, which this webhook demands")
	var failed *expand.Error
	if errors.As(err, &failed) {
		p.Detail += fmt.Sprintf(": %q cannot be read from it", failed.Expr)
	}
	if err == nil {
		return "", p
	}
	return "", &refusal{p, err}
}

// fingerprint tells bodies apart. It is of the data and not of the bytes, as the
// key is: 1.0 is 1, and blanks between fields say nothing.
func fingerprint(body any) (string, error) {
	text, err := data.JSON(body)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), nil
}

// longestKey is how long a key may be in the journal's index, in bytes. Of a
// longer one it has the hash.
const longestKey = 256

func short(key string) string {
	if len(key) <= longestKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Check reports the webhooks that demand a connection which cannot check
// callers, as verifies knows. connections are the names that there are, for suggestions.
func Check(set *catalog.Set, verifies func(connection string) bool, connections []string) diag.List {
	var list diag.List
	for _, found := range set.Hooks() {
		if found.Verify == "" || verifies(found.Verify) {
			continue
		}
		if slices.Contains(connections, found.Verify) {
			list.Errorf(found.Node.Pos, diag.UnknownConnection, "webhook %q: connection %q cannot check callers", found.Node.ID, found.Verify).
				Hint = `one of type "hmac", "basic", "bearer" or "api-key" with a header can`
			continue
		}
		list.Errorf(found.Node.Pos, diag.UnknownConnection, "webhook %q: no connection %q in the configuration", found.Node.ID, found.Verify).
			Hint = diag.Suggest(found.Verify, connections)
	}
	return list
}
