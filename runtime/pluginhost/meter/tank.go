package meter

import "sync/atomic"

// Tank is the fuel of one call, on the host's side. The import of a rewritten module takes its fuel from the call's
// tank, slice by slice: each refill is a return into Go, where the garbage collector can stop the world, and where
// the host learns that the guest still runs.
type Tank struct {
	left    int64 // of the budget, not granted yet
	granted int64
	slice   int64
	trip    Trip
	stopped atomic.Bool
}

// DefaultSlice is fuel for tens of microseconds of usual work, and for some milliseconds of the worst.
const DefaultSlice = 100_000

// NewTank returns a tank of the given budget. A slice of 0 or less means [DefaultSlice].
// The slice changes how often the guest returns to Go, never how much fuel it uses or where it runs out.
func NewTank(budget, slice int64) *Tank {
	if slice <= 0 {
		slice = DefaultSlice
	}
	return &Tank{left: budget, slice: slice}
}

// Stop makes the guest trap at its next refill. It is safe to call from any goroutine, at any time.
func (t *Tank) Stop() { t.stopped.Store(true) }

// Refill returns what is to be added to the guest's fuel, which is below zero, or 0 to end the guest.
func (t *Tank) Refill(fuel int64) int64 {
	if t.stopped.Load() {
		t.trip = TripStopped
		return 0
	}
	// The guest owes -fuel: what it did since its last check. It gets that and a slice, as far as the budget goes.
	grant := min(t.left, t.slice-fuel)
	if grant+fuel < 0 {
		t.trip = TripFuel
		return 0
	}
	t.left -= grant
	t.granted += grant
	return grant
}

// Used returns the fuel used so far, given what [FuelGlobal] holds. The global has to be 0 when the call begins.
func (t *Tank) Used(fuel int64) int64 { return t.granted - fuel }

// Trip says which limit ended a guest.
type Trip uint8

// The limits a guest can trip over.
const (
	TripNone    Trip = iota // the guest ended by itself, whatever the result
	TripFuel                // the budget is used up
	TripDepth               // calls nested too deep
	TripStopped             // Stop was called
)

func (t Trip) String() string {
	return [...]string{"none", "fuel", "depth", "stopped"}[t]
}

// Trip says which limit made the call trap, given what [DepthGlobal] holds after the trap.
func (t *Tank) Trip(depth int32) Trip {
	if depth < 0 {
		return TripDepth
	}
	return t.trip
}
