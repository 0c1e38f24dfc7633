package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/environment"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/trigger"
)

func runCommand(std *streams) *cobra.Command {
	var env envFlags
	var log logFlag
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run FLOW.yaml",
		Short: "Run a flow once, now, and print each node as it leaves",
		Example: `  wend run flows/cisco-cce/sms.yaml --input flows/cisco-cce/sms.json
  echo '{"orderId": 7}' | wend run order.yaml --input - --json`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			logger, err := log.logger(std)
			if err != nil {
				return err
			}
			if o.events && !o.json {
				return errors.New("--events needs --json")
			}
			o.file = args[0]
			k, err := env.open(cmd.Context(), std, logger)
			if err != nil {
				return err
			}
			defer k.Close(context.WithoutCancel(cmd.Context()))
			if err := allSound(k.plugins); err != nil {
				return wrong(err)
			}
			if !cmd.Flags().Changed("log") {
				logger = newLog(std, slog.LevelInfo) // what the flow says, but not that a plugin is loaded
			}
			return o.run(cmd.Context(), std, k, logger)
		},
	}
	env.flags(cmd)
	log.flags(cmd, "warn")
	cmd.Flags().StringVar(&o.input, "input", "", "the trigger's body, a JSON file or - for standard input")
	cmd.Flags().StringVar(&o.tick, "tick", "", "the time at which a schedule ticks, such as 2026-03-29T07:00:00+02:00 (default now)")
	notBoth(cmd, "input", "tick")
	cmd.Flags().StringVar(&o.trigger, "trigger", "", "id of the trigger, if the flow has several")
	cmd.Flags().StringVar(&o.method, "method", "", "the method of a webhook's request (default POST, or the first that the webhook takes)")
	cmd.Flags().StringArrayVar(&o.query, "query", nil, "name=value of a parameter in a webhook's query; may be repeated")
	cmd.Flags().StringArrayVar(&o.params, "param", nil, "name=value of a name in a webhook's path; may be repeated")
	cmd.Flags().StringArrayVar(&o.set, "set", nil, "name=value of a variable; may be repeated")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the whole run as JSON")
	cmd.Flags().BoolVar(&o.events, "events", false, "with --json: its events too, for 'wend plugin test --from-run'")
	return cmd
}

// exceptEnd leaves out how the run ends, which the command says itself.
func exceptEnd(tell fact.Observer) fact.Observer {
	return func(f fact.Fact) {
		if _, end := f.(fact.RunEnded); !end {
			tell(f)
		}
	}
}

type runOptions struct {
	file, input, tick, trigger string
	method                     string
	query, params, set         []string
	json, events               bool
}

func (o *runOptions) run(ctx context.Context, std *streams, k *kit, log *slog.Logger) error {
	f, set, err := loadFlow(std, o.file, environment.Flows(k.plugins.Types(), k.config))
	if err != nil {
		return err
	}
	unfit := k.inConfig(environment.Check(k.plugins.Types(), set, k.config))
	if std.tell(unfit); unfit.HasErrors() {
		return errSaid
	}
	start, err := o.start(std, f, k.clock.Now())
	if err != nil {
		return err
	}
	if err := prepare(ctx, std, k, set); err != nil {
		return err
	}
	e := engine.New(engine.Config{
		Caller: k.outbound, Clock: k.clock, Bounds: runBounds(k.config.Limits), Store: storeBounds(k.config.Limits), Version: version(), Observers: fact.Observe(exceptEnd(fact.Log(log, k.clock))),
		Callee: set.Flow, Depth: k.config.Limits.Depth,
	})
	r, _, err := e.Start(ctx, start)
	if err != nil {
		return wrong(err)
	}
	stopped := context.AfterFunc(ctx, func() { r.Cancel("interrupted") })
	defer stopped()
	if !o.json {
		printNodes(ctx, std.err, f, r)
	}
	res, err := r.Wait(context.WithoutCancel(ctx))
	if err != nil {
		return wrong(err)
	}
	if err := o.print(std, f, r, res); err != nil {
		return err
	}
	if res.Status != run.Completed {
		return errSaid
	}
	return nil
}

// runBounds are what wend.yaml lets one run take.
func runBounds(l config.Limits) run.Bounds {
	return run.Bounds{Value: int(l.Value), Run: int(l.Run), Journal: int(l.Journal), Visits: l.Visits}
}

// storeBounds are what wend.yaml lets flows keep between their runs.
func storeBounds(l config.Limits) journal.ValueBounds {
	return journal.ValueBounds{Value: int(l.Store.Value), Keys: l.Store.Keys, Size: l.Store.Size}
}

// prepare loads the plugins and connects the connections that flows use, so
// that one that needs a single vendor waits for no other's plugin, and can be
// run without the credentials of all.
func prepare(ctx context.Context, std *streams, k *kit, set *catalog.Set) error {
	if err := k.plugins.Want(ctx, set.Plugins()); err != nil {
		return wrong(err)
	}
	named := map[string]bool{}
	for _, f := range set.Flows() {
		for n := range f.All() {
			named[n.Connection] = true
		}
	}
	return k.connect(std, slices.DeleteFunc(slices.Clone(k.config.Connections), func(c outbound.Connection) bool { return !named[c.Name] }))
}

// loadFlow prints what is wrong with a flow and those that it calls, warnings
// included. The set has them all.
func loadFlow(std *streams, file string, cfg flow.Config) (*flow.Flow, *catalog.Set, error) {
	if _, err := infile.Read(file, infile.MostText); err != nil {
		return nil, nil, wrong(err)
	}
	set, mistakes := catalog.Load([]string{file}, cfg)
	diag.Print(std.err, mistakes, readSource)
	for _, f := range set.Flows() {
		if f.File == file && !mistakes.HasErrors() {
			return f, set, nil
		}
	}
	return nil, nil, errSaid
}

func (o *runOptions) start(std *streams, f *flow.Flow, now time.Time) (engine.Start, error) {
	from, err := o.findTrigger(f)
	if err != nil {
		return engine.Start{}, err
	}
	body, err := o.body(std, from)
	if err != nil {
		return engine.Start{}, err
	}
	request, err := o.request(from)
	if err != nil {
		return engine.Start{}, err
	}
	output, err := trigger.ByHand(from, body, request, now)
	if err != nil {
		return engine.Start{}, wrongf("the input of %q: %w", from.ID, err)
	}
	vars, err := o.variables(f)
	if err != nil {
		return engine.Start{}, err
	}
	return engine.Start{Flow: f, Trigger: from.ID, Output: output, Variables: vars}, nil
}

// request reads what is said of a webhook's request beside its body.
func (o *runOptions) request(from *flow.Node) (trigger.Request, error) {
	r := trigger.Request{Method: o.method}
	hook, isHook := from.Trigger.(*node.Hook)
	if !isHook && (o.method != "" || o.query != nil || o.params != nil) {
		return r, fmt.Errorf("--method, --query and --param are of a request, and the trigger %q is no webhook", from.ID)
	}
	if isHook && o.method != "" && !slices.Contains(hook.Methods, o.method) {
		return r, fmt.Errorf("--method %s: the webhook %q takes %s", o.method, from.ID, strings.Join(hook.Methods, ", "))
	}
	for _, text := range o.query {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return r, fmt.Errorf("--query %q: expected name=value", text)
		}
		if r.Query == nil {
			r.Query = url.Values{}
		}
		r.Query.Add(name, value)
	}
	for _, text := range o.params {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return r, fmt.Errorf("--param %q: expected name=value", text)
		}
		if names := hook.Path.Names(); !slices.Contains(names, name) {
			return r, fmt.Errorf("--param %q: the path /%s has no {%s}%s", text, hook.Path, name, hintOf(diag.Suggest(name, names)))
		}
		if r.Params == nil {
			r.Params = map[string]string{}
		}
		r.Params[name] = value
	}
	return r, nil
}

// hintOf is a hint behind a mistake.
func hintOf(hint string) string {
	if hint == "" {
		return ""
	}
	return "; " + hint
}

func (o *runOptions) findTrigger(f *flow.Flow) (*flow.Node, error) {
	var ids []string
	for _, t := range f.Triggers {
		if o.trigger == t.ID || o.trigger == "" && len(f.Triggers) == 1 {
			return t, nil
		}
		ids = append(ids, t.ID)
	}
	if o.trigger == "" {
		return nil, fmt.Errorf("flow %q has %d triggers; choose one with --trigger: %s", f.Name, len(ids), strings.Join(ids, ", "))
	}
	return nil, fmt.Errorf("flow %q has no trigger %q; %s", f.Name, o.trigger, diag.Suggest(o.trigger, ids))
}

// body is what the trigger gets, the JSON of --input or the time of --tick.
func (o *runOptions) body(std *streams, from *flow.Node) ([]byte, error) {
	if o.tick != "" {
		if _, ok := from.Trigger.(*node.Schedule); !ok {
			return nil, fmt.Errorf("--tick is for a schedule, and trigger %q is of type %q", from.ID, from.Type.Ref())
		}
		return json.Marshal(map[string]string{"tick": o.tick})
	}
	switch o.input {
	case "":
		return []byte("{}"), nil
	case "-":
		body, err := io.ReadAll(io.LimitReader(std.in, infile.MostText+1))
		if err == nil && len(body) > infile.MostText {
			err = fmt.Errorf("--input -: more than %d bytes", infile.MostText)
		}
		return body, wrong(err)
	default:
		body, err := infile.Read(o.input, infile.MostText)
		if errors.Is(err, infile.ErrIrregular) {
			err = fmt.Errorf("%w; --input - takes standard input", err)
		}
		return body, wrong(err)
	}
}

// variables reads --set. A value is JSON where the variable is no text.
func (o *runOptions) variables(f *flow.Flow) (map[string]any, error) {
	vars := map[string]any{}
	for _, text := range o.set {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("--set %q: expected name=value", text)
		}
		old, declared := f.Variables[name]
		if !declared {
			if len(f.Variables) == 0 {
				return nil, fmt.Errorf("--set %q: flow %q declares no variables", text, f.Name)
			}
			return nil, fmt.Errorf("--set %q: flow %q declares no variable %q; %s",
				text, f.Name, name, diag.Suggest(name, slices.Sorted(maps.Keys(f.Variables))))
		}
		vars[name] = value
		if _, isText := old.(string); isText || old == nil {
			continue
		}
		v, err := data.DecodeJSON([]byte(value))
		got, want := expand.TypeOf(v).Kind(), expand.TypeOf(old).Kind()
		if err != nil || got != want && (got != "integer" || want != "number") {
			return nil, fmt.Errorf("--set %q: expected JSON of type %s, as the flow has it", text, want)
		}
		vars[name] = v
	}
	return vars, nil
}

// printNodes prints each attempt when it ends.
func printNodes(ctx context.Context, w io.Writer, f *flow.Flow, r *engine.Run) {
	tracer := run.NewTracer(f)
	r.Follow(context.WithoutCancel(ctx), func(e run.Event) bool {
		if err := tracer.Add(e); err != nil {
			return false
		}
		switch e.(type) {
		case run.RunPaused:
			return false // and nobody can resume it
		case run.RunStarted, run.NodeFinished:
			if t := tracer.Finished(); t != nil {
				printTrace(w, *t)
			}
		default: // ends no attempt
		}
		return true
	})
}

func printTrace(w io.Writer, t run.Trace) {
	line := fmt.Sprintf("%-12s %-28s %s", t.Node, t.Type, t.Outcome)
	if t.Attempt > 1 {
		line += fmt.Sprintf(" (attempt %d)", t.Attempt)
	}
	if t.Message != "" {
		line += ": " + reason(t.Message, "")
	}
	fmt.Fprintln(w, line)
	if c := t.Children; c != nil {
		for _, child := range c.Runs {
			fmt.Fprintf(w, "%-12s   run %s → %s%s\n", "", cmp.Or(child.Run, "never began"), child.Status, prefixed("  ", reason(child.Reason, child.Code)))
		}
		if left := c.Count - len(c.Runs); left > 0 {
			fmt.Fprintf(w, "%-12s   … and %d more runs\n", "", left)
		}
	}
	for _, c := range t.Calls {
		fmt.Fprintf(w, "%-12s   %s %s → %s\n", "", c.Method, c.URL, cmp.Or(c.Failure, strconv.Itoa(c.Status)))
	}
}

func (o *runOptions) print(std *streams, f *flow.Flow, r *engine.Run, res engine.Result) error {
	if o.json {
		report, err := run.NewReport(f, r.Events())
		if err != nil {
			return wrong(err)
		}
		if !o.events {
			return printJSON(std.out, report)
		}
		raw, err := json.Marshal(report)
		if err != nil {
			return wrong(err)
		}
		if raw, err = recorded(raw, r.Events()); err != nil {
			return err
		}
		return printRaw(std.out, raw)
	}
	fmt.Fprintf(std.err, "run %s: %s\n", r.ID, res.Status)
	if because := reason(res.Reason, res.Code); because != "" {
		fmt.Fprintln(std.err, because)
	}
	switch {
	case res.Response != nil:
		return printJSON(std.out, res.Response)
	case len(res.Outputs) > 0:
		return printJSON(std.out, res.Outputs)
	}
	return nil
}
