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
			query, err := exportQuery(flow, since, time.Now())
			if err != nil {
				return err
			}
			runs, masked := 0, 0
			err = r.export(cmd.Context(), query, func(body io.Reader) error {
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

// exportQuery chooses runs.
func exportQuery(flow, since string, now time.Time) (url.Values, error) {
	q := url.Values{}
	if flow != "" {
		q.Set("flow", flow)
	}
	if since != "" {
		from, err := parseWhen(since, now)
		if err != nil {
			return nil, fmt.Errorf("--since %w", err)
		}
		q.Set("from", from.Format(time.RFC3339))
	}
	return q, nil
}

// export reads what a server exports: the runs of durable flows, and then those of
// the others.
func (r *remote) export(ctx context.Context, query url.Values, read func(io.Reader) error) error {
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
