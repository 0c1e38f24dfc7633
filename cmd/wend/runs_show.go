package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/run"
)

func runsShowCommand(std *streams, r *remote) *cobra.Command {
	var asJSON, follow, events bool
	cmd := &cobra.Command{
		Use:   "show ID|KEY",
		Short: "Show what a run did, node by node",
		Long: `Show what a run did: each node with its outcome, how long it took, what went in and came
out, and its calls. Long values are cut short; --json prints the whole run.

A run can be named by its key as well, see 'key' of a flow. If several runs have that key
they are listed, and the exit status is 1.

A node at which the run is shows since when, and its calls that have no reply so far.

--follow prints the events of the run instead, those of the past first, until the run has
ended; where the run is meanwhile goes to standard error. It exits with 1 if the run has not completed.`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if events && !asJSON && !follow {
				return errors.New("--events needs --json")
			}
			return r.named(cmd.Context(), std, args[0], asJSON, func(id string) error {
				if follow {
					return followRun(cmd.Context(), std, r, id, asJSON)
				}
				return r.show(cmd.Context(), std, id, asJSON, events)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the whole run as JSON; with --follow, each event on a line")
	cmd.Flags().BoolVar(&follow, "follow", false, "print the run's events as they come")
	cmd.Flags().BoolVar(&events, "events", false, "with --json: its events too, for 'wend plugin test --from-run'")
	return cmd
}

// show prints what a run did.
func (r *remote) show(ctx context.Context, std *streams, id string, asJSON, events bool) error {
	if asJSON {
		raw, err := r.ask(ctx, http.MethodGet, runPath(id)+"?values=whole", nil)
		if err == nil && events {
			raw, err = r.withEvents(ctx, id, raw)
		}
		if err != nil {
			return err
		}
		return printRaw(std.out, raw)
	}
	report, err := r.reportAfter(ctx, id, 0)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	printReport(&page, report)
	if len(report.Nodes) == 0 && report.Flow != "" && report.Unreadable == "" {
		fmt.Fprintln(std.err, "the flow it began with is not kept any more, so its nodes cannot be shown; --follow shows its events")
	}
	for more := report; ; {
		printAttempts(&page, more.Nodes)
		if more.Next == 0 {
			break
		}
		if _, err := page.WriteTo(std.out); err != nil {
			return err
		}
		if more, err = r.reportAfter(ctx, id, more.Next); err != nil {
			return err
		}
	}
	if report.Response != nil {
		fmt.Fprintf(&page, "response %d%s\n", report.Response.Status, prefixed("  ", short(report.Response.Body)))
	}
	if _, err = page.WriteTo(std.out); err == nil && report.Unreadable != "" {
		err = wrongf("what the run did cannot be read: %s", report.Unreadable)
	}
	return err
}

// reportAfter asks for what a run did, with the page of nodes that comes after
// so many.
func (r *remote) reportAfter(ctx context.Context, id string, after int) (*run.Report, error) {
	path := runPath(id)
	if after > 0 {
		path += "?after=" + strconv.Itoa(after)
	}
	raw, err := r.ask(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	var report run.Report
	if err := json.Unmarshal(raw, &report); err != nil {
		return nil, wrongf("the server's report of the run: %w", err)
	}
	return &report, nil
}

// printReport prints a run for people, up to its nodes.
func printReport(w io.Writer, r *run.Report) {
	fmt.Fprintf(w, "run %s  %s%s\n", r.Run, r.Status, prefixed("  ", r.Outcome))
	if r.Flow == "" {
		return // it has just begun, and this is all that is known
	}
	fmt.Fprintf(w, "  flow %s%s, by %s%s\n", r.Flow, prefixed(", version ", versionText(r.Version, r.FlowDigest)), r.Trigger, prefixed(", again after run ", r.RetryOf))
	if p := r.Parent; p != nil {
		fmt.Fprintf(w, "  child of run %s, at node %s%s\n", p.Run, p.Node, visitText(p.Place))
	}
	if r.Key != "" {
		fmt.Fprintf(w, "  key %s\n", reason(r.Key, ""))
	}
	if len(r.Labels) > 0 {
		fmt.Fprintf(w, "  labels %s\n", labelText(r.Labels))
	}
	for _, missing := range r.Unmarked {
		fmt.Fprintf(w, "  without %s\n", reason(missing, ""))
	}
	took := ""
	if r.Status.Ended() {
		took = ", took " + millis(r.Duration)
	}
	fmt.Fprintf(w, "  started %s%s\n", r.StartedAt.Local().Format(time.RFC3339), took)
	if r.Pause != nil {
		fmt.Fprintf(w, "  paused since %s at node %q\n", r.Pause.Since.Local().Format(time.RFC3339), r.Pause.Node)
	}
	if because := reason(r.Reason, r.Code); because != "" {
		fmt.Fprintf(w, "  because %s\n", because)
	}
	if f := r.Error.Beside(r.Reason); f != nil {
		fmt.Fprintf(w, "  after %s\n", reason(f.String(), f.Code))
	}
}

func printAttempts(w io.Writer, nodes []run.Trace) {
	wide := 0
	for _, n := range nodes {
		wide = max(wide, len(n.Node))
	}
	for _, n := range nodes {
		printNode(w, &n, wide)
	}
}

func printNode(w io.Writer, n *run.Trace, wide int) {
	line := fmt.Sprintf("%-*s  %s → %s", wide, n.Node, n.Type, cmp.Or(n.Outcome, "…"))
	line += visitText(run.Place{Visit: n.Visit, Attempt: n.Attempt})
	if n.Outcome != "" {
		line += "  " + millis(n.Duration)
	} else {
		line += "  since " + clockTime(n.StartedAt)
	}
	fmt.Fprintln(w, line)
	detail := func(what, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-*s    %-4s %s\n", wide, "", what, value)
		}
	}
	detail("said", reason(n.Message, n.Code))
	detail("in", shortMap(n.Inputs))
	if n.Outcome == "" {
		detail("for", waitsFor(n))
	}
	for _, c := range n.Calls {
		answer := "…"
		switch {
		case !c.Since.IsZero():
			detail("call", fmt.Sprintf("%s %s → …  since %s", c.Method, c.URL, clockTime(c.Since)))
			continue
		case c.Failure != "":
			answer = c.Failure
		case c.Status != 0:
			answer = strconv.Itoa(c.Status)
		}
		detail("call", fmt.Sprintf("%s %s → %s  %s", c.Method, c.URL, answer, millis(c.Millis)))
	}
	printChildren(n.Children, detail)
	detail("out", shortMap(n.Outputs))
	detail("set", shortMap(n.Set))
}

// visitText tells which visit and attempt a place is, if it is not the first.
func visitText(at run.Place) string {
	var text string
	if at.Visit > 1 {
		text += fmt.Sprintf(", visit %d", at.Visit)
	}
	if at.Attempt > 1 {
		text += fmt.Sprintf(", attempt %d", at.Attempt)
	}
	return text
}

// printChildren prints the child runs of an attempt.
func printChildren(c *run.TraceChildren, detail func(what, value string)) {
	if c == nil {
		return
	}
	if c.Count != 1 {
		detail("runs", fmt.Sprintf("%d of %d have ended%s", c.Ended, c.Count, prefixed(", failed: ", some(c.Failed))))
	}
	for _, child := range c.Runs {
		line := cmp.Or(child.Run, "never began")
		if c.Count != 1 {
			line = fmt.Sprintf("%d: %s", child.Index, line)
		}
		detail("run", line+" → "+string(child.Status)+prefixed("  ", reason(child.Reason, child.Code)))
	}
	if left := c.Count - len(c.Runs); left > 0 {
		detail("", fmt.Sprintf("… and %d more; wend runs list --parent shows all", left))
	}
}

func some(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// waitsFor is what a run waits for at a node, "" if it does not wait.
func waitsFor(n *run.Trace) string {
	var text string
	if n.Awaits != nil {
		text = fmt.Sprintf("event %s %q", n.Awaits.Name, n.Awaits.Key)
	}
	if !n.Until.IsZero() {
		text = strings.TrimPrefix(text+" until "+n.Until.Local().Format(time.RFC3339), " ")
	}
	return text
}

// reason is a text with its code. Vendors have a say in both, so nothing in
// them may move the cursor or break the line.
func reason(text, code string) string {
	if code != "" {
		text = strings.TrimPrefix(text+" ["+code+"]", " ")
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

func millis(ms float64) string { return length(time.Duration(ms * float64(time.Millisecond))) }

// longest is how much of a value is shown, in characters.
const longest = 160

func shortMap(values map[string]any) string {
	if len(values) == 0 {
		return ""
	}
	return short(values)
}

// short is a value as JSON on one line, cut where it is too long; "" for none.
func short(v any) string {
	if v == nil {
		return ""
	}
	return brief(v)
}

// brief is a value as JSON, cut if it is long.
func brief(v any) string { return cut(wholeJSON(v), longest) }

func wholeJSON(v any) string {
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// cut shortens text to so many characters.
func cut(text string, most int) string {
	if line := []rune(text); len(line) > most {
		return string(line[:most]) + "…"
	}
	return text
}
