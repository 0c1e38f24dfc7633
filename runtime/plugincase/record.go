package plugincase

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/casefile"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/yamldoc"
	"github.com/wendflow/wend/sdk/wire"
)

// Recording is a run: its report and all its events.
type Recording struct {
	Run    string      `json:"run"`
	Flow   string      `json:"flow"`
	Nodes  []run.Trace `json:"nodes"`
	Events []run.Event `json:"-"`
}

// ReadRecording reads the report of a run as `wend run --json` and the API give
// it. The events are in it with `--events`, else Events is empty.
func ReadRecording(report []byte) (*Recording, error) {
	var doc struct {
		Recording
		Events json.RawMessage `json:"events"`
	}
	dec := json.NewDecoder(bytes.NewReader(report))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("not the report of a run: %w", err)
	}
	if len(doc.Nodes) == 0 {
		return nil, errors.New("not the report of a run: it has no nodes")
	}
	for _, n := range doc.Nodes {
		data.Plain(n.Inputs)
	}
	rec := doc.Recording
	if len(doc.Events) == 0 {
		return &rec, nil
	}
	var err error
	rec.Events, err = run.Unmarshal(doc.Events)
	return &rec, err
}

// Attempt is what a run did at one node.
type Attempt struct {
	run.Trace
	began    run.RunStarted
	asked    []run.CallStarted
	replies  []run.Reply
	answered []bool
}

// Attempt finds one attempt at a node. A visit or attempt of 0 is the last.
func (r *Recording) Attempt(id string, visit, attempt int) (*Attempt, error) {
	if len(r.Events) == 0 {
		return nil, errors.New("the recording has no events, and so no replies")
	}
	began, ok := r.Events[0].(run.RunStarted)
	if !ok || began.Run != r.Run {
		return nil, fmt.Errorf("the events are not those of run %s", r.Run)
	}
	for _, t := range slices.Backward(r.Nodes) {
		if t.Node == id && (visit == 0 || t.Visit == visit) && (attempt == 0 || t.Attempt == attempt) {
			a := &Attempt{Trace: t, began: began}
			return a, a.collect(r.Events)
		}
	}
	return nil, fmt.Errorf("run %s has no such attempt at node %q", r.Run, id)
}

// collect takes the attempt's calls and replies from the events.
func (a *Attempt) collect(events []run.Event) error {
	here := a.place()
	for _, e := range events {
		switch e := e.(type) {
		case run.CallStarted:
			if e.Place == here {
				a.asked = append(a.asked, e)
				a.replies, a.answered = append(a.replies, run.Reply{}), append(a.answered, false)
			}
		case run.CallReplied:
			if e.Place == here && e.Call < len(a.replies) {
				a.replies[e.Call], a.answered[e.Call] = e.Reply, true
			}
		default: // says nothing of calls
		}
	}
	if a.Outcome == "" || slices.Contains(a.answered, false) {
		return fmt.Errorf("the run has not left node %q yet", a.Node)
	}
	return nil
}

func (a *Attempt) place() run.Place {
	return run.Place{Node: a.Node, Visit: a.Visit, Attempt: a.Attempt}
}

// Method is the method's name without its plugin and version, or "" if the
// node's type is none of the plugin.
func (a *Attempt) Method(plugin string) string { return methodOf(a.Type, plugin) }

func methodOf(ref, plugin string) string {
	name, _, _ := strings.Cut(ref, "@")
	method, ok := strings.CutPrefix(name, plugin+"/")
	if !ok {
		return ""
	}
	return method
}

// NodesOf lists the nodes of the run that are of a plugin's types, in order.
func (r *Recording) NodesOf(plugin string) []string {
	var ids []string
	for _, t := range r.Nodes {
		if methodOf(t.Type, plugin) != "" && !slices.Contains(ids, t.Node) {
			ids = append(ids, t.Node)
		}
	}
	return ids
}

// Record writes the case file of an attempt. The journal has no bodies of
// calls, so the method, a type of the plugin, talks its part once more; its
// calls have to be those of the run. Settings are those of the connection.
func (a *Attempt) Record(ctx context.Context, name, plugin string, t *node.Type, settings map[string]any) ([]byte, error) {
	c := a.caseOf(name, plugin, settings)
	said := c.Play(ctx, t)
	if err := a.sameCalls(said); err != nil {
		return nil, err
	}
	if said.Outcome != a.Outcome {
		return nil, fmt.Errorf("the method leaves by %q%s; in the run it left by %q", said.Outcome, why(said), a.Outcome)
	}
	return write(c, a.replies, said)
}

func (a *Attempt) caseOf(name, plugin string, settings map[string]any) *Case {
	here := a.place()
	c := &Case{Name: name, Method: a.Method(plugin), Visit: node.Visit{
		Run: a.began.Run, Flow: a.began.Flow, Node: a.Node, Visit: a.Visit, Attempt: a.Attempt,
		Now: a.StartedAt, Seed: here.Seed(a.began.Seed), Key: here.Key(a.began.Run),
		Inputs: a.Inputs, Settings: settings,
	}}
	for _, reply := range a.replies {
		c.Calls = append(c.Calls, Exchange{Reply: reply.Wire()})
	}
	return c
}

// sameCalls tells whether the method asked for what it asked for in the run.
func (a *Attempt) sameCalls(said Transcript) error {
	for i := range max(len(a.asked), len(said.Calls)) {
		was, is := "no call", "no call"
		if i < len(a.asked) {
			was = a.asked[i].Fingerprint
		}
		if i < len(said.Calls) {
			is = wire.Fingerprint(said.Calls[i])
		}
		if was != is {
			return fmt.Errorf("call %d is not the one of the run: it is %s, and was %s; "+
				"the plugin, its inputs or the connection's settings have changed since (after the # stands the hash of headers and body)", i+1, is, was)
		}
	}
	return nil
}

// The shape of a case file, in the order to show it.
type (
	fileCase struct {
		Name     string         `yaml:"name"`
		Method   string         `yaml:"method"`
		Inputs   map[string]any `yaml:"inputs"`
		Settings map[string]any `yaml:"settings,omitempty"`
		Context  fileContext    `yaml:"context"`
		Calls    []fileExchange `yaml:"calls,omitempty"`
		Want     fileWant       `yaml:"want"`
	}
	fileContext struct {
		Run     string `yaml:"run"`
		Node    string `yaml:"node"`
		Visit   int    `yaml:"visit"`
		Attempt int    `yaml:"attempt"`
		Now     string `yaml:"now"`
		Seed    string `yaml:"seed"`
		Key     string `yaml:"key"`
	}
	fileExchange struct {
		Expect casefile.Expected `yaml:"expect"`
		Reply  casefile.Replied  `yaml:"reply"`
	}
	fileWant struct {
		Outcome string         `yaml:"outcome"`
		Outputs map[string]any `yaml:"outputs"`
		Message string         `yaml:"message,omitempty"`
		Code    string         `yaml:"code,omitempty"`
	}
)

func write(c *Case, replies []run.Reply, said Transcript) ([]byte, error) {
	f := fileCase{
		Name: c.Name, Method: c.Method, Inputs: writable(c.Visit.Inputs), Settings: writable(c.Visit.Settings),
		Context: fileContext{
			c.Visit.Run, c.Visit.Node, c.Visit.Visit, c.Visit.Attempt,
			c.Visit.Now.UTC().Format("2006-01-02T15:04:05.000Z"), c.Visit.Seed, c.Visit.Key,
		},
		Want: fileWant{said.Outcome, expectedOutputs(said), said.Message, said.Code},
	}
	for i, call := range said.Calls {
		f.Calls = append(f.Calls, fileExchange{casefile.Expect(call), casefile.Reply(replies[i].Wire())})
	}
	text, err := yamldoc.Encode(f)
	if err != nil {
		return nil, fmt.Errorf("write case %q: %w", c.Name, err)
	}
	return text, nil
}

func expectedOutputs(said Transcript) map[string]any {
	outputs, _ := casefile.Writable(said.outputs()).(map[string]any)
	return writable(outputs)
}

func writable(m map[string]any) map[string]any {
	m, _ = yamldoc.Writable(m).(map[string]any)
	return m
}
