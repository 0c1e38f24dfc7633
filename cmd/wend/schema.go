package main

import (
	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/flowschema"
)

func schemaCommand(std *streams) *cobra.Command {
	var env envFlags
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of flows, for editors",
		Long: `Print the JSON Schema of flows with every node type that is loaded. Save it, and
name it in the first line of a flow:

  # yaml-language-server: $schema=../wend.schema.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			types, err := env.catalogue(cmd.Context())
			if err != nil {
				return err
			}
			return printJSON(std.out, flowschema.Of(types))
		},
	}
	env.flags(cmd)
	return cmd
}
