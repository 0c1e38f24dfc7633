package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/plugincase"
)

func pluginTestCommand(std *streams) *cobra.Command {
	var verbose bool
	var rec recordOptions
	cmd := &cobra.Command{
		Use:   "test [DIR|FILE.wasm] [CASES...]",
		Short: "Play recorded conversations against the module itself",
		Long: `Play recorded conversations: each case file holds what a method is run with, the calls it must
ask for with their replies, and how it must end. The default are those in testdata/cases.

With --from-run it writes such a file of what a real run did at one node.`,
		Example: `  wend plugin test
  wend plugin test plugins/dist/cisco-cce.wasm plugins/cisco-cce/testdata/cases -v
  wend run order.yaml --json --events > run.json
  wend plugin test --from-run run.json --node n4`,
		RunE: func(cmd *cobra.Command, args []string) error {
			target := "."
			if len(args) > 0 {
				target, args = args[0], args[1:]
			}
			if err := rec.validate(args); err != nil {
				return err
			}
			b, err := openBench(cmd.Context(), std, target)
			if err != nil {
				return err
			}
			defer b.Close(context.WithoutCancel(cmd.Context()))
			if rec.file != "" {
				return rec.record(cmd.Context(), std, b, args)
			}
			return testCases(cmd.Context(), std, b, args, verbose)
		},
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "print every conversation")
	rec.flags(cmd)
	return cmd
}

// testCases plays all cases, also after one has failed.
func testCases(ctx context.Context, std *streams, b *workbench, args []string, verbose bool) error {
	files, err := b.findCases(args)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return wrongf("no cases in %q; a case is a YAML file, see docs/plugins.md", b.cases)
	}
	cases, err := readCases(std, files)
	if err != nil {
		return err
	}
	if err := b.load(ctx); err != nil {
		return err
	}
	failed := 0
	for _, c := range cases {
		t, wrong := c.Find(b.plugin.Manifest().Plugin, b.plugin.Types())
		if t == nil {
			failed++
			printCase(std.out, "FAIL", c)
			diag.Print(std.err, wrong, readSource)
			continue
		}
		said := c.Play(ctx, t)
		mistakes := c.Compare(said)
		result := "ok"
		if mistakes.HasErrors() {
			failed, result = failed+1, "FAIL"
		}
		printCase(std.out, result, c)
		if verbose || mistakes.HasErrors() {
			printConversation(std.err, c, said)
		}
		diag.Print(std.err, mistakes, readSource)
	}
	if failed > 0 {
		return wrongf("%d of %s failed", failed, counted(len(cases), "case"))
	}
	return nil
}

func printCase(w io.Writer, result string, c *plugincase.Case) {
	fmt.Fprintf(w, "%-4s  %s:%d  %s\n", result, c.Pos.File, c.Pos.Line, c.Name)
}

// printConversation shows who said what.
func printConversation(w io.Writer, c *plugincase.Case, said plugincase.Transcript) {
	for i, call := range said.Calls {
		answer := "no reply in the case"
		if i < len(c.Calls) {
			reply := c.Calls[i].Reply
			answer = cmp.Or(string(reply.Failure), strconv.Itoa(reply.Status))
		}
		fmt.Fprintf(w, "      %s %s → %s\n", call.Method, call.URL, answer)
	}
	for _, line := range said.Log {
		fmt.Fprintf(w, "      log: %s\n", line)
	}
	if said.Outcome == "" {
		return
	}
	fmt.Fprintf(w, "      %s", said.Outcome)
	if said.Message != "" {
		fmt.Fprintf(w, ": %s", said.Message)
	}
	fmt.Fprintln(w)
}
