// Package meter rewrites a WebAssembly module so that its host has it in hand: it can bound the module's work and depth,
// stop it, and put it back into an earlier state. It maps bytes to bytes: it neither compiles nor runs modules, and knows no engine,
// though its choices were measured on wazero 1.12.
//
// # What is injected
//
// One import, two globals and a few functions, all behind those of the module, except that the import moves the
// indices of the module's own functions up by one:
//
//	(import "wend_meter" "refill" (func $refill (param i64) (result i64)))
//	(global $fuel  (export "wend_meter.fuel")  (mut i64) (i64.const 0))
//	(global $depth (export "wend_meter.depth") (mut i32) (i32.const 10000)) ;; Config.Depth
//
//	(func $wend_meter.check (local $grant i64)            ;; fuel is below zero
//	  (loop $again
//	    (local.set $grant (call $refill (global.get $fuel)))
//	    (if (i64.le_s (local.get $grant) (i64.const 0)) (then unreachable))
//	    (global.set $fuel (i64.add (global.get $fuel) (local.get $grant)))
//	    (br_if $again (i64.lt_s (global.get $fuel) (i64.const 0)))))
//
// A function (func $f (param i32) (result i32) BODY) that calls others becomes
//
//	(func $f (param i32) (result i32)
//	  (global.set $depth (i32.sub (global.get $depth) (i32.const LEVELS)))
//	  (if (i32.lt_s (global.get $depth) (i32.const 0)) (then unreachable))
//	  CHARGE CHECK
//	  (block (result i32) BODY)                           ;; return becomes br to this block
//	  (global.set $depth (i32.add (global.get $depth) (i32.const LEVELS))))
//
// where CHARGE and CHECK, which also stand at each loop head, and CHARGE alone on long branches, are
//
//	(global.set $fuel (i64.sub (global.get $fuel) (i64.const PRICE)))
//	(if (i64.ge_s (global.get $fuel) (i64.const 0)) (then) (else (call $wend_meter.check)))
//
// Functions that call no others do not count their depth, and check their fuel only at loop heads. Instructions whose
// work depends on an operand are charged by it (8 bytes, or one table element, are one unit); memory.fill and
// memory.copy become calls of functions that do a megabyte at a time, with a check between two. Functions that
// catch exceptions restore the depth where an exception may come in. All mutable globals are exported.
//
// # Fuel
//
// A unit is about one machine instruction; the dear ones cost more (opPrices). The price of a region of code is that of
// the dearest way through it, so fuel is an upper bound of the work done, and a pure function of the module and its
// input: it depends neither on the machine nor on the length of slices. See plan.go for where fuel is taken and why.
//
// # Why does the slow path call the host?
//
// Compiled code that never returns into Go blocks the garbage collector's stop-the-world. memory.grow(0) returns into Go
// too, and is as quick (25 ns, a host call 34 ns), but leaves the host no say: to stop a guest it would have to write a
// wazero global from another goroutine while compiled code reads it, which no memory model covers, and a module without
// memory could not be metered. The call is the safepoint, the place where the host looks whether to stop, and the
// place where it grants the next slice, so that fuel ends exactly at the budget whatever the slice. It costs nothing
// that slices are short: at 100,000 units, which even a guest that misses the cache at each load does in some
// milliseconds, the refills are under 1 % of the work.
//
// The price is that function indices move. All instructions have to be decoded anyhow, so moving them is three cases
// and the sections that hold function indices; sections that point into the code by offset (DWARF and the like) are
// dropped, since they would be wrong after any injection. Names are kept, so traps name the functions they did before.
//
// # Why two globals, not one, and no trip code?
//
// Fuel and depth packed into one i64 would save one comparison for each call and cost wide constants everywhere; Go's
// functions check fuel at their loop heads anyway. A code that says why the guest trapped is not needed: depth below
// zero says so itself, and in all other cases it was the host that refused.
package meter
