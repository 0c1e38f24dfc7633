package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/backtest"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/environment"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/record"
)

func backtestCommand(std *streams) *cobra.Command {
	var o backtestOptions
	cmd := &cobra.Command{
		Use:   "backtest [RUNS...]",
		Short: "Make runs of the past again with the flows as they are here, and tell what differs",
		Long: `Make runs of the past again with the flows, plugins and configuration as they are here, and
tell which of them come to something else: the way, the outcome, the response, the calls.

RUNS are files, or folders of files, that "wend runs export" wrote; without any the runs of a
server are read. What came in is the same again, and so is the reply of each call that is the
same; time is virtual. Nothing is called, and no secret is needed: of wend.yaml the variables,
the limits and the settings of connections count. The reply of a call that is new or other
than it was is not known: the run is followed up to there, or beyond with --assume.

The exit status is 1 if there is a difference that --accepted does not name.`,
		Example: `  wend backtest --flow sms-end-task --since 7d
  wend backtest runs/ --markdown summary.md
  wend backtest runs/ --assume n4=onTimeout --accepted backtest.txt`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), std, args)
		},
	}
	cmd.Flags().StringSliceVar(&o.flows, "flows", []string{defaultFlows}, "files or folders of the flows")
	o.env.flags(cmd)
	cmd.Flags().StringVar(&o.flow, "flow", "", "only runs of this flow")
	cmd.Flags().StringVar(&o.since, "since", "", "only runs that started then or later: a time, a day, or how long ago as 7d")
	cmd.Flags().StringArrayVar(&o.assume, "assume", nil, "NODE=OUTCOME or FLOW:NODE=OUTCOME: by what a node leaves that makes a call whose reply is not known")
	cmd.Flags().StringVar(&o.accepted, "accepted", "", "a file with the names of differences that are meant, each on a line")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the result as JSON, with the ids of all runs that differ")
	cmd.Flags().StringVar(&o.markdown, "markdown", "", "write a summary to this file too, for a pull request")
	o.server.addFlags(cmd)
	return cmd
}

type backtestOptions struct {
	env                envFlags
	flows              []string
	flow, since        string
	assume             []string
	accepted, markdown string
	json               bool
	server             remote
}

func (o *backtestOptions) run(ctx context.Context, std *streams, paths []string) error {
	since, err := parseSince(o.since, time.Now())
	if err != nil {
		return err
	}
	assume := make([]backtest.Assumption, len(o.assume))
	for i, text := range o.assume {
		if assume[i], err = backtest.ParseAssumption(text); err != nil {
			return fmt.Errorf("--assume %w", err)
		}
	}
	accepted, err := o.readAccepted()
	if err != nil {
		return err
	}
	o.env.wall = patient
	k, err := o.env.open(ctx, std, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer k.Close(context.WithoutCancel(ctx))
	set, err := o.load(ctx, std, k)
	if err != nil {
		return err
	}
	for i, a := range assume {
		if err := a.Fits(set.Flows()); err != nil {
			return wrongf("--assume %s: %w", o.assume[i], err)
		}
	}
	cfg := backtest.Config{
		Flow: set.Flow, Settings: settingsOf(k.config), Assume: assume,
		Bounds: runBounds(k.config.Limits), Store: storeBounds(k.config.Limits), Depth: k.config.Limits.Depth,
	}
	runs, err := o.runs(ctx, paths, since)
	if err != nil {
		return err
	}
	var tally backtest.Tally
	if err := backtest.All(ctx, cfg, runs, tally.Add); err != nil {
		return wrong(err)
	}
	report := tally.Report(accepted)
	if report.Runs == 0 {
		return wrongf("no runs%s%s%s; see docs/backtest.md", prefixed(" of flow ", o.flow), prefixed(" since ", o.since), prefixed(" in ", strings.Join(paths, " ")))
	}
	return o.print(std, report)
}

func (o *backtestOptions) readAccepted() ([]string, error) {
	if o.accepted == "" {
		return nil, nil
	}
	text, err := infile.Read(o.accepted, infile.MostText)
	if err != nil {
		return nil, wrongf("--accepted: %w", err)
	}
	return backtest.ReadAccepted(text), nil
}

// load reads the flows, which have to be in order, and loads their plugins.
func (o *backtestOptions) load(ctx context.Context, std *streams, k *kit) (*catalog.Set, error) {
	if err := allSound(k.plugins); err != nil {
		return nil, wrong(err)
	}
	files, err := catalog.Find(o.flows)
	if err != nil {
		return nil, wrong(err)
	}
	cfg := k.config
	if cfg.File == "" {
		cfg = nil // there is none, and so any connection may be used
	}
	set, mistakes := catalog.Load(files, environment.Flows(k.plugins.Types(), cfg))
	mistakes = slices.DeleteFunc(mistakes, func(e *diag.Error) bool { return e.Severity == diag.SeverityWarning })
	if mistakes.HasErrors() {
		std.tell(mistakes)
		return nil, errSaid
	}
	var names []string
	for _, f := range set.Flows() {
		names = append(names, f.Name)
	}
	if o.flow != "" && set.Flow(o.flow) == nil {
		return nil, wrongf("no flow %q under %s%s", o.flow, strings.Join(o.flows, ", "), hintOf(diag.Suggest(o.flow, names)))
	}
	return set, wrong(k.plugins.Want(ctx, set.Plugins()))
}

// isRecord tells whether a file holds runs, by its name.
func isRecord(name string) bool {
	return strings.HasSuffix(name, ".jsonl") || strings.HasSuffix(name, ".json")
}

// mostRecorded is how large a file of runs may be, which is never held whole.
const mostRecorded = 1 << 40

// runs are those of files, or of the server, that are wanted.
func (o *backtestOptions) runs(ctx context.Context, paths []string, since time.Time) (iter.Seq2[*record.Run, error], error) {
	if len(paths) == 0 {
		return func(yield func(*record.Run, error) bool) {
			err := o.server.export(ctx, o.flow, since, func(body io.Reader) error { return pass(record.Read(body), yield) })
			if err != nil && !errors.Is(err, errEnough) {
				yield(nil, err)
			}
		}, nil
	}
	files, err := infile.Find(paths, isRecord)
	if err != nil {
		return nil, wrong(err)
	}
	return func(yield func(*record.Run, error) bool) {
		for _, name := range files {
			err := readRuns(name, func(r *record.Run) bool { return !o.wants(r, since) || yield(r, nil) })
			if errors.Is(err, errEnough) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}, nil
}

// errEnough ends reading.
var errEnough = errors.New("enough")

// pass hands runs on. An error in them is returned, not handed on.
func pass(runs iter.Seq2[*record.Run, error], yield func(*record.Run, error) bool) error {
	for r, err := range runs {
		if err != nil {
			return err
		}
		if !yield(r, nil) {
			return errEnough
		}
	}
	return nil
}

func readRuns(name string, yield func(*record.Run) bool) error {
	file, err := infile.Open(name, mostRecorded)
	if err != nil {
		return err
	}
	defer file.Close()
	err = pass(record.Read(file), func(r *record.Run, _ error) bool { return yield(r) })
	if err != nil && !errors.Is(err, errEnough) {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return err
}

// wants tells whether a run of a file is among those that the flags choose.
func (o *backtestOptions) wants(r *record.Run, since time.Time) bool {
	if o.flow != "" && r.Flow != o.flow {
		return false
	}
	return len(r.Events) == 0 || !r.Events[0].When().Before(since)
}
