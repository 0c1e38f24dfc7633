package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// shared is where the binary and the plugin are built. TestMain sets it.
var shared string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "wend-crash-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	shared = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// built are the options of a trial with what is built once for all tests.
var built = sync.OnceValues(func() (options, error) {
	s := &site{dir: shared}
	err := s.build(context.Background(), false)
	return options{wend: s.wend, plugins: s.plugins, seed: 1, clients: 8}, err
})

// try runs a mode for a moment and returns what it printed.
func try(t *testing.T, change func(*options)) string {
	t.Helper()
	o, err := built()
	if err != nil {
		t.Fatal(err)
	}
	change(&o)
	var out, progress bytes.Buffer
	if err := perform(t.Context(), o, &out, &progress); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), progress.String())
	}
	return out.String()
}

func TestKill(t *testing.T) {
	t.Parallel()
	out := try(t, func(o *options) { o.kills = 5 })
	for _, want := range []string{"kill -9: 5 times", "charge success", "every accepted run is on record and has ended"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestDisk(t *testing.T) {
	t.Parallel()
	out := try(t, func(o *options) { o.disk, o.rounds = true, 2 })
	if !strings.Contains(out, "writes fail") || !strings.Contains(out, "the disk is full") {
		t.Errorf("it tells of neither trial:\n%s", out)
	}
	if strings.Contains(out, "SKIPPED") {
		t.Log(out)
	}
}

func TestRecover(t *testing.T) {
	t.Parallel()
	out := try(t, func(o *options) { o.recover = 50 })
	if !strings.Contains(out, "recovery of 50 runs") || !strings.Contains(out, "start to all ended") {
		t.Errorf("printed\n%s", out)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	out := try(t, func(o *options) { o.load, o.duration = true, 50*time.Millisecond })
	if strings.Count(out, " ms  ") < 9 || !strings.Contains(out, "on disk, each run: accept") {
		t.Errorf("printed\n%s", out)
	}
}

func TestHostile(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("it looks at the server's memory by /proc")
	}
	out := try(t, func(o *options) { o.hostile, o.duration = true, 3*time.Second })
	for _, want := range []string{"with attacks", "a variable that doubles", "every accepted run of a good caller is on record and has ended"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "WITH THE TOKEN") {
		t.Errorf("a credential came through:\n%s", out)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-kills", "many"}, {"more"}, {"-no-such-flag"}} {
		if code := Main(t.Context(), args, io.Discard, io.Discard); code != 2 {
			t.Errorf("crash %v exits with %d, want 2", args, code)
		}
	}
}
