package diag

// Mistakes between nodes, node types and templates, and between flows.
const (
	// UnknownNodeType: `type` names no node type that is loaded.
	//
	//	flow: unknown-node-type
	//	nodes:
	//	  n1: { type: webhok, with: { path: /a } }
	UnknownNodeType Code = "unknown-node-type"

	// UnknownVersion: the node type is loaded, but not in this version.
	//
	//	flow: unknown-version
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2: { type: log@9, with: { message: hello } }
	UnknownVersion Code = "unknown-version"

	// NoTrigger: nothing can start the flow.
	//
	//	flow: no-trigger
	//	nodes:
	//	  n1: { type: log, with: { message: hello } }
	NoTrigger Code = "no-trigger"

	// NameClash: a variable and a node share a name, so that templates could
	// not tell them apart.
	//
	//	flow: name-clash
	//	variables: { n1: "" }
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a } }
	NameClash Code = "name-clash"

	// UnknownInput: the node type has no such key under `with`.
	//
	//	flow: unknown-input
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a, replay: wait } }
	UnknownInput Code = "unknown-input"

	// MissingInput: a key that the node type needs is not there.
	//
	//	flow: missing-input
	//	nodes:
	//	  n1: { type: webhook, with: { reply: wait } }
	MissingInput Code = "missing-input"

	// WrongType: a value, or the result of a template, has another type than
	// the input or the variable takes.
	//
	//	flow: wrong-type
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: done }
	//	  done: { type: respond, with: { status: "ok" } }
	WrongType Code = "wrong-type"

	// InvalidInput: a value has the right type, but is not one that the input
	// allows.
	//
	//	flow: invalid-input
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a, reply: maybe } }
	InvalidInput Code = "invalid-input"

	// UnknownConnection: the configuration has no connection of this name.
	//
	//	flow: unknown-connection
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2: { type: http, connection: no-such-connection, with: { url: /x } }
	UnknownConnection Code = "unknown-connection"

	// UselessConnection: a node that makes no calls names a connection.
	//
	//	flow: useless-connection
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2: { type: log, connection: cce, with: { message: hello } }
	UselessConnection Code = "useless-connection"

	// ExposedSecret: a text looks like a secret, by its form or by the name that
	// it stands under. Flows are shared, stored and shown; a connection adds
	// secrets to calls, and refers to where they are. A warning.
	//
	//	flow: exposed-secret
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2: { type: http, connection: cce, with: { url: /x, body: { password: Wint3r2026 } } }
	ExposedSecret Code = "exposed-secret"

	// RefusedCall: the rules for calls refuse the call of the node in every run:
	// a path without a connection that has a baseURL, a host that nothing in
	// wend.yaml allows, another scheme than http and https, a user name in the
	// address, a header that is not for the call to set. Hosts and connections
	// are checked if there is a configuration.
	//
	//	flow: refused-call
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2: { type: http, with: { url: /orders } }
	RefusedCall Code = "refused-call"

	// UselessResponse: nobody gets the response of the node. The webhook says
	// `reply: accept`, so its caller has an answer when the run begins. A warning
	// where every way to the node has responded already, for a run answers once,
	// and where the run is started by hand: `wend run` shows the response.
	//
	//	flow: useless-response
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a, reply: accept }, next: done }
	//	  done: { type: respond, with: { status: 201 } }
	UselessResponse Code = "useless-response"

	// UnknownOutcome: the node type has no outcome of this name.
	//
	//	flow: unknown-outcome
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2:
	//	    type: http
	//	    with: { url: "https://example.com" }
	//	    outcomes: { onTimeOut: n3 }
	//	  n3: { type: respond }
	UnknownOutcome Code = "unknown-outcome"

	// RoutedTwice: the success outcome stands under `outcomes` beside `next`.
	//
	//	flow: routed-twice
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2, outcomes: { success: n3 } }
	//	  n2: { type: respond }
	//	  n3: { type: respond }
	RoutedTwice Code = "routed-twice"

	// UnknownNode: a route leads to a node that the flow does not have.
	//
	//	flow: unknown-node
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: dnoe }
	//	  done: { type: respond }
	UnknownNode Code = "unknown-node"

	// TargetIsTrigger: a route leads to a trigger, where runs only begin.
	//
	//	flow: target-is-trigger
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2: { type: log, with: { message: again }, next: n1 }
	TargetIsTrigger Code = "target-is-trigger"

	// OpenOutcome: an outcome is not routed, so that the run would end there
	// as failed. A warning.
	//
	//	flow: open-outcome
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2: { type: http, with: { url: "https://example.com" } }
	OpenOutcome Code = "open-outcome"

	// UnreachableNode: no route leads to the node. A warning.
	//
	//	flow: unreachable-node
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a } }
	//	  n9: { type: log, with: { message: never } }
	UnreachableNode Code = "unreachable-node"

	// EndlessCycle: runs go round and round until they have entered a node 1,000
	// times, and fail: no outcome leads out of the cycle, or only failures do. A
	// warning where a node of the cycle waits, and where nothing in it waits and no turn differs from the one before.
	//
	//	flow: endless-cycle
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2: { type: log, with: { message: again }, next: n2 }
	EndlessCycle Code = "endless-cycle"

	// BeyondTimeout: what a node waits leaves no time of the run's `timeout`. A
	// warning for what only may take so long: a timeout, or the gaps of a retry.
	//
	//	flow: beyond-timeout
	//	timeout: 1h
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2: { type: delay, with: { for: 2h } }
	BeyondTimeout Code = "beyond-timeout"

	// NotOnEveryPath: a template reads a node that a run may not have visited
	// when it comes here. Give a default with `??`, or route differently. What a
	// trigger reads before there is a run, such as a dedupe key, sees no other
	// node and no `run` at all.
	//
	//	flow: not-on-every-path
	//	defaults: { outcomes: { onError: done, onTimeout: done, clientError: done, serverError: done } }
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2:
	//	    type: evaluate
	//	    with: { branches: [ { when: "n1.vip == true", outcome: vip } ] }
	//	    next: done
	//	    outcomes: { vip: n3 }
	//	  n3: { type: http, with: { url: "https://example.com" }, next: done }
	//	  done: { type: respond, with: { body: "$(n3.status)" } }
	NotOnEveryPath Code = "not-on-every-path"

	// ForeignTemplate: a template as others write it, which is text here:
	// `{{ n1.id }}`, `${n1.id}`, `<%= n1.id %>`, `$n1.id`, in an address `/{id}`. It is told where it
	// names a node or variable of the flow. A warning where the whole text, or a
	// part of an address, is such a form with other names in it.
	//
	//	flow: foreign
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: done }
	//	  done: { type: respond, with: { body: "Hello {{ n1.name }}" } }
	ForeignTemplate Code = "foreign-template"

	// TemplateVariable: the value that a variable begins with holds a template,
	// which is never evaluated. A warning.
	//
	//	flow: template-variable
	//	variables: { greeting: "Hello $(n1.name)" }
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a } }
	TemplateVariable Code = "template-variable"

	// OptionalField: a text, a field behind it or an input that must be there
	// needs a field that the schema lets be missing. Without it the node fails.
	// Give a default with `??`, require the field, or give it a `default`. It is
	// not told where a condition on every way to the node reads the field. A
	// warning.
	//
	//	flow: optional-field
	//	nodes:
	//	  n1:
	//	    type: webhook
	//	    with: { path: /a, body: { type: object, properties: { name: { type: string } } } }
	//	    next: done
	//	  done: { type: respond, with: { body: "Hello $(n1.name)" } }
	OptionalField Code = "optional-field"

	// PauseNotDurable: a run would wait for somebody, and be gone when the server
	// stops. A warning.
	//
	//	flow: pause-not-durable
	//	durable: false
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2:
	//	    type: http
	//	    with: { method: GET, url: "https://example.com" }
	//	    retry: { max: 2, on: [onTimeout], then: pause }
	PauseNotDurable Code = "pause-not-durable"

	// RetryNotIdempotent: another attempt may do twice what must be done once.
	// A warning.
	//
	//	flow: retry-not-idempotent
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2:
	//	    type: http
	//	    with: { method: POST, url: "https://example.com" }
	//	    retry: { max: 2, on: [onTimeout] }
	RetryNotIdempotent Code = "retry-not-idempotent"

	// UndeclaredVariable: a node sets a variable that the flow does not
	// declare.
	//
	//	flow: undeclared-variable
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2: { type: evaluate, with: { set: { flid: $(run.id) } } }
	UndeclaredVariable Code = "undeclared-variable"
)

// Mistakes that only show when files are read together.
const (
	// PathTaken: two webhooks are served under one path.
	//
	//	flow: path-taken
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a } }
	//	  n2: { type: webhook, with: { path: /a } }
	PathTaken Code = "path-taken"

	// FlowNameTaken: two files hold a flow of one name.
	//
	//	flow: flow-name-taken
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a } }
	FlowNameTaken Code = "flow-name-taken"

	// TooManyFlows: all files together are more than one server takes. The message
	// says by what; `limits.nodes` in wend.yaml is how many nodes there may be.
	TooManyFlows Code = "too-many-flows"

	// Unreadable: the file cannot be read. The message says why.
	Unreadable Code = "unreadable"

	// UnknownFlow: a node calls a flow that is not there. The flows that are checked
	// together are looked at, and those in the folder of the one that calls.
	//
	//	flow: unknown-flow
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2: { type: call, with: { flow: no-such-flow } }
	UnknownFlow Code = "unknown-flow"

	// NotCallable: a node calls a flow that has no trigger of type "called".
	//
	//	flow: not-callable
	//	nodes:
	//	  n1: { type: webhook, with: { path: /a }, next: n2 }
	//	  n2: { type: call, with: { flow: not-callable } }
	NotCallable Code = "not-callable"

	// EndlessCalls: flows call each other, or one calls itself, and no run of them
	// comes to an end without the next call.
	//
	//	flow: endless-calls
	//	nodes:
	//	  n1: { type: called, next: n2 }
	//	  n2: { type: call, with: { flow: endless-calls } }
	EndlessCalls Code = "endless-calls"
)
