package journal_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/wendflow/wend/runtime/journal"
)

// TestShardOf pins the shards of some ids: another version that put them
// elsewhere would look for their runs in the wrong place.
func TestShardOf(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]int{
		"": 1, "a": 0, "日本": 36, "019aa0a6-4c00-7000-8000-000000000001": 14, "019aa0a6-4c00-7000-8000-000000000002": 39,
	} {
		if got := journal.ShardOf(id); got != want {
			t.Errorf("ShardOf(%q) = %d, want %d", id, got, want)
		}
	}
}

// TestShardsAreEven spreads ids as they are made in practice.
func TestShardsAreEven(t *testing.T) {
	t.Parallel()
	const each = 100
	var count [journal.NumShards]int
	for range each * journal.NumShards {
		count[journal.ShardOf(uuid.Must(uuid.NewV7()).String())]++
	}
	for shard, n := range count {
		if n < each/2 || n > each*2 {
			t.Errorf("shard %d has %d runs, expected about %d", shard, n, each)
		}
	}
}
