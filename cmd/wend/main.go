// Command wend checks, runs and serves flows. Each verb has its own file; this
// package is the only one that wires the others together.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

// What a command exits with.
const (
	exitDone  = 0
	exitWrong = 1 // the flow, the plugin or the run is wrong
	exitUsage = 2 // the command line is
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Main runs one command and returns what to exit with. When ctx ends the
// command stops in an orderly way.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	std := &streams{in: stdin, out: stdout, err: stderr}
	root := rootCommand(std)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errSaid):
		return exitWrong
	}
	fmt.Fprintf(stderr, "wend: %v\n", err)
	if _, ok := errors.AsType[*wrongError](err); ok {
		return exitWrong
	}
	fmt.Fprintln(stderr, "try: wend --help")
	return exitUsage
}

// streams are where a command talks: data to out, talk to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// errSaid ends a command that has printed what is wrong.
var errSaid = errors.New("said")

// wrongError is a fault of what the command was given to work on, not of the
// command line.
type wrongError struct{ err error }

func (e *wrongError) Error() string { return e.err.Error() }
func (e *wrongError) Unwrap() error { return e.err }

func wrong(err error) error {
	if err == nil {
		return nil
	}
	return &wrongError{err}
}

func wrongf(format string, a ...any) error { return wrong(fmt.Errorf(format, a...)) }

func rootCommand(std *streams) *cobra.Command {
	root := &cobra.Command{
		Use:           "wend",
		Short:         "A flow engine: YAML flows, WASM plugins, webhooks that are never lost",
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.AddCommand(
		serveCommand(std), runCommand(std), checkCommand(std), demoCommand(std), emulateCommand(std),
		nodesCommand(std), schemaCommand(std), pluginCommand(std),
	)
	return root
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
