package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxModule bounds what compiling a file can take.
const maxModule = 64 << 20

// load makes a plugin of a wasm file.
func (h *Host) load(ctx context.Context, wasm []byte, digest string) (*Plugin, error) {
	if n := uint64(len(wasm)); n > maxModule {
		return nil, fmt.Errorf("has %s, expected at most %s", size.show(n), size.show(maxModule))
	}
	mod, err := parseModule(wasm)
	if err != nil {
		return nil, err
	}
	manifest, err := mod.manifest()
	if err != nil {
		return nil, err
	}
	p, err := h.prepare(ctx, mod, manifest, wasm, digest)
	if err != nil {
		return nil, fmt.Errorf("plugin %s@%s: %w", manifest.Plugin, manifest.Version, err)
	}
	return p, nil
}

func (h *Host) prepare(ctx context.Context, mod *module, manifest *Manifest, wasm []byte, digest string) (*Plugin, error) {
	if err := errors.Join(mod.checkImports(), mod.checkExports()); err != nil {
		return nil, err
	}
	limits, err := manifest.Limits.within(h.ceiling)
	if err != nil {
		return nil, err
	}
	if err := mod.checkMemory(limits.Memory); err != nil {
		return nil, err
	}
	p := &Plugin{
		host:     h,
		manifest: manifest,
		limits:   limits,
		slots:    make(chan struct{}, h.instances),
		closing:  make(chan struct{}),
		draining: make(chan struct{}, 1),
		faults:   map[string]uint64{},
	}
	if p.types, err = manifest.types(digest, p.stepper(p.ready)); err != nil {
		return nil, err
	}
	if p.fresh, err = manifest.types(digest, p.stepper(p.guestOnly)); err != nil {
		return nil, err
	}
	if p.guest, err = h.compile(ctx, wasm, mod, limits, digest); err != nil {
		return nil, err
	}
	if err := p.settle(); err != nil { //nolint:contextcheck // no context ends a guest, see instance.ctx
		return nil, errors.Join(err, p.guest.close(ctx))
	}
	h.log.Debug("plugin loaded", "plugin", manifest.Plugin, "version", manifest.Version, "digest", digest,
		"restored", p.image != nil, "reason", p.reason)
	return p, nil
}

// checkImports refuses all but the functions of WASI that reach nothing.
func (m *module) checkImports() error {
	var allowed, foreign []string
	for _, f := range wasiFunctions {
		allowed = append(allowed, f.name)
	}
	for _, i := range m.imports {
		if i.kind != kindFunction || i.module != wasiModule || !slices.Contains(allowed, i.name) {
			foreign = append(foreign, i.module+"."+i.name)
		}
	}
	if len(foreign) == 0 {
		return nil
	}
	return fmt.Errorf("imports %s; a plugin may import nothing but these functions of %s: %s",
		strings.Join(foreign, ", "), wasiModule, strings.Join(allowed, ", "))
}

// required are the exports of ABI 1.
var required = []struct {
	name string
	want signature
}{
	{exportAlloc, signature{"\x7f", "\x7f"}},
	{exportInvoke, signature{"\x7f\x7f", "\x7e"}},
}

const (
	exportAlloc      = "wend_alloc"
	exportInvoke     = "wend_invoke"
	exportInitialize = "_initialize"
	exportStart      = "_start"
	exportMemory     = "memory"
)

// command tells whether the module is a program that reads its document from
// standard input, instead of a library.
func (m *module) command() bool {
	_, start := m.export(exportStart, kindFunction)
	_, invoke := m.export(exportInvoke, kindFunction)
	return start && !invoke
}

func (m *module) checkExports() error {
	var errs []error
	if _, ok := m.export(exportMemory, kindMemory); !ok {
		errs = append(errs, fmt.Errorf("does not export its memory as %q", exportMemory))
	}
	if m.command() {
		return errors.Join(append(errs, m.checkExport(exportStart, signature{}, true))...)
	}
	for _, r := range required {
		errs = append(errs, m.checkExport(r.name, r.want, true))
	}
	return errors.Join(append(errs, m.checkExport(exportInitialize, signature{}, false))...)
}

func (m *module) checkExport(name string, want signature, needed bool) error {
	e, ok := m.export(name, kindFunction)
	if !ok {
		if needed {
			return fmt.Errorf("does not export the function %s%s of ABI 1", name, want)
		}
		return nil
	}
	if got, ok := m.signatureOf(e.index); !ok || got != want {
		return fmt.Errorf("exports the function %s%s, expected %s%s", name, got, name, want)
	}
	return nil
}

func (m *module) checkMemory(limit uint64) error {
	switch {
	case m.memory == nil:
		return errors.New("has no memory of its own")
	case m.memory.shared:
		return errors.New("has a shared memory; threads are not supported")
	case uint64(m.memory.min)*pageSize > limit:
		return fmt.Errorf("needs %s of memory to begin with, its limit is %s; ask for more under limits.memory in plugin.yaml",
			size.show(uint64(m.memory.min)*pageSize), size.show(limit))
	}
	return nil
}
