package node

// Spawn wants child runs made: Count of them, in the order of their indices, and
// at most Most at a time. Step is called again when all that began have ended,
// with Visit.Children.
//
// After a crash Step is asked for the same Spawn once more, so what it holds
// must follow from the Visit alone.
type Spawn struct {
	Count int
	Most  int // side by side; 0 is all
	// Child says which flow the child of an index runs, and with what. It is
	// called when the child is about to begin. An error ends that child as
	// failed before it has begun.
	Child func(index int) (Child, error)
	// Flows are the names of all flows that Child names, each once: the children
	// keep to the versions that these have now.
	Flows []string
	// Enough tells of one child's end whether the others are not needed any
	// more: those that have not ended are cancelled, and no more begin. Nil waits
	// for all.
	Enough func(ChildEnd) bool
}

// Child is what one child run begins with.
type Child struct {
	Flow  string
	Input map[string]any // checked against the input of the flow's trigger
}

// ChildEnd is how a child run ended.
type ChildEnd struct {
	Index  int
	Run    string // its id; empty if it never began, and Code and Reason say why
	Failed bool   // it failed, was cancelled or never began
	// Cancelled says that it did not come to its own end.
	Cancelled bool
	Outcome   string
	Code      string
	Reason    string
	Outputs   map[string]any // given by the node that ended it
}

func (Spawn) action() {}

// Callee is the flow that a node calls, as a Shape tells it: it is checked
// against that flow when all flows are known.
type Callee struct {
	Flow string   // its name; empty if it is missing or no text, which is told elsewhere
	Name []string // path of the input that has the name
	// Input is the path of the input that the flow is begun with.
	Input []string
	// Ends says that the codes by which the flow ends may be outcomes of the node,
	// and that its outputs are those of the node.
	Ends bool
}

// Ending is how a node ends a run, as a Shape tells it.
type Ending struct {
	Code    string // empty if there is none, or if it holds a template
	Outputs string // the input whose fields are the outputs of the run
}
