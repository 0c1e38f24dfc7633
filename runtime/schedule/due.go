package schedule

import (
	"encoding/binary"
	"hash/fnv"
	"time"

	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
)

const (
	// grace is how late a tick may be to be on time: a restart takes a while.
	grace = time.Minute
	// most is how many ticks of one schedule may be pending, and how many of
	// those that were missed have a run.
	most = 100
	// counted is how many ticks are looked at after a long time away.
	counted = 1000
)

// due is a tick that is to have a run.
type due struct {
	at     time.Time
	missed int       // how many just before it are to have none
	before time.Time // the last of those; zero: there are none
}

// left are ticks that are to have no run.
type left struct {
	why   fact.LeftOut
	ticks []time.Time
}

// take adds to what is pending the ticks that have come since the last look. What
// another server has done by now is no more. It returns when the next one comes.
func (one *schedule) take(at journal.Tick, now time.Time) (next time.Time, out []left) {
	if at.At.After(one.until) {
		one.until = at.At
	}
	for len(one.pending) > 0 && !one.pending[0].at.After(at.At) {
		one.pending = one.pending[1:]
	}
	ticks := one.Plan.Last(one.until, now, counted+1)
	for i, t := range ticks {
		if moment := t.Add(one.delay(t)); moment.After(now) {
			ticks, next = ticks[:i], moment
			break
		}
	}
	if len(ticks) > 0 {
		one.until = ticks[len(ticks)-1]
	}
	if next.IsZero() {
		next = one.Plan.Next(one.until)
		next = next.Add(one.delay(next))
	}
	return next, one.add(ticks, at.Seen, now)
}

// add puts ticks behind what is pending, and returns those that are left out.
func (one *schedule) add(ticks []time.Time, seen, now time.Time) (out []left) {
	first := 0 // those before were seen in time, and waited
	for first < len(ticks) && !ticks[first].After(seen) {
		first++
	}
	last := first // those behind are on time
	for last < len(ticks) && now.Sub(ticks[last].Add(one.delay(ticks[last]))) > grace {
		last++
	}
	kept := last
	switch one.Missed {
	case node.MissedSkip:
	case node.MissedOnce:
		kept = max(first, last-1)
	case node.MissedAll:
		kept = max(first, last-most)
	}
	for _, t := range ticks[:first] {
		one.pending = append(one.pending, due{at: t})
	}
	missed := ticks[first:kept]
	if len(missed) > 0 {
		out = append(out, left{fact.Missed, missed})
	}
	for _, t := range ticks[kept:] {
		tick := due{at: t}
		if n := len(missed); n > 0 {
			tick.missed, tick.before, missed = n, missed[n-1], nil
		}
		one.pending = append(one.pending, tick)
	}
	if n := len(one.pending) - most; n > 0 {
		var many []time.Time
		for _, d := range one.pending[:n] {
			many = append(many, d.at)
		}
		one.pending = one.pending[n:]
		one.pending[0].before = many[n-1]
		out = append(out, left{fact.TooMany, many})
	}
	return out
}

// waiting is until when all that ticked is pending.
func (one *schedule) waiting() time.Time {
	last := one.pending[0].at
	for _, d := range one.pending[1:] {
		if d.missed > 0 {
			break
		}
		last = d.at
	}
	return last
}

// delay is by how much a tick is put off: not the same for two schedules, or for
// two ticks of one, and the same on each server.
func (one *schedule) delay(tick time.Time) time.Duration {
	if one.Jitter <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(one.name))
	_ = binary.Write(h, binary.BigEndian, tick.Unix())
	return time.Duration(h.Sum64() % uint64(one.Jitter))
}
