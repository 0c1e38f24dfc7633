package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/yamldoc"
)

func fmtCommand(std *streams) *cobra.Command {
	var check, asDiff bool
	cmd := &cobra.Command{
		Use:   "fmt PATH...",
		Short: "Lay out flows and all other YAML in one way",
		Long: `Lay out YAML files in one way, and print the names of those that changed. A folder
is searched for *.yaml and *.yml, leaving out hidden folders: flows, wend.yaml,
plugin.yaml and cases alike. With - the file is read from stdin and written to
stdout.

Only blanks and line ends change: the order of keys, quotes, line breaks and
comments stay, and so does what the file means, which is checked each time.
A file that is not YAML is left as it is, and its mistakes are printed; what
else is wrong with a flow does not matter here.`,
		Args: takes(1, -1),
		RunE: func(_ *cobra.Command, args []string) error {
			l := layoutFiles{std: std, check: check, diff: asDiff}
			if slices.Contains(args, "-") {
				if len(args) > 1 {
					return errors.New(`"-" stands alone: stdin is one file`)
				}
				return l.stdin()
			}
			files, err := filesToLayOut(args)
			if err != nil {
				return wrong(err)
			}
			if len(files) == 0 {
				return wrongf("no files *.yaml or *.yml under %q", args)
			}
			return l.files(files)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing; exit with 1 if a file is laid out otherwise")
	cmd.Flags().BoolVar(&asDiff, "diff", false, "change nothing; print what would change")
	return cmd
}

// layoutFiles lays out files and says which are laid out otherwise.
type layoutFiles struct {
	std         *streams
	check, diff bool
	wrong       bool // some file has mistakes
	otherwise   bool // some file is laid out otherwise
}

// laidOut is any YAML file: how it is laid out does not depend on what it says.
var laidOut = yamldoc.Format{Name: "document", Many: true, Aliases: true}

func (l *layoutFiles) files(files []string) error {
	for _, file := range files {
		src, err := infile.Read(file, yamldoc.MaxBytes)
		if err != nil {
			return wrong(err)
		}
		out := l.layOut(file, src)
		if out == nil || bytes.Equal(src, out) {
			continue
		}
		if !l.check && !l.diff {
			if err := rewrite(file, out); err != nil {
				return wrong(err)
			}
		}
		if !l.diff {
			fmt.Fprintln(l.std.out, file)
		}
	}
	return l.end()
}

func (l *layoutFiles) stdin() error {
	src, err := io.ReadAll(io.LimitReader(l.std.in, yamldoc.MaxBytes+1))
	if err != nil {
		return wrongf("read stdin: %w", err)
	}
	out := l.layOut("stdin", src)
	if out != nil && !l.check && !l.diff {
		if _, err := l.std.exact.Write(out); err != nil {
			return wrong(err)
		}
	}
	return l.end()
}

// layOut returns nil for a file that is to stay as it is.
func (l *layoutFiles) layOut(file string, src []byte) []byte {
	out, mistakes := laidOut.Layout(file, src)
	if out == nil {
		l.wrong = true
		diag.Print(l.std.err, mistakes, func(string) []byte { return src })
		return nil
	}
	if !bytes.Equal(src, out) {
		l.otherwise = true
		if l.diff {
			fmt.Fprintf(l.std.exact, "%s", diff.Diff(file, src, file, out))
		}
	}
	return out
}

func (l *layoutFiles) end() error {
	if l.wrong || l.check && l.otherwise {
		return errSaid
	}
	return nil
}

// rewrite puts a text in the place of a file, all of it or nothing. Its rights
// stay, and a link stays one.
func rewrite(file string, text []byte) error {
	target, err := filepath.EvalSymlinks(file)
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(target), ".wend-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	defer os.Remove(tmp.Name()) // fails once it is renamed, as it should
	_, err = tmp.Write(text)
	if err := errors.Join(err, tmp.Chmod(info.Mode().Perm()), tmp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return os.Rename(tmp.Name(), target)
}

// filesToLayOut are the YAML files under paths, sorted. A file is taken as it is.
func filesToLayOut(paths []string) ([]string, error) {
	return infile.Find(paths, func(name string) bool {
		ext := filepath.Ext(name)
		return !strings.HasPrefix(name, ".") && (ext == ".yaml" || ext == ".yml")
	})
}
