package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"text/template"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/spf13/cobra"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/yamldoc"
)

const ourModule = "github.com/wendflow/wend"

//go:embed plugin_new.txtar
var newProject string

func pluginNewCommand(std *streams) *cobra.Command {
	var dir, replace string
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Begin a plugin in Go: it builds, and its tests pass",
		Long: `Write a project for a plugin in Go: manifest, one method, a native test, recorded conversations.

NAME is kebab-case, as flows will write it: NAME/method. Nothing is overwritten.
Inside a checkout of Wend, or with --replace, the project builds against that checkout.`,
		Args: takes(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			p := project{Name: args[0], dir: dir}
			if p.dir == "" {
				p.dir = p.Name
			}
			if !yamldoc.IsKebab(p.Name) {
				return fmt.Errorf("%q is no name for a plugin, expected lower-case words joined by \"-\", as \"acme-orders\"", p.Name)
			}
			if err := p.depend(replace); err != nil {
				return wrong(err)
			}
			return wrong(p.create(std))
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder to make (default NAME)")
	cmd.Flags().StringVar(&replace, "replace", "", "checkout of Wend to build against, in place of a release")
	return cmd
}

// project is what the template of a new plugin is filled with.
type project struct {
	Name    string
	Go      string // version of the language
	Version string // of Wend
	Replace string // folder of a checkout, empty for a release
	dir     string
}

// depend finds the Wend that the project is built against.
func (p *project) depend(checkout string) error {
	if checkout == "" {
		checkout = enclosingCheckout(p.dir)
	}
	if checkout != "" {
		return p.dependOnCheckout(checkout)
	}
	info, _ := debug.ReadBuildInfo()
	if info == nil || !isRelease(info.Main.Version) {
		return errors.New("this wend is a development build, which no module proxy has; name a checkout of Wend with --replace DIR")
	}
	p.Version = info.Main.Version
	p.Go = strings.TrimPrefix(info.GoVersion, "go")
	return nil
}

// isRelease tells whether a module proxy has that version.
func isRelease(version string) bool {
	return semver.IsValid(version) && semver.Build(version) == "" && !module.IsPseudoVersion(version)
}

func (p *project) dependOnCheckout(dir string) error {
	file := filepath.Join(dir, "go.mod")
	mod, err := readModule(file)
	switch {
	case err != nil:
		return fmt.Errorf("--replace: %w", err)
	case mod.Module.Mod.Path != ourModule:
		return fmt.Errorf("--replace: %s is module %q, expected a checkout of %q", file, mod.Module.Mod.Path, ourModule)
	}
	p.Version, p.Go = "v0.0.0", mod.Go.Version
	p.Replace, err = modulePath(p.dir, dir)
	return err
}

// modulePath is a path as go.mod wants it: as absolute as it was given, else
// relative to the project and beginning with a dot.
func modulePath(project, checkout string) (string, error) {
	path := checkout
	if !filepath.IsAbs(checkout) {
		from, err := filepath.Abs(project)
		if err != nil {
			return "", err
		}
		to, err := filepath.Abs(checkout)
		if err != nil {
			return "", err
		}
		if path, err = filepath.Rel(from, to); err != nil {
			path = to // another drive
		}
	}
	path = filepath.ToSlash(path)
	if !filepath.IsAbs(path) && !strings.HasPrefix(path, ".") {
		path = "./" + path
	}
	return modfile.AutoQuote(path), nil
}

func readModule(file string) (*modfile.File, error) {
	src, err := infile.Read(file, infile.MostText)
	if err != nil {
		return nil, err
	}
	mod, err := modfile.ParseLax(file, src, nil)
	if err != nil {
		return nil, err
	}
	if mod.Module == nil || mod.Go == nil {
		return nil, fmt.Errorf("%s: no module with a go version", file)
	}
	return mod, nil
}

// enclosingCheckout is the way from here to the checkout of Wend that dir will
// lie in, or "".
func enclosingCheckout(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for {
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		if mod, err := readModule(filepath.Join(up, "go.mod")); err == nil && mod.Module.Mod.Path == ourModule {
			return fromHere(up)
		}
		dir = up
	}
}

// fromHere makes a path relative, so that a project goes on to work where both
// are moved together.
func fromHere(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	short, err := filepath.Rel(here, path)
	if err != nil {
		return path
	}
	return short
}

// create writes all files, or none if one of them is there.
func (p *project) create(std *streams) error {
	files, err := p.files()
	if err != nil {
		return err
	}
	for _, f := range files {
		if _, err := os.Lstat(f.Name); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there already; nothing was written", f.Name)
		}
	}
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(f.Name, f.Data, 0o644); err != nil {
			return err
		}
		fmt.Fprintln(std.out, f.Name)
	}
	fmt.Fprintf(std.err, "next: cd %s", p.dir)
	if p.Replace == "" {
		fmt.Fprint(std.err, " && go mod tidy")
	}
	fmt.Fprintln(std.err, " && go test ./... && wend plugin test")
	return nil
}

func (p *project) files() ([]txtar.File, error) {
	t, err := template.New("project").Parse(newProject)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, p); err != nil {
		return nil, err
	}
	files := txtar.Parse(text.Bytes()).Files
	for i := range files {
		files[i].Name = filepath.Join(p.dir, filepath.FromSlash(files[i].Name))
	}
	return files, nil
}
