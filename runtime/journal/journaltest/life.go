package journaltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

var lifeTests = []namedTest{
	{"Blobs", testBlobs},
	{"Closed", testClosed},
	{"CloseUnderWay", testCloseUnderWay},
}

func testBlobs(b *bench) {
	ctx := b.Context()
	big := bytes.Repeat([]byte{0, 1, 0xff, 'a'}, 1<<20)
	for digest, data := range map[string][]byte{"big": big, "empty": {}, "nil": nil, "日本": []byte("x")} {
		b.ok(b.d.PutBlob(ctx, digest, data))
		b.ok(b.d.PutBlob(ctx, digest, data))
		got, err := b.d.Blob(ctx, digest)
		b.ok(err)
		if !bytes.Equal(got, data) {
			b.Errorf("blob %q of %d bytes came back as another of %d", digest, len(data), len(got))
		}
	}
	b.noBlob("unknown")
}

func testClosed(b *bench) {
	b.begin("a")
	b.ok(b.d.Close())
	b.ok(b.d.Close())
	calls := map[string]func(context.Context) error{
		"Append": func(ctx context.Context) error { return b.d.Append(ctx, "a", 1, one(finished("n1"))) },
		"Events": func(ctx context.Context) error { _, err := b.d.Events(ctx, "a"); return err },
		"Begin": func(ctx context.Context) error {
			_, err := b.d.Begin(ctx, "b", journal.Dedupe{}, one(started("b")))
			return err
		},
		"Offer":     func(ctx context.Context) error { _, err := b.d.Offer(ctx, letter("e", "n", "k")); return err },
		"Take":      func(ctx context.Context) error { _, _, err := b.d.Take(ctx, "n", "k", "a"); return err },
		"Lease":     func(ctx context.Context) error { _, err := b.d.Lease(ctx, "o", 1, time.Minute); return err },
		"Tell":      func(ctx context.Context) error { return b.d.Tell(ctx, journal.Note{Run: "a"}) },
		"Hear":      func(ctx context.Context) error { return b.d.Hear(ctx, "o", func(journal.Note) {}) },
		"Runs":      func(ctx context.Context) error { _, err := b.d.Runs(ctx, journal.Filter{}); return err },
		"Due":       func(ctx context.Context) error { _, err := b.d.Due(ctx, journal.AllShards, noon, 1); return err },
		"Count":     func(ctx context.Context) error { _, err := b.d.Count(ctx, "f", run.Running, 1); return err },
		"Deploy":    func(ctx context.Context) error { _, err := b.d.Deploy(ctx, version("d", "")); return err },
		"Versions":  func(ctx context.Context) error { _, err := b.d.Versions(ctx, "f"); return err },
		"Standings": func(ctx context.Context) error { _, err := b.d.Standings(ctx); return err },
		"Stand":     func(ctx context.Context) error { return b.d.Stand(ctx, "f", func(*journal.Standing) {}) },
		"PutBlob":   func(ctx context.Context) error { return b.d.PutBlob(ctx, "d", nil) },
		"Blob":      func(ctx context.Context) error { _, err := b.d.Blob(ctx, "d"); return err },
		"Trim":      func(ctx context.Context) error { _, err := b.d.Trim(ctx, journal.Retention{}); return err },
	}
	for name, call := range calls {
		if err := call(b.Context()); !errors.Is(err, journal.ErrClosed) {
			b.Errorf("%s after Close: error %v, want ErrClosed", name, err)
		}
	}
}

// testCloseUnderWay closes while many append: each append either is safe or
// says that it was too late.
func testCloseUnderWay(b *bench) {
	var mu sync.Mutex
	var safe []string
	together(9, func(i int) {
		if i == 8 {
			b.ok(b.d.Close())
			return
		}
		for n := 0; ; n++ {
			id := fmt.Sprintf("run-%d-%d", i, n)
			err := b.d.Append(b.Context(), id, 0, []run.Event{started(id)})
			if err == nil {
				mu.Lock()
				safe = append(safe, id)
				mu.Unlock()
				continue
			}
			if !errors.Is(err, journal.ErrClosed) {
				b.Errorf("error %v, want ErrClosed", err)
			}
			return
		}
	})
	if !b.setup.Persists {
		return
	}
	b.reopen()
	for _, id := range safe {
		b.events(id)
	}
	b.same("number of runs", len(b.all(journal.Filter{})), len(safe))
}
