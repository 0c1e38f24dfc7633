package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// shownBroken is how many cases of a broken promise are printed.
const shownBroken = 8

// printChecks prints the table of promises. It returns errBroken if one was not
// kept.
func printChecks(out io.Writer, checks []check) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "looked at\tbroken\t")
	var err error
	for _, c := range checks {
		fmt.Fprintf(t, "%d\t%d\t  %s\n", c.Looked, len(c.Broken), c.Promise)
		if len(c.Broken) > 0 {
			err = errBroken
		}
	}
	_ = t.Flush()
	for _, c := range checks {
		for i, text := range c.Broken {
			if i == shownBroken {
				fmt.Fprintf(out, "  … and %d more\n", len(c.Broken)-i)
				break
			}
			fmt.Fprintf(out, "BROKEN: %s: %s\n", c.Promise, text)
		}
	}
	return err
}

// printFlows prints what became of each flow's requests and runs.
func (am *aftermath) printFlows(out io.Writer) {
	type row struct{ asked, answered, lost, refused, runs, crossed, again int }
	rows := map[string]*row{}
	of := func(flow string) *row {
		if rows[flow] == nil {
			rows[flow] = &row{}
		}
		return rows[flow]
	}
	for _, d := range am.deals {
		r := of(d.Flow)
		r.asked += len(d.Answers) + d.Lost + d.Refused
		r.answered += len(d.Answers)
		r.lost += d.Lost
		r.refused += d.Refused
	}
	for _, h := range am.runs {
		r := of(h.Flow)
		r.runs++
		if from, to := h.span(); am.apart(from, to) {
			r.crossed++
		}
	}
	seen := map[string]bool{}
	for _, q := range am.requests {
		if h := am.runs[q.Run]; h != nil && seen[q.Key+q.What+q.Run] {
			of(h.Flow).again++
		}
		seen[q.Key+q.What+q.Run] = true
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "flow\trequests\taccepted\tunanswered\trefused\truns\tlived through a crash\tcalls sent again\t")
	for _, flow := range slices.Sorted(maps.Keys(rows)) {
		r := rows[flow]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", flow, r.asked, r.answered, r.lost, r.refused, r.runs, r.crossed, r.again)
	}
	_ = t.Flush()
}

// printEnds prints what the vendor did, and how charges and waits ended: proof
// that the bad moments were met.
func (am *aftermath) printEnds(out io.Writer) {
	fates, ends := map[string]int{}, map[string]int{}
	for _, q := range am.requests {
		fates[string(q.Fate)]++
	}
	for _, h := range am.runs {
		for _, f := range h.Finished {
			if f.Node == "charge" || f.Node == "paid" {
				ends[strings.TrimSpace(f.Node+" "+f.Outcome+" "+f.Code)]++
			}
		}
	}
	fmt.Fprintf(out, "the vendor was  %s\n", counts(fates))
	fmt.Fprintf(out, "nodes left by   %s\n", counts(ends))
	for _, text := range slices.Sorted(maps.Keys(am.said)) {
		fmt.Fprintf(out, "refused         %d × %s\n", am.said[text], text)
	}
}

func counts(of map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, of[name]))
	}
	return strings.Join(parts, " · ")
}

// quantile returns the time below which so many hundredths of all lie. It sorts
// all.
func quantile(all []time.Duration, hundredths int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, len(all)*hundredths/100)]
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
