package run

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/fnv"

	"github.com/google/uuid"
)

// NumShards is how many parts all runs are divided into. It never changes.
const NumShards = 64

// ShardOf returns the shard, from 0, of a run. It never changes for an id.
func ShardOf(id string) int {
	h := fnv.New64a()
	h.Write([]byte(id))
	sum := h.Sum64()
	return int((sum ^ sum>>32) % NumShards) // the last bytes of id are in the low half
}

// Child returns the id of a child run of this parent. It is the same whoever asks
// and whenever, so that a child begins once, and of the parent's shard, so that
// one engine has both. It is a UUIDv7 of the time at which the children were
// started: their ids lie side by side.
func (e *ChildrenStarted) Child(parent string, index int) string {
	var id uuid.UUID
	seed := sha256.New()
	seed.Write([]byte(e.Seed(parent)))
	_ = binary.Write(seed, binary.BigEndian, int64(index))
	bits := seed.Sum(nil)
	shard := ShardOf(parent)
	for try := uint64(0); ; try++ {
		copy(id[:], bits)
		binary.BigEndian.PutUint64(id[8:], binary.BigEndian.Uint64(bits[8:])+try)
		stamp := uint64(e.At.At.UnixMilli()) << 16
		for i := range 6 {
			id[i] = byte(stamp >> (56 - 8*i))
		}
		id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
		if text := id.String(); ShardOf(text) == shard {
			return text
		}
	}
}

// shownChildren is how many child runs of an attempt a trace names, and how many
// of the others that failed.
const shownChildren = 100

// TraceChildren are the child runs of one attempt.
type TraceChildren struct {
	Count  int `json:"count"` // that were asked for
	Ended  int `json:"ended"`
	Failed int `json:"failed"` // of those that ended; cancelled ones are among them
	// Runs are the children that may have begun, by their indices. Of many they
	// are the first, and then some of the others that failed.
	Runs []TraceChild `json:"runs"`

	later int // failed ones behind the first
}

// TraceChild is one child run.
type TraceChild struct {
	Index   int    `json:"index"`
	Run     string `json:"run,omitempty"` // empty: it never began
	Status  Status `json:"status"`        // running until its end is known; failed if it never began
	Outcome string `json:"outcome,omitempty"`
	Code    string `json:"code,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// begin adds the children that may have begun by now.
func (t *TraceChildren) begin(run string, c *Children) {
	began := min(c.Began(), len(c.Ended)+c.Started.Most)
	for i := len(t.Runs) - t.later; i < min(began, shownChildren); i++ {
		t.Runs = append(t.Runs, TraceChild{Index: i, Run: c.Started.Child(run, i), Status: Running})
	}
}

func (t *TraceChildren) end(e ChildEnded) {
	one := TraceChild{Index: e.Index, Run: e.Run, Status: e.Status, Outcome: e.Outcome, Code: e.Code, Reason: e.Reason}
	if one.Status == "" {
		one.Status = Failed
	}
	t.Ended++
	if one.Status != Completed {
		t.Failed++
	}
	switch first := len(t.Runs) - t.later; {
	case e.Index < first:
		t.Runs[e.Index] = one
	case one.Status != Completed && t.later < shownChildren:
		t.Runs = append(t.Runs, one)
		t.later++
	}
}

// stop leaves out those that never begin.
func (t *TraceChildren) stop(began int) {
	if t.later == 0 {
		t.Runs = t.Runs[:min(began, len(t.Runs))]
	}
}
