package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/wendflow/wend/runtime/backtest"
)

// print prints the result, and fails if something differs that is not accepted.
func (o *backtestOptions) print(std *streams, r *backtest.Report) error {
	if o.markdown != "" {
		if err := o.writeMarkdown(r); err != nil {
			return wrong(err)
		}
	}
	if o.json {
		if err := printJSON(std.out, r); err != nil {
			return err
		}
	} else {
		printBacktest(std.out, r)
	}
	o.advise(std.err, r)
	if r.Unaccepted > 0 {
		return errSaid
	}
	return nil
}

// advise says what else can be done.
func (o *backtestOptions) advise(w io.Writer, r *backtest.Report) {
	for _, name := range r.Unused {
		fmt.Fprintf(w, "%s: nothing differs in %q any more; take the line out\n", o.accepted, name)
	}
	if r.Unknown > 0 {
		fmt.Fprintf(w, "%s came to a call whose reply is not known, and no further; --assume NODE=OUTCOME goes on\n", counted(r.Unknown, "run"))
	}
	if r.Unaccepted > 0 {
		fmt.Fprintf(w, "what is meant can be accepted: put the lines with a - into a file, without it, and name that by --accepted\n")
	}
}

// headline says what came of all runs.
func headline(r *backtest.Report) string {
	text := fmt.Sprintf("%s: %d as before, %d differ", counted(r.Runs, "run"), r.Same, r.Differ)
	if left := r.Runs - r.Same - r.Differ; left > 0 {
		text += fmt.Sprintf(", %d left out", left)
	}
	return text
}

func printBacktest(w io.Writer, r *backtest.Report) {
	fmt.Fprintln(w, headline(r))
	for _, g := range r.Differences {
		mark := "-"
		if g.Accepted {
			mark = "="
		}
		fmt.Fprintf(w, "\n%s %s\n  %s: %s\n", mark, reason(g.Name, ""), counted(len(g.Runs), "run"), someOf(g.Runs))
		printSides(w, g)
	}
	if len(r.LeftOut) > 0 {
		fmt.Fprintln(w, "\nleft out")
	}
	for _, l := range r.LeftOut {
		fmt.Fprintf(w, "  %s, such as %s: %s\n", counted(l.Runs, "run"), l.First, reason(l.Reason, ""))
	}
}

// shownRuns is how many runs are named that differ in one thing.
const shownRuns = 3

func someOf(runs []string) string {
	if len(runs) <= shownRuns {
		return strings.Join(runs, ", ")
	}
	return fmt.Sprintf("%s and %d more, see --json", strings.Join(runs[:shownRuns], ", "), len(runs)-shownRuns)
}

func printSides(w io.Writer, g *backtest.Group) {
	if g.Was != "" {
		fmt.Fprintf(w, "    was  %s\n", reason(g.Was, ""))
	}
	if g.Is != "" {
		fmt.Fprintf(w, "    is   %s\n", reason(g.Is, ""))
	}
}

// mostShown is how many differences a summary has.
const mostShown = 50

// writeMarkdown writes a summary over what was in the file.
func (o *backtestOptions) writeMarkdown(r *backtest.Report) error {
	var text strings.Builder
	verdict := "nothing differs"
	switch {
	case r.Unaccepted > 0:
		verdict = counted(r.Unaccepted, "difference") + " to look at"
	case len(r.Differences) > 0:
		verdict = "all differences are accepted"
	}
	fmt.Fprintf(&text, "### Backtest: %s\n\n%s.\n", verdict, headline(r))
	if len(r.Differences) > 0 {
		text.WriteString("\n| runs | flow | what | node | was | is | accepted |\n|---:|---|---|---|---|---|---|\n")
	}
	for i, g := range r.Differences {
		if i == mostShown {
			fmt.Fprintf(&text, "\n%d more are in the output of `--json`.\n", len(r.Differences)-i)
			break
		}
		accepted := ""
		if g.Accepted {
			accepted = "yes"
		}
		fmt.Fprintf(&text, "| %d | %s | %s | %s | %s | %s | %s |\n", len(g.Runs), cell(g.Flow), cell(g.Kind+" "+g.What), cell(g.Node), cell(g.Was), cell(g.Is), accepted)
	}
	if r.Unknown > 0 {
		fmt.Fprintf(&text, "\n%s came to a call whose reply is not known, and no further.\n", counted(r.Unknown, "run"))
	}
	for _, l := range r.LeftOut {
		fmt.Fprintf(&text, "\n%s left out: %s.\n", counted(l.Runs, "run"), cell(l.Reason))
	}
	return os.WriteFile(o.markdown, []byte(text.String()), 0o644)
}

// cell is a text as it stands in a table: as code, in which nothing but what ends it
// means anything.
func cell(text string) string {
	if text == "" {
		return ""
	}
	text = strings.NewReplacer("|", `\|`, "`", "'", "\n", " ", "\r", " ").Replace(reason(text, ""))
	return "`" + cmp.Or(text, " ") + "`"
}
