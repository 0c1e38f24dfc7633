package meter

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/wendflow/wend/runtime/wasm"
)

// Version names the rewriting scheme. Code compiled from a rewritten module must not outlive it:
// a compile cache has Version in its path.
const Version = "1"

// Names at the border between a rewritten module and its host.
const (
	// ImportModule and ImportFunc name the function (func (param i64) (result i64)) that the host has to provide.
	// A rewritten module calls it when its fuel has fallen below zero: see [Tank.Refill].
	ImportModule = "wend_meter"
	ImportFunc   = "refill"
	// FuelGlobal is the exported i64 of fuel left. It is 0 in a new instance.
	FuelGlobal = ImportModule + ".fuel"
	// DepthGlobal is the exported i32 of call depth left. It is [Config.Depth] in a new instance, and below 0
	// after a trap if and only if the guest trapped because it went deeper.
	DepthGlobal = ImportModule + ".depth"
)

// Bounds on what a module may declare. They are those of the web embeddings.
const (
	maxLocals  = 50_000
	maxArity   = 1_000
	maxNesting = 10_000
)

// Config holds the limits that are compiled into a module.
type Config struct {
	// Depth is how many calls may be open at once. Calls of functions that call no other are free, and a function
	// with over 64 parameters, locals and operands counts once more for each further 64. Defaults to 10,000.
	Depth int32
	// TableItems is how many elements a table may have. A module that declares more is refused, table.grow
	// beyond it yields -1. Defaults to 100,000.
	TableItems int32
}

// Module is a rewritten module.
type Module struct {
	Bytes []byte
	// MutableGlobals are the export names of the module's own mutable globals, for snapshot and restore.
	// Fuel and depth are not among them.
	MutableGlobals []string
	// Hazards says why writing back memory and globals does not bring back the state of an instance,
	// one short sentence each. Empty if it does.
	Hazards []string
}

func inFunction(err error, name string) error {
	var e *wasm.Error
	if errors.As(err, &e) {
		e.Function = name
	}
	return err
}

// Rewrite returns the module with fuel and depth counted. It does not change its argument. The error is an [*wasm.Error]
// for a module that is malformed, too large in one of its parts, or uses what is not known or refused (threads,
// the legacy exception handling). What Rewrite accepts still has to be validated by the engine.
//
// A host of untrusted modules should not enable wazero's exception handling: in 1.12 each try_table that is entered
// holds a copy of the guest's stack, so nested ones take memory that no limit here bounds.
func Rewrite(file []byte, cfg Config) (*Module, error) {
	cfg.Depth = cmp.Or(cfg.Depth, 10_000)
	cfg.TableItems = cmp.Or(cfg.TableItems, 100_000)
	if cfg.Depth < 0 || cfg.TableItems < 0 {
		return nil, fmt.Errorf("depth %d and table items %d must not be negative", cfg.Depth, cfg.TableItems)
	}
	m, err := parse(file, cfg)
	if err != nil {
		return nil, err
	}
	w, out, err := rewrite(m, cfg)
	if err != nil {
		return nil, err
	}
	return &Module{Bytes: out, MutableGlobals: w.mutable, Hazards: w.hazards()}, nil
}

func (w *rewriter) hazards() (found []string) {
	add := func(is bool, what string) {
		if is {
			found = append(found, what)
		}
	}
	add(w.wroteTables, "the module writes to its tables")
	add(w.grewTables, "the module grows its tables")
	add(w.dropped, "the module drops segments")
	add(w.m.importedMems > 0, "the module imports its memory")
	add(w.m.importedTabs > 0, "the module imports a table")
	for i, g := range w.m.globals {
		if g.mutable && i < w.m.importedGlobs {
			add(true, "the module imports a mutable global")
		} else if g.mutable && g.val == typeV128 {
			add(true, "the module has a mutable global of type v128")
		}
	}
	return found
}
