package pluginhost

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/pluginhost/meter"
	"github.com/wendflow/wend/runtime/wasm"
)

// guest is compiled code, ready to be instantiated.
type guest struct {
	digest  string
	limits  manifest.Limits
	command bool   // a program, not a library
	tables  bool   // its documents are tables, not JSON
	entry   string // what an invoke calls
	data    []wasm.Segment
	globals []string // exported names of those that change
	hazards []string // why restoring memory and globals is not enough
	tracker *tracker
	kept    cached
	// compiled holds the machine code, of this guest alone: what is damaged in
	// its folder is found when it is loaded, and no start reads all folders.
	compiled wazero.CompilationCache
	runtime  wazero.Runtime
	code     wazero.CompiledModule
}

// initTime is the guest's time before its first invoke.
var initTime = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// compile makes machine code in a runtime of the guest's own: modules that
// share one can import each other.
func (h *Host) compile(ctx context.Context, mod *wasm.Module, limits manifest.Limits) (*guest, error) {
	g := &guest{
		digest:  mod.Digest(),
		limits:  limits,
		command: command(mod),
		tables:  takesTables(mod),
		entry:   exportInvoke,
		tracker: h.tracker,
		kept:    h.kept.of(mod.Digest()).open(),
	}
	switch {
	case g.command:
		g.entry = exportStart
	case g.tables:
		g.entry = exportTable
	}
	bare, data := takeData(mod)
	g.data = data
	metered, err := g.meter(bare, int32(min(limits.Depth, maxDepth)))
	if err != nil {
		return nil, err
	}
	g.globals, g.hazards = metered.MutableGlobals, metered.Hazards
	// Its context does not end guests: that would cost them five times as much
	// as the meter does.
	g.compiled = g.kept.code()
	g.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(g.compiled))
	if h.profile != nil {
		ctx = profiling(ctx)
	}
	if err := g.link(ctx, metered.Bytes); err != nil {
		return nil, errors.Join(err, g.close(ctx))
	}
	return g, nil
}

// meter rewrites a module, or takes what an earlier start has rewritten: that
// is half of what a start takes. Whoever can write to the cache could as well
// put machine code there.
func (g *guest) meter(bare []byte, depth int32) (*meter.Module, error) {
	if g.kept.dir == "" {
		return meter.Rewrite(bare, meter.Config{Depth: depth})
	}
	file := filepath.Join(g.kept.dir, fmt.Sprintf("%d.metered", depth))
	if kept, err := os.ReadFile(file); err == nil {
		m := &meter.Module{}
		if gob.NewDecoder(bytes.NewReader(kept)).Decode(m) == nil {
			return m, nil
		}
	}
	m, err := meter.Rewrite(bare, meter.Config{Depth: depth})
	if err != nil {
		return nil, err
	}
	var kept bytes.Buffer
	if err := errors.Join(gob.NewEncoder(&kept).Encode(m), g.kept.write(file, kept.Bytes())); err != nil {
		g.kept.log.Warn("a metered plugin is not cached", "file", file, "error", err)
	}
	return m, nil
}

// maxDepth keeps a guest's stack of ours in bounds whatever the ceiling says.
const maxDepth = 1_000_000

func (g *guest) link(ctx context.Context, metered []byte) error {
	workers := experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0))
	code, err := g.runtime.CompileModule(workers, metered)
	if err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	g.code = code
	if err := instantiateWASI(ctx, g.runtime); err != nil {
		return fmt.Errorf("link WASI: %w", err)
	}
	if err := instantiateMeter(ctx, g.runtime); err != nil {
		return fmt.Errorf("link the meter: %w", err)
	}
	return nil
}

// takeImage initialises a new instance and keeps its state.
func (g *guest) takeImage() (*image, error) {
	i, err := g.newInstance()
	if err != nil {
		return nil, err
	}
	defer i.close()
	if err := i.initialise(); err != nil {
		return nil, err
	}
	memory, _ := i.memory.Read(0, i.memory.Size()) // all there is
	s, err := newSnapshot(memory)
	if err != nil {
		return nil, err
	}
	img := &image{memory: s}
	for _, global := range i.globals {
		img.globals = append(img.globals, global.Get())
	}
	return img, nil
}

// instantiate makes an instance in the state of the image, or one that has
// just initialised itself if there is no image.
func (g *guest) instantiate(img *image) (*instance, error) {
	i, err := g.newInstance()
	if err != nil {
		return nil, err
	}
	if img == nil {
		err = i.initialise()
	} else {
		err = i.become(img)
	}
	if err != nil {
		i.close()
		return nil, err
	}
	return i, nil
}

// become brings a new instance to the state of the image.
func (i *instance) become(img *image) error {
	missing := len(img.memory.bytes) - int(i.memory.Size())
	if _, ok := i.memory.Grow(uint32(missing / wasm.PageSize)); !ok {
		return fmt.Errorf("grow the memory of an instance to %s", data.ShowSize(uint64(len(img.memory.bytes))))
	}
	if err := i.arena.adopt(img.memory); err != nil {
		return err
	}
	i.image = img
	i.setGlobals()
	return nil
}

// close frees every instance, and then the code.
func (g *guest) close(ctx context.Context) error {
	return errors.Join(g.runtime.Close(ctx), g.compiled.Close(ctx))
}
