package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// hooks are the webhooks of one set of flows.
type hooks struct {
	set    *catalog.Set
	byPath map[string]*hook // as catalog.CleanPath has it
	// schemes are those in which the webhooks that check callers ask for proof.
	schemes []string
	guarded bool // there is one that does
}

// hook is one webhook, ready to be called.
type hook struct {
	flow   *flow.Flow
	node   *flow.Node
	path   string
	accept bool          // answer when the run is on record
	verify string        // connection that checks callers, or ""
	proof  string        // the header that it reads
	dedupe time.Duration // how long a key is held; 0: there is no key
	body   *node.Schema  // nil: any object will do
}

func newHooks(set *catalog.Set, v Verifier, log *slog.Logger) *hooks {
	h := &hooks{set: set, byPath: map[string]*hook{}}
	for _, found := range set.Hooks() {
		made, err := newHook(found)
		if err != nil {
			log.Error("webhook is not served", "flow", found.Flow.Name, "node", found.Node.ID, "error", err)
			continue
		}
		h.byPath[found.Path] = made
		h.guarded = h.guarded || made.verify != ""
		if made.verify == "" || v == nil {
			continue
		}
		var scheme string
		if made.proof, scheme = v.Proof(made.verify); scheme != "" {
			h.schemes = append(h.schemes, scheme)
		}
	}
	slices.Sort(h.schemes)
	h.schemes = slices.Compact(h.schemes)
	return h
}

func newHook(found catalog.Hook) (*hook, error) {
	in, err := found.Node.Eval(expand.Env{})
	if err != nil {
		return nil, err
	}
	h := &hook{flow: found.Flow, node: found.Node, path: found.Path, accept: in["reply"] == "accept"}
	h.verify, _ = in["verify"].(string)
	if dedupe, ok := in["dedupe"].(map[string]any); ok {
		if h.dedupe, err = lifetime(dedupe["for"]); err != nil {
			return nil, err
		}
	}
	if schema, ok := in["body"].(map[string]any); ok {
		if h.body, err = node.NewSchema(schema); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// output is what the trigger gives to the run: the properties of the body, and
// the request.
func (h *hook) output(body any, request map[string]any) (map[string]any, error) {
	if _, ok := body.(map[string]any); !ok {
		return nil, Invalid([]node.Problem{{Msg: "expected an object"}})
	}
	if wrong := h.body.Validate(body); wrong != nil {
		return nil, Invalid(wrong)
	}
	output := maps.Clone(h.body.WithDefaults(body.(map[string]any)))
	output["request"] = request
	return output, nil
}

// Invalid is the problem of a body that does not fit its schema.
func Invalid(wrong []node.Problem) *problem.Problem {
	p := problem.New(http.StatusBadRequest, "the body does not fit")
	for _, w := range wrong {
		message := node.Problem{Msg: w.Msg, Hint: w.Hint}.String()
		p.Errors = append(p.Errors, problem.Field{Field: strings.Join(w.Path, "."), Message: message})
	}
	return p
}

// remembered is how long a request is remembered that does not say.
const remembered = 24 * time.Hour

func lifetime(v any) (time.Duration, error) {
	text, ok := v.(string)
	if !ok {
		return remembered, nil
	}
	return yamldoc.ParseDuration(text)
}

// dedupeKey is what makes the request the same as another; "" if the webhook
// takes each for new. A request without a key would escape what the webhook
// promises, so it is refused; log gets why, for the flow's author.
func (h *hook) dedupeKey(output map[string]any, now time.Time, log *slog.Logger) (string, error) {
	if h.dedupe == 0 {
		return "", nil
	}
	key, err := h.evalKey(output, now)
	switch key := key.(type) {
	case nil:
	case string:
		if key != "" {
			return key, nil
		}
	default:
		if text, err := json.Marshal(key); err == nil {
			return string(text), nil
		}
	}
	p := problem.New(http.StatusBadRequest, "the request has no dedupe key, which this webhook demands")
	var failed *expand.Error
	if errors.As(err, &failed) {
		p.Detail += fmt.Sprintf(": %q cannot be read from it", failed.Expr)
	}
	log.Info("webhook refused", "flow", h.flow.Name, "node", h.node.ID, "problem", p, "error", err)
	return "", p
}

func (h *hook) evalKey(output map[string]any, now time.Time) (any, error) {
	names := maps.Clone(h.flow.Variables)
	names["flow"] = map[string]any{"name": h.flow.Name, "digest": h.flow.Digest}
	names[h.node.ID] = output
	in, err := h.node.Eval(expand.Env{Names: names, Now: now})
	if err != nil {
		return nil, err
	}
	dedupe, _ := in["dedupe"].(map[string]any)
	key, ok := dedupe["key"].(node.Late)
	if !ok {
		return nil, nil
	}
	return key.Eval(nil)
}

// Check reports the webhooks that demand a connection which cannot check
// callers, as verifies knows. connections are the names that there are, for suggestions.
func Check(set *catalog.Set, verifies func(connection string) bool, connections []string) diag.List {
	var list diag.List
	for _, found := range set.Hooks() {
		h, err := newHook(found)
		if err != nil || h.verify == "" || verifies(h.verify) {
			continue
		}
		if slices.Contains(connections, h.verify) {
			list.Errorf(h.node.Pos, diag.UnknownConnection, "webhook %q: connection %q cannot check callers", h.node.ID, h.verify).
				Hint = `one of type "hmac", "basic", "bearer" or "api-key" with a header can`
			continue
		}
		list.Errorf(h.node.Pos, diag.UnknownConnection, "webhook %q: no connection %q in the configuration", h.node.ID, h.verify).
			Hint = diag.Suggest(h.verify, connections)
	}
	return list
}

// ByHand makes the output of a trigger from a JSON body that came without a
// webhook's request: by `wend run --input` or through the API. An object under
// "request" stands for the request; without it the request is empty. The error
// is a *problem.Problem.
func ByHand(f *flow.Flow, trigger *flow.Node, raw []byte) (map[string]any, error) {
	body, err := ParseJSON(raw)
	if err != nil {
		return nil, err
	}
	h, err := newHook(catalog.Hook{Flow: f, Node: trigger})
	if err != nil {
		return nil, fmt.Errorf("webhook %q of flow %q: %w", trigger.ID, f.Name, err)
	}
	request := map[string]any{"headers": map[string]any{}, "query": map[string]any{}, "method": http.MethodPost, "path": ""}
	if object, ok := body.(map[string]any); ok {
		given, _ := object["request"].(map[string]any)
		maps.Copy(request, given)
		delete(object, "request")
	}
	output, err := h.output(body, request)
	if err != nil {
		return nil, err
	}
	if wrong := trigger.Outputs.Validate(output); wrong != nil {
		return nil, Invalid(wrong)
	}
	return output, nil
}
