//go:build !wasip1

package sdk

// Export hands the plugin to the host that loads this module. A module exports
// one plugin:
//
//	var _ = sdk.Export(plugin)
//
// Outside of WebAssembly it does nothing, so that a plugin can be tested like
// any other Go code.
func Export(p Plugin) Plugin { return p }
