package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/journal/sqlite"
)

func backupCommand(std *streams) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the journal into a file, also while a server writes to it",
		Long: `Copy the journal, as it is at one instant, into FILE, which must not be there yet. A
server that uses the data folder goes on meanwhile. The copy is checked.

To restore it, put it as ` + sqlite.File + ` into an empty folder, and serve with that as --data.`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := sqlite.Backup(cmd.Context(), data, args[0]); err != nil {
				return wrongf("backup: %w", err)
			}
			info, err := os.Stat(args[0])
			if err != nil {
				return wrong(err)
			}
			fmt.Fprintf(std.err, "the journal of %s is in %s, %d KB\n", data, args[0], (info.Size()+1023)/1024)
			return nil
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "folder of the journal")
	return cmd
}
