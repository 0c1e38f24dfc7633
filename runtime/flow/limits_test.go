package flow_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/yamldoc"
)

const head = "flow: large\nvariables: { v: 1 }\nnodes:\n  n: { type: webhook, with: { path: /a }, next: n0 }\n"

// repeated writes a flow with many of a line.
func repeated(before, format string, times int, after string) string {
	var b strings.Builder
	b.WriteString(head + before)
	for i := range times {
		fmt.Fprintf(&b, format, i)
	}
	return b.String() + after
}

// TestLarge: flows as large as they may be are checked without a mistake, and
// one that is larger is told so.
func TestLarge(t *testing.T) {
	t.Parallel()
	const most = yamldoc.MaxEntries
	for name, tt := range map[string]struct{ src, want string }{
		"nodes":          {repeated("", "  n%d: { type: log, with: { message: hi } }\n", most-1, ""), ""},
		"too many nodes": {repeated("", "  n%d: { type: log, with: { message: hi } }\n", most, ""), "the mapping has 5001 entries, expected 5000 at most"},
		"outputs":        {repeated("  n0:\n    type: evaluate\n    with:\n      outputs:\n", "        k%d: $(v)\n", 3000, ""), ""},
		"too many outputs": {
			repeated("  n0:\n    type: evaluate\n    with:\n      outputs:\n", "        k%d: $(v)\n", most, ""),
			"outputs: schema: the schema holds 5002 objects, expected 4000 at most",
		},
		"too many properties": {
			repeated("  n0:\n    type: wait\n    with:\n      name: n\n      key: k\n      data:\n        properties:\n", "          k%d: {}\n", most, ""),
			"the schema holds 5002 objects, expected 4000 at most",
		},
		"branches": {
			repeated("  n0:\n    type: evaluate\n    with:\n      branches:\n", "        - { when: v == 1, outcome: o%d }\n", 1500, "    outcomes: { else: n1 }\n  n1: { type: log, with: { message: hi } }\n"),
			"",
		},
		"templates":          {repeated("  n0: { type: log, with: { message: '", "%d$(v) ", 999, "' } }\n"), ""},
		"too many templates": {repeated("  n0: { type: log, with: { message: '", "%d$(v) ", 1001, "' } }\n"), "the text is cut into 2003 pieces by its templates, expected 2000 at most"},
		"mistakes":           {repeated("", "  n%d: { type: log, with: { message: $(nothing) } }\n", 1100, ""), "the rest of the flow is not checked, 1000 mistakes are enough"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, mistakes := flow.Load("large.yaml", []byte(tt.src), config(t))
			err := mistakes.Err()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Load: %.400v, want %q", err, tt.want)
			}
			if d := flow.Check("large.yaml", []byte(tt.src), config(t)); d.Mistakes.HasErrors() != (tt.want != "") {
				t.Errorf("Check: %.400v, want %q", d.Mistakes.Err(), tt.want)
			}
		})
	}
}
