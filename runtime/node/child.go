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
	// keep to the versions that these have now. Bodies are none of them.
	Flows []string
	// Enough tells of one child's end whether the others are not needed any
	// more: those that have not ended are cancelled, and no more begin. Nil waits
	// for all.
	Enough func(ChildEnd) bool
}

// Child is what one child run begins with: a flow, or a body of the node.
type Child struct {
	Flow  string
	Input map[string]any // checked against the input of the flow's trigger

	Body string // its name, if Flow is empty
	// Names are what the body reads beside the names of the flow around it: "item"
	// and "index" of a body with Items.
	Names map[string]any
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
	// Items is the path of the input for whose elements the flow is run, each with
	// its `item` and `index` in the input that is {"x-wend": "each"}; nil: none.
	Items []string
	// Ends says that the codes by which the flow ends may be outcomes of the node,
	// and that its outputs are those of the node.
	Ends bool
	// Gives is where the outputs of the flow are among those of the node, whose
	// schema has an object there; "[]" stands for the elements of a list. Nil if
	// they are not there.
	Gives []string
	// Maybe says that some or all of them may be missing there, whatever the flow
	// says.
	Maybe bool
}

// Body is a flow that a node has written inside its inputs, as a Shape tells it: an
// input `nodes`, which the schema marks with {"x-wend": "body"}, and an input
// `start`, the node at which it begins; without it that is the one to which no
// route of the body leads. A body reads the names of the flow around it, as they
// are when the node has it run, and sets none of them.
type Body struct {
	Name  string   // tells it from the other bodies of the node; "" if it has one
	Path  []string // of the inputs among which `nodes` and `start` stand
	Items []string // path of the input whose elements the body reads as `item`, by their `index`; nil: none
	Gives []string // as of a Callee
	Maybe bool     // the same
}

// Ending is how a node ends a run, as a Shape tells it.
type Ending struct {
	Code    string // empty if there is none, or if it holds a template
	Outputs string // the input whose fields are the outputs of the run
}
