// Package environment holds flows against wend.yaml: what they may use of it,
// and whether their connections fit. It looks up no secret.
package environment

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/webhook"
)

// Flows is what flows are checked against. cfg is nil if there is none.
func Flows(types *node.Set, cfg *config.Config) flow.Config {
	rules := outbound.GeneralRules()
	if cfg != nil {
		rules = outbound.RulesOf(cfg.Connections, cfg.Outbound.Allow)
	}
	fc := flow.Config{Types: types, Refused: func(connection string, call node.Call) []node.Problem {
		return refused(rules, connection, call)
	}}
	if cfg != nil {
		fc.Variables, fc.Nodes = cfg.Variables, cfg.Limits.Nodes
		fc.Connections = []string{}
		for _, c := range cfg.Connections {
			fc.Connections = append(fc.Connections, c.Name)
		}
	}
	return fc
}

// refused holds a call against the rules for calls, as far as it is known.
func refused(rules *outbound.Rules, connection string, call node.Call) []node.Problem {
	address, host := expand.KnownURL(call.URL)
	plan := outbound.Plan{Connection: connection, URL: address, AnyHost: !host, Headers: map[string]string{}, Query: call.Query, Secrets: outbound.Secrets(call.Secrets)}
	for name, value := range call.Headers {
		if strings.Contains(value, "$(") {
			value = "" // known when the call is made
		}
		plan.Headers[name] = value
	}
	var problems []node.Problem
	for _, r := range rules.Refusals(plan) {
		// People see the address as they wrote it.
		msg := strings.Replace(r.Msg, strings.TrimLeft(address, "/"), strings.TrimLeft(call.URL, "/"), 1)
		if r.Word != "" {
			r.Hint = diag.Suggest(r.Word, r.Known)
		}
		problems = append(problems, node.Problem{Path: r.Part, Msg: msg, Hint: r.Hint})
	}
	return problems
}

// Ceiling is the most that plugins may ask for.
func Ceiling(cfg *config.Config) manifest.Limits {
	p := cfg.Limits.Plugin
	return manifest.Limits{
		Fuel: uint64(p.Fuel), Memory: uint64(p.Memory), Calls: uint64(p.Calls), Depth: uint64(p.Depth),
		Wall: p.Wall, Input: uint64(p.Input), Output: uint64(p.Output), Reply: uint64(p.Reply), Log: uint64(p.Log),
	}
}

// Placed finds the places in wend.yaml of what outbound.New says is wrong with
// connections.
func Placed(cfg *config.Config, err error) diag.List {
	var list diag.List
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		list.Errorf(diag.Pos{File: cfg.File}, config.InvalidConnection, "%s", err)
		return list
	}
	for _, err := range joined.Unwrap() {
		pos := diag.Pos{File: cfg.File}
		if field, ok := errors.AsType[*outbound.FieldError](err); ok {
			pos = cfg.Pos("connections." + field.Connection + "." + field.Field)
		}
		list.Errorf(pos, config.InvalidConnection, "%s", err)
	}
	return list.Sorted()
}

// Check holds flows and connections against each other: who calls, who checks
// callers, and what plugins want to be set. types are all that could use a
// connection. Both set and cfg may be nil.
func Check(types *node.Set, set *catalog.Set, cfg *config.Config) diag.List {
	if set == nil || cfg == nil {
		return nil
	}
	known := map[string]outbound.Connection{}
	for _, c := range cfg.Connections {
		known[c.Name] = c
	}
	list := webhook.Check(set, webhook.Abilities{
		Verify:      func(name string) bool { return known[name].CanVerify() },
		Token:       func(name string) bool { return known[name].HasToken() },
		Sign:        func(name string) bool { return known[name].CanSign() },
		Connections: slices.Sorted(maps.Keys(known)),
	})
	plugins := pluginSettings(types)
	checkUnknown(&list, plugins, cfg)
	for _, f := range set.Flows() {
		for n := range f.All() {
			if c, ok := known[n.Connection]; ok {
				checkConnection(&list, n, c, cfg, plugins)
			}
		}
	}
	return list.Sorted()
}

// pluginSettings names the settings that plugins have.
func pluginSettings(types *node.Set) []string {
	names := map[string]bool{}
	for _, t := range types.All() {
		props, _ := t.Settings.Raw()["properties"].(map[string]any)
		for name := range props {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// checkUnknown reports settings that neither a connection's type nor any plugin
// has. Where no plugin with settings is installed, a name may be that of one
// that is missing, unless it is close to a name that is known.
func checkUnknown(list *diag.List, plugins []string, cfg *config.Config) {
	for _, c := range cfg.Connections {
		joined, ok := c.UnknownSettings(plugins).(interface{ Unwrap() []error })
		if !ok || !c.CanCall() { // of those that make no calls, config has said it
			continue
		}
		for _, err := range joined.Unwrap() {
			field, ok := errors.AsType[*outbound.FieldError](err)
			if !ok {
				continue
			}
			report := list.Errorf
			if len(plugins) == 0 && diag.Nearest(field.Word, field.Known) == "" {
				report = list.Warnf
			}
			e := report(cfg.Pos("connections."+field.Connection+"."+field.Field), config.InvalidConnection, "%s", field)
			e.Hint = diag.Suggest(field.Word, field.Known)
		}
	}
}

func checkConnection(list *diag.List, n *flow.Node, c outbound.Connection, cfg *config.Config, plugins []string) {
	if !c.CanCall() {
		list.Errorf(n.Pos, diag.UnknownConnection, "connection %q is of type %q, which checks callers and makes no calls", c.Name, c.Type)
		return
	}
	if len(c.Hosts) == 0 && c.BaseURL == "" {
		list.Errorf(n.Pos, diag.RefusedCall, "connection %q has neither hosts nor a baseURL, so node %q can call nobody", c.Name, n.ID).
			Hint = fmt.Sprintf("say under connections.%s in wend.yaml which hosts it may call", c.Name)
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
		delete(settings, name)
		if !slices.Contains(plugins, name) {
			continue // said already
		}
		// A connection may serve several plugins, so this is no error.
		w := list.Warnf(cfg.Pos("connections."+c.Name+".settings."+name), config.InvalidConnection,
			"connection %q: %s has no setting %q", c.Name, n.Type.Ref(), name)
		w.Hint = diag.Suggest(name, slices.Sorted(maps.Keys(props)))
	}
	for _, p := range n.Type.Settings.Validate(n.Type.Settings.WithDefaults(settings)) {
		list.Errorf(cfg.Pos("connections."+c.Name+".settings."+strings.Join(p.Path, ".")), config.InvalidConnection,
			"connection %q, for %s: %s", c.Name, n.Type.Ref(), p)
	}
}
