package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/graph"
	"github.com/wendflow/wend/runtime/graphviz"
	"github.com/wendflow/wend/runtime/run"
)

func graphCommand(std *streams) *cobra.Command {
	var env envFlags
	var r remote
	var o graphOptions
	cmd := &cobra.Command{
		Use:   "graph [FLOW.yaml]",
		Short: "Draw a flow: as Mermaid, DOT, SVG or data with coordinates",
		Long: `Draw a flow with its nodes, its outcomes and where they lead. Outcomes that lead where
failures lead are one dashed line from each node.

--run shows the way that a run of a server took, how long it was where, and how often; without
a FLOW.yaml it is drawn into the version of the flow that the run began with. --diff shows what
became of the flow since another version of its file.

The format is that of the file's name under --out, else Mermaid. SVG comes in light or dark as
the reader has it, and without any script; json has the places of everything, for other programs to draw.`,
		Example: `  wend graph flows/cisco-cce/sms.yaml
  wend graph flows/cisco-cce/sms.yaml --out sms.svg
  wend graph --run 0198c2 --out run.svg
  wend graph sms.yaml --diff before.yaml --format svg > diff.svg`,
		Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && o.run == "" {
				return errors.New("name a flow's file, or a run by --run")
			}
			if err := o.chooseFormat(); err != nil {
				return err
			}
			_, cfg, err := env.forChecking(cmd.Context(), std)
			if err != nil {
				return err
			}
			d := drawing{std: std, remote: &r, flows: cfg, options: o}
			if len(args) == 1 {
				if d.flow, _, err = loadFlow(std, args[0], cfg); err != nil {
					return err
				}
			}
			return d.draw(cmd.Context())
		},
	}
	env.flags(cmd)
	r.addFlags(cmd)
	cmd.Flags().StringVar(&o.format, "format", "", "mermaid, dot, svg or json (default by the name under --out, else mermaid)")
	cmd.Flags().StringVar(&o.out, "out", "", "file to write (default stdout)")
	cmd.Flags().StringVar(&o.run, "run", "", "id or key of a run to show, see 'wend runs'")
	cmd.Flags().StringVar(&o.diff, "diff", "", "file of the flow as it was")
	notBoth(cmd, "run", "diff")
	return cmd
}

type graphOptions struct{ format, out, run, diff string }

// graphFormats are the formats by the ends of their files' names; the first of
// each is what it is called.
var graphFormats = map[string][]string{
	"mermaid": {".mmd", ".mermaid"}, "dot": {".dot", ".gv"}, "svg": {".svg"}, "json": {".json"},
}

func (o *graphOptions) chooseFormat() error {
	ext := strings.ToLower(filepath.Ext(o.out))
	for format, ends := range graphFormats {
		for _, end := range ends {
			if o.format == "" && end == ext {
				o.format = format
			}
		}
	}
	switch {
	case o.format == "" && o.out != "":
		return fmt.Errorf("--out %q: its name does not say a format; end it in .mmd, .dot, .svg or .json, or say it with --format", o.out)
	case o.format == "":
		o.format = "mermaid"
	case graphFormats[o.format] == nil:
		return fmt.Errorf("--format %q: %s", o.format, diag.Suggest(o.format, []string{"mermaid", "dot", "svg", "json"}))
	}
	return nil
}

// drawing is a graph that is being made.
type drawing struct {
	std     *streams
	remote  *remote
	flows   flow.Config
	options graphOptions
	flow    *flow.Flow // nil if it is the run's own
}

func (d *drawing) draw(ctx context.Context) error {
	switch {
	case d.options.run != "":
		return d.remote.named(ctx, d.std, d.options.run, false, func(id string) error { return d.ofRun(ctx, id) })
	case d.options.diff != "":
		before, _, err := loadFlow(d.std, d.options.diff, d.flows)
		if err != nil {
			return err
		}
		return d.write(ctx, graph.Diff(before, d.flow))
	default:
		return d.write(ctx, graph.Of(d.flow))
	}
}

// ofRun draws what a run did.
func (d *drawing) ofRun(ctx context.Context, id string) error {
	report, err := d.remote.reportAfter(ctx, id, 0)
	if err != nil {
		return err
	}
	traces := report.Nodes
	for next := report.Next; next != 0; {
		more, err := d.remote.reportAfter(ctx, id, next)
		if err != nil {
			return err
		}
		traces, next = append(traces, more.Nodes...), more.Next
	}
	f := d.flow
	if f == nil {
		if f, err = d.flowOf(ctx, report); err != nil {
			return err
		}
	}
	g := graph.Of(f)
	for _, what := range g.Show(report, traces) {
		fmt.Fprintf(d.std.err, "the run has %s, which this version of the flow has not\n", what)
	}
	return d.write(ctx, g)
}

// flowOf asks for the flow as a run began with it.
func (d *drawing) flowOf(ctx context.Context, report *run.Report) (*flow.Flow, error) {
	if report.Version == 0 {
		return nil, wrongf("the server has no version of the flow %q as run %s began with it; name a file of the flow", report.Flow, report.Run)
	}
	raw, err := d.remote.ask(ctx, http.MethodGet, flowPath(report.Flow, "versions", strconv.Itoa(report.Version)), nil)
	if err != nil {
		return nil, err
	}
	var v versionLine
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, wrongf("the server's version of the flow: %w", err)
	}
	name := fmt.Sprintf("%s@%d", report.Flow, report.Version)
	f, mistakes := flow.LoadStored(name, []byte(v.Source), d.flows)
	if f == nil {
		diag.Print(d.std.err, mistakes, func(string) []byte { return []byte(v.Source) })
		return nil, errSaid
	}
	return f, nil
}

func (d *drawing) write(ctx context.Context, g *graph.Graph) error {
	text, err := render(ctx, g, d.options.format)
	switch {
	case err != nil:
		return wrong(err)
	case d.options.out == "":
		_, err = io.WriteString(d.std.out, text)
	default:
		err = os.WriteFile(d.options.out, []byte(text), 0o644)
	}
	return wrong(err)
}

func render(ctx context.Context, g *graph.Graph, format string) (string, error) {
	switch format {
	case "mermaid":
		return g.Mermaid(), nil
	case "dot":
		return g.DOT(), nil
	}
	engine, err := graphviz.New(ctx)
	if err != nil {
		return "", err
	}
	defer engine.Close(context.WithoutCancel(ctx))
	if err := g.Place(ctx, engine); err != nil {
		return "", err
	}
	if format == "svg" {
		return g.SVG(), nil
	}
	var out strings.Builder
	err = printJSON(&out, g)
	return out.String(), err
}
