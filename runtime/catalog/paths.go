package catalog

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/wendflow/wend/runtime/route"
)

// serve adds webhooks that clash with none of the set.
func (s *Set) serve(hooks []Hook) {
	s.hooks = append(s.hooks, hooks...)
	for _, h := range hooks {
		s.near[nearness(h)] = append(s.near[nearness(h)], h)
	}
}

// nearness is what the paths of webhooks have in common that might take the same
// requests, neither being meant: all of it, or with names in it their length. A
// path without names says more than any with.
func nearness(h Hook) string {
	if len(h.Path.Names()) == 0 {
		return h.Path.String()
	}
	return fmt.Sprintf("{} %d", h.Path.Len())
}

// clash says which webhook, of another flow of the set or among others, takes
// requests that h would take; "" if each request has one that is meant.
func (s *Set) clash(h Hook, others []Hook) string {
	served := slices.DeleteFunc(slices.Clone(s.near[nearness(h)]), func(other Hook) bool { return other.Flow.Name == h.Flow.Name })
	for _, other := range slices.Concat(served, others) {
		if _, ok := route.Order(h.Path, other.Path); ok || !shareMethod(h, other) {
			continue
		}
		path, node, flow, place := "/"+h.Path.String(), other.Node.ID, other.Flow.Name, other.Node.Pos
		if h.Path.String() == other.Path.String() {
			return fmt.Sprintf("webhook path %q is served by node %q of flow %q already (%s)", path, node, flow, place)
		}
		return fmt.Sprintf("webhook paths %q and %q of node %q of flow %q (%s) fit the same requests, and neither says more",
			path, "/"+other.Path.String(), node, flow, place)
	}
	return ""
}

// shareMethod tells whether there is a method of which both take requests, be it
// for a handshake.
func shareMethod(a, b Hook) bool {
	for _, method := range slices.Concat(a.Methods, b.Methods, []string{http.MethodGet, http.MethodPost}) {
		if a.Reads(method) && b.Reads(method) {
			return true
		}
	}
	return false
}
