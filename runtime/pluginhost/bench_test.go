package pluginhost_test

import (
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginbuild"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/sdk/wire"
)

// shipped is the plugin that ships, and the seed's End Task request for SMS.
func shipped(b *testing.B) (*pluginhost.Plugin, node.Visit) {
	b.Helper()
	out := filepath.Join(b.TempDir(), "cisco-cce.wasm")
	if _, err := pluginbuild.Build(b.Context(), pluginbuild.Config{Dir: "../../plugins/cisco-cce", Out: out}); err != nil {
		b.Fatal(err)
	}
	return load(b, newHost(b, pluginhost.Config{}), read(b, out)), visit(map[string]any{
		"domain":         "finesse.example.com",
		"taskId":         "0190a5c0-7c1e-7e0a-8f3e-0123456789ab",
		"conversationId": "conv-4711",
		"destination":    "+4930123456",
		"mediaType":      "Social",
		"mediaChannel":   "SMS",
		"preferredOwner": "1100",
		"scriptSelector": "Insurance",
	})
}

// BenchmarkInvoke is one step of the shipped plugin, all limits on: checks,
// documents and fresh state included. The first step asks for the call, the
// second has its reply and finishes.
func BenchmarkInvoke(b *testing.B) {
	p, v := shipped(b)
	for i, types := range [][]*node.Type{p.Types(), p.FreshTypes()} {
		name := []string{"restored", "fresh"}[i]
		endTask := named(b, types, "end-task")
		b.Run(name+"/ask", func(b *testing.B) { benchStep(b, p, endTask, v) })
		b.Run(name+"/finish", func(b *testing.B) { benchStep(b, p, endTask, answered(b, endTask, v)) })
	}
}

// answered is the visit after its first step, with a reply.
func answered(b *testing.B, endTask *node.Type, v node.Visit) node.Visit {
	b.Helper()
	action, err := endTask.Step(b.Context(), v)
	if err != nil {
		b.Fatal(err)
	}
	v.Asked = []string{wire.Fingerprint(action.(node.Ask).Calls[0])}
	v.Replies = []wire.Reply{{
		Status:  201,
		Headers: map[string][]string{"location": {"/drapi/v1/tasks/1"}, "content-type": {"application/json"}},
		Body:    []byte(`{"code":20100}`),
	}}
	return v
}

func benchStep(b *testing.B, p *pluginhost.Plugin, typ *node.Type, v node.Visit) {
	b.Helper()
	b.ReportAllocs()
	before := p.Status()
	for b.Loop() {
		if _, err := typ.Step(b.Context(), v); err != nil {
			b.Fatal(err)
		}
	}
	after := p.Status()
	b.ReportMetric(float64(after.Fuel-before.Fuel)/float64(after.Invokes-before.Invokes), "fuel/op")
}

// BenchmarkParallel is the first step from many goroutines at once.
func BenchmarkParallel(b *testing.B) {
	p, v := shipped(b)
	endTask := method(b, p, "end-task")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := endTask.Step(b.Context(), v); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkLoad is what a start costs for each plugin: compiled before, and not.
func BenchmarkLoad(b *testing.B) {
	wasm := guest(b)
	b.Run("warm", func(b *testing.B) {
		for b.Loop() {
			benchLoad(b, cacheDir(b), wasm)
		}
	})
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			benchLoad(b, b.TempDir(), wasm)
		}
	})
}

func benchLoad(b *testing.B, dir string, wasm []byte) {
	b.Helper()
	h, err := pluginhost.New(b.Context(), pluginhost.Config{CacheDir: dir})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := h.Load(b.Context(), wasm); err != nil {
		b.Fatal(err)
	}
	if err := h.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkGC reports the longest that the garbage collector waited to stop the
// world while a guest span, for a second at most.
func BenchmarkGC(b *testing.B) {
	h := newHost(b, pluginhost.Config{Ceiling: manifest.Limits{Wall: time.Second}})
	spin := method(b, load(b, h, guest(b)), "spin")
	before := stopping()
	for b.Loop() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = spin.Step(b.Context(), visit(map[string]any{})) // ends by wall or fuel
		}()
		for running := true; running; {
			runtime.GC()
			select {
			case <-done:
				running = false
			default:
			}
		}
	}
	after := stopping()
	longest := 0.0
	for i, n := range after.Counts {
		if n > before.Counts[i] {
			longest = after.Buckets[i]
		}
	}
	b.ReportMetric(longest*1000, "longest-ms")
}

// stopping is how long the collector waited for all threads to stop.
func stopping() *metrics.Float64Histogram {
	s := []metrics.Sample{{Name: "/sched/pauses/stopping/gc:seconds"}}
	metrics.Read(s)
	return s[0].Value.Float64Histogram()
}
