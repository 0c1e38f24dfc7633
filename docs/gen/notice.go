package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// platforms are those that are promised: what is in the binary differs.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// module is a dependency of which something is in the binary.
type module struct{ path, version, dir string }

// noticePage is the file NOTICE: the licences of all that is in the binary, as
// their owners wrote them.
func noticePage() (string, error) {
	modules, err := linked()
	if err != nil {
		return "", err
	}
	var list, texts strings.Builder
	for _, m := range modules {
		name := strings.TrimSpace(m.path + " " + m.version)
		files, err := licenceFiles(m.dir)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(&list, "  %s\n", name)
		for _, f := range files {
			text, err := os.ReadFile(filepath.Join(m.dir, f))
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&texts, "\n%s\n%s: %s\n%s\n\n%s\n", line, name, f, line, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
		}
	}
	const graphviz = "runtime/graphviz/LICENCES"
	others, err := os.ReadFile(graphviz)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&texts, "\n%s\n%s\n%s\n\n%s\n", line, graphviz, line, strings.TrimSpace(string(others)))
	return "Wend\n\nLicensed under the Apache License 2.0, see LICENSE. The binary has parts of these modules in it:\n\n" +
		list.String() + "\nand of Go with its standard library, whose licence is that of golang.org/x/sys.\n\nTheir licences and notices follow. This file is made by `make generate`.\n" + texts.String(), nil
}

var line = strings.Repeat("-", 80)

// linked returns the modules of the binary, on any platform.
func linked() ([]module, error) {
	found := map[module]bool{}
	for _, p := range platforms {
		system, arch, _ := strings.Cut(p, "/")
		list := exec.CommandContext(context.Background(), "go", "list", "-deps", "-f", `{{with .Module}}{{if not .Main}}{{.Path}}|{{.Version}}|{{.Dir}}{{end}}{{end}}`, "./cmd/wend")
		list.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+arch, "CGO_ENABLED=0")
		list.Stderr = os.Stderr
		out, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", p, err)
		}
		for l := range strings.Lines(string(out)) {
			if parts := strings.Split(strings.TrimSpace(l), "|"); len(parts) == 3 {
				found[module{parts[0], parts[1], parts[2]}] = true
			}
		}
	}
	var modules []module
	for m := range found {
		modules = append(modules, m)
	}
	slices.SortFunc(modules, func(a, b module) int { return cmp.Compare(a.path, b.path) })
	return modules, nil
}

var licenceName = regexp.MustCompile(`(?i)^([a-z]+-)?(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// licenceFiles are the texts at the top of a module; one without any is an
// error.
func licenceFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && licenceName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	if names == nil {
		return nil, fmt.Errorf("no licence was found in %s", dir)
	}
	return names, nil
}
