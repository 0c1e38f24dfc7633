package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flowtest"
	"github.com/wendflow/wend/runtime/run"
)

// printText prints what failed, with the way that the run took, and how much the
// tests come to.
func (o *testOptions) printText(std *streams, all *testRun) {
	for _, s := range all.suites {
		result := "ok"
		if s.failed() {
			result = "FAIL"
		}
		fmt.Fprintf(std.out, "%-4s  %s  %s\n", result, s.file, counted(len(s.cases), "case"))
		diag.Print(std.err, s.mistakes, readSource)
		for _, r := range s.results {
			if o.verbose || len(r.Mistakes) > 0 {
				printCaseResult(std, r)
			}
		}
	}
	if o.named == nil {
		printCoverage(std.out, all)
	}
}

func printCaseResult(std *streams, r *flowtest.Result) {
	result := "ok"
	if len(r.Mistakes) > 0 {
		result = "FAIL"
	}
	fmt.Fprintf(std.out, "      %-4s  %s:%d  %s\n", result, r.Case.Pos.File, r.Case.Pos.Line, r.Case.Name)
	printWay(std.err, r)
	if r.Reason != "" {
		fmt.Fprintln(std.err, r.Reason)
	}
	diag.Print(std.err, r.Mistakes, readSource)
}

// shownInside is how many of the runs inside a node are printed; --json has all.
const shownInside = 10

// printWay prints what a run did, and then what was done inside its nodes.
func printWay(w io.Writer, r *flowtest.Result) {
	for _, t := range r.Way {
		printTrace(w, t)
	}
	for _, path := range slices.Sorted(maps.Keys(r.Bodies)) {
		ways := r.Bodies[path]
		for i, way := range ways {
			if i == shownInside {
				fmt.Fprintf(w, "inside %s: %d more\n", path, len(ways)-i)
				break
			}
			fmt.Fprintf(w, "inside %s, %d of %d:\n", path, i+1, len(ways))
			for _, t := range way {
				printTrace(w, t)
			}
		}
	}
}

// shownMissing is how many outcomes are named that no test comes to; --json has
// all.
const shownMissing = 5

func printCoverage(w io.Writer, all *testRun) {
	covers := all.covers()
	if len(covers) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%-48s %9s %10s\n", "coverage", "nodes", "outcomes")
	var nodes, outcomes flowtest.Share
	for _, c := range covers {
		printShares(w, c.flow.File, c.nodes, c.outcomes)
		nodes, outcomes = nodes.Plus(c.nodes), outcomes.Plus(c.outcomes)
		if missing := c.outcomes.Missing; len(missing) > shownMissing {
			fmt.Fprintf(w, "      not %s and %d more\n", strings.Join(missing[:shownMissing], ", "), len(missing)-shownMissing)
		} else if len(missing) > 0 {
			fmt.Fprintf(w, "      not %s\n", strings.Join(missing, ", "))
		}
	}
	if len(covers) > 1 {
		printShares(w, "all", nodes, outcomes)
	}
}

func printShares(w io.Writer, name string, nodes, outcomes flowtest.Share) {
	fmt.Fprintf(w, "%-48s %7.1f %% %8.1f %%\n", name, nodes.Percent(), outcomes.Percent())
}

// The stable form of `wend test --json`.
type (
	testJSON struct {
		Passed   int            `json:"passed"`
		Failed   int            `json:"failed"`
		Files    []testFileJSON `json:"files"`
		Coverage []coverJSON    `json:"coverage"`
	}
	testFileJSON struct {
		File     string         `json:"file"`
		Mistakes diag.List      `json:"mistakes"` // of the file, or of its flow: nothing was run
		Cases    []testCaseJSON `json:"cases"`
	}
	testCaseJSON struct {
		Name     string      `json:"name"`
		Line     int         `json:"line"`
		Passed   bool        `json:"passed"`
		Mistakes diag.List   `json:"mistakes"`
		Nodes    []run.Trace `json:"nodes"` // the way that the run took
		// Inside are the ways of what its nodes have inside them, by their addresses.
		Inside map[string][][]run.Trace `json:"inside,omitempty"`
		Reason string                   `json:"reason,omitempty"`
	}
	coverJSON struct {
		File     string         `json:"file"`
		Flow     string         `json:"flow"`
		Nodes    flowtest.Share `json:"nodes"`
		Outcomes flowtest.Share `json:"outcomes"`
	}
)

func testReport(all *testRun) testJSON {
	t := testJSON{Files: []testFileJSON{}, Coverage: []coverJSON{}}
	t.Passed, t.Failed = all.counts()
	for _, s := range all.suites {
		f := testFileJSON{File: s.file, Mistakes: listed(s.mistakes), Cases: []testCaseJSON{}}
		for _, r := range s.results {
			c := testCaseJSON{
				Name: r.Case.Name, Line: r.Case.Pos.Line, Passed: len(r.Mistakes) == 0,
				Mistakes: listed(r.Mistakes), Nodes: r.Way, Inside: r.Bodies, Reason: r.Reason,
			}
			if c.Nodes == nil {
				c.Nodes = []run.Trace{}
			}
			f.Cases = append(f.Cases, c)
		}
		t.Files = append(t.Files, f)
	}
	for _, c := range all.covers() {
		t.Coverage = append(t.Coverage, coverJSON{c.flow.File, c.flow.Name, c.nodes, c.outcomes})
	}
	return t
}

func listed(l diag.List) diag.List {
	if l == nil {
		return diag.List{}
	}
	return l
}

// The shape of JUnit XML that programs of continuous integration read.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Tests   int          `xml:"tests,attr"`
		Failed  int          `xml:"failures,attr"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name   string      `xml:"name,attr"`
		Tests  int         `xml:"tests,attr"`
		Failed int         `xml:"failures,attr"`
		Time   string      `xml:"time,attr"`
		Cases  []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func junit(all *testRun) ([]byte, error) {
	passed, failed := all.counts()
	doc := junitSuites{Tests: passed + failed, Failed: failed}
	for _, s := range all.suites {
		j := junitSuite{Name: s.file}
		var total float64
		add := func(name string, line int, took float64, mistakes diag.List, r *flowtest.Result) {
			c := junitCase{Name: name, Class: s.file, File: s.file, Line: line, Time: fmt.Sprintf("%.3f", took)}
			if len(mistakes) > 0 {
				c.Failure = failureText(mistakes, r)
				j.Failed++
			}
			j.Tests++
			j.Cases = append(j.Cases, c)
		}
		if s.mistakes.HasErrors() {
			add("the file", 1, 0, s.mistakes, nil)
		}
		for i, r := range s.results {
			total += s.took[i].Seconds()
			add(r.Case.Name, r.Case.Pos.Line, s.took[i].Seconds(), r.Mistakes, r)
		}
		j.Time = fmt.Sprintf("%.3f", total)
		doc.Suites = append(doc.Suites, j)
	}
	text, err := xml.MarshalIndent(doc, "", "  ")
	return append([]byte(xml.Header), append(text, '\n')...), err
}

// failureText is of a case, or if r is nil of a file.
func failureText(mistakes diag.List, r *flowtest.Result) *junitFailure {
	var b strings.Builder
	if r != nil {
		printWay(&b, r)
	}
	diag.Print(&b, mistakes, readSource)
	first := max(slices.IndexFunc(mistakes, func(e *diag.Error) bool { return e.Severity == diag.SeverityError }), 0)
	return &junitFailure{Message: mistakes[first].Text(), Text: b.String()}
}
