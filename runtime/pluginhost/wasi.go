package pluginhost

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/wendflow/wend/runtime/pluginhost/meter"
)

// wasiModule is the only module that a guest may import from.
const wasiModule = "wasi_snapshot_preview1"

// errno is what a WASI function returns.
type errno uint32

// The errors that guests meet, by their names in WASI.
const (
	success   errno = 0
	errBadf   errno = 8
	errFault  errno = 21
	errInval  errno = 28
	errNotsup errno = 58
	errSpipe  errno = 70
)

// args are the parameters of a WASI function, as wazero passes them.
type args []uint64

func (a args) u32(i int) uint32 { return uint32(a[i]) }

// wasiFunction is one function of WASI: its parameters by one letter each, i
// for i32 and I for i64, and what it does. All but proc_exit return an errno.
type wasiFunction struct {
	name   string
	params string
	call   func(*system, api.Memory, args) errno
}

// wasiFunctions are the imports that a guest may have: what the Go toolchain
// and wasi-libc link in whatever the program does. They are our own, so that
// it can be read here that they reach nothing of the machine, leave no trace
// for the next invoke, and take no longer than the guest has paid for.
var wasiFunctions = []wasiFunction{
	{"args_get", "ii", nothing},
	{"args_sizes_get", "ii", noneOfThem},
	{"clock_res_get", "ii", clockRes},
	{"clock_time_get", "iIi", clockTime},
	{"environ_get", "ii", nothing},
	{"environ_sizes_get", "ii", noneOfThem},
	{"fd_close", "i", nothing},
	{"fd_fdstat_get", "ii", fdStat},
	{"fd_fdstat_set_flags", "ii", nothing},
	{"fd_filestat_get", "ii", fileStat},
	{"fd_prestat_dir_name", "iii", noSuchFile},
	{"fd_prestat_get", "ii", noSuchFile},
	{"fd_read", "iiii", fdRead},
	{"fd_seek", "iIii", noSeek},
	{"fd_write", "iiii", fdWrite},
	{"poll_oneoff", "iiii", poll},
	{"proc_exit", "i", exit},
	{"random_get", "ii", random},
	{"sched_yield", "", nothing},
}

// instantiateWASI gives a runtime the functions above.
func instantiateWASI(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder(wasiModule)
	for _, f := range wasiFunctions {
		results := []api.ValueType{api.ValueTypeI32}
		if f.name == "proc_exit" {
			results = nil
		}
		host := api.GoModuleFunc(func(ctx context.Context, mod api.Module, stack []uint64) {
			got := f.call(systemOf(ctx), mod.Memory(), args(stack))
			if len(results) > 0 {
				stack[0] = uint64(got)
			}
		})
		b.NewFunctionBuilder().WithGoModuleFunction(host, valueTypesOf(f.params), results).Export(f.name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

// instantiateMeter gives a runtime the function by which a metered guest asks
// for more fuel.
func instantiateMeter(ctx context.Context, r wazero.Runtime) error {
	refill := api.GoFunc(func(ctx context.Context, stack []uint64) {
		stack[0] = uint64(systemOf(ctx).tank.Refill(int64(stack[0])))
	})
	b := r.NewHostModuleBuilder(meter.ImportModule)
	b.NewFunctionBuilder().
		WithGoFunction(refill, []api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI64}).
		Export(meter.ImportFunc)
	_, err := b.Instantiate(ctx)
	return err
}

func valueTypesOf(letters string) []api.ValueType {
	types := make([]api.ValueType, len(letters))
	for i, letter := range letters {
		types[i] = api.ValueTypeI32
		if letter == 'I' {
			types[i] = api.ValueTypeI64
		}
	}
	return types
}

func nothing(*system, api.Memory, args) errno { return success }

func noSuchFile(*system, api.Memory, args) errno { return errBadf }

func noSeek(*system, api.Memory, args) errno { return errSpipe }

// noneOfThem says that there are no arguments, or no environment.
func noneOfThem(_ *system, m api.Memory, a args) errno {
	return first(written32(m, a.u32(0), 0), written32(m, a.u32(1), 0))
}

func written32(m api.Memory, at, v uint32) errno { return fault(m.WriteUint32Le(at, v)) }

func written64(m api.Memory, at uint32, v uint64) errno { return fault(m.WriteUint64Le(at, v)) }

// first returns the first error.
func first(a, b errno) errno {
	if a != success {
		return a
	}
	return b
}

func fault(ok bool) errno {
	if !ok {
		return errFault
	}
	return success
}

const (
	clockReal = 0
	clockMono = 1
)

func clockRes(_ *system, m api.Memory, a args) errno {
	if a.u32(0) > clockMono {
		return errInval
	}
	return written64(m, a.u32(1), uint64(tick))
}

func clockTime(s *system, m api.Memory, a args) errno {
	switch a.u32(0) {
	case clockReal:
		return written64(m, a.u32(2), uint64(s.wall()))
	case clockMono:
		return written64(m, a.u32(2), uint64(s.mono()))
	default:
		return errInval
	}
}

// A guest has three open files, all terminals.
const (
	stdin    = 0
	stdout   = 1
	stderr   = 2
	terminal = 2 // a character device
)

func fdStat(_ *system, m api.Memory, a args) errno {
	if a.u32(0) > stderr {
		return errBadf
	}
	return fault(m.Write(a.u32(1), []byte{terminal, 23: 0}))
}

func fileStat(_ *system, m api.Memory, a args) errno {
	if a.u32(0) > stderr {
		return errBadf
	}
	return fault(m.Write(a.u32(1), []byte{16: terminal, 63: 0}))
}

// maxVectors is how many buffers one read or write may have.
const maxVectors = 1024

// eachVector calls f with each buffer of a read or write until it returns false.
func eachVector(m api.Memory, a args, f func([]byte) bool) errno {
	at, n := a.u32(1), a.u32(2)
	if n > maxVectors {
		return errInval
	}
	vectors, ok := m.Read(at, n*8)
	if !ok {
		return errFault
	}
	for ; len(vectors) > 0; vectors = vectors[8:] {
		b, ok := m.Read(binary.LittleEndian.Uint32(vectors), binary.LittleEndian.Uint32(vectors[4:]))
		if !ok {
			return errFault
		}
		if !f(b) {
			break
		}
	}
	return success
}

func fdRead(s *system, m api.Memory, a args) errno {
	if a.u32(0) != stdin {
		return errBadf
	}
	total := uint32(0)
	err := eachVector(m, a, func(b []byte) bool {
		n := copy(b, s.stdin)
		s.stdin = s.stdin[n:]
		total += uint32(n)
		return n == len(b)
	})
	return first(err, written32(m, a.u32(3), total))
}

func fdWrite(s *system, m api.Memory, a args) errno {
	fd := a.u32(0)
	if fd != stdout && fd != stderr {
		return errBadf
	}
	total := uint32(0)
	err := eachVector(m, a, func(b []byte) bool {
		if fd == stdout && s.command {
			s.stdout.write(b)
		} else {
			s.log.write(b)
		}
		total += uint32(len(b))
		return true
	})
	s.charge(a.u32(2))
	return first(err, written32(m, a.u32(3), total))
}

// Layout of what poll_oneoff reads and writes.
const (
	maxSubscriptions = 64
	subscriptionSize = 48
	eventSize        = 32
)

// poll sleeps until the first clock that it is asked about, which takes none of
// our time. No file ever becomes ready.
func poll(s *system, m api.Memory, a args) errno {
	n := a.u32(2)
	if n == 0 || n > maxSubscriptions {
		return errInval
	}
	in, ok := m.Read(a.u32(0), n*subscriptionSize)
	if !ok {
		return errFault
	}
	out, ok := m.Read(a.u32(1), n*eventSize)
	if !ok {
		return errFault
	}
	var sleep time.Duration = -1
	var events [maxSubscriptions * eventSize]byte
	for i := range int(n) {
		sub, event := in[i*subscriptionSize:], events[i*eventSize:]
		copy(event, sub[:8]) // the guest's own mark
		event[10] = sub[8]   // what it waits for
		if sub[8] != 0 {
			event[8] = byte(errNotsup)
			continue
		}
		if d := s.until(sub[16:]); sleep < 0 || d < sleep {
			sleep = d
		}
	}
	s.elapsed += max(sleep, 0)
	copy(out, events[:])
	return written32(m, a.u32(3), n)
}

// until reads how long a subscription to a clock is to sleep.
func (s *system) until(clock []byte) time.Duration {
	const absolute = 1
	t := time.Duration(binary.LittleEndian.Uint64(clock[8:]))
	if clock[24]&absolute == 0 {
		return max(t, 0)
	}
	now := s.wall()
	if binary.LittleEndian.Uint32(clock) == clockMono {
		now = s.mono()
	}
	return max(t-time.Duration(now), 0)
}

// exit unwinds the guest without closing the module, which could not be used
// again then.
func exit(_ *system, _ api.Memory, a args) errno { panic(sys.NewExitError(a.u32(0))) }

func random(s *system, m api.Memory, a args) errno {
	b, ok := m.Read(a.u32(0), a.u32(1))
	if !ok {
		return errFault
	}
	s.charge(a.u32(1))
	s.randomize(b)
	return success
}
