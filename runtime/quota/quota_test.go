package quota_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/quota"
)

func TestQuota(t *testing.T) {
	t.Parallel()
	q := quota.New("streams", 3)
	for i, n := range []int64{2, 2, 1, 1} {
		if got, want := q.Take(n), i == 0 || i == 2; got != want {
			t.Errorf("%d: Take(%d) = %v, want %v", i, n, got, want)
		}
	}
	q.Give(2)
	if !q.Take(2) {
		t.Error("what was given back cannot be taken")
	}
	if diff := cmp.Diff(quota.Figure{Name: "streams", Used: 3, Most: 3, Refused: 2}, q.Figure()); diff != "" {
		t.Errorf("figure (-want +got):\n%s", diff)
	}
	var none *quota.Quota
	if !none.Take(1 << 40) {
		t.Error("no quota refuses")
	}
	none.Give(1 << 40)
}

// However many come at the same instant, no more than the quota get in.
func TestTogether(t *testing.T) {
	t.Parallel()
	q := quota.New("requests", 10)
	var in, most atomic.Int64
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			for range 100 {
				if !q.Take(1) {
					continue
				}
				if n := in.Add(1); n > most.Load() {
					most.Store(n)
				}
				in.Add(-1)
				q.Give(1)
			}
		})
	}
	group.Wait()
	if most.Load() > 10 || q.Figure().Used != 0 {
		t.Errorf("%d were in, and %d are still", most.Load(), q.Figure().Used)
	}
}

func TestGate(t *testing.T) {
	t.Parallel()
	gate := quota.Gate{Requests: quota.New("requests", 3), Bodies: quota.New("bodies", 100), MaxBody: 60}
	enter := func(length int64, want string) func() {
		t.Helper()
		leave, err := gate.Enter(&http.Request{ContentLength: length})
		if want == "" {
			if err != nil {
				t.Fatal(err)
			}
			return leave
		}
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || p.Status != http.StatusServiceUnavailable || p.Header.Get("Retry-After") != "1" || !strings.HasPrefix(p.Detail, want) {
			t.Errorf("Enter(%d bytes): %v, want %q", length, err, want)
		}
		return nil
	}
	known := enter(40, "")
	unknown := enter(-1, "") // may be as long as it may
	enter(1, "the bodies of requests that are being answered take 100 bytes")
	known()
	long := enter(1<<40, "the bodies") // reserves what would be read of it
	if long != nil {
		t.Error("there was room for it")
	}
	a, b := enter(40, ""), enter(0, "")
	enter(0, "3 requests are being answered")
	for _, leave := range []func(){unknown, a, b} {
		leave()
	}
	if r, b := gate.Requests.Figure(), gate.Bodies.Figure(); r.Used != 0 || b.Used != 0 || r.Refused != 1 || b.Refused != 2 {
		t.Errorf("left: %+v %+v", r, b)
	}
}
