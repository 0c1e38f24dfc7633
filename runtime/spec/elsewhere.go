package spec

// Words of other products. People who come from them write these keys; the hint says
// what they have here. Keys that have another name here are in the aliases of the
// reader.

// keysElsewhere are keys of a step there, in lower case, without "-" and "_".
var keysElsewhere = map[string]string{
	"id":              "the id of a node is the key above it",
	"if":              branches,
	"when":            branches,
	"condition":       branches,
	"conditions":      branches,
	"runif":           branches,
	"switch":          branches,
	"dependson":       order,
	"needs":           order,
	"after":           order,
	"from":            order,
	"continueonerror": failures,
	"continueonfail":  failures,
	"allowfailure":    failures,
	"ignoreerrors":    failures,
	"onfailure":       failures,
	"errors":          failures,
	"catch":           failures,
	"finally":         failures,
	"foreach":         `a node of type "foreach" does it for each of a list`,
	"loop":            `a node of type "foreach" does it for each of a list; a "next" that leads back goes round`,
	"withitems":       `a node of type "foreach" does it for each of a list`,
	"matrix":          `a node of type "foreach" does it for each of a list`,
	"strategy":        `a node of type "foreach" does it for each of a list`,
	"concurrency":     `it is an input of "foreach" and "call"; of all runs together, limits in wend.yaml say it`,
	"vars":            variables,
	"variables":       variables,
	"env":             variables,
	"environment":     variables,
	"set":             `a node of type "evaluate" sets variables`,
	"outputs":         `a node has the outputs of its type; a node of type "evaluate" gives others`,
	"output":          `a node has the outputs of its type; a node of type "evaluate" gives others`,
	"register":        `what a node gives is read by its id, such as $(n1.body)`,
	"secrets":         secrets,
	"credentials":     secrets,
	"disabled":        "lead the route past the node, or comment it out",
	"enabled":         "lead the route past the node, or comment it out",
	"description":     `"name" is its label for people; a comment says more`,
	"notes":           `"name" is its label for people; a comment says more`,
	"comment":         `"name" is its label for people; a comment begins with #`,
	"steps":           nested,
	"tasks":           nested,
	"nodes":           nested,
	"run":             "there are no shell commands; a plugin does what needs a program",
	"script":          "there are no scripts; templates compute, and a plugin does what needs a program",
	"code":            "there are no scripts; templates compute, and a plugin does what needs a program",
	"version":         "the version of a plugin stands behind its type: type: vendor/method@1",
	"typeversion":     "the version of a plugin stands behind its type: type: vendor/method@1",
}

const (
	branches  = `a node of type "evaluate" decides by its branches which way a run goes`
	order     = `the order comes from the nodes before: their "next" leads here`
	failures  = `"outcomes" says where a failure leads, such as outcomes: { onError: failed }`
	variables = `variables are the flow's; declare them under "variables" at the top`
	secrets   = `a connection in wend.yaml has secrets; a node names it under "connection"`
	nested    = `nodes inside a node are inputs of "foreach" and "parallel"`
)

// headsElsewhere are keys at the top of a flow there.
var headsElsewhere = map[string]string{
	"triggers":    triggers,
	"trigger":     triggers,
	"on":          triggers,
	"start":       triggers,
	"schedule":    `a schedule is a node of type "schedule", which leads to the first node`,
	"cron":        `a schedule is a node of type "schedule", which leads to the first node`,
	"inputs":      `what a run begins with is said by its trigger: "body" of "webhook", "input" of "called" and "manual"`,
	"input":       `what a run begins with is said by its trigger: "body" of "webhook", "input" of "called" and "manual"`,
	"outputs":     `what a flow gives is said where it ends, by a node of type "end", or "respond"`,
	"errors":      handler,
	"onerror":     handler,
	"onfailure":   handler,
	"finally":     handler,
	"catch":       handler,
	"env":         `did you mean "variables"?`,
	"environment": `did you mean "variables"?`,
	"secrets":     `secrets are in wend.yaml, in connections, which nodes name`,
	"credentials": `secrets are in wend.yaml, in connections, which nodes name`,
	"connections": `connections are in wend.yaml, where all flows find them; where a node leads is said by its "next" and "outcomes"`,
	"connection":  `connections are in wend.yaml, where all flows find them; each node names its own`,
	"concurrency": `it is an input of "foreach"; of all runs together, limits in wend.yaml say it`,
	"namespace":   `a flow has a name alone; a prefix can be in it, such as "team-orders"`,
	"version":     "versions are counted by the server that serves the flow; leave it out",
	"revision":    "versions are counted by the server that serves the flow; leave it out",
	"disabled":    `"wend flows pause" has new runs wait; leave it out`,
	"active":      `"wend flows pause" has new runs wait; leave it out`,
	"enabled":     `"wend flows pause" has new runs wait; leave it out`,
	"edges":       `where a node leads is said by its "next" and "outcomes"`,
	"wires":       `where a node leads is said by its "next" and "outcomes"`,
	"transitions": `where a node leads is said by its "next" and "outcomes"`,
}

const (
	triggers = `a trigger is a node, such as one of type "webhook", "schedule" or "event", and its "next" leads to the first node`
	handler  = `"defaults" says where failures lead: defaults: { outcomes: { onError: failed } }`
)
