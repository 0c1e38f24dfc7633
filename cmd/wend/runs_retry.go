package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/problem"
)

func runsRetryCommand(std *streams, r *remote) *cobra.Command {
	var how retryHow
	var all bool
	var f runFilter
	cmd := &cobra.Command{
		Use:   "retry RUN | --all",
		Short: "Start a run that takes up an ended one, and print its id",
		Long: `Start a new run with the trigger's output, the variables and the outputs of an earlier one.

It begins at the node at which that one failed, wherever that led, or at the one that --from
names, with the variables and outputs as they were when the run came there for the last time.
--with current takes the flow as it is served now; what of the run does not fit it is said, and
nothing is done. What differs is printed.

--all takes up all runs that the filters choose (--status failed, if no other is given), the newest first.
A run that was taken up so before is left alone, so that the same command can be given again
after it was interrupted.`,
		Example: `  wend runs retry 1b2c --with current
  wend runs retry --all --flow sms-end-task --outcome onTimeout --since 2h --dry-run`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case all && len(args) > 0:
				return errors.New("--all takes no RUN")
			case !all && len(args) != 1:
				return errors.New("say which run, or --all")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if how.With != "then" && how.With != "current" {
				return fmt.Errorf("--with %q: expected then, the flow that the run began with, or current", how.With)
			}
			if !all {
				return r.named(cmd.Context(), std, args[0], false, func(id string) error { return r.retryOne(cmd.Context(), std, id, how) })
			}
			if f.status == "" && f.response == "" {
				f.status = "failed"
			}
			f.limit, f.fromFlag, f.toFlag, how.Once = 500, "since", "until", true
			query, err := f.query(time.Now())
			if err != nil {
				return err
			}
			// The list first: the runs that are begun now would be among it.
			runs, err := r.all(cmd.Context(), query)
			if err == nil && len(runs) == 0 {
				err = r.served(cmd.Context(), f.flow)
			}
			if err != nil {
				return err
			}
			return r.retryAll(cmd.Context(), std, runs, how)
		},
	}
	cmd.Flags().StringVar(&how.From, "from", "", "id of the node to begin at")
	cmd.Flags().StringVar(&how.With, "with", "then", "the flow as it was then, or as it is: current")
	cmd.Flags().BoolVar(&how.DryRun, "dry-run", false, "say what would be done, and do nothing")
	cmd.Flags().BoolVar(&all, "all", false, "all runs that these choose:")
	cmd.Flags().StringVar(&f.flow, "flow", "", "of this flow")
	cmd.Flags().StringVar(&f.status, "status", "", "that are completed, failed or cancelled")
	cmd.Flags().StringVar(&f.outcome, "outcome", "", "that ended by this outcome of a node")
	cmd.Flags().StringVar(&f.response, "response", "", "that answered with this status, as 502 or 5xx")
	cmd.Flags().StringVar(&f.key, "key", "", "that people know by this key")
	cmd.Flags().StringVar(&f.from, "since", "", "that started then or later")
	cmd.Flags().StringVar(&f.to, "until", "", "that started before")
	f.durable = true
	return cmd
}

// retryHow is the body of the request.
type retryHow struct {
	From   string `json:"from,omitempty"`
	With   string `json:"with"`
	Once   bool   `json:"once,omitempty"`
	DryRun bool   `json:"dryRun,omitempty"`
}

// retried is the answer.
type retried struct {
	Run, From string
	Changes   []flow.Change
	Repeated  bool
	// Of the child runs of the node.
	Kept, Again int
}

// children says what becomes of the child runs of the node, "" if all it has made
// are made anew.
func (d *retried) children() string {
	if d.Kept+d.Again == 0 {
		return ""
	}
	return fmt.Sprintf("of its %d child runs, %d completed and stay; %d go on where they failed", d.Kept+d.Again, d.Kept, d.Again)
}

func (r *remote) retry(ctx context.Context, id string, how retryHow) (retried, error) {
	return r.taken(ctx, id, "retry", how)
}

// taken asks for a run to be taken up, by one of the ways there are.
func (r *remote) taken(ctx context.Context, id, way string, how any) (done retried, err error) {
	raw, err := r.ask(ctx, http.MethodPost, runPath(id, way), how)
	if err != nil {
		return done, err
	}
	if err := json.Unmarshal(raw, &done); err != nil {
		return done, wrong(err)
	}
	return done, nil
}

func (r *remote) retryOne(ctx context.Context, std *streams, id string, how retryHow) error {
	done, err := r.retry(ctx, id, how)
	if err != nil {
		return err
	}
	for _, c := range done.Changes {
		fmt.Fprintln(std.err, c)
	}
	if children := done.children(); children != "" {
		fmt.Fprintln(std.err, children)
	}
	if how.DryRun {
		fmt.Fprintf(std.err, "run %s would be taken up at node %q\n", id, done.From)
		return nil
	}
	fmt.Fprintln(std.out, done.Run)
	fmt.Fprintf(std.err, "it begins at node %q; watch it with: wend runs show --follow %s%s\n", done.From, done.Run, r.flags())
	return nil
}

// retryAll takes up the runs of a list. One that cannot be is said and left.
func (r *remote) retryAll(ctx context.Context, std *streams, runs []runLine, how retryHow) error {
	begun, before, refused := 0, 0, 0
	for n := range runs {
		id := runs[n].Run
		done, err := r.retry(ctx, id, how)
		if p, ok := errors.AsType[*problem.Problem](err); ok && (p.Status == http.StatusConflict || p.Status == http.StatusNotFound) {
			refused++
			fmt.Fprintf(std.err, "%s is left: %s\n", id, strings.ReplaceAll(p.Error(), "\n", "; "))
			continue
		}
		switch {
		case err != nil:
			fmt.Fprintf(std.err, "stopped after %d of %d; give the same command again to go on\n", n, len(runs))
			return err
		case done.Repeated:
			before++
		case how.DryRun:
			begun++
			fmt.Fprintf(std.out, "%s from %s\n", id, done.From)
		default:
			begun++
			fmt.Fprintf(std.out, "%s from %s: %s\n", id, done.From, done.Run)
		}
		if (n+1)%100 == 0 {
			fmt.Fprintf(std.err, "%d of %d\n", n+1, len(runs))
		}
	}
	word := "taken up"
	if how.DryRun {
		word = "would be taken up, if they were not so before"
	}
	fmt.Fprintf(std.err, "%d of %d runs %s", begun, len(runs), word)
	if before > 0 {
		fmt.Fprintf(std.err, ", %d were before", before)
	}
	if refused > 0 {
		fmt.Fprintf(std.err, ", %d cannot be", refused)
	}
	fmt.Fprintln(std.err)
	if refused > 0 {
		return wrongf("%d runs were not taken up", refused)
	}
	return nil
}

// all returns the runs of a list, page by page.
func (r *remote) all(ctx context.Context, query string) (runs []runLine, err error) {
	for cursor, more := "", true; more; more = cursor != "" {
		raw, err := r.ask(ctx, http.MethodGet, "/api/v1/runs?"+query+prefixed("&cursor=", url.QueryEscape(cursor)), nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Runs []runLine
			Next string
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, wrongf("the server's list of runs: %w", err)
		}
		runs, cursor = append(runs, page.Runs...), page.Next
	}
	return runs, nil
}
