package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/plugincase"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/runtime/wasm"
)

func pluginCheckCommand(std *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "check [DIR|FILE.wasm] [CASES...]",
		Short: "May the plugin be loaded, and does it say the same each time?",
		Long: `Look at a plugin as a host does: imports, exports, manifest, sizes, and how it gets a fresh state.
Then play every recorded conversation twice with each of two seeds, in instances that are restored and in fresh ones.
A difference between them is an error: after a crash the plugin could not be replayed.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			target := "."
			if len(args) > 0 {
				target, args = args[0], args[1:]
			}
			b, err := openBench(cmd.Context(), std, target)
			if err != nil {
				return err
			}
			defer b.Close(context.WithoutCancel(cmd.Context()))
			c := &checkup{std: std, bench: b}
			return c.run(cmd.Context(), args)
		},
	}
}

// checkup looks at one plugin and prints what it sees.
type checkup struct {
	std    *streams
	bench  *workbench
	errors int
}

func (c *checkup) run(ctx context.Context, args []string) error {
	files, err := c.bench.findCases(args)
	if err != nil {
		return err
	}
	if err := c.inspect(); err != nil {
		return err
	}
	cases, err := readCases(c.std, files)
	if err != nil {
		return err
	}
	if err := c.bench.load(ctx); err != nil {
		return err
	}
	c.state()
	if err := c.play(ctx, cases); err != nil {
		return err
	}
	c.tryOthers(ctx, cases)
	c.growth()
	if c.errors > 0 {
		return wrongf("%s", counted(c.errors, "error"))
	}
	return nil
}

func (c *checkup) line(name, format string, a ...any) {
	fmt.Fprintf(c.std.out, "%-9s %s\n", name, fmt.Sprintf(format, a...))
}

func (c *checkup) error(format string, a ...any) {
	c.errors++
	fmt.Fprintf(c.std.err, "error: %s\n", fmt.Sprintf(format, a...))
}

func (c *checkup) note(format string, a ...any) {
	fmt.Fprintf(c.std.err, "note: %s\n", fmt.Sprintf(format, a...))
}

// inspect tells what a host would refuse before it compiles anything.
func (c *checkup) inspect() error {
	in, err := pluginhost.Inspect(c.bench.wasm)
	if err != nil {
		return wrong(err)
	}
	if m := in.Manifest; m != nil {
		c.line("plugin", "%s %s, ABI %d, %s", m.Plugin, m.Version, m.ABI, counted(len(m.Methods), "method"))
	}
	c.line("digest", "%s", in.Digest)
	c.line("size", "%s", sized(in.Size))
	c.line("memory", "%s to begin with, %s", counted(int(in.InitialPages), "page"), sized(int(in.InitialPages)<<16))
	c.line("kind", "%s", in.Kind)
	c.line("exports", "%s", strings.Join(in.Exports, ", "))
	c.line("imports", "%s", strings.Join(in.Imports, ", "))
	if in.ManifestError != "" {
		c.error("%s", in.ManifestError)
	}
	for _, p := range in.Problems {
		c.error("%s", p)
	}
	for _, w := range in.Warnings() {
		c.note("%s", w)
	}
	if c.errors > 0 {
		return wrongf("%s; no host would load it", counted(c.errors, "error"))
	}
	return nil
}

func sized(n int) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.1f KB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.2f MB", float64(n)/(1<<20))
}

// state tells how an invoke gets its fresh state.
func (c *checkup) state() {
	s := c.bench.plugin.Status()
	if s.Restored {
		c.line("state", "restored before each invoke, %s", sized(s.Image))
		return
	}
	c.line("state", "a new instance for each invoke")
	c.note("restoring cannot be trusted, which makes it slower: %s", s.Reason)
}

func (c *checkup) play(ctx context.Context, cases []*plugincase.Case) error {
	for _, one := range cases {
		v, wrong := one.Check(ctx, c.bench.plugin)
		if v == nil {
			c.errors++
			diag.Print(c.std.err, wrong, readSource)
			continue
		}
		c.line("case", "%s: %s, calls %d, fuel %d", one.Name, v.Said.Outcome, len(v.Said.Calls), v.Fuel)
		c.verdict(c.std.err, one, v)
	}
	return ctx.Err()
}

func (c *checkup) verdict(w io.Writer, one *plugincase.Case, v *plugincase.Verdict) {
	for _, text := range v.Errors {
		c.error("case %q: %s", one.Name, text)
	}
	for _, text := range v.Notes {
		c.note("case %q: %s", one.Name, text)
	}
	if v.Mistakes.HasErrors() {
		c.errors++
		diag.Print(w, v.Mistakes, readSource)
	}
}

// growth tells of memory that invokes add: what has grown cannot be restored.
func (c *checkup) growth() {
	s := c.bench.plugin.Status()
	if s.Grown == 0 {
		return
	}
	c.note("memory grew in %d of %d invokes, to as many as %s: after each of them a new instance is made, which takes several times as long as most invokes; "+
		"have the module begin with more, such as --initialMemory %d for asc, or --initial-memory=%d for wasm-ld",
		s.Grown, s.Invokes, counted(int(s.Pages), "page"), s.Pages, s.Pages*wasm.PageSize)
}

// tryOthers tries the methods that no case has with inputs that are made of their
// schemas, until they ask for a reply.
func (c *checkup) tryOthers(ctx context.Context, cases []*plugincase.Case) {
	types := c.bench.plugin.Types()
	for _, m := range c.bench.plugin.Manifest().Methods {
		names := append([]string{m.Name}, m.Aliases...)
		if slices.ContainsFunc(cases, func(one *plugincase.Case) bool { return slices.Contains(names, one.Method) }) {
			continue
		}
		i := slices.IndexFunc(types, func(t *node.Type) bool { return t.Name == c.bench.plugin.Manifest().Plugin+"/"+m.Name })
		one := plugincase.Sampled(m.Name, types[i])
		v, _ := one.Check(ctx, c.bench.plugin)
		switch {
		case v == nil || v.Said.Code == "invalid-input":
			c.note("no case for the method %q, and no inputs for it could be made of its schema: whether it repeats itself was not tried", m.Name)
		case v.Said.Code != "":
			c.error("method %q, with inputs made of its schema: %s", m.Name, v.Said.Message)
		default:
			c.note("no case for the method %q: only its beginning was tried, with inputs made of its schema", m.Name)
			c.verdict(c.std.err, one, v)
		}
	}
}

// manifestOf reads the manifest of a module that may not be loaded yet.
func manifestOf(wasm []byte) (*manifest.Manifest, error) {
	m, err := manifest.Read(wasm)
	return m, wrong(err)
}
