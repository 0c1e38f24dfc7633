package nodes_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/route"
)

// compile compiles a flow whose first node is n1, with what is given.
func compile(t *testing.T, n1 string) *flow.Flow {
	t.Helper()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	src := "flow: f\nvariables: { prefix: order }\nnodes:\n  n1: " + n1 + "\n  n2: { type: end }\n"
	f, mistakes := flow.Load("f.yaml", []byte(src), flow.Config{Types: types})
	if f == nil {
		t.Fatal(mistakes)
	}
	return f
}

func path(text string) route.Route {
	r, err := route.Parse(text)
	if err != nil {
		panic(err)
	}
	return r
}

var usual = []node.BodyKind{node.BodyJSON, node.BodyForm}

// What has no fields to see is compared by what it says.
var (
	routes  = cmp.Comparer(func(a, b route.Route) bool { return a.String() == b.String() })
	schemas = cmp.Comparer(func(a, b *node.Schema) bool { return cmp.Equal(a.Raw(), b.Raw()) })
)

func TestTriggers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		n1   string
		want node.Trigger
		key  any    // of dedupe
		plan string // of a schedule
	}{
		"a path": {n1: `{ type: webhook, with: { path: /a/b }, next: n2 }`, want: &node.Hook{Path: path("/a/b"), Methods: []string{"POST"}, Takes: usual}},
		"by methods": {
			n1:   `{ type: webhook, with: { path: /a, methods: [PUT, GET] }, next: n2 }`,
			want: &node.Hook{Path: path("/a"), Methods: []string{"GET", "PUT"}, Takes: usual},
		},
		"with names in the path": {
			n1: `{ type: webhook, with: { path: "/a/{id}/{part}", params: { properties: { id: { type: integer } } } }, next: n2 }`,
			want: &node.Hook{Path: path("/a/{id}/{part}"), Methods: []string{"POST"}, Takes: usual, Params: node.MustSchema(m{
				"type": "object", "properties": m{"id": m{"type": "integer"}, "part": m{"type": "string"}},
				"required": []any{"id", "part"}, "additionalProperties": false,
			})},
		},
		"a list": {
			n1:   `{ type: webhook, with: { path: /a, body: { type: array }, raw: text }, next: n2 }`,
			want: &node.Hook{Path: path("/a"), Methods: []string{"POST"}, Takes: []node.BodyKind{node.BodyJSON}, Whole: true, Body: node.MustSchema(m{"type": "array"}), Raw: node.RawText},
		},
		"a text": {
			n1:   `{ type: webhook, with: { path: /a, accepts: [text] }, next: n2 }`,
			want: &node.Hook{Path: path("/a"), Methods: []string{"POST"}, Takes: []node.BodyKind{node.BodyText}, Whole: true, Body: node.MustSchema(m{"type": "string"})},
		},
		"a string": {
			n1:   `{ type: webhook, with: { path: /a, body: { type: string } }, next: n2 }`,
			want: &node.Hook{Path: path("/a"), Methods: []string{"POST"}, Takes: []node.BodyKind{node.BodyText}, Whole: true, Body: node.MustSchema(m{"type": "string"})},
		},
		"XML": {
			n1:   `{ type: webhook, with: { path: /a, accepts: [xml] }, next: n2 }`,
			want: &node.Hook{Path: path("/a"), Methods: []string{"POST"}, Takes: []node.BodyKind{node.BodyXML}},
		},
		"waited for": {
			n1:   `{ type: webhook, with: { path: /a, reply: wait, verify: sms }, next: n2 }`,
			want: &node.Hook{Path: path("/a"), Methods: []string{"POST"}, Takes: usual, Verify: "sms"},
		},
		"accepted": {n1: `{ type: webhook, with: { path: /a, reply: accept }, next: n2 }`, want: &node.Hook{Path: path("/a"), Methods: []string{"POST"}, Takes: usual, Accept: true}},
		"an event": {
			n1:   `{ type: event, with: { name: order-created }, next: n2 }`,
			want: &node.Event{Name: "order-created"},
		},
		"an event of one key": {
			n1:   `{ type: event, with: { name: order-created, key: "7" }, next: n2 }`,
			want: &node.Event{Name: "order-created", Key: "7"},
		},
		"each morning": {
			n1:   `{ type: schedule, with: { cron: 0 7 * * *, timezone: Europe/Zurich }, next: n2 }`,
			want: &node.Schedule{Missed: node.MissedSkip, Overlap: node.OverlapSkip}, plan: "0 7 * * * Europe/Zurich",
		},
		"every quarter of an hour": {
			n1:   `{ type: schedule, with: { every: 15m, missed: once, overlap: allow, jitter: 1m }, next: n2 }`,
			want: &node.Schedule{Missed: node.MissedOnce, Overlap: node.OverlapAllow, Jitter: time.Minute}, plan: "every 15m0s",
		},
		"all that were missed, one after the other": {
			n1:   `{ type: schedule, with: { cron: 0 7 * * *, missed: all }, next: n2 }`,
			want: &node.Schedule{Missed: node.MissedAll, Overlap: node.OverlapQueue}, plan: "0 7 * * * UTC",
		},
		"once a day": {
			n1:   `{ type: webhook, with: { path: /a, dedupe: { key: $(n1.id) } }, next: n2 }`,
			want: &node.Hook{Path: path("/a"), Methods: []string{"POST"}, Takes: usual, Dedupe: &node.Dedupe{For: 24 * time.Hour}}, key: 7,
		},
		"once in two days, by more": {
			n1:   `{ type: webhook, with: { path: /a, dedupe: { key: $(prefix)-$(n1.id)-$(flow.name)-$(now()), for: 2d } }, next: n2 }`,
			want: &node.Hook{Path: path("/a"), Methods: []string{"POST"}, Takes: usual, Dedupe: &node.Dedupe{For: 48 * time.Hour}}, key: "order-7-f-2026-11-20T08:00:00Z",
		},
		"once by a fixed key": {
			n1:   `{ type: webhook, with: { path: /a, dedupe: { key: only } }, next: n2 }`,
			want: &node.Hook{Path: path("/a"), Methods: []string{"POST"}, Takes: usual, Dedupe: &node.Dedupe{For: 24 * time.Hour}}, key: "only",
		},
		"once, failed or not, whatever the body": {
			n1:   `{ type: webhook, with: { path: /a, dedupe: { key: only, keep: always, mismatch: ignore } }, next: n2 }`,
			want: &node.Hook{Path: path("/a"), Methods: []string{"POST"}, Takes: usual, Dedupe: &node.Dedupe{For: 24 * time.Hour, Keep: true, AnyBody: true}}, key: "only",
		},
		"once for each body": {
			n1:   `{ type: webhook, with: { path: /a, dedupe: { key: only, keep: success, mismatch: start } }, next: n2 }`,
			want: &node.Hook{Path: path("/a"), Methods: []string{"POST"}, Takes: usual, Dedupe: &node.Dedupe{For: 24 * time.Hour, Start: true}}, key: "only",
		},
		"once, or refused": {
			n1:   `{ type: webhook, with: { path: /a, dedupe: { key: only, mismatch: refuse } }, next: n2 }`,
			want: &node.Hook{Path: path("/a"), Methods: []string{"POST"}, Takes: usual, Dedupe: &node.Dedupe{For: 24 * time.Hour}}, key: "only",
		},
		"by hand": {n1: `{ type: manual, next: n2 }`, want: &node.Manual{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := compile(t, test.n1)
			got := f.Triggers[0].Trigger
			if d := cmp.Diff(test.want, got, cmpopts.IgnoreFields(node.Dedupe{}, "Key"), cmpopts.IgnoreFields(node.Schedule{}, "Plan"), routes, schemas); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			if s, ok := got.(*node.Schedule); ok && s.Plan.String() != test.plan {
				t.Errorf("plan %q, want %q", s.Plan, test.plan)
			}
			if test.key == nil {
				return
			}
			key, err := got.(*node.Hook).Dedupe.Key.Eval(f.NamesBefore("n1", m{"id": 7}), time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC))
			if err != nil {
				t.Fatal(err)
			}
			diff(t, test.key, key)
		})
	}
}
