package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/record"
)

func runsExportCommand(std *streams, r *remote) *cobra.Command {
	var flow, since string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Print runs with all their events, for 'wend backtest'",
		Long: `Print runs with all their events, each as JSON on a line, for "wend backtest" where the server
cannot be reached. A run that another had made stands with that one.

Words such as secret-1 stand in the place of what looks like a secret, the same for the same.
Everything else is as it was: the lines hold what your callers sent and vendors answered.`,
		Example: `  wend runs export --since 7d > runs/week.jsonl
  wend runs export --flow sms-end-task --since 2026-11-20 > runs/sms.jsonl`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := parseSince(since, time.Now())
			if err != nil {
				return err
			}
			runs, masked := 0, 0
			err = r.export(cmd.Context(), flow, from, func(body io.Reader) error {
				return record.Mask(std.exact, body, func(m bool) {
					runs++
					if m {
						masked++
					}
				})
			})
			if err != nil {
				return err
			}
			if runs == 0 {
				fmt.Fprintln(std.err, "no runs")
				return nil
			}
			fmt.Fprintf(std.err, "%s, %d with words in the place of secrets; look them through before you share them\n", counted(runs, "run"), masked)
			return nil
		},
	}
	cmd.Flags().StringVar(&flow, "flow", "", "of this flow")
	cmd.Flags().StringVar(&since, "since", "", "that started then or later: a time, a day, or how long ago as 7d")
	return cmd
}

// parseSince reads the flag --since; the time is zero if it is not given.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	from, err := parseWhen(text, now)
	if err != nil {
		return from, fmt.Errorf("--since %w", err)
	}
	return from, nil
}

// export reads what a server exports: the runs of durable flows, and then those of
// the others. Those of all flows, if it is "", and of all times, if from is zero.
func (r *remote) export(ctx context.Context, flow string, from time.Time, read func(io.Reader) error) error {
	query := url.Values{}
	if flow != "" {
		query.Set("flow", flow)
	}
	if !from.IsZero() {
		query.Set("from", from.Format(time.RFC3339))
	}
	for _, durable := range []string{"true", "false"} {
		query.Set("durable", durable)
		resp, err := r.call(ctx, http.MethodGet, "/api/v1/runs/export?"+query.Encode(), nil)
		if err != nil {
			return err
		}
		err = read(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return wrongf("the runs of %s: %w", r.server, err)
		}
	}
	return nil
}
