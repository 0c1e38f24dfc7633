package fact

import (
	"context"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/clock"
)

// What anybody outside can make the log say, it says so often in one window of
// each webhook, with those that are none taken as one, and of each flow. The
// rest is counted, and summed up in one line when the window is over, so that a
// flood fills no disk and hides no other webhook's lines.
const (
	window       = 10 * time.Second
	linesAWindow = 20
	// mostText bounds what a line takes over from a caller, in bytes.
	mostText = 512
)

// sparing counts the lines of each window. It is safe for concurrent use.
type sparing struct {
	log   *slog.Logger
	clock clock.Clock

	mu   sync.Mutex
	open map[source]*tally
}

// source is whose lines are counted together.
type source struct{ what, flow, node string }

type tally struct {
	until time.Time
	lines int
	more  int // that the log does not have
}

// sourceOf returns what a fact is counted with, and whether it is counted.
func sourceOf(f Fact) (source, bool) {
	switch f := f.(type) {
	case HookRefused:
		return source{"webhook refused", f.Flow, f.Node}, true
	case HookAsked:
		return source{"handshake answered", f.Flow, f.Node}, true
	case StartRefused:
		return source{"no run was made", f.Flow, ""}, true
	case TicksLeftOut:
		return source{f.text(), f.Flow, f.Node}, true
	case RunStarted:
		return source{"run started without its key or a label", f.Run.Flow, f.Run.Trigger}, len(f.Unmarked) > 0
	default:
		return source{}, false
	}
}

// take tells whether the log may have one line more.
func (s *sparing) take(from source, level slog.Level) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	t := s.open[from]
	if t == nil || t.more == 0 && !now.Before(t.until) {
		t = &tally{until: now.Add(window)}
		s.open[from] = t
	}
	if t.lines < linesAWindow {
		t.lines++
		return true
	}
	if t.more++; t.more == 1 {
		left := t.until.Sub(now)
		clock.Go(s.clock, func() { s.sumUp(from, level, left) })
	}
	return false
}

// sumUp says how many lines the log does not have, when the window is over. A
// process that stops before that does not say it.
func (s *sparing) sumUp(from source, level slog.Level, after time.Duration) {
	if err := clock.Sleep(context.Background(), s.clock, after); err != nil {
		return // which only a context's end could be
	}
	s.mu.Lock()
	more := s.open[from].more
	delete(s.open, from)
	s.mu.Unlock()
	s.log.LogAttrs(context.Background(), level, from.what+", and more that the log leaves out",
		maybe("flow", from.flow), maybe("node", from.node), slog.Int("more", more), slog.Duration("in", window))
}

// clip bounds what a caller wrote.
func clip(text string) string {
	if len(text) <= mostText {
		return text
	}
	end := mostText
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
