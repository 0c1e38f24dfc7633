package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/pluginbuild"
	"github.com/wendflow/wend/runtime/pluginhost"
)

func pluginCommand(std *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "For plugin authors: new, build, test, check and inspect",
		Args:  noSuchCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(
		pluginNewCommand(std), pluginBuildCommand(std), pluginTestCommand(std),
		pluginCheckCommand(std), pluginInspectCommand(std),
	)
	return cmd
}

func pluginBuildCommand(std *streams) *cobra.Command {
	var cfg pluginbuild.Config
	cmd := &cobra.Command{
		Use:   "build [DIR]",
		Short: "Compile a Go plugin, or take another language's module, and put its manifest into it",
		Args:  takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg.Dir = "."
			if len(args) == 1 {
				cfg.Dir = args[0]
			}
			built, err := pluginbuild.Build(cmd.Context(), cfg)
			if err != nil {
				return buildFailed(std, err)
			}
			for _, w := range built.Warnings {
				fmt.Fprintf(std.err, "warning: %s\n", w)
			}
			fmt.Fprintf(std.out, "%s  %s %s, %s, %d bytes\n",
				built.Out, built.Manifest.Plugin, built.Manifest.Version, counted(len(built.Manifest.Methods), "method"), built.Size)
			return nil
		},
	}
	cmd.Flags().StringVar(&cfg.Out, "out", "", "file to write (default <plugin>.wasm in DIR)")
	cmd.Flags().StringVar(&cfg.Module, "module", "", "wasm file that another language's toolchain made; then nothing is compiled")
	return cmd
}

// buildFailed prints the mistakes of a plugin.yaml where they are.
func buildFailed(std *streams, err error) error {
	if bad, ok := errors.AsType[*pluginbuild.ManifestError](err); ok {
		diag.Print(std.err, bad.Mistakes, func(string) []byte { return bad.Source })
		return errSaid
	}
	return wrong(err)
}

func pluginInspectCommand(std *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "inspect FILE.wasm",
		Short: "Show what a plugin declares, without running or compiling it",
		Args:  takes(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			wasm, err := infile.Read(args[0], infile.MostPlugin)
			if err != nil {
				return wrong(err)
			}
			in, err := pluginhost.Inspect(wasm)
			if err != nil {
				return wrongf("%s: %w", args[0], err)
			}
			return printJSON(std.out, in)
		},
	}
}

// counted writes "1 method", "2 methods".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
