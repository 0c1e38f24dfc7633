package webhook

import (
	"net/http"
	"regexp"
	"strings"
)

// Request is what a flow may know about a request: no credentials, since
// outputs are journaled and shown. The header named proof is one, whatever it
// is called. A parameter of the query that is given several times is a list.
func Request(r *http.Request, proof string) map[string]any {
	headers := map[string]any{}
	for name, values := range r.Header {
		if name == proof {
			continue
		}
		name = strings.ToLower(name)
		// A name with an underscore would pass for one with a hyphen.
		if secret(name) || strings.Contains(name, "_") {
			continue
		}
		headers[strings.ReplaceAll(name, "-", "_")] = joined(values)
	}
	query := map[string]any{}
	for name, values := range r.URL.Query() {
		list := make([]any, len(values))
		for i, text := range values {
			list[i] = valid(text)
		}
		query[valid(name)] = list
		if len(list) == 1 {
			query[valid(name)] = list[0]
		}
	}
	return map[string]any{
		"headers": headers, "query": query,
		"method": r.Method, "path": valid(r.URL.Path),
	}
}

func joined(values []string) string { return valid(strings.Join(values, ", ")) }

func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// secret tells by its name whether a header holds a credential or a signature,
// for those that no connection reads.
func secret(name string) bool {
	for _, word := range []string{"authorization", "cookie", "signature", "token", "secret", "password", "api-key", "apikey", "credential"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

var traceContext = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// traceParent returns the caller's W3C trace context, or "" if there is none
// that can be passed on.
func traceParent(r *http.Request) string {
	text := r.Header.Get("Traceparent")
	if !traceContext.MatchString(text) || strings.HasPrefix(text, "ff") {
		return ""
	}
	return text
}
