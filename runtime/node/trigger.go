package node

import "time"

// Trigger is how the runs of one node begin. It is made once, when the flow is
// compiled, so that nobody reads a trigger's inputs again. It is a Hook; other
// kinds come as types of their own.
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
	Key Late          // of the request; flow.Node.DedupeKey evaluates it
	For time.Duration // how long the first is remembered
}

func (*Hook) trigger() {}
