package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/yamldoc"
)

func tokenCommand(std *streams) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Tokens of the API: create, list, revoke",
		Long: `Change who may ask the API of the servers that share a data folder.

Tokens are in a file of that folder, tokens.json, as hashes. A server reads it at each
request, so a change counts at once. As soon as there is the file a token is demanded.
The token that server.token refers to is good for everything.`,
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.PersistentFlags().StringVar(&data, "data", defaultData, "folder of the journal")
	tokens := func() *auth.Tokens { return auth.NewTokens(data, slog.New(slog.DiscardHandler)) }
	cmd.AddCommand(tokenCreateCommand(std, tokens), tokenListCommand(std, tokens), tokenRevokeCommand(std, tokens))
	return cmd
}

func tokenCreateCommand(std *streams, tokens func() *auth.Tokens) *cobra.Command {
	var scopes, flows []string
	var lasts string
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a token and print it, which is done but once",
		Long: `Make a token and print it. It is nowhere else: who loses it makes another.

  read     see flows, runs, events, values, metrics
  run      start runs, and tell of events
  operate  cancel, retry, resume and pause, roll flows back, change values
  admin    all of that

With --flow it is good for these flows only, and for nothing that concerns all flows.`,
		Example: `  wend token create dashboard --scope read
  wend token create shop --scope run --flow order --flow refund --expires 90d`,
		Args: takes(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(scopes) == 0 {
				return fmt.Errorf("say with --scope what the token is good for: %s", strings.Join(words(auth.Scopes), ", "))
			}
			now := time.Now().UTC().Truncate(time.Second)
			one := auth.Token{Name: args[0], Flows: flows, Created: now}
			for _, s := range scopes {
				one.Scopes = append(one.Scopes, auth.Scope(s))
			}
			if lasts != "" {
				d, err := yamldoc.ParseDuration(lasts)
				if err != nil {
					return fmt.Errorf("--expires: %w", err)
				}
				// Whole seconds are on disk, and a token of a past time would be good for nothing.
				if d < time.Second {
					return fmt.Errorf("--expires: %q: expected 1s or more; leave it out for a token that is good for ever", lasts)
				}
				one.Expires = now.Add(d)
			}
			text, err := tokens().Create(one)
			if err != nil {
				return wrong(err)
			}
			fmt.Fprintln(std.out, text)
			fmt.Fprintf(std.err, "token %q is good for %s%s; it is not shown again\n", one.Name, limits(one), until(one))
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "what it is good for: read, run, operate, admin")
	cmd.Flags().StringSliceVar(&flows, "flow", nil, "of this flow only; may be given several times")
	cmd.Flags().StringVar(&lasts, "expires", "", "how long it is good, such as 90d; for ever if not given")
	return cmd
}

// limits says what a token is good for.
func limits(t auth.Token) string {
	text := strings.Join(words(t.Scopes), ", ")
	if len(t.Flows) > 0 {
		text += " of " + strings.Join(t.Flows, ", ")
	}
	return text
}

func until(t auth.Token) string {
	if t.Expires.IsZero() {
		return ""
	}
	return ", until " + t.Expires.Format(time.RFC3339)
}

func words(scopes []auth.Scope) []string {
	texts := make([]string, len(scopes))
	for i, s := range scopes {
		texts[i] = string(s)
	}
	return texts
}

func tokenListCommand(std *streams, tokens func() *auth.Tokens) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the tokens by name",
		Args:  takes(0, 0),
		RunE: func(*cobra.Command, []string) error {
			list, made, err := tokens().List()
			switch {
			case err != nil:
				return wrong(err)
			case asJSON:
				if list == nil {
					list = []auth.Token{}
				}
				raw, err := json.Marshal(map[string]any{"tokens": list})
				if err != nil {
					return err
				}
				return printRaw(std.out, raw)
			case !made:
				fmt.Fprintln(std.err, "no token was made so far")
			case len(list) == 0:
				fmt.Fprintln(std.err, "there is no token, and one is demanded")
			}
			return printTokens(std, list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON, with the hashes")
	return cmd
}

func printTokens(std *streams, list []auth.Token) error {
	if len(list) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(std.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSCOPES\tFLOWS\tCREATED\tEXPIRES")
	now := time.Now()
	for _, t := range list {
		flows, expires := "all", "never"
		if len(t.Flows) > 0 {
			flows = strings.Join(t.Flows, ",")
		}
		if !t.Expires.IsZero() {
			expires = t.Expires.Local().Format(sameWidth)
		}
		if t.Expired(now) {
			expires += " (over)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.Name, strings.Join(words(t.Scopes), ","), reason(flows, ""), t.Created.Local().Format(sameWidth), expires)
	}
	return w.Flush()
}

func tokenRevokeCommand(std *streams, tokens func() *auth.Tokens) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke NAME",
		Short: "Have a token be good for nothing, at once",
		Args:  takes(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			t := tokens()
			if err := t.Revoke(args[0]); err != nil {
				return wrong(err)
			}
			fmt.Fprintf(std.err, "token %q is revoked\n", args[0])
			if list, _, err := t.List(); err == nil && len(list) == 0 {
				fmt.Fprintln(std.err, "it was the last one: nobody may ask the API but by server.token, until there is another")
			}
			return nil
		},
	}
}
