package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// Limits bound what one invoke of a plugin, or one visit of a node, may take.
// A zero field means the default. A plugin may ask for its own in the manifest
// under `limits`, up to the ceilings of wend.yaml.
type Limits struct {
	// Fuel is about one machine instruction a unit, the same for the same work
	// on every machine. Defaults to 2,000,000,000, some 0.3 s; the ceiling to
	// 20,000,000,000.
	Fuel uint64
	// Depth is how many calls of the guest's functions may be nested.
	// Defaults to 10,000; the ceiling to 100,000.
	Depth uint64
	// Memory is the guest's linear memory in bytes, rounded down to pages of
	// 64 KB. Defaults to 64 MB; the ceiling to 256 MB.
	Memory uint64
	// Wall is real time. Defaults to 1 s; the ceiling to 10 s.
	Wall time.Duration
	// Input is the size of the document for the guest in bytes, replies
	// included. Defaults to 4 MB; the ceiling to 32 MB.
	Input uint64
	// Output is the size of the guest's document in bytes. Defaults to 1 MB;
	// the ceiling to 16 MB.
	Output uint64
	// Reply is the size of one reply's body in bytes. Defaults to 1 MB; the
	// ceiling to 16 MB.
	Reply uint64
	// Log is what one invoke may write to stdout and stderr in bytes.
	// Defaults to 64 KB; the ceiling to 1 MB.
	Log uint64
	// Calls is how many calls one visit may ask for. Defaults to 16; the
	// ceiling to 256.
	Calls uint64
}

// DefaultLimits are for a plugin that asks for nothing.
func DefaultLimits() Limits {
	return Limits{
		Fuel: 2_000_000_000, Depth: 10_000, Memory: 64 << 20, Wall: time.Second,
		Input: 4 << 20, Output: 1 << 20, Reply: 1 << 20, Log: 64 << 10, Calls: 16,
	}
}

// DefaultCeiling is the most that a plugin may ask for where wend.yaml says
// nothing.
func DefaultCeiling() Limits {
	return Limits{
		Fuel: 20_000_000_000, Depth: 100_000, Memory: 256 << 20, Wall: 10 * time.Second,
		Input: 32 << 20, Output: 16 << 20, Reply: 16 << 20, Log: 1 << 20, Calls: 256,
	}
}

// limitKey is one limit as YAML and JSON name it. Its value is a count, bytes
// or nanoseconds.
type limitKey struct {
	name string
	unit unit
	get  func(*Limits) uint64
	set  func(*Limits, uint64)
}

type unit int

const (
	count unit = iota
	size
	duration
)

var limitKeys = []limitKey{
	limit("fuel", count, func(l *Limits) *uint64 { return &l.Fuel }),
	limit("depth", count, func(l *Limits) *uint64 { return &l.Depth }),
	limit("memory", size, func(l *Limits) *uint64 { return &l.Memory }),
	limit("wall", duration, func(l *Limits) *time.Duration { return &l.Wall }),
	limit("input", size, func(l *Limits) *uint64 { return &l.Input }),
	limit("output", size, func(l *Limits) *uint64 { return &l.Output }),
	limit("reply", size, func(l *Limits) *uint64 { return &l.Reply }),
	limit("log", size, func(l *Limits) *uint64 { return &l.Log }),
	limit("calls", count, func(l *Limits) *uint64 { return &l.Calls }),
}

func limit[T ~uint64 | ~int64](name string, u unit, field func(*Limits) *T) limitKey {
	return limitKey{
		name: name,
		unit: u,
		get:  func(l *Limits) uint64 { return uint64(*field(l)) },
		set:  func(l *Limits, v uint64) { *field(l) = T(v) },
	}
}

// LimitNames returns the names that Set knows, in the order to show them.
func LimitNames() []string {
	names := make([]string, len(limitKeys))
	for i, k := range limitKeys {
		names[i] = k.name
	}
	return names
}

// Set sets one limit from its text: a whole number, a size as "64MB" or
// "256KB", or a time as "1s". It is how wend.yaml and manifests give limits.
func (l *Limits) Set(name, text string) error {
	i := slices.IndexFunc(limitKeys, func(k limitKey) bool { return k.name == name })
	if i < 0 {
		return fmt.Errorf("no limit %q, expected one of %s", name, strings.Join(LimitNames(), ", "))
	}
	v, err := limitKeys[i].unit.parse(text)
	if err != nil {
		return fmt.Errorf("limit %q: %w", name, err)
	}
	limitKeys[i].set(l, v)
	return nil
}

func (u unit) parse(text string) (uint64, error) {
	switch u {
	case duration:
		d, err := yamldoc.ParseDuration(text)
		if err == nil && d <= 0 {
			err = fmt.Errorf("%q is not longer than 0", text)
		}
		return uint64(d), err
	case size:
		v, err := yamldoc.ParseSize(text)
		return uint64(v), err
	default:
		v, err := strconv.ParseUint(text, 10, 63)
		if err != nil || v == 0 {
			return 0, fmt.Errorf("%q is not a whole number above 0", text)
		}
		return v, nil
	}
}

// show writes v so that parse reads it, in the largest unit that loses nothing.
func (u unit) show(v uint64) string {
	if u == duration {
		return time.Duration(v).String()
	}
	if u == size {
		return data.ShowSize(v)
	}
	return strconv.FormatUint(v, 10)
}

// Or returns l with its zero fields taken from other.
func (l Limits) Or(other Limits) Limits {
	for _, k := range limitKeys {
		if k.get(&l) == 0 {
			k.set(&l, k.get(&other))
		}
	}
	return l
}

// Within returns the limits of a plugin that asked for l: what it asked for,
// else the default, which gives way to the ceiling. Asking for more than the
// ceiling is an error that names each such limit.
func (l Limits) Within(ceiling Limits) (Limits, error) {
	got := l.Or(DefaultLimits())
	var errs []error
	for _, k := range limitKeys {
		top := k.get(&ceiling)
		if asked := k.get(&l); asked > top {
			errs = append(errs, fmt.Errorf("asks for a %s limit of %s, above the ceiling of %s; raise limits.plugin.%s in wend.yaml to allow it",
				k.name, k.unit.show(asked), k.unit.show(top), k.name))
		}
		k.set(&got, min(k.get(&got), top))
	}
	return got, errors.Join(errs...)
}
