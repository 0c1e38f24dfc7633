package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/plugincase"
)

// recordOptions say which attempt of which run becomes a case.
type recordOptions struct {
	file           string // the report of a run
	node           string
	visit, attempt int
	name           string
	env            envFlags
}

func (o *recordOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.file, "from-run", "", "write a case of this run: what 'wend run' or 'wend runs show' printed with --json --events")
	f.StringVar(&o.node, "node", "", "id of the node, if the run has several of the plugin")
	f.IntVar(&o.visit, "visit", 0, "which visit of the node (default the last)")
	f.IntVar(&o.attempt, "attempt", 0, "which attempt of the visit (default the last)")
	f.StringVar(&o.name, "name", "", "what to call the case (default FLOW NODE)")
	f.StringVar(&o.env.configPath, "config", "", "configuration with the settings of the node's connection (default wend.yaml, if there is one)")
}

func (o *recordOptions) validate(cases []string) error {
	switch {
	case o.file != "" && len(cases) > 1:
		return errors.New("--from-run writes one file; name one file or folder for it, or none")
	case o.file == "" && (o.node != "" || o.name != "" || o.visit != 0 || o.attempt != 0):
		return errors.New("--node, --visit, --attempt and --name need --from-run")
	}
	return nil
}

// record writes a case file and plays it once.
func (o *recordOptions) record(ctx context.Context, std *streams, b *workbench, args []string) error {
	a, flow, err := o.findAttempt(b)
	if err != nil {
		return err
	}
	settings, err := o.settings(std, a.Connection)
	if err != nil {
		return err
	}
	if o.name == "" {
		o.name = flow + " " + a.Node
	}
	if err := b.load(ctx); err != nil {
		return err
	}
	plugin := b.plugin.Manifest().Plugin
	c := &plugincase.Case{Method: a.Method(plugin), Visit: node.Visit{Settings: settings}}
	t, mistakes := c.Find(plugin, b.plugin.Types())
	if t == nil {
		return wrongf("node %q: %w", a.Node, mistakes.Err())
	}
	text, err := a.Record(ctx, o.name, plugin, t, settings)
	if err != nil {
		return wrongf("node %q: %w", a.Node, err)
	}
	file := o.target(b, args)
	if err := writeNew(file, text); err != nil {
		return wrong(err)
	}
	fmt.Fprintln(std.out, file)
	fmt.Fprintln(std.err, "look it through before you share it: it holds what the run held")
	return nil
}

func (o *recordOptions) findAttempt(b *workbench) (a *plugincase.Attempt, flow string, err error) {
	rec, err := o.read()
	if err != nil {
		return nil, "", err
	}
	manifest, err := manifestOf(b.wasm)
	if err != nil {
		return nil, "", err
	}
	id := o.node
	if id == "" {
		nodes := rec.NodesOf(manifest.Plugin)
		if len(nodes) != 1 {
			return nil, "", wrongf("run %s has %d nodes of plugin %q, choose one with --node: %s", rec.Run, len(nodes), manifest.Plugin, strings.Join(nodes, ", "))
		}
		id = nodes[0]
	}
	a, err = rec.Attempt(id, o.visit, o.attempt)
	if err != nil {
		return nil, "", wrong(err)
	}
	if a.Method(manifest.Plugin) == "" {
		return nil, "", wrongf("node %q is of type %q, which is none of plugin %q", id, a.Type, manifest.Plugin)
	}
	return a, rec.Flow, nil
}

func (o *recordOptions) read() (*plugincase.Recording, error) {
	data, err := infile.Read(o.file, infile.MostText)
	if err != nil {
		return nil, wrong(err)
	}
	rec, err := plugincase.ReadRecording(data)
	if err != nil {
		return nil, wrongf("%s: %w", o.file, err)
	}
	if len(rec.Events) == 0 {
		return nil, wrongf("%s has no events, and so no replies: print the run with `wend run FLOW.yaml --json --events`, "+
			"or with `wend runs show %s --json --events`", o.file, rec.Run)
	}
	return rec, nil
}

// settings are those that the connection has now. No secret is looked up.
func (o *recordOptions) settings(std *streams, connection string) (map[string]any, error) {
	if connection == "" {
		return nil, nil
	}
	cfg, err := o.env.load(std)
	if err != nil {
		return nil, err
	}
	if cfg == nil {
		cfg = &config.Config{}
	}
	for _, c := range cfg.Connections {
		if c.Name == connection {
			return c.PluginSettings(), nil
		}
	}
	fmt.Fprintf(std.err, "warning: no connection %q in the configuration, so no settings; name another with --config\n", connection)
	return nil, nil
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// target is the file to write: the one named, or one in the folder named.
func (o *recordOptions) target(b *workbench, args []string) string {
	dir := b.cases
	if len(args) == 1 {
		if ext := filepath.Ext(args[0]); ext == ".yaml" || ext == ".yml" {
			return args[0]
		}
		dir = args[0]
	}
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(o.name), "-"), "-")
	return filepath.Join(dir, name+".yaml")
}

// writeNew writes a file that must not be there.
func writeNew(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; choose another --name", file)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
