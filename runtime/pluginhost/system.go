package pluginhost

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/pluginhost/meter"
)

// system is all that a guest meets beside its memory: a clock, randomness, a
// log, and what it spends. It is a function of the visit, and reset for each
// invoke.
type system struct {
	now     time.Time
	elapsed time.Duration // how far the guest's clock has moved since
	seed    string
	random  *rand.ChaCha8 // nil until the guest wants randomness
	log     guestLog

	command bool
	stdin   []byte // of a command, what it has not read yet
	stdout  guestOutput

	tank  *meter.Tank
	fuel  api.MutableGlobal // nil while the instance is being made
	alarm *time.Timer       // stops the tank when the time is up
	began time.Time         // by our clock, never seen by the guest
	time  time.Duration     // that the guest has
	trace *trace            // of an invoke that is profiled
}

// systemKey finds the system of an instance in the context of its calls.
type systemKey struct{}

func systemOf(ctx context.Context) *system { return ctx.Value(systemKey{}).(*system) }

func (s *system) reset(now time.Time, seed string, log func(string), limits manifest.Limits) {
	s.now, s.elapsed, s.seed, s.random = now, 0, seed, nil
	s.log = guestLog{show: log, limit: limits.Log, left: limits.Log, partial: s.log.partial[:0]}
	s.stdin = nil
	s.stdout = guestOutput{bytes: s.stdout.bytes[:0], limit: limits.Output}
}

// randomize gives randomness that is a function of the seed.
func (s *system) randomize(b []byte) {
	if s.random == nil {
		mac := hmac.New(sha256.New, []byte("wend random_get"))
		mac.Write([]byte(s.seed))
		s.random = rand.NewChaCha8([32]byte(mac.Sum(nil)))
	}
	_, _ = s.random.Read(b) // never fails
}

// charge makes the guest pay for work of ours on n bytes or things.
func (s *system) charge(n uint32) {
	const price = 4
	if s.fuel != nil {
		s.fuel.Set(s.fuel.Get() - price*uint64(n))
	}
}

// tick is what one look at the clock costs in the guest's time: a guest that
// waits by looking gets on.
const tick = time.Microsecond

// wall is the time of day in nanoseconds.
func (s *system) wall() int64 { return s.now.Add(s.elapsed).UnixNano() }

// mono begins late enough that no invoke is earlier than the image.
func (s *system) mono() int64 {
	s.elapsed += tick
	return int64(time.Hour + s.elapsed)
}

// guestOutput takes the answer of a command.
type guestOutput struct {
	bytes []byte
	limit uint64
}

// write panics when the answer is too long: that unwinds the guest, where an
// error would be only a number that it may ignore.
func (o *guestOutput) write(p []byte) {
	if n := uint64(len(o.bytes) + len(p)); n > o.limit {
		panic(over(FaultOutput, "its output", n, o.limit))
	}
	o.bytes = append(o.bytes, p...)
}

// guestLog cuts what a guest writes into lines, shows them and keeps the last.
type guestLog struct {
	show    func(string)
	limit   uint64 // bytes
	left    uint64 // bytes it may still write
	partial []byte // a line without its end
	tail    []string
	panic   string // what a Go guest said when it panicked
}

const (
	maxTail = 5    // lines
	maxLine = 4096 // bytes
)

// write panics when the guest has written too much.
func (l *guestLog) write(p []byte) {
	if uint64(len(p)) > l.left {
		panic(over(FaultLog, "its log", l.limit-l.left+uint64(len(p)), l.limit))
	}
	l.left -= uint64(len(p))
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte{'\n'})
		l.partial = append(l.partial, line...)
		if ended || len(l.partial) >= maxLine {
			l.flush()
		}
		p = rest
	}
}

// end shows a last line that the guest did not end.
func (l *guestLog) end() {
	if len(l.partial) > 0 {
		l.flush()
	}
}

// flush ends the line that is being written.
func (l *guestLog) flush() {
	line := strings.TrimSuffix(strings.ToValidUTF8(string(l.partial), "\uFFFD"), "\r")
	l.partial = l.partial[:0]
	if line == "" {
		return
	}
	if l.show != nil {
		l.show(line)
	}
	l.keep(line)
}

// keep remembers a line for the fault that may follow. What a Go guest writes
// after it has panicked is a trace, which the fault has already.
func (l *guestLog) keep(line string) {
	switch {
	case l.panic != "":
	case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
		l.panic = line
	default:
		if len(l.tail) == maxTail {
			l.tail = append(l.tail[:0], l.tail[1:]...)
		}
		l.tail = append(l.tail, line)
	}
}
