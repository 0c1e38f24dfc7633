package telemetry

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/wendflow/wend/runtime/fact"
)

// other stands for all names above the bound.
const other = "other"

// names are the distinct values of a label, no more than there may be. It is
// safe for concurrent use.
type names struct {
	most int

	mu    sync.RWMutex
	known map[string]string // to the label
}

func newNames(most int) *names { return &names{most: most, known: map[string]string{"": ""}} }

// of returns the label of a name.
func (n *names) of(name string) string {
	n.mu.RLock()
	label, ok := n.known[name]
	full := len(n.known) > n.most
	n.mu.RUnlock()
	switch {
	case ok:
		return label
	case full:
		return other
	default:
		return n.add(name)
	}
}

func (n *names) add(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.known) > n.most {
		return other
	}
	n.known[name] = strings.ToValidUTF8(name, "�")
	return n.known[name]
}

// classOf names a class of statuses, such as 2xx for 2.
func classOf(class int) string {
	if class >= 1 && class <= 5 {
		return strconv.Itoa(class) + "xx"
	}
	return other
}

// statusOf is a status that the standards know, or its class: a vendor may
// answer with any number.
func statusOf(status int) string {
	switch {
	case status == 0:
		return ""
	case http.StatusText(status) != "":
		return strconv.Itoa(status)
	default:
		return classOf(status / 100)
	}
}

func refusalOf(f fact.StartRefused) string {
	if f.Later {
		return "not_ready"
	}
	return "failed"
}

// reasons why requests to webhooks are refused, by the status of the answer.
var reasons = map[int]string{
	http.StatusBadRequest:            "body",
	http.StatusUnauthorized:          "unverified",
	http.StatusNotFound:              "unknown_path",
	http.StatusMethodNotAllowed:      "method",
	http.StatusConflict:              "dedupe_key",
	http.StatusRequestEntityTooLarge: "too_large",
	http.StatusUnsupportedMediaType:  "content_type",
	http.StatusTooManyRequests:       "rate",
	http.StatusServiceUnavailable:    "busy",
}

func reasonOf(f fact.HookRefused) string {
	if f.Flow == "" && f.Status == http.StatusUnauthorized {
		return "unknown_path" // which looks like the other from outside
	}
	if reason, ok := reasons[f.Status]; ok {
		return reason
	}
	return other
}
