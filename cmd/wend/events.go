package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func eventsCommand(std *streams) *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "events",
		Short: "The events that a server keeps for runs: list",
		Long: `Ask a server about the events that came to it and that no run has received, over its API.

An event is sent with POST /api/v1/events/NAME, or by an emit node, and received by a wait node.`,
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	r.addFlags(cmd)
	cmd.AddCommand(eventsListCommand(std, &r))
	return cmd
}

func eventsListCommand(std *streams, r *remote) *cobra.Command {
	var name, key, cursor string
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List events that are kept for a run, the oldest first",
		Example: `  wend events list
  wend events list --name parcel-handed-over --key P-17 --json`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := url.Values{"limit": {strconv.Itoa(limit)}}
			for name, value := range map[string]string{"name": name, "key": key, "cursor": cursor} {
				if value != "" {
					q.Set(name, value)
				}
			}
			raw, err := r.ask(cmd.Context(), http.MethodGet, "/api/v1/events?"+q.Encode(), nil)
			switch {
			case err != nil:
				return err
			case asJSON:
				return printRaw(std.out, raw)
			default:
				return printEvents(std, raw)
			}
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "of this name")
	cmd.Flags().StringVar(&key, "key", "", "with this key")
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many")
	cmd.Flags().StringVar(&cursor, "cursor", "", "those after an earlier list, by what it printed last")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the server's answer as JSON")
	return cmd
}

func printEvents(std *streams, raw json.RawMessage) error {
	var page struct {
		Events []struct {
			Event, Name, Key string
			Data             json.RawMessage
			Expires          time.Time
		}
		Next string
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return wrongf("the server's list of events: %w", err)
	}
	if len(page.Events) == 0 {
		fmt.Fprintln(std.err, "no events are kept")
		return nil
	}
	w := tabwriter.NewWriter(std.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tKEY\tEVENT\tEXPIRES\tDATA")
	for _, e := range page.Events {
		data := "-"
		if len(e.Data) > 0 {
			data = short(e.Data)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", reason(e.Name, ""), reason(e.Key, ""), reason(e.Event, ""), e.Expires.Local().Format(sameWidth), data)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if page.Next != "" {
		fmt.Fprintf(std.err, "there are more: --cursor %s\n", page.Next)
	}
	return nil
}
