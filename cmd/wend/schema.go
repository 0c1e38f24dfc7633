package main

import (
	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/flowschema"
	"github.com/wendflow/wend/runtime/flowtest"
	"github.com/wendflow/wend/runtime/manifest"
)

func schemaCommand(std *streams) *cobra.Command {
	var env envFlags
	var tests, plugin, configuration bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of flows, for editors",
		Long: `Print the JSON Schema of flows with every node type that is loaded. Save it, and
name it in the first line of a flow:

  # yaml-language-server: $schema=../wend.schema.json

--tests is that of the tests of flows, *.test.yaml; --plugin that of the manifest of
a plugin, plugin.yaml; --configuration that of wend.yaml.`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if tests {
				_, err := std.out.Write(flowtest.Schema)
				return err
			}
			if plugin {
				_, err := std.out.Write(manifest.Schema)
				return err
			}
			if configuration {
				_, err := std.out.Write(config.Schema)
				return err
			}
			types, err := env.catalogue(cmd.Context())
			if err != nil {
				return err
			}
			return printJSON(std.out, flowschema.Of(types))
		},
	}
	env.flags(cmd)
	cmd.Flags().BoolVar(&tests, "tests", false, "print the JSON Schema of files of tests")
	cmd.Flags().BoolVar(&plugin, "plugin", false, "print the JSON Schema of plugin.yaml")
	cmd.Flags().BoolVar(&configuration, "configuration", false, "print the JSON Schema of wend.yaml")
	notBoth(cmd, "tests", "plugin")
	notBoth(cmd, "tests", "configuration")
	notBoth(cmd, "plugin", "configuration")
	return cmd
}
