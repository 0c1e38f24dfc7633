package flowtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/wendflow/wend/runtime/casefile"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

// outside is the other side of all calls: it answers them from the file, and
// says which were not expected. It is an engine.Caller.
type outside struct {
	clock    *clock.Virtual
	settings map[string]map[string]any
	expected []exchange

	mu      sync.Mutex
	waiting []*asked // of one moment, and not answered yet
	asked   []*asked // answered, in order
}

// asked is a call that the run made.
type asked struct {
	outbound.Request
	entry int // of expected that it was taken for; -1: none
	again int // that it would be if that had a reply more; -1: none
	reply reply
}

var _ engine.Caller = (*outside)(nil)

// Settings are those that the test gives a connection.
func (o *outside) Settings(connection string) map[string]any { return o.settings[connection] }

// Do answers a call. Calls that are made side by side are looked at together,
// and in the same order each time: else it would be left to chance which of two
// to the same address gets which reply.
func (o *outside) Do(ctx context.Context, r outbound.Request) wire.Reply {
	a := &asked{Request: r}
	o.mu.Lock()
	o.waiting = append(o.waiting, a)
	o.mu.Unlock()
	if err := clock.Sleep(ctx, o.clock, 0); err != nil { // until all have asked
		return interrupted(err)
	}
	o.mu.Lock()
	o.answer()
	o.mu.Unlock()
	limit := outbound.DefaultTimeout
	if r.Timeout > 0 {
		limit = min(limit, r.Timeout)
	}
	takes := a.reply.after
	if a.reply.Failure == wire.Timeout && takes == 0 || takes > limit {
		takes = limit
	}
	if takes > 0 {
		if err := clock.Sleep(ctx, o.clock, takes); err != nil {
			return interrupted(err)
		}
	}
	if a.reply.after > limit {
		return wire.Reply{Failure: wire.Timeout, Message: fmt.Sprintf("no reply within %s", limit)}
	}
	return a.reply.Reply
}

func interrupted(err error) wire.Reply {
	return wire.Reply{Failure: wire.Interrupted, Message: err.Error()}
}

func (o *outside) answer() {
	slices.SortStableFunc(o.waiting, func(a, b *asked) int {
		return cmp.Or(strings.Compare(a.Call.URL, b.Call.URL), strings.Compare(a.Call.Method, b.Call.Method), strings.Compare(wire.Fingerprint(a.Call), wire.Fingerprint(b.Call)))
	})
	for _, a := range o.waiting {
		a.entry, a.again = o.entryFor(a.Call)
		if a.entry < 0 {
			a.reply.Reply = wire.Reply{Failure: wire.Refused, Message: "the test has no reply for this call"}
		} else {
			a.reply = o.expected[a.entry].replies[o.used(a.entry)]
		}
		o.asked = append(o.asked, a)
	}
	o.waiting = nil
}

// entryFor chooses among the calls that are expected still, in the order of the
// file: one that is all like this one; else one to the same address; else the
// next, from which it then differs. A call that has been made as often as it was
// expected is none of them.
func (o *outside) entryFor(call wire.Call) (entry, again int) {
	next, addressed := -1, -1
	again = -1
	for i, x := range o.expected {
		open, fits := o.used(i) < len(x.replies), x.expect.Addressed(call)
		switch {
		case open && fits && x.expect.Fits(call):
			return i, -1
		case open && fits && addressed < 0:
			addressed = i
		case fits && !open:
			again = i
		}
		if open && next < 0 {
			next = i
		}
	}
	switch {
	case addressed >= 0:
		return addressed, -1
	case again >= 0:
		return -1, again
	}
	return next, -1
}

func (o *outside) used(entry int) int {
	n := 0
	for _, a := range o.asked {
		if a.entry == entry {
			n++
		}
	}
	return n
}

// rewind forgets the calls that were made after a crash: of each key as many
// stay as kept says. Later ones of a key are those of later attempts.
func (o *outside) rewind(kept map[string]int) {
	left := o.asked[:0:0]
	for _, a := range o.asked {
		if kept[a.Key] > 0 {
			kept[a.Key]--
			left = append(left, a)
		}
	}
	o.asked, o.waiting = left, nil
}

// compare tells how the calls differ from those that were expected.
func (o *outside) compare(d *casefile.Differ, c *Case) {
	over := make([]int, len(o.expected))
	for i, a := range o.asked {
		what := fmt.Sprintf("call %d", i+1)
		switch {
		case a.entry >= 0:
			d.Call(what, o.expected[a.entry].expect, a.Call)
		case a.again >= 0:
			over[a.again]++
		default:
			o.unexpected(d, c, what, a.Call)
		}
	}
	for i, n := range over {
		if n > 0 {
			x := o.expected[i]
			d.Errorf(x.pos, "this call was made %s, expected %d", times(n+len(x.replies)), len(x.replies)).
				Hint = `if that is meant, give each a reply, under "replies"`
		}
	}
	for i, x := range o.expected {
		if n := o.used(i); n == 0 {
			d.Errorf(x.pos, "this call was not made")
		} else if n < len(x.replies) {
			d.Errorf(x.pos, "this call was made %s, expected %d", times(n), len(x.replies))
		}
	}
}

func (o *outside) unexpected(d *casefile.Differ, c *Case, what string, call wire.Call) {
	at, hint := c.callsPos, ""
	if at.Line == 0 {
		at, hint = c.Pos, `say what is replied under "calls", or how the node leaves under "nodes"`
	}
	d.Errorf(at, "%s, %s %s, is not expected", what, call.Method, call.URL).Hint = hint
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
