package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

func flowsCommand(std *streams) *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "flows",
		Short: "The flows of a server and their versions: list, show, diff, rollback, pause, resume",
		Long: `Ask a server about its flows, over its API.

Each version of a flow that a server has served has a number: a source, with the plugins that it was
served with. Versions are kept while runs need them, and the newest in any case, see
server.retention.versions in wend.yaml.

The server is one that "wend serve" started. Its token, if it has one, is read from the
environment variable WEND_TOKEN, or from where --token says.`,
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	r.addFlags(cmd)
	cmd.AddCommand(flowsListCommand(std, &r), flowsShowCommand(std, &r), flowsDiffCommand(std, &r), flowsRollbackCommand(std, &r),
		flowsPauseCommand(std, &r), flowsResumeCommand(std, &r))
	return cmd
}

// flowPath is the address of a flow, or of what is under it.
func flowPath(name string, under ...string) string {
	return "/api/v1/flows/" + strings.Join(append([]string{url.PathEscape(name)}, under...), "/")
}

// flowLine is what the table shows of a flow.
type flowLine struct {
	Flow, Digest, File string
	Version            int
	Durable            bool
	Triggers           []struct {
		Node, Type, Path, Event, Schedule string
		Next                              []string
	}
	Mistakes []string
	Rollback *journal.Rollback
	Pause    *journal.Pause
	Runs     map[run.Status]int
}

func flowsListCommand(std *streams, r *remote) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the flows that are served",
		Long: `List the flows that a server has, with the version that new runs begin with, and how many runs
have not ended.`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			raw, err := r.ask(cmd.Context(), http.MethodGet, "/api/v1/flows", nil)
			switch {
			case err != nil:
				return err
			case asJSON:
				return printRaw(std.out, raw)
			default:
				return printFlows(std, raw)
			}
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the server's answer as JSON")
	return cmd
}

func printFlows(std *streams, raw json.RawMessage) error {
	var answer struct {
		Flows    []flowLine
		Mistakes []string
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return wrongf("the server's list of flows: %w", err)
	}
	if len(answer.Flows) == 0 {
		fmt.Fprintln(std.err, "no flow is served")
	} else {
		w := tabwriter.NewWriter(std.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "FLOW\tVERSION\tFILE\tTRIGGERS\tRUNS\tNOTE")
		for _, f := range answer.Flows {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", f.Flow, versionText(f.Version, f.Digest), f.File, f.triggers(), f.runs(), f.note())
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	for _, f := range answer.Flows {
		for _, m := range f.Mistakes {
			fmt.Fprintf(std.err, "flow %s: %s\n", f.Flow, m)
		}
	}
	for _, m := range answer.Mistakes {
		fmt.Fprintln(std.err, m)
	}
	return nil
}

// versionText is the number of a version and the begin of its digest.
func versionText(number int, digest string) string {
	if number == 0 {
		return journal.Short(digest)
	}
	return strconv.Itoa(number) + " " + journal.Short(digest)
}

func (f *flowLine) triggers() string {
	var texts []string
	for _, t := range f.Triggers {
		text := t.Type
		switch {
		case t.Path != "":
			text = "POST " + t.Path
		case t.Event != "":
			text = "event " + t.Event
		case t.Schedule != "" && len(t.Next) > 0:
			text = t.Schedule + " (next " + t.Next[0] + ")"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// runs says how many have not ended.
func (f *flowLine) runs() string {
	var texts []string
	for _, status := range []run.Status{run.Running, run.Waiting, run.Paused} {
		switch n := f.Runs[status]; {
		case n >= 1000:
			texts = append(texts, "1000 or more "+string(status))
		case n > 0:
			texts = append(texts, fmt.Sprintf("%d %s", n, status))
		}
	}
	if texts == nil {
		return "-"
	}
	return strings.Join(texts, ", ")
}

// note says what an operator wants of the flow.
func (f *flowLine) note() string {
	var texts []string
	if f.Rollback != nil {
		texts = append(texts, fmt.Sprintf("rolled back from version %d", f.Rollback.Over))
	}
	if f.Pause != nil {
		texts = append(texts, "paused"+prefixed(": ", reason(f.Pause.Reason, "")))
	}
	if texts == nil {
		return "-"
	}
	return strings.Join(texts, ", ")
}

// versionLine is what is shown of a version.
type versionLine struct {
	Flow, Digest, File, Source    string
	Version                       int
	FirstServedAt, LastDeployedAt time.Time
	Served, Current               bool
}

func flowsShowCommand(std *streams, r *remote) *cobra.Command {
	var asJSON, versions bool
	cmd := &cobra.Command{
		Use:   "show NAME[@VERSION]",
		Short: "Print the source of a flow as it is served, or as it was",
		Long: `Print the source of the version of a flow that new runs begin with, or of another that is kept.

--versions lists the versions that are kept instead, the one that was deployed last first.`,
		Example: `  wend flows show sms-end-task --versions
  wend flows show sms-end-task@3 > sms.yaml`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, version, given := strings.Cut(args[0], "@")
			path := flowPath(name, "versions")
			switch {
			case versions && given:
				return errors.New("--versions takes no @VERSION: it lists all of them")
			case !versions && !given:
				version = "served"
				fallthrough
			case !versions:
				path += "/" + url.PathEscape(version)
			}
			raw, err := r.ask(cmd.Context(), http.MethodGet, path, nil)
			switch {
			case err != nil:
				return err
			case asJSON:
				return printRaw(std.out, raw)
			case versions:
				return printVersions(std.out, raw)
			}
			var v versionLine
			if err := json.Unmarshal(raw, &v); err != nil {
				return wrongf("the server's version of the flow: %w", err)
			}
			_, err = io.WriteString(std.exact, v.Source)
			return err
		},
	}
	cmd.Flags().BoolVar(&versions, "versions", false, "list the versions that are kept")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the server's answer as JSON")
	return cmd
}

func printVersions(out io.Writer, raw json.RawMessage) error {
	var answer struct{ Versions []versionLine }
	if err := json.Unmarshal(raw, &answer); err != nil {
		return wrongf("the server's list of versions: %w", err)
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "VERSION\tFILE\tFIRST SERVED\tLAST DEPLOYED\tNOTE")
	for _, v := range answer.Versions {
		note := "-"
		switch {
		case v.Served:
			note = "served"
		case v.Current:
			note = "in the file"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", versionText(v.Version, v.Digest), v.File,
			v.FirstServedAt.Local().Format(sameWidth), v.LastDeployedAt.Local().Format(sameWidth), note)
	}
	return w.Flush()
}

func flowsDiffCommand(std *streams, r *remote) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff NAME VERSION [VERSION]",
		Short: "Say in what two versions of a flow differ, node by node",
		Long: `Say in what the second version of a flow differs from the first; the second is the one that is served,
if it is not given. Comments, layout, the order of nodes and names for people do not count.`,
		Example: `  wend flows diff sms-end-task 3
  wend flows diff sms-end-task 3 5 --json`,
		Args: takes(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			to := "served"
			if len(args) == 3 {
				to = args[2]
			}
			raw, err := r.ask(cmd.Context(), http.MethodGet, flowPath(args[0], "diff")+"?"+url.Values{"from": {args[1]}, "to": {to}}.Encode(), nil)
			switch {
			case err != nil:
				return err
			case asJSON:
				return printRaw(std.out, raw)
			}
			var answer struct {
				From, To int
				Changes  []flow.Change
			}
			if err := json.Unmarshal(raw, &answer); err != nil {
				return wrongf("the server's comparison: %w", err)
			}
			if len(answer.Changes) == 0 {
				fmt.Fprintf(std.err, "versions %d and %d of flow %s do the same\n", answer.From, answer.To, args[0])
			}
			for _, c := range answer.Changes {
				printChange(std.out, c)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the server's answer as JSON")
	return cmd
}

// printChange prints what differs between two flows: a line for a variable, for a
// node one more for each thing of it.
func printChange(w io.Writer, c flow.Change) {
	before, was := c.Was["value"]
	after, is := c.Is["value"]
	switch {
	case was && is:
		before, after := parted(before, after)
		fmt.Fprintf(w, "%s %s: %s -> %s\n", c.What, c.Name, before, after)
	case was:
		fmt.Fprintf(w, "%s %s is %s: %s\n", c.What, c.Name, c.How, brief(before))
	case is:
		fmt.Fprintf(w, "%s %s is %s: %s\n", c.What, c.Name, c.How, brief(after))
	case c.Of == nil:
		fmt.Fprintf(w, "%s %s is %s%v%v\n", c.What, c.Name, c.How, typeOf(c.Was), typeOf(c.Is))
	default:
		fmt.Fprintf(w, "%s %s\n", c.What, c.Name)
	}
	for _, of := range slices.Sorted(slices.Values(c.Of)) {
		before, was := c.Was[of]
		after, is := c.Is[of]
		switch {
		case was && is:
			before, after := parted(before, after)
			fmt.Fprintf(w, "  %s: %s -> %s\n", of, before, after)
		case was:
			fmt.Fprintf(w, "  %s: %s -> nothing\n", of, brief(before))
		default:
			fmt.Fprintf(w, "  %s: nothing -> %s\n", of, brief(after))
		}
	}
}

func typeOf(keys map[string]any) string {
	text, _ := keys["type"].(string)
	return prefixed(": ", text)
}

// shared is how much is shown of what two values have in common, before they part.
const shared = 24

// parted is two values as JSON that differ. Where they are too long to be shown whole
// and begin alike, they are shown from a little before they part.
func parted(before, after any) (string, string) {
	a, b := []rune(wholeJSON(before)), []rune(wholeJSON(after))
	alike := 0
	for alike < min(len(a), len(b)) && a[alike] == b[alike] {
		alike++
	}
	if from := alike - shared; from > 1 && max(len(a), len(b)) > longest {
		a, b = append([]rune("…"), a[from:]...), append([]rune("…"), b[from:]...)
	}
	return cut(string(a), longest), cut(string(b), longest)
}

func flowsRollbackCommand(std *streams, r *remote) *cobra.Command {
	var off bool
	cmd := &cobra.Command{
		Use:   "rollback NAME VERSION | NAME --off",
		Short: "Have new runs of a flow begin with an earlier version",
		Long: `Have new runs of a flow begin with an earlier version from now on, with the plugins that it had. Runs that have
begun go on with the version that they began with.

It holds over restarts, until --off ends it, or until the flow's file has another version than the one that is
rolled back from: what is deployed next is served. A version that does not fit to the connections and the other flows
of now is refused.`,
		Example: `  wend flows rollback sms-end-task 3
  wend flows rollback sms-end-task --off`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case off && len(args) != 1:
				return errors.New("--off takes the name of a flow and no version")
			case !off && len(args) != 2:
				return errors.New("say which flow and which version, or --off")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			body := map[string]any{"off": true}
			if !off {
				n, err := strconv.Atoi(args[1])
				if err != nil {
					return fmt.Errorf("version %q: expected the number of a version; wend flows show %s --versions lists them", args[1], args[0])
				}
				body = map[string]any{"version": n}
			}
			f, err := r.changeFlow(cmd.Context(), args[0], "rollback", body)
			if err != nil {
				return err
			}
			fmt.Fprintf(std.err, "new runs of flow %s begin with version %s\n", f.Flow, versionText(f.Version, f.Digest))
			return nil
		},
	}
	cmd.Flags().BoolVar(&off, "off", false, "end a rollback: the version in the file again")
	return cmd
}

func flowsPauseCommand(std *streams, r *remote) *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:   "pause NAME",
		Short: "Have new runs of a flow wait before their first node",
		Long: `Have new runs of a flow wait before their first node, so that nothing is lost while a vendor is down or a mistake is
mended. Webhooks and all other triggers are taken as ever, and each makes a run that is on record as paused; who would
wait for a response gets 202 and the run's address. Runs that have begun go on.

It holds over restarts, until "wend flows resume NAME".`,
		Example: `  wend flows pause sms-end-task --reason "CCE is down, INC-4711"`,
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := r.changeFlow(cmd.Context(), args[0], "pause", map[string]string{"reason": why})
			if err != nil {
				return err
			}
			fmt.Fprintf(std.err, "new runs of flow %s wait; wend flows resume %s%s has them go on\n", f.Flow, f.Flow, r.flags())
			if !f.Durable {
				fmt.Fprintln(std.err, `the flow has "durable: false": runs that wait are lost when the server stops`)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&why, "reason", "", "what the runs that wait will say")
	return cmd
}

func flowsResumeCommand(std *streams, r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "resume NAME",
		Short: "Have new runs of a flow begin as they come, and those go on that wait",
		Long: `Have new runs of a flow begin as they come. Those that wait because the flow was paused go on, the oldest first and
no more than some at a time. Runs that are paused for a node of theirs stay so, see "wend runs resume".`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := r.changeFlow(cmd.Context(), args[0], "resume", struct{}{})
			if err != nil {
				return err
			}
			fmt.Fprintf(std.err, "runs of flow %s begin as they come, and those go on that wait\n", f.Flow)
			return nil
		},
	}
}

// changeFlow has something of a flow be otherwise, and returns the flow as it is
// then.
func (r *remote) changeFlow(ctx context.Context, name, what string, body any) (f flowLine, err error) {
	raw, err := r.ask(ctx, http.MethodPost, flowPath(name, what), body)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return f, wrongf("the server's answer: %w", err)
	}
	return f, nil
}
