package journaltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

var valueTests = []namedTest{
	{"Kinds", testChangeKinds},
	{"Conditions", testChangeConditions},
	{"Age", testValueAge},
	{"Bounds", testValueBounds},
	{"List", testValueList},
	{"Counter", testCounter},
	{"OneWins", testOneWins},
	{"OnceOverACrash", testChangeOnce},
	{"Fence", testChangeFence},
	{"TrimChanges", testTrimChanges},
}

func (b *bench) change(c journal.Change) journal.Changed {
	b.Helper()
	is, err := b.d.Change(b.Context(), c, journal.ValueBounds{})
	b.ok(err)
	return is
}

// value is what is kept, or nothing.
func (b *bench) value(scope, key string) string {
	b.Helper()
	v, err := b.d.Value(b.Context(), scope, key)
	if errors.Is(err, journal.ErrNotFound) {
		return ""
	}
	b.ok(err)
	b.same("place of the value", []string{v.Scope, v.Key}, []string{scope, key})
	b.same("size of the value", v.Size, len(v.Data))
	return string(v.Data)
}

func putting(scope, key, text string) journal.Change {
	return journal.Change{Scope: scope, Key: key, Kind: journal.Put, Data: json.RawMessage(text)}
}

func adding(key string, n int64) journal.Change {
	return journal.Change{Scope: "f", Key: key, Kind: journal.Add, By: n}
}

func deleting(scope, key string) journal.Change {
	return journal.Change{Scope: scope, Key: key, Kind: journal.Delete}
}

func done(data string) journal.Changed {
	return journal.Changed{Done: true, Data: json.RawMessage(data)}
}

func left(data string) journal.Changed { return journal.Changed{Data: json.RawMessage(data)} }

func testChangeKinds(b *bench) {
	b.same("none", b.value("f", "k"), "")
	b.same("put", b.change(putting("f", "k", `{"a":1}`)), done(`{"a":1}`))
	b.same("put again", b.change(putting("f", "k", `"é"`)), done(`"é"`))
	b.same("kept", b.value("f", "k"), `"é"`)
	b.same("of another scope", b.value("g", "k"), "")
	b.same("of all flows", b.value("", "k"), "")
	b.change(putting("", "k", "7"))
	b.same("of all flows", b.value("", "k"), "7")
	b.same("deleted", b.change(deleting("f", "k")), done(`"é"`))
	b.same("deleted twice", b.change(deleting("f", "k")), left(""))
	b.same("gone", b.value("f", "k"), "")
	b.same("of all flows still", b.value("", "k"), "7")
	b.same("counted", b.change(adding("n", 3)), done("3"))
	b.same("counted down", b.change(adding("n", -5)), done("-2"))
	b.same("by nothing", b.change(adding("n", 0)), done("-2"))
	b.change(putting("f", "text", `"7"`))
	b.change(putting("f", "most", strconv.FormatInt(1<<62, 10)))
	for key, code := range map[string]string{"text": journal.CodeNoNumber, "most": journal.CodeNoNumber, "": journal.CodeInvalidKey, strings.Repeat("k", 1025): journal.CodeInvalidKey} {
		b.refused(adding(key, 1<<62), journal.ValueBounds{}, code)
	}
	b.same("as it was", b.value("f", "text"), `"7"`)
	for i, s := range strange {
		b.change(putting(s, "key", strconv.Itoa(i)))
		b.change(putting("scope", "k"+s, strconv.Itoa(i)))
	}
	for i, s := range strange {
		b.same("in scope "+s, b.value(s, "key"), strconv.Itoa(i))
		b.same("under key "+s, b.value("scope", "k"+s), strconv.Itoa(i))
	}
}

func (b *bench) refused(c journal.Change, bounds journal.ValueBounds, code string) {
	b.Helper()
	_, err := b.d.Change(b.Context(), c, bounds)
	if refused, ok := errors.AsType[*journal.ChangeError](err); !ok || refused.Code != code || refused.Msg == "" {
		b.Errorf("Change(%.20q): error %v, want code %s", c.Key, err, code)
	}
}

func testChangeConditions(b *bench) {
	provided := func(c journal.Change, data string) journal.Change {
		raw := json.RawMessage(data)
		c.If = &raw
		return c
	}
	b.same("another than none", b.change(provided(putting("f", "k", "1"), "0")), left(""))
	b.same("none, as it must be", b.change(provided(putting("f", "k", "1"), "")), done("1"))
	b.same("one, where none must be", b.change(provided(putting("f", "k", "2"), "")), left("1"))
	b.same("as it must be", b.change(provided(putting("f", "k", "2"), "1")), done("2"))
	b.same("not any more", b.change(provided(putting("f", "k", "3"), "1")), left("2"))
	b.same("not to delete", b.change(provided(deleting("f", "k"), "1")), left("2"))
	b.same("to delete", b.change(provided(deleting("f", "k"), "2")), done("2"))
	b.same("gone", b.value("f", "k"), "")
}

func testValueAge(b *bench) {
	aged := func(c journal.Change) journal.Change {
		c.For = time.Hour
		return c
	}
	b.change(aged(putting("f", "k", "1")))
	b.change(aged(adding("n", 1)))
	v, err := b.d.Value(b.Context(), "f", "k")
	b.ok(err)
	b.same("times", []time.Time{v.Updated, v.Expires}, []time.Time{noon, noon.Add(time.Hour)})
	b.clock.advance(time.Hour - 1)
	b.same("just before", b.value("f", "k"), "1")
	b.same("a counter keeps its time", b.change(aged(adding("n", 1))), done("2"))
	b.clock.advance(1)
	b.same("over", b.value("f", "k"), "")
	b.same("over, in the list", len(b.values(nil, 0)), 0)
	b.same("a new count", b.change(aged(adding("n", 1))), done("1"))
	none := json.RawMessage{}
	c := putting("f", "k", "2")
	c.If = &none
	b.same("none, since it is over", b.change(c), done("2"))
	b.clock.advance(1000 * time.Hour)
	b.same("for ever", b.value("f", "k"), "2")
	b.trim(journal.Retention{})
	b.same("kept", b.values(nil, 0), []string{"f/k"})
}

func testValueBounds(b *bench) {
	bounds := journal.ValueBounds{Value: 10, Keys: 2, Size: 24}
	put := func(scope, key, text string) {
		b.Helper()
		_, err := b.d.Change(b.Context(), putting(scope, key, text), bounds)
		b.ok(err)
	}
	put("f", "a", `"12345678"`) // 11 bytes with its key
	b.refused(putting("f", "a", `"123456789"`), bounds, journal.CodeValueLimit)
	put("f", "b", "1") // 13
	b.refused(putting("f", "c", "1"), bounds, journal.CodeStoreFull)
	b.refused(putting("g", "a", `"1234567890"`), journal.ValueBounds{Size: 24}, journal.CodeStoreFull)
	put("g", "c", `"12345678"`) // 24
	b.refused(putting("f", "b", "12"), bounds, journal.CodeStoreFull)
	put("f", "b", "7") // no more than it was
	b.same("deleted", b.change(deleting("g", "c")).Done, true)
	put("f", "b", "12")
	b.same("deleted", b.change(deleting("f", "b")).Done, true)
	short := putting("f", "d", "1")
	short.For = time.Minute
	b.change(short)
	b.refused(putting("f", "e", "1"), bounds, journal.CodeStoreFull)
	b.clock.advance(time.Minute)
	put("f", "e", "1") // in the place of the one that is over
	b.same("kept", b.values(nil, 0), []string{"f/a", "f/e"})
	for i := range 3 {
		put("f", "e", strings.Repeat("1", i+1))
	}
	_, err := b.d.Change(b.Context(), putting("x", "12345", "12345"), journal.ValueBounds{Size: 11 + 4 + 10})
	b.ok(err)
}

// values pages through the values, as scope/key.
func (b *bench) values(scope *string, limit int) (all []string) {
	b.Helper()
	f := journal.ValueFilter{Scope: scope, Limit: limit}
	for {
		page, err := b.d.Values(b.Context(), f)
		b.ok(err)
		if limit > 0 && len(page.Values) > limit || len(all) > maxRuns {
			b.Fatalf("the list of values does not end, or has pages of %d", len(page.Values))
		}
		for _, v := range page.Values {
			if v.Data != nil || v.Size == 0 {
				b.Errorf("the list has %+v, want its size and no data", v)
			}
			all = append(all, v.Scope+"/"+v.Key)
		}
		if page.Next == "" {
			return all
		}
		f.Cursor = page.Next
	}
}

func testValueList(b *bench) {
	var want, ofF []string
	for i := range 7 {
		for _, scope := range []string{"", "f", "g"} {
			key := fmt.Sprint("k", i)
			b.change(putting(scope, key, "1"))
			if want = append(want, scope+"/"+key); scope == "f" {
				ofF = append(ofF, "f/"+key)
			}
		}
	}
	slices.Sort(want)
	f := "f"
	for _, limit := range []int{0, 1, 3, 7, 21} {
		b.same("all", b.values(nil, limit), want)
		b.same("of one scope", b.values(&f, limit), ofF)
	}
	if _, err := b.d.Values(b.Context(), journal.ValueFilter{Cursor: "?"}); !errors.Is(err, journal.ErrCursor) {
		b.Errorf("a foreign cursor: error %v, want ErrCursor", err)
	}
}

func testCounter(b *bench) {
	const n = 32
	seen := make([]atomic.Bool, n+1)
	together(n, func(int) {
		i, err := strconv.Atoi(string(b.change(adding("n", 1)).Data))
		if err != nil || i < 1 || i > n || seen[i].Swap(true) {
			b.Errorf("the count is %d, %v: not one of its own", i, err)
		}
	})
	b.same("in all", b.value("f", "n"), strconv.Itoa(n))
}

func testOneWins(b *bench) {
	var won atomic.Int32
	together(32, func(i int) {
		c := putting("f", "lock", strconv.Itoa(i))
		c.If = new(json.RawMessage)
		if is := b.change(c); is.Done {
			won.Add(1)
		}
	})
	b.same("winners", won.Load(), int32(1))
}

// by is a change of a run that has so many events.
func by(id string, after int, change string, c journal.Change) journal.Change {
	c.Run, c.After, c.ID = id, after, change
	return c
}

// testChangeOnce asks for changes again, as a run does that comes back to its
// node after a crash.
func testChangeOnce(b *bench) {
	b.begin("a")
	again := func(c journal.Change, want journal.Changed) {
		b.Helper()
		b.same("at first", b.change(c), want)
		b.same("again", b.change(c), want)
		if b.setup.Persists {
			b.reopen()
		}
		b.same("after a crash", b.change(c), want)
	}
	again(by("a", 1, "1", adding("n", 5)), done("5"))
	b.change(adding("n", 10)) // of somebody else
	again(by("a", 1, "1", adding("n", 5)), done("5"))
	b.append("a", 1, finished("n1"))
	again(by("a", 2, "2", adding("n", 5)), done("20"))
	lock := putting("f", "lock", `"a"`)
	lock.If = new(json.RawMessage)
	again(by("a", 2, "3", lock), done(`"a"`))
	again(by("a", 2, "4", deleting("f", "lock")), done(`"a"`))
	again(by("a", 2, "5", deleting("f", "lock")), left(""))
	b.change(putting("f", "lock", `"b"`))
	b.same("what was not done may be now", b.change(by("a", 2, "5", deleting("f", "lock"))), done(`"b"`))
	v, err := b.d.Value(b.Context(), "f", "n")
	b.ok(err)
	b.same("who changed it", v.Run, "a")
}

// testChangeFence has somebody change a value for a run that another drives.
func testChangeFence(b *bench) {
	b.begin("a")
	b.change(by("a", 1, "1", adding("n", 1)))
	b.append("a", 1, finished("n1"))
	for _, c := range []journal.Change{by("a", 1, "1", adding("n", 1)), by("a", 3, "2", adding("n", 1)), by("none", 0, "1", adding("n", 1)), by("none", 1, "1", adding("n", 1))} {
		if _, err := b.d.Change(b.Context(), c, journal.ValueBounds{}); !errors.Is(err, journal.ErrConflict) {
			b.Errorf("change of run %q after %d: error %v, want ErrConflict", c.Run, c.After, err)
		}
	}
	b.same("changed once", b.value("f", "n"), "1")
}

func testTrimChanges(b *bench) {
	b.begin("goes-on")
	b.begin("ends")
	b.begin("pauses", run.RunPaused{At: at(0), Place: place("n1"), Cause: run.PauseRetries})
	b.change(by("pauses", 2, "1", adding("pauses", 1)))
	for _, id := range []string{"goes-on", "ends"} {
		b.change(by(id, 1, "1", adding(id, 1)))
	}
	b.append("ends", 1, ended(run.Completed, "success"))
	b.clock.advance(time.Hour)
	b.trim(journal.Retention{Age: time.Minute})
	b.same("runs", len(b.ids()), 2)
	b.same("asked for again when it is resumed", b.change(by("pauses", 2, "1", adding("pauses", 1))), done("1"))
	b.same("asked for again", b.change(by("goes-on", 1, "1", adding("goes-on", 1))), done("1"))
	b.same("values stay", b.values(nil, 0), []string{"f/ends", "f/goes-on", "f/pauses"})
	b.begin("ends") // its id is free again, and so is that of its change
	b.same("of another run", b.change(by("ends", 1, "1", adding("ends", 1))), done("2"))
}
