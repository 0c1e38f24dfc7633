package clock_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/clock"
)

// TestSteady sets the clock of a machine and says what a process goes by.
func TestSteady(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	type move struct {
		after time.Duration // that pass
		by    time.Duration // the machine's clock is set
	}
	for name, tc := range map[string]struct {
		moves []move
		want  time.Duration // since the beginning, by the steady clock
		told  []clock.Jump
	}{
		"nothing": {[]move{{time.Hour, 0}}, time.Hour, nil},
		"an hour back": {
			[]move{{time.Minute, -time.Hour}, {time.Hour, 0}, {2 * day, 0}},
			2*day + time.Hour + time.Minute,
			[]clock.Jump{{By: -time.Hour, Off: -time.Hour}},
		},
		"40 days ahead, for an hour": {
			[]move{{time.Minute, 40 * day}, {time.Hour, 0}},
			time.Hour + time.Minute,
			[]clock.Jump{{By: 40 * day, Off: 40 * day}},
		},
		"40 days ahead and back": {
			[]move{{time.Minute, 40 * day}, {time.Hour, -40 * day}, {2 * day, 0}},
			2*day + time.Hour + time.Minute,
			[]clock.Jump{{By: 40 * day, Off: 40 * day}, {By: -40 * day}},
		},
		"40 days ahead, for a day": {
			[]move{{time.Minute, 40 * day}, {day + time.Hour, 0}},
			41*day + time.Hour + time.Minute,
			[]clock.Jump{{By: 40 * day, Off: 40 * day}, {By: 40 * day, Taken: true}},
		},
		"a second ahead": {[]move{{time.Minute, time.Second}, {time.Minute, 0}}, 2*time.Minute + time.Second, nil},
		"a second back":  {[]move{{time.Minute, -time.Second}, {time.Minute, 0}}, 2 * time.Minute, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := clock.NewVirtual(noon)
			idle := v.Busy()
			defer idle()
			var set time.Duration
			s := clock.NewSteady(v, func() time.Time { return v.Now().Add(set) })
			var told []clock.Jump
			last := s.Now()
			for _, m := range tc.moves {
				for end := v.Now().Add(m.after); v.Now().Before(end); {
					if err := clock.Sleep(t.Context(), v, min(10*time.Second, end.Sub(v.Now()))); err != nil {
						t.Fatal(err)
					}
					if j, jumped := s.Look(); jumped {
						told = append(told, j)
					}
					if s.Now().Before(last) {
						t.Fatalf("the clock goes back from %v to %v", last, s.Now())
					}
					last = s.Now()
				}
				set += m.by
				if j, jumped := s.Look(); jumped {
					told = append(told, j)
				}
			}
			if got := s.Now().Sub(noon); got != tc.want {
				t.Errorf("%v passed, want %v", got, tc.want)
			}
			if diff := cmp.Diff(tc.told, told); diff != "" {
				t.Errorf("jumps (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSteadyWatch: jumps are told while time passes, and a timer is as long as it
// was set for.
func TestSteadyWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var set atomic.Int64
		s := clock.NewSteady(clock.System, func() time.Time { return time.Now().Round(0).Add(time.Duration(set.Load())) })
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		told := make(chan clock.Jump, 10)
		go s.Watch(ctx, func(j clock.Jump) { told <- j })
		began := time.Now()
		due := s.Now().Add(time.Minute)
		set.Store(-int64(time.Hour))
		if err := clock.Sleep(ctx, s, due.Sub(s.Now())); err != nil {
			t.Fatal(err)
		}
		if passed := time.Since(began); passed != time.Minute || s.Now().Before(due) {
			t.Errorf("a timer of a minute fires after %v, at %v and not %v", passed, s.Now(), due)
		}
		synctest.Wait()
		if j := <-told; j.By != -time.Hour || len(told) > 0 {
			t.Errorf("told %v and %d more, want an hour back once", j, len(told))
		}
	})
}
