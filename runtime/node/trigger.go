package node

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/wendflow/wend/runtime/route"
	"github.com/wendflow/wend/runtime/timetable"
)

// Trigger is how the runs of one node begin: a *Hook, *Schedule, *Event, *Manual or *Called. It is made
// once, when the flow is compiled, so that nobody reads a trigger's inputs
// again. Immutable and safe for concurrent use.
//
//sumtype:decl
type Trigger interface{ trigger() }

// Hook begins a run for each request with one of its methods to its path.
type Hook struct {
	Path    route.Route
	Methods []string // that begin a run, at least one
	Accept  bool     // the caller gets 202 when the run is on record, and else its response
	Verify  string   // the connection that checks callers; "" takes anybody
	Params  *Schema  // of what the names in the path stand for; nil: it has none
	Query   *Schema  // of the query; nil: each parameter is a text
	Takes   []BodyKind
	Whole   bool    // the body is one output, and else its properties are
	Body    *Schema // of the body; nil: any will do
	Raw     RawBody // how the body, as it came, is an output too
	Dedupe  *Dedupe // nil: each request is a new one
	// Handshake is how the sender asks whether the webhook is meant for it,
	// before it sends anything; nil: it does not.
	Handshake *Handshake
	CORS      *CORS // nil: pages of other sites may not call it
}

// CORS is which pages of other sites may call a webhook through a browser.
type CORS struct {
	Origins     []string // exact, or "*" for all
	Headers     []string // that they may send; nil: Content-Type
	Credentials bool     // browsers may send cookies and what they log in with
}

// Handshake is a request of a sender that is answered at once: no run begins.
type Handshake struct {
	Type       HandshakeType
	Connection string // whose secret the answer takes; "" for none
	Parameter  string // of the query, that is sent back by echo
}

// HandshakeType is how senders ask.
type HandshakeType string

// The handshakes that webhooks know.
const (
	HandshakeHub   HandshakeType = "hub"   // a GET with a token that both know, and a challenge to send back
	HandshakeSlack HandshakeType = "slack" // a JSON body of the type url_verification
	HandshakeCRC   HandshakeType = "crc"   // a GET with a text to sign
	HandshakeZoom  HandshakeType = "zoom"  // a JSON body with a text to sign
	HandshakeEcho  HandshakeType = "echo"  // a parameter to send back
)

// Reads tells whether the webhook takes requests of a method, be it only as a
// handshake.
func (h *Hook) Reads(method string) bool {
	return slices.Contains(h.Methods, method) || h.Handshake.Reads(method)
}

// Reads tells whether requests of a method can be a handshake.
func (h *Handshake) Reads(method string) bool {
	switch {
	case h == nil:
		return false
	case h.Type == HandshakeHub, h.Type == HandshakeCRC:
		return method == http.MethodGet
	case h.Type == HandshakeEcho:
		return method == http.MethodGet || method == http.MethodPost
	default:
		return method == http.MethodPost
	}
}

// BodyKind is a way in which a body says its data.
type BodyKind string

// The kinds of bodies that webhooks know.
const (
	BodyJSON      BodyKind = "json"
	BodyForm      BodyKind = "form" // application/x-www-form-urlencoded
	BodyMultipart BodyKind = "multipart"
	BodyText      BodyKind = "text"
	BodyXML       BodyKind = "xml"
)

// RawBody is how a body is given as it came.
type RawBody string

// The ways to give a body as it came.
const (
	RawNone   RawBody = ""
	RawText   RawBody = "text"
	RawBase64 RawBody = "base64"
)

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
	Tool  bool    // it is served as a tool to models
}

// Schedule begins a run at each tick of a plan.
type Schedule struct {
	Plan    *timetable.Plan
	Jitter  time.Duration // each tick is put off by less than that
	Missed  Missed
	Overlap Overlap
}

// Missed is what becomes of ticks that nobody was there for.
type Missed string

// What becomes of them.
const (
	MissedSkip Missed = "skip" // nothing
	MissedOnce Missed = "once" // the last one has a run
	MissedAll  Missed = "all"  // each has, up to a bound
)

// Overlap is what becomes of a tick while the run of an earlier one goes on.
type Overlap string

// What becomes of it.
const (
	OverlapSkip  Overlap = "skip"  // nothing
	OverlapQueue Overlap = "queue" // it waits until that run has ended
	OverlapAllow Overlap = "allow" // its run goes on beside the other
)

// Called begins a run when another run calls for it.
type Called struct {
	Input *Schema // of what the run is called with; nil: any object will do
}

// Event begins a run for each outside event of a name.
type Event struct {
	Name string
	Key  string  // of those events; "" takes any
	Data *Schema // of the event's data; nil: any object will do
}

// Takes tells whether an event of that name and key begins a run.
func (e *Event) Takes(name, key string) bool {
	return name == e.Name && (e.Key == "" || e.Key == key)
}

// Output is what an event gives to its run: the properties of its data, and what
// is known about it; or what of the data does not fit. data is not changed.
func (e *Event) Output(data, about map[string]any) (map[string]any, []Problem) {
	if data == nil {
		data = map[string]any{}
	}
	if wrong := e.Data.Validate(data); wrong != nil {
		return nil, wrong
	}
	output := maps.Clone(e.Data.WithDefaults(data))
	output["event"] = about
	return output, nil
}

func (*Hook) trigger()     {}
func (*Event) trigger()    {}
func (*Schedule) trigger() {}
func (*Manual) trigger()   {}
func (*Called) trigger()   {}
