// Package flowtest plays the tests of flows: what comes in, what the wire
// answers, and what must be so, as a file says it. Flows and plugins are the real
// ones, driven by the real engine; the other side of every call is in the file,
// and time is virtual, so that a run of three days takes milliseconds and is the
// same each time. It reaches no network, and needs no configuration.
package flowtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/casefile"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
	"github.com/wendflow/wend/sdk/wire"
)

// Codes of what can be wrong with a test only; the others are package diag's.
const (
	CodeValue   diag.Code = "test-value"   // a value of the wrong form, or one that can have no effect
	CodeDiffers diag.Code = "test-differs" // the flow did something else
)

// File is a file of tests. It is not changed once Bind has returned.
type File struct {
	Path string
	Flow string // path of the flow's file
	// Cases are in the order of the file; one that is played for each of several
	// outcomes is several.
	Cases []*Case
}

// Case is one run of a flow, and what must come of it. It is immutable and safe
// for concurrent use.
type Case struct {
	Pos  diag.Pos
	Name string

	trigger   given
	now       time.Time
	variables []value
	settings  []settings // of connections
	mocks     []mocked
	calls     []exchange
	callsPos  diag.Pos // of the list; not given: the case's own
	events    []event
	crash     crash
	want      want
}

// given is what starts the run.
type given struct {
	pos      diag.Pos
	node     yamldoc.Text
	body     []byte
	object   map[string]any // that the body is, if it is one
	bodyAt   diag.Pos
	method   string
	methodAt diag.Pos
	headers  map[string]string
	query    map[string]string
	params   map[string]string
	paramsAt []yamldoc.Text // names
	unsigned bool
	signed   diag.Pos // where unsigned was said
}

// header is one of the request, by its name in lower case.
func (g *given) header(name string) string {
	for n, text := range g.headers {
		if strings.EqualFold(n, name) {
			return text
		}
	}
	return ""
}

// value is a variable and what it has at the start.
type value struct {
	name yamldoc.Text
	data any
}

type settings struct {
	connection yamldoc.Text
	values     map[string]any
}

// mocked is a node that is not run: it leaves as the test says.
type mocked struct {
	node yamldoc.Text
	// ends are those of its attempts, in order, over all visits; of a single one
	// that stands without brackets there are as many as the run needs.
	ends   []end
	always bool
}

// end is how an attempt at a mocked node ends.
type end struct {
	outcome       yamldoc.Text
	outputs       map[string]any
	outputsPos    diag.Pos
	message, code string
	after         time.Duration
}

// exchange is a call that the run must make, once for each reply.
type exchange struct {
	pos     diag.Pos
	expect  casefile.Call
	replies []reply
}

type reply struct {
	wire.Reply
	after time.Duration
}

// event comes from outside while the run goes on.
type event struct {
	pos       diag.Pos
	at        time.Duration // since the start
	name, key string
	id        string
	data      map[string]any
	refused   bool // nobody can use it
}

// crash is where the engine dies and another one takes up the run. No node: it
// does not.
type crash struct {
	node   yamldoc.Text
	during bool // a call of the node was sent, and its reply is lost; else the node was left
}

// want is what must be so; what is nil may be anything.
type want struct {
	pos                           diag.Pos
	path                          []step
	pathPos                       diag.Pos
	status, outcome, code, reason casefile.Want
	response                      *response
	variables, inputs, outputs    []named
	failure                       *failure // error
	log                           []casefile.Want
	emitted                       casefile.Want // events
	took                          *span
}

// failure is what $(error) must be: its fields, or whether there is one.
type failure struct {
	fields []named
	whole  casefile.Want
}

// failureFields are those of $(error).
var failureFields = []string{"node", "outcome", "message", "code", "attempt"}

// span is how long a run takes, from least to most.
type span struct {
	pos         diag.Pos
	least, most time.Duration
}

// step is a visit of a node on the way of a run.
type step struct {
	node    yamldoc.Text
	outcome yamldoc.Text // the last attempt's; not given: any
}

func (s step) String() string {
	if !s.outcome.Given() {
		return s.node.Value
	}
	return s.node.Value + ": " + s.outcome.Value
}

type response struct {
	pos     diag.Pos
	none    bool
	status  casefile.Want
	headers []named
	body    casefile.Want
}

// named is what something of a name must be.
type named struct {
	name yamldoc.Text
	want casefile.Want
}

// ending is what names of files of tests end with.
var endings = []string{".test.yaml", ".test.yml"}

// IsFile tells whether a file is one of tests, by its name.
func IsFile(name string) bool {
	return slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(name, e) })
}

// FlowOf is the flow that a file of tests is beside.
func FlowOf(file string) string {
	for _, e := range endings {
		if stem, ok := strings.CutSuffix(file, e); ok {
			return stem + strings.TrimPrefix(e, ".test")
		}
	}
	return file
}

// Beside returns the names under which a flow's tests may lie.
func Beside(flow string) []string {
	stem := strings.TrimSuffix(strings.TrimSuffix(flow, ".yaml"), ".yml")
	return []string{stem + endings[0], stem + endings[1]}
}

// forEach is the case, once for each outcome of a node that is mocked.
func (c *Case) forEach(each []mocked) []*Case {
	if len(each) == 0 {
		return []*Case{c}
	}
	var cases []*Case
	for _, m := range each {
		for _, e := range m.ends {
			one := *c
			one.Name = fmt.Sprintf("%s (%s: %s)", c.Name, m.node.Value, e.outcome.Value)
			one.mocks = setMock(slices.Clone(c.mocks), mocked{m.node, []end{e}, true})
			cases = append(cases, &one)
		}
	}
	return cases
}

// setMock puts m in the place of an earlier one.
func setMock(list []mocked, m mocked) []mocked {
	i := slices.IndexFunc(list, func(old mocked) bool { return old.node.Value == m.node.Value })
	if i < 0 {
		return append(list, m)
	}
	list[i] = m
	return list
}
