package webhook

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/route"
)

// hooks are the webhooks of one set of flows.
type hooks struct {
	set *catalog.Set
	// byPath are those whose path has no names, and named the others: those that
	// say more come first.
	byPath map[string][]*hook
	named  []*hook
	// schemes are those in which the webhooks that check callers ask for proof.
	schemes []string
	signs   map[string]bool // connections whose key signs texts for anybody
	guarded bool            // there is one that does, or that knows its sender by a handshake
}

// hook is one webhook, ready to be called.
type hook struct {
	catalog.Hook
	name  string              // the flow's and the node's
	pages echo.MiddlewareFunc // for requests of pages of other sites; nil: it takes none
}

func newHooks(set *catalog.Set, v Verifier) *hooks {
	h := &hooks{set: set, byPath: map[string][]*hook{}, signs: map[string]bool{}}
	for _, found := range set.Hooks() {
		made := &hook{Hook: found, name: found.Flow.Name + "/" + found.Node.ID}
		if found.CORS != nil {
			made.pages = crossOrigin(found.Hook)
		}
		if path := found.Path.String(); len(found.Path.Names()) == 0 {
			h.byPath[path] = append(h.byPath[path], made)
		} else {
			h.named = append(h.named, made)
		}
		if shake := found.Handshake; shake != nil && shake.Type == node.HandshakeCRC {
			h.signs[shake.Connection] = true
		}
		h.guarded = h.guarded || found.Verify != "" || found.Handshake != nil && found.Handshake.Connection != ""
		if found.Verify == "" || v == nil {
			continue
		}
		if _, scheme := v.Proof(found.Verify); scheme != "" {
			h.schemes = append(h.schemes, scheme)
		}
	}
	slices.SortStableFunc(h.named, func(a, b *hook) int {
		return cmp.Compare(len(a.Path.Names()), len(b.Path.Names()))
	})
	slices.Sort(h.schemes)
	h.schemes = slices.Compact(h.schemes)
	return h
}

// call is a request on its way to a webhook.
type call struct {
	hook   *hook          // nil: no webhook takes it
	params map[string]any // what the names in the path stand for; nil if it has none
	raw    []byte
	proven outbound.Proven
	// others are the methods of webhooks that have the path, open ones before
	// others, if none takes the method. hook is one of these webhooks then.
	others []string
}

// find returns the webhook that a request is for, as one with a method.
func (h *hooks) find(r *http.Request, method string) call {
	path, ours := strings.CutPrefix(r.URL.EscapedPath(), Prefix)
	segments, err := route.Split(path)
	if err != nil || !ours {
		return call{}
	}
	var near call
	for _, candidate := range slices.Concat(h.byPath[strings.Join(segments, "/")], h.named) {
		params, fits := candidate.Path.Match(segments)
		if !fits {
			continue
		}
		switch {
		case slices.Contains(candidate.Methods, method):
			return call{hook: candidate, params: texts(params)}
		case candidate.Handshake.Reads(method):
			return call{hook: candidate, others: candidate.Methods} // unless it is one
		}
		near.add(candidate)
	}
	slices.Sort(near.others)
	near.others = slices.Compact(near.others)
	return near
}

// texts are those of a path as flows see them.
func texts(params map[string]string) map[string]any {
	if len(params) == 0 {
		return nil
	}
	seen := make(map[string]any, len(params))
	for name, text := range params {
		seen[name] = valid(text)
	}
	return seen
}

// add notes a webhook that has the path and another method. What takes anybody
// may be told to anybody; the methods of others only to who proves to one of
// them who they are.
func (c *call) add(h *hook) {
	if c.hook == nil || c.hook.Verify != "" && h.Verify == "" {
		c.hook, c.others = h, nil
	}
	if c.hook.Verify == h.Verify {
		c.others = append(c.others, h.Methods...)
	}
}

// remembered is how long a request is remembered by the id that its sender
// signed.
const remembered = 24 * time.Hour

// dedupe is what makes the request the same as another; zero if the webhook
// takes each for new. A request without a key would escape what the webhook
// promises, so it is refused; observers are told why, for the flow's author.
func (c call) dedupe(output map[string]any, body any, now time.Time) (journal.Dedupe, error) {
	h := c.hook
	if h.Dedupe == nil && c.proven.ID != "" {
		mark, err := Fingerprint(body)
		return journal.Dedupe{Scope: h.name, Key: short(c.proven.ID), For: remembered, Print: mark}, err
	}
	if h.Dedupe == nil {
		return journal.Dedupe{}, nil
	}
	key, err := h.dedupeKey(output, now)
	if err != nil {
		return journal.Dedupe{}, err
	}
	d := journal.Dedupe{Scope: h.name, Key: short(key), For: h.Dedupe.For, Keep: h.Dedupe.Keep}
	if h.Dedupe.AnyBody {
		return d, nil
	}
	mark, err := Fingerprint(body)
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
	return "", &refusal{error: p, why: err}
}

// Fingerprint tells bodies apart. It is of the data and not of the bytes, as the
// key is: 1.0 is 1, and blanks between fields say nothing.
func Fingerprint(body any) (string, error) {
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

// Abilities are what connections can do for webhooks, by their names.
type Abilities struct {
	Verify, Token, Sign func(connection string) bool
	// Connections are the names that there are, for suggestions.
	Connections []string
}

// Check reports the webhooks that demand a connection which is not there, or
// cannot do what is wanted of it.
func Check(set *catalog.Set, can Abilities) diag.List {
	var list diag.List
	demand := func(found catalog.Hook, name string, able func(string) bool, what, hint string) {
		switch {
		case able(name):
		case slices.Contains(can.Connections, name):
			list.Errorf(found.Node.Pos, diag.UnknownConnection, "webhook %q: connection %q cannot %s", found.Node.ID, name, what).Hint = hint
		default:
			list.Errorf(found.Node.Pos, diag.UnknownConnection, "webhook %q: no connection %q in the configuration", found.Node.ID, name).
				Hint = diag.Suggest(name, can.Connections)
		}
	}
	for _, found := range set.Hooks() {
		if found.Verify != "" {
			demand(found, found.Verify, can.Verify, "check callers", `one of type "hmac", "ed25519", "jwt", "mtls", "basic", "bearer" or "api-key" with a header can`)
		}
		shake := found.Handshake
		switch {
		case shake == nil || shake.Connection == "":
		case shake.Connection == found.Verify && !can.Verify(found.Verify): // that is told
		case shake.Type == node.HandshakeHub:
			demand(found, shake.Connection, can.Token, "check the token of a handshake",
				`one of type "hmac" with a secret verifyToken can, or one of type "bearer"`)
		default:
			demand(found, shake.Connection, can.Sign, "sign the answer to a handshake", `one of type "hmac" can`)
		}
	}
	return list
}
