package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/yamldoc"
)

func runsListCommand(std *streams, r *remote) *cobra.Command {
	var f runFilter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List runs, the newest first",
		Long: `List the runs of a server, the newest first.

A time is one as 2026-11-20T08:00:00Z, a day as 2026-11-20, or how long ago as 2h or 7d.
Runs of flows with "durable: false" are in a list of their own: --durable=false.`,
		Example: `  wend runs list --status failed --from 24h
  wend runs list --response 5xx --from 24h
  wend runs list --key 4711 --label channel=sms
  wend runs list --flow sms-end-task --limit 500 --json`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := f.query(time.Now())
			if err != nil {
				return err
			}
			raw, err := r.ask(cmd.Context(), http.MethodGet, "/api/v1/runs?"+query, nil)
			switch {
			case err != nil:
				return err
			case f.json:
				return printRaw(std.out, raw)
			default:
				return r.printRuns(cmd.Context(), std, raw, f)
			}
		},
	}
	cmd.Flags().StringVar(&f.flow, "flow", "", "of this flow")
	cmd.Flags().StringVar(&f.status, "status", "", "that are running, waiting, paused, completed, failed or cancelled")
	cmd.Flags().StringVar(&f.outcome, "outcome", "", "that ended, or are paused, by this outcome of a node")
	cmd.Flags().StringVar(&f.response, "response", "", "that answered their caller with this status, such as 502, or 5xx for all of a kind")
	cmd.Flags().StringVar(&f.key, "key", "", "that people know by this key, see 'key' of a flow")
	cmd.Flags().StringArrayVar(&f.labels, "label", nil, "that have this label, as channel=sms; several times for all of several")
	cmd.Flags().StringVar(&f.parent, "parent", "", "that a node of this run had made")
	cmd.Flags().StringVar(&f.from, "from", "", "that started then or later")
	cmd.Flags().StringVar(&f.to, "to", "", "that started before")
	cmd.Flags().IntVar(&f.limit, "limit", 50, "at most so many")
	cmd.Flags().StringVar(&f.cursor, "cursor", "", "those after an earlier list, by what it printed last")
	cmd.Flags().BoolVar(&f.durable, "durable", true, "the runs of durable flows, or of the others")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the server's answer as JSON")
	return cmd
}

type runFilter struct {
	flow, status, outcome, response, key, parent, from, to, cursor string
	labels                                                         []string
	limit                                                          int
	durable, json                                                  bool
	fromFlag, toFlag                                               string // what the flags are called, where not so
}

func (f *runFilter) query(now time.Time) (string, error) {
	q := url.Values{"limit": {strconv.Itoa(f.limit)}}
	for name, value := range map[string]string{
		"flow": f.flow, "status": f.status, "outcome": f.outcome, "response": f.response, "key": f.key, "parent": f.parent, "cursor": f.cursor,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(f.labels) > 0 {
		q["label"] = f.labels
	}
	for _, when := range []struct{ name, flag, text string }{
		{"from", cmp.Or(f.fromFlag, "from"), f.from}, {"to", cmp.Or(f.toFlag, "to"), f.to},
	} {
		if when.text == "" {
			continue
		}
		t, err := parseWhen(when.text, now)
		if err != nil {
			return "", fmt.Errorf("--%s %w", when.flag, err)
		}
		q.Set(when.name, t.Format(time.RFC3339))
	}
	if !f.durable {
		q.Set("durable", "false")
	}
	return q.Encode(), nil
}

// parseWhen reads a time, a day, or how long ago something was.
func parseWhen(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, now.Location()); err == nil {
		return t, nil
	}
	if ago, err := yamldoc.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, fmt.Errorf("%q: expected a time as 2026-11-20T08:00:00Z, a day as 2026-11-20, or how long ago as 2h", text)
}

// runLine is what the table shows of a run.
type runLine struct {
	Run, Flow, Outcome, Code, Reason string
	Key, FlowDigest                  string
	Version                          int
	Labels                           map[string]string
	Parent                           *run.Parent
	Status                           run.Status
	Error                            *run.Failure
	Response                         int
	StartedAt, EndedAt               time.Time
}

// because is why a run did not come to what its caller hoped for: its reason, or
// the failure that it answered for.
func (r *runLine) because() string {
	switch {
	case r.Reason != "" || r.Code != "":
		return reason(r.Reason, r.Code)
	case r.Error != nil && (r.Status != run.Completed || r.Response >= http.StatusBadRequest):
		return reason(r.Error.String(), r.Error.Code)
	default:
		return "-"
	}
}

// row is a line of the table, with what people know the run by, and the run that
// had it made, if any of the list has that.
func (r *runLine) row(marked, children bool) []string {
	took, response := "-", "-"
	if !r.EndedAt.IsZero() {
		took = length(r.EndedAt.Sub(r.StartedAt))
	}
	if r.Response != 0 {
		response = strconv.Itoa(r.Response)
	}
	row := []string{
		r.Run, r.Flow, versionText(r.Version, r.FlowDigest), string(r.Status), cmp.Or(reason(r.Outcome, ""), "-"), response,
		r.StartedAt.Local().Format(sameWidth), fmt.Sprintf("%-8s", took),
	}
	if marked {
		row = append(row, cmp.Or(cut(reason(r.Key, ""), longest/4), "-"), cmp.Or(cut(labelText(r.Labels), longest/4), "-"))
	}
	if children {
		parent := "-"
		if r.Parent != nil {
			parent = r.Parent.Run
		}
		row = append(row, parent)
	}
	return append(row, cut(r.because(), longest/2))
}

// labelText is labels as --label takes them, in the order of their names.
func labelText(labels map[string]string) string {
	texts := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		texts = append(texts, reason(name+"="+labels[name], ""))
	}
	return strings.Join(texts, " ")
}

// sameWidth is RFC 3339 in every zone: UTC is +00:00.
const sameWidth = "2006-01-02T15:04:05-07:00"

func (r *remote) printRuns(ctx context.Context, std *streams, raw json.RawMessage, f runFilter) error {
	var page struct {
		Runs []runLine
		Next string
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return wrongf("the server's list of runs: %w", err)
	}
	if len(page.Runs) == 0 {
		if err := r.served(ctx, f.flow); err != nil {
			return err
		}
		fmt.Fprintln(std.err, "no runs")
		if f.durable {
			fmt.Fprintln(std.err, `those of flows with "durable: false" are listed by --durable=false`)
		}
		return nil
	}
	if err := printTable(std.out, page.Runs); err != nil {
		return err
	}
	if page.Next != "" {
		fmt.Fprintf(std.err, "there are more: --cursor %s\n", page.Next)
	}
	return nil
}

func printTable(out io.Writer, runs []runLine) error {
	marked := slices.ContainsFunc(runs, func(r runLine) bool { return r.Key != "" || len(r.Labels) > 0 })
	head := []string{"RUN", "FLOW", "VERSION", "STATUS", "OUTCOME", "RESPONSE", "STARTED", "TOOK"}
	if marked {
		head = append(head, "KEY", "LABELS")
	}
	children := slices.ContainsFunc(runs, func(r runLine) bool { return r.Parent != nil })
	if children {
		head = append(head, "PARENT")
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(append(head, "BECAUSE"), "\t"))
	for _, r := range runs {
		fmt.Fprintln(w, strings.Join(r.row(marked, children), "\t"))
	}
	return w.Flush()
}

// length is a duration as people read it: three figures or so.
func length(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	default:
		ms := float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
		return strconv.FormatFloat(ms, 'f', -1, 64) + "ms"
	}
}
