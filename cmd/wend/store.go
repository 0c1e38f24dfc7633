package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/problem"
)

func storeCommand(std *streams) *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "store",
		Short: "What flows keep between their runs: list, get, put, delete",
		Long: `Ask a server about the values that its flows keep by store nodes, over its API.

A value is found by its flow and its key, or by its key alone if its scope is global.`,
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	r.addFlags(cmd)
	cmd.AddCommand(storeListCommand(std, &r), storeGetCommand(std, &r), storePutCommand(std, &r), storeDeleteCommand(std, &r))
	return cmd
}

func storeListCommand(std *streams, r *remote) *cobra.Command {
	var flow, cursor string
	var global, asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the keys that have a value, by flow",
		Example: `  wend store list
  wend store list --flow poll-orders --json`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := url.Values{"limit": {strconv.Itoa(limit)}}
			for name, value := range map[string]string{"flow": flow, "cursor": cursor} {
				if value != "" {
					q.Set(name, value)
				}
			}
			if global {
				q.Set("scope", "global")
			}
			raw, err := r.ask(cmd.Context(), http.MethodGet, "/api/v1/store?"+q.Encode(), nil)
			switch {
			case err != nil:
				return err
			case asJSON:
				return printRaw(std.out, raw)
			default:
				return r.printValues(cmd.Context(), std, raw, flow)
			}
		},
	}
	cmd.Flags().StringVar(&flow, "flow", "", "of this flow")
	cmd.Flags().BoolVar(&global, "global", false, "of all flows together")
	notBoth(cmd, "flow", "global")
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many")
	cmd.Flags().StringVar(&cursor, "cursor", "", "those after an earlier list, by what it printed last")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the server's answer as JSON")
	return cmd
}

func (r *remote) printValues(ctx context.Context, std *streams, raw json.RawMessage, flow string) error {
	var page struct {
		Values []struct {
			Flow, Key, Run   string
			Size             int
			Updated, Expires time.Time
		}
		Next string
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return wrongf("the server's list of values: %w", err)
	}
	if len(page.Values) == 0 {
		if err := r.served(ctx, flow); err != nil {
			return err
		}
		fmt.Fprintln(std.err, "no values are kept")
		return nil
	}
	w := tabwriter.NewWriter(std.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "FLOW\tKEY\tBYTES\tCHANGED\tEXPIRES\tBY RUN")
	for _, v := range page.Values {
		expires := "never"
		if !v.Expires.IsZero() {
			expires = v.Expires.Local().Format(sameWidth)
		}
		flow := v.Flow
		if flow == "" {
			flow = "(all)"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", reason(flow, ""), reason(v.Key, ""), v.Size, v.Updated.Local().Format(sameWidth), expires, cmp.Or(reason(v.Run, ""), "-"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if page.Next != "" {
		fmt.Fprintf(std.err, "there are more: --cursor %s\n", page.Next)
	}
	return nil
}

// valuePath is the address of one value.
func valuePath(flow, key string) string {
	q := url.Values{"key": {key}}
	if flow != "" {
		q.Set("flow", flow)
	}
	return "/api/v1/store/value?" + q.Encode()
}

// askValue asks about one value. Where there is none since there is no such flow, it
// says that.
func (r *remote) askValue(ctx context.Context, method, flow, key string) (json.RawMessage, error) {
	raw, err := r.ask(ctx, method, valuePath(flow, key), nil)
	if p, ok := errors.AsType[*problem.Problem](err); ok && p.Status == http.StatusNotFound {
		if unknown := r.served(ctx, flow); unknown != nil {
			return nil, unknown
		}
	}
	return raw, err
}

// ofFlow is the flag that says whose value is meant.
func ofFlow(cmd *cobra.Command, flow *string) {
	cmd.Flags().StringVar(flow, "flow", "", "the value is this flow's; without it, of all flows together")
}

func storeGetCommand(std *streams, r *remote) *cobra.Command {
	var flow string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "get KEY",
		Short:   "Print a value, as JSON",
		Example: `  wend store get --flow poll-orders last-seen`,
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := r.askValue(cmd.Context(), http.MethodGet, flow, args[0])
			if err != nil || asJSON {
				return printAnswer(std, raw, err)
			}
			var doc struct{ Value json.RawMessage }
			if err := json.Unmarshal(raw, &doc); err != nil {
				return wrongf("the server's answer: %w", err)
			}
			return printRaw(std.out, doc.Value)
		},
	}
	ofFlow(cmd, &flow)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print all that the server knows of it")
	return cmd
}

func printAnswer(std *streams, raw json.RawMessage, err error) error {
	if err != nil {
		return err
	}
	return printRaw(std.out, raw)
}

func storePutCommand(std *streams, r *remote) *cobra.Command {
	var flow, lasts string
	cmd := &cobra.Command{
		Use:   "put KEY VALUE",
		Short: "Keep a value by hand; VALUE is JSON, such as 7 or '\"a text\"'",
		Example: `  wend store put --flow poll-orders last-seen 4711
  wend store put closed true --for 2d`,
		Args: takes(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !json.Valid([]byte(args[1])) {
				return fmt.Errorf("value %q is not JSON; a text needs quotes of its own: '%q'", args[1], args[1])
			}
			body := map[string]any{"value": json.RawMessage(args[1])}
			if lasts != "" {
				body["for"] = lasts
			}
			_, err := r.ask(cmd.Context(), http.MethodPut, valuePath(flow, args[0]), body)
			if err == nil {
				fmt.Fprintf(std.err, "the value of %q is kept\n", args[0])
				if unknown := r.served(cmd.Context(), flow); unknown != nil {
					fmt.Fprintf(std.err, "nobody reads it yet: %v\n", unknown)
				}
			}
			return err
		},
	}
	ofFlow(cmd, &flow)
	cmd.Flags().StringVar(&lasts, "for", "", "how long, such as 7d; for ever if not given")
	return cmd
}

func storeDeleteCommand(std *streams, r *remote) *cobra.Command {
	var flow string
	cmd := &cobra.Command{
		Use:     "delete KEY",
		Short:   "Forget a value",
		Example: `  wend store delete --flow poll-orders last-seen`,
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, err := r.askValue(cmd.Context(), http.MethodDelete, flow, args[0])
			if err == nil {
				fmt.Fprintf(std.err, "the value of %q is forgotten\n", args[0])
			}
			return err
		},
	}
	ofFlow(cmd, &flow)
	return cmd
}
