package pluginhost

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/tetratelabs/wazero/sys"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost/meter"
)

// Codes of the faults of an invoke, as flows see them in error.code.
const (
	FaultTrap             = "trap"             // the guest broke off: a panic, an access out of bounds
	FaultExit             = "exit"             // the guest ended itself instead of answering
	FaultContract         = "contract"         // what the guest answered is not what ABI and manifest say
	FaultNondeterministic = "nondeterministic" // a replay asked for other calls than before
	FaultFuel             = "fuel"             // limits, as Limits has them
	FaultDepth            = "depth"
	FaultMemory           = "memory"
	FaultWall             = "wall"
	FaultInput            = "input"
	FaultOutput           = "output"
	FaultReply            = "reply"
	FaultLog              = "log"
	FaultCalls            = "calls"
	FaultBusy             = "busy"   // the caller gave up waiting for an instance
	FaultClosed           = "closed" // the plugin is closed
)

// failure is a fault before it says whose it is.
type failure struct {
	code   string
	msg    string
	frames []string // function names of the trap, innermost first
	stderr []string // the guest's last lines
}

func failf(code, format string, a ...any) *failure {
	return &failure{code: code, msg: fmt.Sprintf(format, a...)}
}

// fault makes what the engine gets of f.
func (f *failure) fault(m *manifest.Manifest, method string) *node.Fault {
	var b strings.Builder
	fmt.Fprintf(&b, "plugin %s@%s, method %s: %s", m.Plugin, m.Version, method, f.msg)
	if len(f.frames) > 0 {
		b.WriteString("; in " + strings.Join(f.frames, " < "))
	}
	if len(f.stderr) > 0 {
		b.WriteString("; it last wrote: " + strings.Join(f.stderr, " | "))
	}
	return &node.Fault{Code: f.code, Msg: b.String()}
}

func (f *failure) Error() string { return f.msg }

// limit makes f say that a limit ended the guest. The lines before its end are
// no cause of that, its last words might be.
func (f *failure) limit(code, format string, a ...any) {
	f.code, f.msg = code, fmt.Sprintf(format, a...)
}

// over says which limit was passed, and by how much.
func over(code, what string, got, limit uint64) *failure {
	return failf(code, "%s has %s, %s over the %s limit of %s", what, data.ShowSize(got), data.ShowSize(got-limit), code, data.ShowSize(limit))
}

// trapped says what ended a call into the guest.
func trapped(err error, log *guestLog) *failure {
	if exit, ok := errors.AsType[*sys.ExitError](err); ok {
		return &failure{code: FaultExit, msg: fmt.Sprintf("exited with status %d instead of answering", exit.ExitCode()), stderr: log.tail}
	}
	reason, frames := parseTrap(err.Error())
	return &failure{code: FaultTrap, msg: cmp.Or(log.panic, reason), frames: frames, stderr: log.tail}
}

// frame matches a line of wazero's trace: ".name(i32,i64) i32", where a module
// without a name has nothing before the dot.
var frame = regexp.MustCompile(`^\t[^\s]*?\.(.+?)\([\w,]*\)`)

// parseTrap splits wazero's error into the reason and the author's functions.
func parseTrap(text string) (reason string, frames []string) {
	head, trace, _ := strings.Cut(text, "\nwasm stack trace:\n")
	var all []string
	for line := range strings.Lines(trace) {
		m := frame.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(m[1], meter.ImportModule+".") {
			continue
		}
		all = append(all, m[1])
		if !machinery.MatchString(m[1]) {
			frames = append(frames, m[1])
		}
	}
	if len(frames) == 0 {
		frames = all
	}
	return strings.TrimPrefix(head, "wasm error: "), frames[:min(len(frames), maxFrames)]
}

const maxFrames = 6

// machinery are functions that every Go guest goes through.
var machinery = regexp.MustCompile(`^(runtime\.|internal_|github\.com_wendflow_wend_sdk\.|wasm_export_|wend_)`)
