package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/webhook"
)

// checkConnections holds flows and connections against each other: who calls,
// who checks callers, and what plugins want to be set. It looks up no secret.
func checkConnections(set *catalog.Set, cfg *config.Config) diag.List {
	if set == nil || cfg == nil {
		return nil
	}
	known := map[string]outbound.Connection{}
	for _, c := range cfg.Connections {
		known[c.Name] = c
	}
	verifies := func(name string) bool { return known[name].CanVerify() }
	list := webhook.Check(set, verifies, slices.Sorted(maps.Keys(known)))
	for _, f := range set.Flows() {
		for _, id := range f.Order {
			if c, ok := known[f.Nodes[id].Connection]; ok {
				checkConnection(&list, f.Nodes[id], c, cfg)
			}
		}
	}
	return list.Sorted()
}

func checkConnection(list *diag.List, n *flow.Node, c outbound.Connection, cfg *config.Config) {
	if !c.CanCall() {
		list.Errorf(n.Pos, diag.UnknownConnection, "connection %q is of type %q, which checks callers and makes no calls", c.Name, c.Type)
		return
	}
	props, _ := n.Type.Settings.Raw()["properties"].(map[string]any)
	if props == nil {
		return
	}
	settings := c.PluginSettings()
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if props[name] != nil {
			continue
		}
		// A connection may serve several plugins, so this is no error.
		w := list.Warnf(cfg.Pos("connections."+c.Name+".settings."+name), config.InvalidConnection,
			"connection %q: %s has no setting %q", c.Name, n.Type.Ref(), name)
		w.Hint = diag.Suggest(name, slices.Sorted(maps.Keys(props)))
		delete(settings, name)
	}
	for _, p := range n.Type.Settings.Validate(n.Type.Settings.WithDefaults(settings)) {
		list.Errorf(cfg.Pos("connections."+c.Name+".settings."+strings.Join(p.Path, ".")), config.InvalidConnection,
			"connection %q, for %s: %s", c.Name, n.Type.Ref(), p)
	}
}
