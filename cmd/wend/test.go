package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/environment"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/flowtest"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/watch"
)

func testCommand(std *streams) *cobra.Command {
	var o testOptions
	var rec testRecord
	cmd := &cobra.Command{
		Use:   "test [PATH...]",
		Short: "Run the tests of flows",
		Long: `Run the tests of flows, which are in files beside them: x.test.yaml has those of x.yaml.

A test says what comes in, what the wire answers, and what must be so. Flows and
plugins are the real ones; nothing is called, no configuration is read, and time
is virtual. The default are all under flows. See docs/testing.md.`,
		Example: `  wend test flows
  wend test flows/cisco-cce/sms.yaml --run 'times out'
  wend test flows --min-coverage 95 --junit tests.xml
  wend test --record 0199f3a0-4c1d-7e2a-9a51-3f0d6c1b2a77`,
		Args: takes(0, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{defaultFlows}
			}
			if err := cmp.Or(o.validate(), rec.validate()); err != nil {
				return err
			}
			if o.watch {
				return o.watchTests(cmd.Context(), std, args)
			}
			k, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer k.Close(context.WithoutCancel(cmd.Context()))
			if rec.run != "" {
				return rec.record(cmd.Context(), std, k, args)
			}
			return o.test(cmd.Context(), std, k, args)
		},
	}
	cmd.Flags().StringVar(&o.plugins, "plugins", "", "folder of the plugins (default "+defaultPlugins+", if there is one)")
	cmd.Flags().StringVar(&o.run, "run", "", "only the cases whose name this regular expression fits")
	cmd.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "print every case, and the way that it took")
	cmd.Flags().BoolVar(&o.watch, "watch", false, "run them again whenever a file under the paths or a plugin changes, until interrupted")
	cmd.Flags().BoolVar(&o.json, "json", false, "print all results as JSON")
	cmd.Flags().StringVar(&o.junit, "junit", "", "write the results to this file too, as JUnit XML")
	cmd.Flags().Float64Var(&o.minCoverage, "min-coverage", 0, "fail if the tests of a flow come to less than this percentage of the outcomes of its nodes")
	rec.flags(cmd)
	notBoth(cmd, "watch", "record")
	return cmd
}

type testOptions struct {
	plugins, run, junit  string
	verbose, json, watch bool
	minCoverage          float64

	named *regexp.Regexp // nil: all
}

func (o *testOptions) validate() error {
	if o.minCoverage < 0 || o.minCoverage > 100 {
		return fmt.Errorf("--min-coverage %g: expected a percentage from 0 to 100", o.minCoverage)
	}
	if o.run == "" {
		return nil
	}
	if o.minCoverage > 0 {
		return errors.New("--min-coverage is about all cases, and --run leaves some out")
	}
	var err error
	if o.named, err = regexp.Compile(o.run); err != nil {
		return fmt.Errorf("--run %q: %w", o.run, err)
	}
	return nil
}

// open knows the plugins. No configuration is read.
func (o *testOptions) open(ctx context.Context) (*kit, error) {
	env := envFlags{pluginDir: o.plugins}
	dir, err := env.folder()
	if err != nil {
		return nil, err
	}
	k, err := openKit(ctx, &config.Config{}, dir, patient, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if err := allSound(k.plugins); err != nil {
		k.Close(ctx)
		return nil, wrong(err)
	}
	return k, nil
}

// watchTests runs all now, and again after each change.
func (o *testOptions) watchTests(ctx context.Context, std *streams, paths []string) error {
	env := envFlags{pluginDir: o.plugins}
	plugins, err := env.folder()
	if err != nil {
		return err
	}
	w, err := watch.New(watch.Config{
		Folders:    func() ([]string, error) { return catalog.Folders(append(slices.Clone(paths), plugins)) },
		Extensions: []string{".yaml", ".yml", ".wasm"},
		Log:        newLog(std, slog.LevelWarn),
	})
	if err != nil {
		return wrong(err)
	}
	o.again(ctx, std, paths)
	return wrong(w.Run(ctx, func(names []string) {
		for i := range names {
			names[i] = filepath.Clean(names[i])
		}
		fmt.Fprintf(std.err, "\n%s changed\n", strings.Join(names, ", "))
		o.again(ctx, std, paths)
	}))
}

// again runs all once. What is wrong is told, and does not end the command.
func (o *testOptions) again(ctx context.Context, std *streams, paths []string) {
	k, err := o.open(ctx)
	if err == nil {
		defer k.Close(context.WithoutCancel(ctx))
		err = o.test(ctx, std, k, paths)
	}
	if err != nil && !errors.Is(err, errSaid) {
		fmt.Fprintf(std.err, "wend: %v\n", err)
	}
	fmt.Fprintln(std.err, "waiting for changes; Ctrl-C ends")
}

// test runs all that is found once.
func (o *testOptions) test(ctx context.Context, std *streams, k *kit, paths []string) error {
	files, err := flowtest.Find(paths)
	if err != nil {
		return wrong(err)
	}
	if len(files) == 0 {
		return wrongf("no tests (*.test.yaml) under %q; see docs/testing.md", paths)
	}
	var all testRun
	for _, file := range files {
		all.suites = append(all.suites, o.load(ctx, k, file))
	}
	if o.named == nil {
		all.untested, err = untested(k, paths, all.suites)
		if err != nil {
			return wrong(err)
		}
	}
	if err := o.play(ctx, &all); err != nil {
		return wrong(err)
	}
	if err := o.print(std, &all); err != nil {
		return err
	}
	if passed, failed := all.counts(); o.named != nil && passed+failed == 0 {
		return wrongf("--run %q fits the name of no case", o.run)
	}
	return nil
}

// testRun is all that was asked for.
type testRun struct {
	suites   []*suite
	untested []*flow.Flow // those under the paths of which there are no tests
}

// suite is a file of tests, its flow, and what came of it.
type suite struct {
	file     string
	flow     *flow.Flow   // nil: it cannot be tested
	set      *catalog.Set // with the flows that it calls
	cases    []*flowtest.Case
	mistakes diag.List // in the file, or in the flow
	results  []*flowtest.Result
	took     []time.Duration
	coverage *flowtest.Coverage
}

// load reads tests and their flow.
func (o *testOptions) load(ctx context.Context, k *kit, file string) *suite {
	s := &suite{file: file}
	src, err := infile.Read(file, infile.MostText)
	if err != nil {
		s.mistakes.Errorf(diag.Pos{File: file}, diag.Unreadable, "%s", err)
		return s
	}
	parsed, mistakes := flowtest.Parse(file, src)
	s.mistakes = mistakes
	if parsed == nil {
		return s
	}
	if _, err = infile.Read(parsed.Flow, infile.MostText); err != nil {
		s.mistakes.Errorf(diag.Pos{File: file, Line: 1, Col: 1}, diag.Unreadable, "the flow of these tests: %s", err).
			Hint = `they lie beside it, or say which it is under "flow"`
		return s
	}
	f, set, mistakes := loadTested(k, parsed.Flow)
	if s.mistakes = append(s.mistakes, mistakes...); f == nil {
		return s
	}
	if s.mistakes = append(s.mistakes, parsed.Bind(f)...); s.mistakes.HasErrors() {
		return s
	}
	if err := k.plugins.Want(ctx, set.Plugins()); err != nil {
		s.mistakes.Errorf(f.Pos, diag.Unreadable, "%s", err)
		return s
	}
	s.flow, s.set = f, set
	for _, c := range parsed.Cases {
		if o.named == nil || o.named.MatchString(c.Name) {
			s.cases = append(s.cases, c)
		}
	}
	return s
}

// loadTested loads a flow and those that it calls. Of their mistakes warnings are
// left out, which check tells.
func loadTested(k *kit, file string) (*flow.Flow, *catalog.Set, diag.List) {
	set, mistakes := catalog.Load([]string{file}, environment.Flows(k.plugins.Types(), nil))
	mistakes = slices.DeleteFunc(mistakes, func(e *diag.Error) bool { return e.Severity == diag.SeverityWarning })
	for _, f := range set.Flows() {
		if f.File == file && !mistakes.HasErrors() {
			return f, set, mistakes
		}
	}
	return nil, set, mistakes
}

// untested are the flows under paths of which there are no tests.
func untested(k *kit, paths []string, suites []*suite) ([]*flow.Flow, error) {
	files, err := catalog.Find(slices.DeleteFunc(slices.Clone(paths), flowtest.IsFile))
	if err != nil {
		return nil, err
	}
	tested := map[string]bool{}
	for _, s := range suites {
		if s.flow != nil {
			tested[s.flow.File] = true
		}
		tested[flowtest.FlowOf(s.file)] = true
	}
	var list []*flow.Flow
	for _, file := range files {
		if tested[file] {
			continue
		}
		if f, _, _ := loadTested(k, file); f != nil {
			list = append(list, f)
		}
	}
	return list, nil
}

// play plays the cases of all suites side by side.
func (o *testOptions) play(ctx context.Context, all *testRun) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, s := range all.suites {
		s.results, s.took = make([]*flowtest.Result, len(s.cases)), make([]time.Duration, len(s.cases))
		for i, c := range s.cases {
			group.Go(func() error {
				began := time.Now()
				r, err := c.Play(ctx, flowtest.Env{Flow: s.flow, Callee: s.set.Flow})
				if err != nil {
					return fmt.Errorf("%s: case %q: %w", s.file, c.Name, err)
				}
				s.results[i], s.took[i] = r, time.Since(began)
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	byFlow := map[string]*flowtest.Coverage{} // several files may be of one flow
	for _, s := range all.suites {
		if s.flow == nil {
			continue
		}
		if byFlow[s.flow.File] == nil {
			byFlow[s.flow.File] = flowtest.NewCoverage(s.flow)
			s.coverage = byFlow[s.flow.File]
		}
		for _, r := range s.results {
			byFlow[s.flow.File].Add(r)
		}
	}
	return nil
}

// failed tells whether anything of a suite is not as it should be.
func (s *suite) failed() bool {
	return s.mistakes.HasErrors() || slices.ContainsFunc(s.results, func(r *flowtest.Result) bool { return len(r.Mistakes) > 0 })
}

// counts are how many cases of all passed, and how many did not; a file that
// cannot be read is one that did not.
func (t *testRun) counts() (passed, failed int) {
	for _, s := range t.suites {
		if s.mistakes.HasErrors() {
			failed++
		}
		for _, r := range s.results {
			if len(r.Mistakes) > 0 {
				failed++
			} else {
				passed++
			}
		}
	}
	return passed, failed
}

// covers are the coverages of all flows, those without tests included.
func (t *testRun) covers() []flowCover {
	var list []flowCover
	for _, s := range t.suites {
		if s.coverage != nil {
			list = append(list, flowCover{s.flow, s.coverage.Nodes(), s.coverage.Outcomes()})
		}
	}
	for _, f := range t.untested {
		c := flowtest.NewCoverage(f)
		list = append(list, flowCover{f, c.Nodes(), c.Outcomes()})
	}
	slices.SortStableFunc(list, func(a, b flowCover) int { return strings.Compare(a.flow.File, b.flow.File) })
	return list
}

// flowCover is the coverage of one flow.
type flowCover struct {
	flow            *flow.Flow
	nodes, outcomes flowtest.Share
}

func (o *testOptions) print(std *streams, all *testRun) error {
	if o.junit != "" {
		doc, err := junit(all)
		if err == nil {
			err = os.WriteFile(o.junit, doc, 0o644)
		}
		if err != nil {
			return wrong(err)
		}
	}
	low := o.low(all)
	var err error
	if o.json {
		err = printJSON(std.out, testReport(all))
	} else {
		o.printText(std, all)
	}
	if err != nil {
		return err
	}
	passed, failed := all.counts()
	switch {
	case failed > 0:
		return wrongf("%d of %s failed", failed, counted(passed+failed, "case"))
	case len(low) > 0:
		return wrongf("less than %g %% of the outcomes are covered in %s: %s", o.minCoverage, counted(len(low), "flow"), strings.Join(low, ", "))
	}
	return nil
}

// low are the files of the flows with too little coverage.
func (o *testOptions) low(all *testRun) []string {
	var low []string
	for _, c := range all.covers() {
		if c.outcomes.Percent() < o.minCoverage {
			low = append(low, c.flow.File)
		}
	}
	return low
}
