package pluginhost

import (
	"fmt"

	"github.com/wendflow/wend/runtime/node"
)

// Declared returns the node types that a wasm file declares, without compiling
// it. They can be checked against but not run: their Step is nil.
func Declared(wasm []byte) ([]*node.Type, error) {
	m, err := ReadManifest(wasm)
	if err != nil {
		return nil, err
	}
	declared, err := m.types(Digest(wasm))
	if err != nil {
		return nil, fmt.Errorf("plugin %s@%s: %w", m.Plugin, m.Version, err)
	}
	var types []*node.Type
	for i, t := range declared {
		types = append(types, t)
		types = append(types, aliases(t, m.Methods[i])...)
	}
	return types, nil
}
