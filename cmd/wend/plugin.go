package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/pluginhost"
)

func pluginCommand(std *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "For plugin authors: build and inspect",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(pluginBuildCommand(std), pluginInspectCommand(std))
	return cmd
}

func pluginBuildCommand(std *streams) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "build [DIR]",
		Short: "Compile a Go plugin and put its manifest into it",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			built, err := pluginhost.Build(cmd.Context(), pluginhost.BuildConfig{Dir: dir, Out: out})
			if bad, ok := errors.AsType[*pluginhost.ManifestError](err); ok {
				diag.Print(std.err, bad.Mistakes, func(string) []byte { return bad.Source })
				return errSaid
			}
			if err != nil {
				return wrong(err)
			}
			for _, w := range built.Warnings {
				fmt.Fprintf(std.err, "warning: %s\n", w)
			}
			fmt.Fprintf(std.out, "%s  %s %s, %d methods, %d bytes\n",
				built.Out, built.Manifest.Plugin, built.Manifest.Version, len(built.Manifest.Methods), built.Size)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to write (default <plugin>.wasm in DIR)")
	return cmd
}

func pluginInspectCommand(std *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "inspect FILE.wasm",
		Short: "Show what a plugin declares, without running or compiling it",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			wasm, err := os.ReadFile(args[0])
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
