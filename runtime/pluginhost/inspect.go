package pluginhost

import (
	"fmt"

	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/wasm"
)

// Inspection is what can be known of a wasm file without compiling it.
type Inspection struct {
	Manifest      *manifest.Manifest `json:"manifest,omitempty"`
	ManifestError string             `json:"manifestError,omitempty"` // why there is no Manifest
	Digest        string             `json:"digest"`
	Size          int                `json:"size"`
	Kind          Kind               `json:"kind"`
	Exports       []string           `json:"exports"` // functions with their signatures, and memories
	Imports       []string           `json:"imports"`
	InitialPages  uint32             `json:"initialPages"` // of 64 KB
	MaxPages      uint32             `json:"maxPages"`     // 0 if the module names none
	// Problems are why a host would refuse the module.
	Problems []string `json:"problems,omitempty"`
}

// Kind is how a module takes its document.
type Kind string

// The kinds of plugins.
const (
	Reactor Kind = "reactor" // exports wend_invoke
	Command Kind = "command" // a program that reads standard input
)

// Inspect looks at a wasm file. It fails only if the file is no module; what
// else is wrong stands in the result.
func Inspect(file []byte) (*Inspection, error) {
	m, err := wasm.Parse(file)
	if err != nil {
		return nil, err
	}
	i := &Inspection{Digest: wasm.Digest(file), Size: len(file), Kind: Reactor}
	if command(m) {
		i.Kind = Command
	}
	if i.Manifest, err = manifest.Of(m); err != nil {
		i.ManifestError = err.Error()
	}
	for _, e := range m.Exports {
		switch e.Kind {
		case wasm.KindFunction:
			sig, _ := m.SignatureOf(e.Index) // an unknown one shows as ()
			i.Exports = append(i.Exports, e.Name+sig.String())
		case wasm.KindMemory:
			i.Exports = append(i.Exports, e.Name)
		}
	}
	for _, imp := range m.Imports {
		i.Imports = append(i.Imports, imp.Module+"."+imp.Name)
	}
	if m.Memory != nil {
		i.InitialPages = m.Memory.Min
		if m.Memory.Max < wasm.MaxPages {
			i.MaxPages = m.Memory.Max
		}
	}
	for _, err := range []error{checkImports(m), checkExports(m)} {
		if err != nil {
			i.Problems = append(i.Problems, err.Error())
		}
	}
	return i, nil
}

// What Warnings tells of.
const (
	largeModule  = 3 << 20
	largeInitial = 256 // pages
)

// Warnings say what makes the module slow to load and to restore. None keeps a
// host from loading it.
func (i *Inspection) Warnings() []string {
	var warnings []string
	if i.Size > largeModule {
		warnings = append(warnings, fmt.Sprintf("the module has %.1f MB, more than 3 MB: packages like encoding/json, text/template and fmt cost most", float64(i.Size)/(1<<20)))
	}
	if i.InitialPages > largeInitial {
		warnings = append(warnings, fmt.Sprintf("the module begins with %d pages of memory, more than %d: look for large package variables", i.InitialPages, largeInitial))
	}
	return warnings
}
