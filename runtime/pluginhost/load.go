package pluginhost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/wasm"
)

// maxModule bounds what compiling a file can take.
const maxModule = 64 << 20

func parse(file []byte) (*wasm.Module, error) {
	if n := uint64(len(file)); n > maxModule {
		return nil, fmt.Errorf("has %s, expected at most %s", data.ShowSize(n), data.ShowSize(maxModule))
	}
	return wasm.Parse(file)
}

// Check tells what can be told of a plugin without compiling it: whether this
// host would take it.
func (h *Host) Check(mod *wasm.Module) (*manifest.Manifest, error) {
	m, _, err := h.check(mod)
	return m, err
}

func (h *Host) check(mod *wasm.Module) (*manifest.Manifest, manifest.Limits, error) {
	m, err := manifest.Of(mod)
	if err != nil {
		return nil, manifest.Limits{}, err
	}
	limits, err := m.Limits.Within(h.ceiling)
	if refused := errors.Join(checkImports(mod), checkExports(mod)); refused != nil {
		err = refused
	} else if err == nil {
		err = checkMemory(mod, limits.Memory)
	}
	if err != nil {
		return nil, manifest.Limits{}, named(m, err)
	}
	limits.Wall = cmp.Or(h.wall, limits.Wall)
	return m, limits, nil
}

func named(m *manifest.Manifest, err error) error {
	return fmt.Errorf("plugin %s@%s: %w", m.Plugin, m.Version, err)
}

// Proven tells whether this build has loaded a plugin before, as its cache says,
// so that it can be loaded again. The error is that of Check.
func (h *Host) Proven(mod *wasm.Module) (bool, error) {
	_, limits, err := h.check(mod)
	return err == nil && h.kept.of(mod.Digest()).remembers(proof(limits)), err
}

// proof is the name of a file that is in a module's cache if it could be loaded
// under these limits.
func proof(limits manifest.Limits) string {
	return fmt.Sprintf("%08x.proof", crc32.ChecksumIEEE(fmt.Append(nil, limits)))
}

// load makes a plugin of a module.
func (h *Host) load(ctx context.Context, mod *wasm.Module) (*Plugin, error) {
	m, limits, err := h.check(mod)
	if err != nil {
		return nil, err
	}
	p, err := h.prepare(ctx, mod, m, limits)
	if err != nil {
		return nil, named(m, err)
	}
	return p, nil
}

func (h *Host) prepare(ctx context.Context, mod *wasm.Module, m *manifest.Manifest, limits manifest.Limits) (*Plugin, error) {
	digest := mod.Digest()
	var err error
	p := &Plugin{
		host:     h,
		manifest: m,
		limits:   limits,
		slots:    make(chan struct{}, h.instances),
		closing:  make(chan struct{}),
		draining: make(chan struct{}, 1),
		faults:   map[string]uint64{},
	}
	if p.types, err = p.typesOf(digest, p.ready); err != nil {
		return nil, err
	}
	if p.fresh, err = p.typesOf(digest, p.guestOnly); err != nil {
		return nil, err
	}
	if p.guest, err = h.compile(ctx, mod, limits); err != nil {
		return nil, err
	}
	if err := p.settle(); err != nil { //nolint:contextcheck // no context ends a guest, see instance.ctx
		return nil, errors.Join(err, p.guest.close(ctx))
	}
	h.log.Debug("plugin loaded", "plugin", m.Plugin, "version", m.Version, "digest", digest,
		"restored", p.image != nil, "reason", p.reason)
	return p, nil
}

// checkImports refuses all but the functions of WASI that reach nothing.
func checkImports(m *wasm.Module) error {
	var allowed, foreign []string
	for _, f := range wasiFunctions {
		allowed = append(allowed, f.name)
	}
	for _, i := range m.Imports {
		if i.Kind != wasm.KindFunction || i.Module != wasiModule || !slices.Contains(allowed, i.Name) {
			foreign = append(foreign, i.Module+"."+i.Name)
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
	want wasm.Signature
}{
	{exportAlloc, wasm.Signature{Params: "\x7f", Results: "\x7f"}},
	{exportInvoke, wasm.Signature{Params: "\x7f\x7f", Results: "\x7e"}},
}

const (
	exportAlloc      = "wend_alloc"
	exportInvoke     = "wend_invoke"
	exportTable      = "wend_invoke_table"
	exportInitialize = "_initialize"
	exportStart      = "_start"
	exportMemory     = "memory"
)

// command tells whether the module is a program that reads its document from
// standard input, instead of a library.
func command(m *wasm.Module) bool {
	_, start := m.Export(exportStart, wasm.KindFunction)
	_, invoke := m.Export(exportInvoke, wasm.KindFunction)
	return start && !invoke
}

// takesTables tells whether the module has its documents as tables.
func takesTables(m *wasm.Module) bool {
	_, table := m.Export(exportTable, wasm.KindFunction)
	return table && !command(m)
}

func checkExports(m *wasm.Module) error {
	var errs []error
	if _, ok := m.Export(exportMemory, wasm.KindMemory); !ok {
		errs = append(errs, fmt.Errorf("does not export its memory as %q", exportMemory))
	}
	if command(m) {
		return errors.Join(append(errs, checkExport(m, exportStart, wasm.Signature{}, true))...)
	}
	for _, r := range required {
		errs = append(errs, checkExport(m, r.name, r.want, true))
	}
	errs = append(errs, checkExport(m, exportTable, wasm.Signature{Params: "\x7f\x7f", Results: "\x7e"}, false))
	return errors.Join(append(errs, checkExport(m, exportInitialize, wasm.Signature{}, false))...)
}

func checkExport(m *wasm.Module, name string, want wasm.Signature, needed bool) error {
	e, ok := m.Export(name, wasm.KindFunction)
	if !ok {
		if needed {
			return fmt.Errorf("does not export the function %s%s of ABI 1", name, want)
		}
		return nil
	}
	if got, ok := m.SignatureOf(e.Index); !ok || got != want {
		return fmt.Errorf("exports the function %s%s, expected %s%s", name, got, name, want)
	}
	return nil
}

func checkMemory(m *wasm.Module, limit uint64) error {
	switch {
	case m.Memory == nil:
		return errors.New("has no memory of its own")
	case m.Memory.Shared:
		return errors.New("has a shared memory; threads are not supported")
	case uint64(m.Memory.Min)*wasm.PageSize > limit:
		return fmt.Errorf("needs %s of memory to begin with, its limit is %s; ask for more under limits.memory in plugin.yaml",
			data.ShowSize(uint64(m.Memory.Min)*wasm.PageSize), data.ShowSize(limit))
	}
	return nil
}
