package main

import (
	"io"
	"log/slog"

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
yours. Connections and plugins are those of --config and --plugins, read at the
start.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, flows, err := env.forChecking(cmd.Context(), std)
			if err != nil {
				return err
			}
			return wrong(lsp.Serve(cmd.Context(), duplex{std.in, std.exact}, lsp.Config{
				Version: version(), Flows: flows, Log: slog.New(slog.NewTextHandler(std.err, nil)),
				Check: func(set *catalog.Set) diag.List { return environment.Check(flows.Types, set, cfg) },
			}))
		},
	}
	env.flags(cmd)
	return cmd
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
