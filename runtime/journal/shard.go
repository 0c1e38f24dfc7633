package journal

import (
	"iter"
	"math/bits"

	"github.com/wendflow/wend/runtime/run"
)

// NumShards is how many parts all runs are divided into. It never changes.
const NumShards = run.NumShards

// Shards is a set of shards, one bit for each.
type Shards uint64

// AllShards is every shard.
const AllShards = ^Shards(0)

// ShardOf returns the shard, from 0, of a run. It never changes for an id.
func ShardOf(id string) int { return run.ShardOf(id) }

// Has tells whether the run with that id belongs to one of the shards.
func (s Shards) Has(id string) bool { return s&(1<<ShardOf(id)) != 0 }

// Len returns how many shards there are.
func (s Shards) Len() int { return bits.OnesCount64(uint64(s)) }

// All yields the numbers of the shards in ascending order.
func (s Shards) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for rest := uint64(s); rest != 0; rest &= rest - 1 {
			if !yield(bits.TrailingZeros64(rest)) {
				return
			}
		}
	}
}
