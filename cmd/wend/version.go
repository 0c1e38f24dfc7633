package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/journal/sqlite"
)

// release is the version of a binary that was built from files without their
// history: -ldflags "-X main.release=v1.2.3" sets it, as `make VERSION=` does.
var release string

// unknownVersion is that of a binary that was told nothing.
const unknownVersion = "(devel)"

// build is what is known of this binary.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // the commit
	Time     string `json:"time,omitempty"`     // of the commit
	Modified bool   `json:"modified,omitempty"` // the files were not those of the commit
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// Schema is the newest form of a journal's file that this binary can open.
	Schema int `json:"schema"`
}

// thisBuild reads what Go and the linker left in the binary.
func thisBuild() build {
	b := build{Version: release, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Schema: sqlite.Schema}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Version = cmp.Or(b.Version, info.Main.Version)
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Revision = s.Value
			case "vcs.time":
				b.Time = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	b.Version = cmp.Or(b.Version, unknownVersion)
	return b
}

func version() string { return thisBuild().Version }

func versionCommand(std *streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which Wend this is",
		Args:  takes(0, 0),
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			if asJSON {
				return printJSON(std.out, b)
			}
			fmt.Fprintf(std.out, "wend %s\n", b.Version)
			if b.Revision != "" {
				changed := ""
				if b.Modified {
					changed = ", with changes"
				}
				fmt.Fprintf(std.out, "commit %s of %s%s\n", b.Revision, b.Time, changed)
			}
			fmt.Fprintf(std.out, "%s %s, journals up to schema %d\n", b.Go, b.Platform, b.Schema)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
