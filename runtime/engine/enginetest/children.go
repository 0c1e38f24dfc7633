package enginetest

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

// testChildren kills, stops and freezes processes while runs have children, and
// those children of their own. Whatever happens, each child has one end and one
// parent, who hears of it, and none outlives that.
func testChildren(b *bench) {
	const rounds = 12
	random := rand.New(rand.NewPCG(3, 4))
	b.boot()
	b.boot()
	b.pass(settled)
	var ids []string
	cancelled := 0
	for range rounds {
		b.vendor.takes(time.Duration(random.IntN(8000)) * time.Millisecond)
		for range 6 {
			p := b.live[random.IntN(len(b.live))]
			if p.Ready() != nil {
				continue // it joined just now
			}
			ids = append(ids, p.start("family", map[string]any{}))
			b.pass(time.Duration(random.IntN(900)) * time.Millisecond)
		}
		if random.IntN(3) == 0 {
			id := ids[len(ids)-1]
			if b.cancel(id) {
				cancelled++
			}
		}
		b.harm(random)
		b.pass(time.Duration(random.IntN(60)) * time.Second)
	}
	how := b.ended(ids)
	all, again := b.calls()
	children := 0
	for _, id := range ids {
		children += b.family(id)
	}
	b.Logf("%d runs, %d of them cancelled, %d below them, %d calls, %d of them again: %v", len(ids), cancelled, children, all, again, how)
	if how["completed success"] == 0 || cancelled == 0 {
		b.Errorf("the runs ended as %v, want some completed and some cancelled", how)
	}
}

// cancel ends a run that has not ended, through some process.
func (b *bench) cancel(id string) bool {
	b.Helper()
	if b.summary(id).Status.Ended() {
		return false
	}
	return b.await(func(ctx context.Context) error { return b.live[0].Cancel(ctx, id, "enough") }) == nil
}

// family checks the runs below one that has ended, and returns how many there are.
func (b *bench) family(id string) int {
	b.Helper()
	page, err := b.reader.Runs(b.Context(), journal.Filter{Parent: id, Limit: 1000})
	b.ok(err)
	events, err := b.reader.Events(b.Context(), id)
	b.ok(err)
	ends := map[string]run.Status{}
	for _, e := range events {
		if end, ok := e.(run.ChildEnded); ok && end.Run != "" {
			if _, twice := ends[end.Run]; twice {
				b.Errorf("run %s heard twice of its child %s", id, end.Run)
			}
			ends[end.Run] = end.Status
		}
	}
	n := len(page.Runs)
	for _, s := range page.Runs {
		if journal.ShardOf(s.ID) != journal.ShardOf(id) {
			b.Errorf("run %s has the child %s in another shard", id, s.ID)
		}
		if !s.Status.Ended() {
			b.Errorf("run %s has ended, and its child %s is %s", id, s.ID, s.Status)
		}
		if heard, ok := ends[s.ID]; !ok || heard != s.Status {
			b.Errorf("child %s is %s, and its parent heard %q", s.ID, s.Status, heard)
		}
		b.whole(s.ID)
		n += b.family(s.ID)
	}
	return n
}
