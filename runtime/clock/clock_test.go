package clock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/clock"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// both runs a test with the machine's clock, in a bubble in which that does not
// wait either, and with a virtual one.
func both(t *testing.T, test func(t *testing.T, c clock.Clock)) {
	t.Helper()
	t.Run("system", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { test(t, clock.System) })
	})
	t.Run("virtual", func(t *testing.T) {
		t.Parallel()
		test(t, clock.NewVirtual(noon))
	})
}

// diary notes what happens when.
type diary struct {
	clock clock.Clock
	began time.Time

	mu    sync.Mutex
	lines []string
}

func newDiary(c clock.Clock) *diary { return &diary{clock: c, began: c.Now()} }

func (d *diary) note(what string) {
	at := d.clock.Now().Sub(d.began)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf("%s %s", at, what))
}

func (d *diary) want(t *testing.T, lines ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	slices.Sort(d.lines)
	slices.Sort(lines)
	if diff := cmp.Diff(lines, d.lines); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
}

func TestSleepersWakeInOrder(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c clock.Clock) {
		d := newDiary(c)
		defer c.Busy()()
		clock.Together(c, 4, func(i int) {
			for n := range 3 {
				if err := clock.Sleep(t.Context(), c, time.Duration(i+1)*time.Hour); err != nil {
					t.Error(err)
				}
				d.note(fmt.Sprint(i, n))
			}
		})
		d.want(t,
			"1h0m0s 0 0", "2h0m0s 0 1", "3h0m0s 0 2",
			"2h0m0s 1 0", "4h0m0s 1 1", "6h0m0s 1 2",
			"3h0m0s 2 0", "6h0m0s 2 1", "9h0m0s 2 2",
			"4h0m0s 3 0", "8h0m0s 3 1", "12h0m0s 3 2")
	})
}

func TestWake(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c clock.Clock) {
		d, w := newDiary(c), clock.NewWake()
		var all sync.WaitGroup
		all.Add(2)
		idle := c.Busy()
		clock.Go(c, func() {
			defer all.Done()
			for range 2 {
				if err := c.Wait(t.Context(), nil, w); err != nil {
					t.Error(err)
				}
				d.note("woken")
			}
		})
		clock.Go(c, func() {
			defer all.Done()
			for range 2 {
				if err := clock.Sleep(t.Context(), c, time.Minute); err != nil {
					t.Error(err)
				}
				w.Set()
				w.Set() // is as good as once
			}
		})
		idle()
		all.Wait()
		d.want(t, "1m0s woken", "2m0s woken")
		if w.Take() {
			t.Error("the Wake is still set after it was waited for")
		}
		w.Set()
		if !w.Take() || w.Take() {
			t.Error("Take does not tell once that the Wake was set")
		}
	})
}

var errGone = errors.New("gone")

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c clock.Clock) {
		d := newDiary(c)
		ctx, cancel := context.WithCancelCause(t.Context())
		defer c.Busy()()
		clock.Together(c, 3, func(i int) {
			if i == 2 {
				if err := clock.Sleep(t.Context(), c, time.Minute); err != nil {
					t.Error(err)
				}
				cancel(errGone)
				return
			}
			if err := clock.Sleep(ctx, c, time.Hour); !errors.Is(err, errGone) {
				t.Errorf("Sleep: error %v, want %v", err, errGone)
			}
			d.note("gone")
		})
		d.want(t, "1m0s gone", "1m0s gone")
	})
}

func TestWithTimeout(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c clock.Clock) {
		d := newDiary(c)
		defer c.Busy()()
		ctx, cancel := c.WithTimeout(t.Context(), time.Minute, errGone)
		inner, drop := context.WithCancel(ctx)
		defer drop()
		if err := clock.Sleep(inner, c, time.Hour); !errors.Is(err, errGone) {
			t.Errorf("Sleep: error %v, want %v", err, errGone)
		}
		d.note("over")
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("Err: %v, want %v", ctx.Err(), context.DeadlineExceeded)
		}
		cancel()

		ctx, cancel = c.WithTimeout(t.Context(), time.Minute, nil)
		cancel()
		if err := clock.Sleep(ctx, c, time.Hour); !errors.Is(err, context.Canceled) || !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("after cancel: Sleep %v, Err %v", err, ctx.Err())
		}

		ctx, cancel = c.WithTimeout(t.Context(), time.Minute, nil)
		defer cancel()
		if err := clock.Sleep(ctx, c, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Sleep: error %v, want %v", err, context.DeadlineExceeded)
		}
		d.want(t, "1m0s over")
	})
}

func TestTicker(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c clock.Clock) {
		d := newDiary(c)
		ctx, cancel := context.WithCancel(t.Context())
		defer c.Busy()()
		clock.Together(c, 2, func(i int) {
			if i == 1 {
				for range 6 {
					if err := clock.Sleep(ctx, c, 5*time.Second); err != nil {
						t.Error(err)
					}
				}
				cancel()
				return
			}
			tick := c.NewTicker(10 * time.Second)
			defer tick.Stop()
			for n := 0; c.Wait(ctx, tick, nil) == nil && n < 2; n++ {
				d.note("tick")
			}
		})
		d.want(t, "10s tick", "20s tick")
	})
}

func TestStoppedTimer(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c clock.Clock) {
		defer c.Busy()()
		timer := c.NewTimer(time.Second)
		timer.Stop()
		timer.Stop()
		if err := clock.Sleep(t.Context(), c, time.Minute); err != nil {
			t.Error(err)
		}
		select {
		case <-timer.C:
			t.Error("a timer that was stopped fired")
		default:
		}
	})
}

// A ticker makes no time pass, and one that is passed ticks once.
func TestVirtualTicker(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(noon)
	d := newDiary(v)
	ctx, cancel := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Add(1)
	clock.Go(v, func() {
		defer ended.Done()
		tick := v.NewTicker(time.Second)
		defer tick.Stop()
		for v.Wait(ctx, tick, nil) == nil {
			d.note("tick")
		}
	})
	if err := v.Stalled(t.Context()); !errors.Is(err, clock.ErrStalled) {
		t.Errorf("Stalled: %v", err)
	}
	d.want(t)
	idle := v.Busy()
	for range 2 {
		if err := clock.Sleep(t.Context(), v, 30*24*time.Hour); err != nil {
			t.Error(err)
		}
	}
	idle()
	if err := v.Stalled(t.Context()); !errors.Is(err, clock.ErrStalled) {
		t.Errorf("Stalled: %v", err)
	}
	cancel()
	ended.Wait()
	d.want(t, "720h0m0s tick", "1440h0m0s tick")
}

// A timer of no time lets others go first.
func TestVirtualTimerOfNoTime(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(noon)
	defer v.Busy()()
	w := clock.NewWake()
	done := 0
	clock.Go(v, func() {
		for range 100 {
			if err := v.Wait(t.Context(), nil, w); err != nil {
				return
			}
			done++
		}
	})
	for n := range 100 {
		w.Set()
		if err := clock.Sleep(t.Context(), v, 0); err != nil {
			t.Fatal(err)
		}
		if done != n+1 {
			t.Fatalf("after %d wakes %d were seen", n+1, done)
		}
	}
	if got := v.Now(); !got.Equal(noon) {
		t.Errorf("it is %s, want %s", got, noon)
	}
}

// Who is woken goes on before time does, however many wake each other.
func TestVirtualTimeWaitsForThoseWhoAreWoken(t *testing.T) {
	t.Parallel()
	const many, rounds = 20, 50
	v := clock.NewVirtual(noon)
	wakes := make([]*clock.Wake, many)
	for i := range wakes {
		wakes[i] = clock.NewWake()
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	late := 0
	defer v.Busy()()
	clock.Together(v, many+1, func(i int) {
		if i == many {
			defer cancel()
			for range rounds {
				began := v.Now()
				wakes[0].Set()
				if err := clock.Sleep(ctx, v, time.Millisecond); err != nil {
					t.Error(err)
				}
				if v.Now().Sub(began) != time.Millisecond {
					late++
				}
			}
			return
		}
		for v.Wait(ctx, nil, wakes[i]) == nil {
			at := v.Now()
			if i+1 < many {
				wakes[i+1].Set()
			}
			if at.Nanosecond()%int(time.Millisecond) != 0 {
				late++
			}
		}
	})
	if want := noon.Add(rounds * time.Millisecond); late > 0 || !v.Now().Equal(want) {
		t.Errorf("it is %s, want %s; %d were late", v.Now(), want, late)
	}
}

func TestWaitOfSomebodyWhoIsNotBusy(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	_ = clock.Sleep(t.Context(), clock.NewVirtual(noon), time.Second)
}

func TestStalledEndsWithItsContext(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(noon)
	defer v.Busy()()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errGone)
	if err := v.Stalled(ctx); !errors.Is(err, errGone) {
		t.Errorf("Stalled: %v, want %v", err, errGone)
	}
}

func TestTold(t *testing.T) {
	t.Parallel()
	if got := clock.Told(func() time.Time { return noon }).Now(); !got.Equal(noon) {
		t.Errorf("it is %s, want %s", got, noon)
	}
}
