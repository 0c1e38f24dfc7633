package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/flowtest"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/plugincase"
)

// testRecord is what --record needs.
type testRecord struct {
	run    string // id or key of a run at the server, or the file of one
	out    string
	name   string
	config string
	server remote
}

func (t *testRecord) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.run, "record", "", "write a test of this run: its id or key at a server, or the output of 'runs show --json --events'")
	cmd.Flags().StringVar(&t.out, "out", "", "with --record: the file to write (default beside the flow)")
	cmd.Flags().StringVar(&t.name, "name", "", "with --record: the name of the case")
	cmd.Flags().StringVar(&t.config, "config", "", "with --record: configuration with the settings of connections (default wend.yaml, if there is one)")
	t.server.addFlags(cmd)
}

func (t *testRecord) validate() error {
	switch {
	case t.run != "":
		return nil
	case t.out != "":
		return errors.New("--out needs --record")
	case t.name != "":
		return errors.New("--name needs --record")
	default:
		return nil
	}
}

// record writes a test of a run. The flow is looked for under paths.
func (t *testRecord) record(ctx context.Context, std *streams, k *kit, paths []string) error {
	rec, err := t.read(ctx, std)
	if err != nil {
		return err
	}
	env, err := t.findFlow(k, rec.Flow, paths)
	if err != nil {
		return err
	}
	if err := k.plugins.Want(ctx, catalog.Plugins(env.Flow)); err != nil {
		return wrong(err)
	}
	settings, err := t.settings(std)
	if err != nil {
		return err
	}
	file := t.target(env.Flow.File, rec.Run)
	if _, err := os.Stat(file); err == nil {
		return wrongf("%s is there already; name another with --out", file)
	}
	name := t.name
	if name == "" {
		name = "run " + rec.Run
	}
	text, err := flowtest.Record(ctx, flowtest.Recorded{Name: name, Events: rec.Events, File: file, Settings: settings}, env)
	if err != nil {
		return wrongf("run %s: %w", rec.Run, err)
	}
	if err := writeNew(file, text); err != nil {
		return wrong(err)
	}
	fmt.Fprintln(std.out, file)
	fmt.Fprintln(std.err, "look it through before you share it: it holds what the run held, without what looks like a secret")
	return nil
}

func (t *testRecord) read(ctx context.Context, std *streams) (*plugincase.Recording, error) {
	raw, err := infile.Read(t.run, infile.MostText)
	if errors.Is(err, fs.ErrNotExist) {
		err = t.server.named(ctx, std, t.run, false, func(id string) error {
			raw, err = t.server.ask(ctx, http.MethodGet, runPath(id)+"?values=whole", nil)
			if err == nil {
				raw, err = t.server.withEvents(ctx, id, raw)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, wrong(err)
	}
	rec, err := plugincase.ReadRecording(raw)
	if err != nil {
		return nil, wrongf("%s: %w", t.run, err)
	}
	if len(rec.Events) == 0 {
		return nil, wrongf("%s has no events, and so no replies: print the run with `wend runs show %s --json --events`", t.run, rec.Run)
	}
	return rec, nil
}

func (t *testRecord) findFlow(k *kit, name string, paths []string) (flowtest.Env, error) {
	files, err := catalog.Find(paths)
	if err != nil {
		return flowtest.Env{}, wrong(err)
	}
	for _, file := range files {
		if f, set, _ := loadTested(k, file); f != nil && f.Name == name {
			return flowtest.Env{Flow: f, Callee: set.Flow}, nil
		}
	}
	return flowtest.Env{}, wrongf("no flow %q without mistakes under %q", name, paths)
}

// settings are those that connections have now.
func (t *testRecord) settings(std *streams) (func(string) map[string]any, error) {
	env := envFlags{configPath: t.config}
	cfg, err := env.load(std)
	if err != nil {
		return nil, err
	}
	if cfg == nil {
		cfg = &config.Config{}
	}
	return settingsOf(cfg), nil
}

// settingsOf finds the settings of connections. No secret is looked up.
func settingsOf(cfg *config.Config) func(connection string) map[string]any {
	return func(connection string) map[string]any {
		for _, c := range cfg.Connections {
			if c.Name == connection {
				return c.PluginSettings()
			}
		}
		return nil
	}
}

// target is the file to write.
func (t *testRecord) target(flow, run string) string {
	if t.out != "" {
		return filepath.Clean(t.out)
	}
	stem := strings.TrimSuffix(flow, filepath.Ext(flow))
	file := stem + ".test.yaml"
	if _, err := os.Stat(file); err != nil {
		return file
	}
	return stem + "-" + run[max(0, len(run)-6):] + ".test.yaml"
}
