package emulator

import (
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	journalSize = 1000
	// seededTick is how far a seeded clock moves with each request: far enough
	// that no two requests share a time and no rate limit of a vendor is met.
	seededTick = 10 * time.Millisecond
)

// seededStart is where a seeded clock begins.
var seededStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Config says how an emulator runs. The zero Config is a good one.
type Config struct {
	// Now is the clock, which POST /_emulator/clock can put ahead. Defaults to
	// time.Now, or with a Seed to a clock that starts at 2026-01-01T00:00:00Z
	// and moves 10 ms with each request to the vendor's API.
	Now func() time.Time
	// NewID makes ids in the form of a UUID. Defaults to random ones, or with
	// a Seed to the same row of them after every start and reset.
	NewID func() string
	// Seed makes clock and ids the same in every session. Defaults to 0: none.
	Seed uint64
	// Faults are set from the start and put back by a reset. Defaults to none.
	Faults []Fault
	// Settings is a JSON object of the vendor's own switches, in the form that
	// PATCH /_emulator/settings takes. Defaults to the vendor's.
	Settings json.RawMessage
	// JournalSize is how many requests the journal keeps. Defaults to 1000.
	JournalSize int
}

// World is the time, the ids and the end of one emulator. Everything in an
// emulator that needs them gets them here. It is safe for concurrent use.
type World struct {
	base        func() time.Time
	makeID      func() string
	seed        uint64
	faults      []Fault
	journalSize int
	closing     chan struct{}

	mu     sync.Mutex
	ahead  time.Duration
	random *rand.ChaCha8
}

// NewWorld returns the world of a new emulator.
func NewWorld(cfg Config) *World {
	w := &World{
		base:        cfg.Now,
		makeID:      cfg.NewID,
		seed:        cfg.Seed,
		faults:      cfg.Faults,
		journalSize: cfg.JournalSize,
		closing:     make(chan struct{}),
	}
	if w.journalSize <= 0 {
		w.journalSize = journalSize
	}
	if w.base == nil {
		w.base = time.Now
		if w.seed != 0 {
			w.base = func() time.Time { return seededStart }
		}
	}
	if w.makeID == nil {
		w.makeID = uuid.NewString
		if w.seed != 0 {
			w.makeID = w.seededID
		}
	}
	w.reset()
	return w
}

// Now returns the emulator's time, in UTC.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.base().Add(w.ahead).UTC()
}

// Advance puts the clock ahead by d.
func (w *World) Advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead += d
}

// NewID returns a fresh id in the form of a UUID.
func (w *World) NewID() string { return w.makeID() }

// Closing is closed when the emulator closes. A handler that waits must also
// wait for it.
func (w *World) Closing() <-chan struct{} { return w.closing }

func (w *World) seededID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	// ChaCha8 yields bytes without end, so no error can come.
	return uuid.Must(uuid.NewRandomFromReader(w.random)).String()
}

// tick moves a seeded clock, which has no other reason to move.
func (w *World) tick() {
	if w.seed != 0 {
		w.Advance(seededTick)
	}
}

func (w *World) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], w.seed)
	w.random = rand.NewChaCha8(key)
	w.ahead = 0
}

func (w *World) close() { close(w.closing) }
