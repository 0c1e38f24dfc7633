package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
)

func runsResumeCommand(std *streams, r *remote) *cobra.Command {
	var how resumeHow
	var f runFilter
	var all, dryRun bool
	count := -1
	cmd := &cobra.Command{
		Use:   "resume RUN | --all",
		Short: "Have a paused run go on, or all that match",
		Long: `Have a paused run go on where it is: the node whose attempts are used up is tried again, as often as its retry says.
--give-up has the node leave by its outcome instead, as if its retry did not say "then: pause".

--with current goes on with the flow as it is served now: the run is cancelled, and a new one takes it up at that
node, whose id is printed. What of the run does not fit to the flow is said, and nothing is done.

--all resumes all runs that are paused for a node and that the filters choose, the oldest first. Say --dry-run before, which lists
them; --count N does nothing unless there are as many. Runs that wait because their flow is paused are left: "wend flows resume"
is for them. One of them goes on alone if it is named.`,
		Example: `  wend runs resume 1b2c
  wend runs resume --all --flow sms-end-task --outcome onTimeout --dry-run
  wend runs resume --all --flow sms-end-task --outcome onTimeout --count 42`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case all && len(args) > 0:
				return errors.New("--all takes no RUN")
			case !all && len(args) != 1:
				return errors.New("say which run, or --all")
			case !all && (dryRun || count >= 0):
				return errors.New("--dry-run and --count go with --all")
			case how.With != "then" && how.With != "current":
				return fmt.Errorf("--with %q: expected then, the flow that the run began with, or current", how.With)
			case how.With == "current" && how.GiveUp:
				return errors.New("--give-up leaves by an outcome of the flow that the run began with, it does not go with --with current")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !all {
				return r.named(cmd.Context(), std, args[0], false, func(id string) error { return r.resumeOne(cmd.Context(), std, id, how) })
			}
			f.limit, f.fromFlag, f.toFlag, f.status, f.durable = 500, "since", "until", string(run.Paused), true
			query, err := f.query(time.Now())
			if err != nil {
				return err
			}
			runs, err := r.pausedRuns(cmd.Context(), std, query)
			if err == nil && len(runs) == 0 {
				err = r.served(cmd.Context(), f.flow)
			}
			switch {
			case err != nil:
				return err
			case dryRun:
				return previewResume(std, runs)
			case count >= 0 && len(runs) != count:
				return wrongf("%d runs match, not %d: nothing is done; --dry-run lists them", len(runs), count)
			}
			return r.resumeAll(cmd.Context(), std, runs, how)
		},
	}
	cmd.Flags().BoolVar(&how.GiveUp, "give-up", false, "leave the node by its outcome, and do not try it again")
	cmd.Flags().StringVar(&how.With, "with", "then", "the flow as it was then, or as it is: current")
	cmd.Flags().BoolVar(&all, "all", false, "all paused runs that these choose:")
	cmd.Flags().StringVar(&f.flow, "flow", "", "of this flow")
	cmd.Flags().StringVar(&f.outcome, "outcome", "", "that are paused by this outcome of a node")
	cmd.Flags().StringVar(&f.key, "key", "", "that people know by this key")
	cmd.Flags().StringArrayVar(&f.labels, "label", nil, "that have this label, as channel=sms")
	cmd.Flags().StringVar(&f.from, "since", "", "that started then or later")
	cmd.Flags().StringVar(&f.to, "until", "", "that started before")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "with --all: list the runs, and do nothing")
	cmd.Flags().IntVar(&count, "count", -1, "with --all: do nothing unless so many match")
	return cmd
}

// resumeHow is the body of the request.
type resumeHow struct {
	GiveUp bool   `json:"giveUp,omitempty"`
	With   string `json:"with"`
}

func (r *remote) resumeOne(ctx context.Context, std *streams, id string, how resumeHow) error {
	done, err := r.taken(ctx, id, "resume", how)
	if err != nil {
		return err
	}
	for _, c := range done.Changes {
		fmt.Fprintln(std.err, c)
	}
	fmt.Fprintln(std.out, done.Run)
	if done.Run != id {
		fmt.Fprintf(std.err, "run %s is cancelled, and taken up at node %q; watch it with: wend runs show --follow %s%s\n", id, done.From, done.Run, r.flags())
		return nil
	}
	fmt.Fprintf(std.err, "it goes on; watch it with: wend runs show --follow %s%s\n", done.Run, r.flags())
	return nil
}

// pausedRuns are those of a list that are paused for a node, the oldest first.
func (r *remote) pausedRuns(ctx context.Context, std *streams, query string) ([]runLine, error) {
	runs, err := r.all(ctx, query)
	if err != nil {
		return nil, err
	}
	every := len(runs)
	runs = slices.DeleteFunc(runs, func(one runLine) bool { return one.Outcome == "" })
	if left := every - len(runs); left > 0 {
		fmt.Fprintf(std.err, "%d runs are left: they wait because their flow is paused, see wend flows resume\n", left)
	}
	slices.Reverse(runs)
	return runs, nil
}

func previewResume(std *streams, runs []runLine) error {
	if len(runs) > 0 {
		if err := printTable(std.out, runs); err != nil {
			return err
		}
	}
	fmt.Fprintf(std.err, "%d runs would be resumed; --count %d resumes them if there are as many then\n", len(runs), len(runs))
	return nil
}

// resumeAll resumes runs one after the other. One that cannot be is said and left.
func (r *remote) resumeAll(ctx context.Context, std *streams, runs []runLine, how resumeHow) error {
	resumed, refused := 0, 0
	for n, one := range runs {
		done, err := r.taken(ctx, one.Run, "resume", how)
		if p, ok := errors.AsType[*problem.Problem](err); ok && (p.Status == http.StatusConflict || p.Status == http.StatusNotFound) {
			refused++
			fmt.Fprintf(std.err, "%s is left: %s\n", one.Run, strings.ReplaceAll(p.Error(), "\n", "; "))
			continue
		}
		if err != nil {
			fmt.Fprintf(std.err, "stopped after %d of %d; give the same command again, without --count, to go on\n", n, len(runs))
			return err
		}
		resumed++
		if done.Run == one.Run {
			fmt.Fprintln(std.out, one.Run)
		} else {
			fmt.Fprintf(std.out, "%s from %s: %s\n", one.Run, done.From, done.Run)
		}
		if (n+1)%100 == 0 {
			fmt.Fprintf(std.err, "%d of %d\n", n+1, len(runs))
		}
	}
	fmt.Fprintf(std.err, "%d of %d runs resumed", resumed, len(runs))
	if refused > 0 {
		fmt.Fprintf(std.err, ", %d cannot be\n", refused)
		return wrongf("%d runs were not resumed", refused)
	}
	fmt.Fprintln(std.err)
	return nil
}
