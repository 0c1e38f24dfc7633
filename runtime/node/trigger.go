package node

import "time"

// Trigger is how the runs of one node begin: a *Hook or *Manual. It is made
// once, when the flow is compiled, so that nobody reads a trigger's inputs
// again. Immutable and safe for concurrent use.
//
//sumtype:decl
type Trigger interface{ trigger() }

// Hook begins a run for each request to a path.
type Hook struct {
	Path   string  // "sms/ended", without slashes at its ends
	Accept bool    // the caller gets 202 when the run is on record, and else its response
	Verify string  // the connection that checks callers; "" takes anybody
	Body   *Schema // of the body; nil: any object will do
	Dedupe *Dedupe // nil: each request is a new one
}

// Dedupe takes requests with one key for one.
type Dedupe struct {
	Key Early
	For time.Duration // how long the first is remembered
	// Keep holds the key for a run that failed; else the next request with it
	// makes a new run.
	Keep bool
	// Start begins a new run for a request with another body, and AnyBody does
	// not look at bodies; else it is refused.
	Start, AnyBody bool
}

// Manual begins a run when somebody asks for one, and waits for nothing.
type Manual struct {
	Input *Schema // of what the run is started with; nil: any object will do
}

func (*Hook) trigger()   {}
func (*Manual) trigger() {}
