package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/environment"
	"github.com/wendflow/wend/runtime/infile"
)

func checkCommand(std *streams) *cobra.Command {
	var env envFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check PATH...",
		Short: "Find every mistake in flows",
		Long: `Check flows, alone and against each other, without running anything.

Every mistake is printed as file:line:col: message [code] with its line. The exit
status is 1 if there is an error; warnings alone leave it 0. Connections are
checked if there is a configuration.`,
		Args: takes(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := catalog.Find(args)
			if err != nil {
				return wrong(err)
			}
			if len(files) == 0 {
				return wrongf("no flows (*.yaml) under %q", args)
			}
			cfg, flows, err := env.forChecking(cmd.Context(), std)
			if err != nil {
				return err
			}
			set, mistakes := catalog.Load(files, flows)
			mistakes = append(mistakes, environment.Check(flows.Types, set, cfg)...)
			return report(std, mistakes.Sorted(), asJSON)
		},
	}
	env.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a list of {file,line,column,severity,code,message,hint}")
	return cmd
}

// report prints mistakes where the user asked for them and fails if one is an
// error.
func report(std *streams, mistakes diag.List, asJSON bool) error {
	if asJSON {
		if mistakes == nil {
			mistakes = diag.List{}
		}
		if err := printJSON(std.out, mistakes); err != nil {
			return err
		}
	} else {
		diag.Print(std.err, mistakes, readSource)
	}
	if mistakes.HasErrors() {
		return errSaid
	}
	return nil
}

func readSource(file string) []byte {
	src, err := infile.Read(file, infile.MostText)
	if err != nil {
		return nil
	}
	return src
}

func printJSON(w interface{ Write([]byte) (int, error) }, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
