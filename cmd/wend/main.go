// Command wend is a flow engine in one binary. Each verb has its own file; this
// package is the only one that wires the others together.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // flows name time zones, and not every machine has them

	"github.com/spf13/cobra"
	_ "golang.org/x/crypto/x509roots/fallback" // for machines without certificates to trust, such as an empty container

	"github.com/wendflow/wend/runtime/diag"
)

// What a command exits with.
const (
	exitDone  = 0
	exitWrong = 1 // the flow, the plugin or the run is wrong
	exitUsage = 2 // the command line is
	// exitStopped is what shells give a program that an interrupt ended.
	exitStopped = 130
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go stopOn(signals, stop)
	os.Exit(Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// stopOn stops in an orderly way at the first signal, and at once at the second.
func stopOn(signals <-chan os.Signal, stop func()) {
	<-signals
	stop()
	<-signals
	os.Exit(exitStopped)
}

// Main runs one command and returns what to exit with. When ctx ends the
// command stops in an orderly way.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	// Go's HTTP client logs there by itself what vendors send unasked, with its bytes.
	log.SetOutput(io.Discard)
	exact := stdout
	stdout, stderr = &harmless{w: stdout}, &harmless{w: stderr}
	if onTerminal(exact) {
		exact = stdout
	}
	std := &streams{in: stdin, out: stdout, exact: exact, err: stderr}
	root := rootCommand(std) //nolint:contextcheck // commands get theirs from ExecuteContext
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

// onTerminal tells whether people see what is written there.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// streams are where a command talks: data to out, talk to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
	// exact is out to the letter, where no terminal shows it: for files, and for
	// programs that count characters.
	exact io.Writer
	// asLog takes mistakes where err is read by a program; else nil.
	asLog func(diag.List)
}

// tell tells mistakes in files.
func (s *streams) tell(mistakes diag.List) {
	if s.asLog != nil {
		s.asLog(mistakes)
		return
	}
	diag.Print(s.err, mistakes, readSource)
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
		Args:          noSuchCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(wrongFlag)
	root.AddCommand(
		serveCommand(std), curlCommand(std), runCommand(std), checkCommand(std), fmtCommand(std), demoCommand(std), emulateCommand(std),
		testCommand(std), backtestCommand(std), nodesCommand(std), graphCommand(std), flowsCommand(std), runsCommand(std), eventsCommand(std), storeCommand(std), tokenCommand(std), schemaCommand(std), pluginCommand(std),
		backupCommand(std), lspCommand(std), versionCommand(std),
	)
	return root
}

// noSuchCommand refuses what is none of a command's own commands.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	asked := args[0]
	if cmd.HasParent() {
		asked = pathOf(cmd) + " " + asked
	}
	return fmt.Errorf("no command %q; %s", asked, diag.Suggest(args[0], names))
}
