package journaltest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

var versionTests = []namedTest{
	{"Numbers", testVersionNumbers},
	{"Rollback", testRollback},
	{"Stand", testStand},
	{"Together", testDeployTogether},
	{"Trim", testTrimVersions},
	{"Count", testCount},
}

// version is one of flow "f" with a plugin.
func version(digest, plugin string) journal.Version {
	return journal.Version{Flow: "f", Digest: digest, Plugins: map[string]string{"v/m": plugin}, File: "f.yaml"}
}

func (b *bench) deploy(v journal.Version) journal.Version {
	b.Helper()
	kept, err := b.d.Deploy(b.Context(), v)
	b.ok(err)
	return kept
}

// numbers are those of the versions of flow "f".
func (b *bench) numbers() (numbers []int) {
	b.Helper()
	all, err := b.d.Versions(b.Context(), "f")
	b.ok(err)
	for _, v := range all {
		numbers = append(numbers, v.Number)
	}
	return numbers
}

func (b *bench) standing() journal.Standing {
	b.Helper()
	all, err := b.d.Standings(b.Context())
	b.ok(err)
	for _, s := range all {
		if s.Flow == "f" {
			return s
		}
	}
	return journal.Standing{}
}

func testVersionNumbers(b *bench) {
	b.same("versions of what was never deployed", b.numbers(), []int(nil))
	first := version("d1", "p1")
	b.deploy(first)
	first.Number, first.First, first.Last = 1, noon, noon
	b.clock.advance(time.Hour)
	b.same("the same again", b.deploy(version("d1", "p1")), first)
	b.same("number of another source", b.deploy(version("d2", "p1")).Number, 2)
	b.same("number with another plugin", b.deploy(version("d2", "p2")).Number, 3)
	other := version("d1", "p1")
	other.Flow, other.Plugins = "other", nil
	b.same("number of another flow", b.deploy(other).Number, 1)
	b.clock.advance(time.Hour)
	again := version("d1", "p1")
	again.File = "moved.yaml"
	b.deploy(again)
	first.File, first.Last = "moved.yaml", noon.Add(2*time.Hour)
	all, err := b.d.Versions(b.Context(), "f")
	b.ok(err)
	b.same("what was deployed last", all[0], first)
	b.same("numbers", b.numbers(), []int{1, 3, 2})
	b.same("current", b.standing().Current, 1)
	if b.setup.Persists {
		b.reopen()
		b.same("numbers, opened again", b.numbers(), []int{1, 3, 2})
		b.same("number after that", b.deploy(version("d4", "p1")).Number, 4)
	}
}

func testRollback(b *bench) {
	b.deploy(version("d1", ""))
	b.deploy(version("d2", ""))
	back := &journal.Rollback{Version: 1, Over: 2, Since: noon}
	b.ok(b.d.Stand(b.Context(), "f", func(s *journal.Standing) { s.Rollback = back }))
	b.deploy(version("d2", ""))
	b.same("rollback when the same is deployed again", b.standing().Rollback, back)
	if b.setup.Persists {
		b.reopen()
		b.same("rollback, opened again", b.standing().Rollback, back)
	}
	b.deploy(version("d3", ""))
	b.same("rollback when another is deployed", b.standing().Rollback, (*journal.Rollback)(nil))
}

func testStand(b *bench) {
	never := func(*journal.Standing) { b.Error("change is called for a flow that is not there") }
	if err := b.d.Stand(b.Context(), "f", never); !errors.Is(err, journal.ErrNotFound) {
		b.Errorf("Stand for no flow: error %v, want ErrNotFound", err)
	}
	b.deploy(version("d1", ""))
	pause := &journal.Pause{Since: noon, Reason: "incident “7”"}
	b.ok(b.d.Stand(b.Context(), "f", func(s *journal.Standing) { s.Pause = pause }))
	b.deploy(version("d2", ""))
	b.same("standing", b.standing(), journal.Standing{Flow: "f", Current: 2, Pause: pause})
	b.ok(b.d.Stand(b.Context(), "f", func(s *journal.Standing) { s.Pause = nil }))
	b.same("standing", b.standing(), journal.Standing{Flow: "f", Current: 2})
}

// testDeployTogether has many servers start at the same instant with what nobody
// has seen.
func testDeployTogether(b *bench) {
	var mu sync.Mutex
	seen := map[string]map[int]bool{}
	together(16, func(i int) {
		digest := fmt.Sprint("d", i%2)
		v, err := b.d.Deploy(b.Context(), version(digest, ""))
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			b.Errorf("Deploy: %v", err)
		}
		if seen[digest] == nil {
			seen[digest] = map[int]bool{}
		}
		seen[digest][v.Number] = true
	})
	b.same("numbers that each version got", []int{len(seen["d0"]), len(seen["d1"])}, []int{1, 1})
	b.same("versions", len(b.numbers()), 2)
}

func testTrimVersions(b *bench) {
	put := func(digest string) {
		b.ok(b.d.PutBlob(b.Context(), "source of "+digest, []byte(digest)))
		b.deploy(version("source of "+digest, ""))
		b.clock.advance(time.Minute)
	}
	for i := 1; i <= 6; i++ {
		put(strconv.Itoa(i))
	}
	s := started("needs-1")
	s.Flow, s.FlowDigest, s.Plugins = "f", "source of 1", map[string]string{"v/m": ""}
	b.append("needs-1", 0, s)
	b.ok(b.d.Stand(b.Context(), "f", func(s *journal.Standing) { s.Rollback = &journal.Rollback{Version: 3, Over: 6, Since: noon} }))
	if b.setup.Persists {
		b.reopen() // what was put through this one would stay
	}
	b.trim(journal.Retention{})
	b.same("versions when none is to be removed", b.numbers(), []int{6, 5, 4, 3, 2, 1})
	b.trim(journal.Retention{Versions: 2})
	b.same("versions", b.numbers(), []int{6, 5, 3, 1})
	for _, i := range b.numbers() {
		if _, err := b.d.Blob(b.Context(), fmt.Sprint("source of ", i)); err != nil {
			b.Errorf("the source of version %d: %v", i, err)
		}
	}
	if b.setup.Persists {
		b.noBlob("source of 2")
	}
	b.append("needs-1", 1, ended(run.Completed, "success"))
	b.clock.advance(24 * time.Hour)
	b.trim(journal.Retention{Age: time.Hour, Versions: 1})
	b.same("versions without the run", b.numbers(), []int{6, 3})
	put("7")
	b.same("versions, of which no number comes twice", b.numbers(), []int{7, 6, 3})
}

func testCount(b *bench) {
	for i := range 5 {
		s := started(fmt.Sprint("run", i))
		s.Flow = "f"
		b.append(s.Run, 0, s)
	}
	b.append("run0", 1, ended(run.Completed, "success"))
	for _, want := range []struct {
		flow   string
		status run.Status
		most   int
		n      int
	}{{"f", run.Running, 10, 4}, {"f", run.Running, 3, 3}, {"f", run.Completed, 10, 1}, {"f", run.Failed, 10, 0}, {"g", run.Running, 10, 0}} {
		n, err := b.d.Count(b.Context(), want.flow, want.status, want.most)
		b.ok(err)
		b.same(fmt.Sprintf("Count(%s, %s, %d)", want.flow, want.status, want.most), n, want.n)
	}
}
