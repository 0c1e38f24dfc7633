package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/environment"
	"github.com/wendflow/wend/runtime/lsp"
)

func lspCommand(std *streams) *cobra.Command {
	var env envFlags
	cmd := &cobra.Command{
		Use:   "lsp",
		Short: "Help an editor to write flows, by the Language Server Protocol",
		Long: `Talk with an editor by the Language Server Protocol, on standard input and output.

Editors start it by themselves: mistakes while typing, completion, hover, go to
definition, references, rename and repairs. docs/editors.md says how to set up
yours. Connections and plugins are those of --config and --plugins; they are read
again when they change.`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return wrong(lsp.Serve(cmd.Context(), duplex{std.in, std.exact}, lsp.Config{
				Version: version(), World: env.around, Log: slog.New(slog.NewTextHandler(std.err, nil)),
			}))
		},
	}
	env.flags(cmd)
	return cmd
}

// around is what flows are written for. What is not named, and not in the working
// directory, is looked for in the folder.
func (e envFlags) around(ctx context.Context, folder string) (lsp.World, error) {
	if folder != "" {
		e.configPath = inFolder(e.configPath, defaultConfig, folder)
		e.pluginDir = inFolder(e.pluginDir, defaultPlugins, folder)
	}
	var said bytes.Buffer
	cfg, flows, err := e.forChecking(ctx, &streams{err: &said})
	if errors.Is(err, errSaid) {
		err = errors.New(strings.TrimSpace(said.String()))
	}
	if err != nil {
		return lsp.World{}, err
	}
	w := lsp.World{Flows: flows, Check: func(set *catalog.Set) diag.List { return environment.Check(flows.Types, set, cfg) }}
	for _, path := range []string{cmp.Or(e.configPath, defaultConfig), cmp.Or(e.pluginDir, defaultPlugins)} {
		if path, err = filepath.Abs(path); err != nil {
			return lsp.World{}, err
		}
		w.Sources = append(w.Sources, path)
	}
	return w, nil
}

func inFolder(given, otherwise, folder string) string {
	if given == "" && !exists(otherwise) && exists(filepath.Join(folder, otherwise)) {
		return filepath.Join(folder, otherwise)
	}
	return given
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// duplex is standard input and output as one stream.
type duplex struct {
	io.Reader
	io.Writer
}

// Close ends reading, so that nobody waits for an editor that is gone.
func (d duplex) Close() error {
	if c, ok := d.Reader.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
