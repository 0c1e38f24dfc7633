package flow

import (
	"slices"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/spec"
)

// LoadStored compiles a flow that runs have begun with, as the journal has it.
// It was in order by the checks of its day. What was found out to be wrong since
// must not keep its runs from going on, so a mistake is only what cannot be run:
// an unknown node type, a template that does not compile, a route to nowhere.
// What an input makes of its schema then shows when the node is run.
func LoadStored(file string, src []byte, cfg Config) (*Flow, diag.List) {
	f, mistakes := Load(file, src, cfg)
	if f != nil {
		return f, mistakes
	}
	parsed, mistakes := spec.Parse(file, src)
	if parsed == nil {
		return nil, mistakes.Sorted()
	}
	c := compile(parsed, cfg, true)
	mistakes = slices.DeleteFunc(append(mistakes, c.list...), func(e *diag.Error) bool {
		prevents, known := preventsRuns[e.Code]
		return known && !prevents
	})
	if mistakes.HasErrors() {
		return nil, mistakes.Sorted()
	}
	return c.flow, mistakes.Sorted()
}

// preventsRuns says of every code whether a flow with such a mistake cannot be
// run as it was meant. A test holds that none is missing.
var preventsRuns = map[diag.Code]bool{
	// Nothing is known of what was meant.
	diag.InvalidYAML: true, diag.YAMLTab: true, diag.YAMLColon: true, diag.YAMLComment: true, diag.YAMLComma: true, diag.YAMLTag: true,
	diag.YAMLAnchor: true, diag.YAMLDocuments: true, diag.YAMLCharacter: true, diag.DuplicateKey: true, diag.InvalidKey: true,
	diag.MissingKey: true, diag.EmptyValue: true, diag.WrongType: true, diag.InvalidDuration: true, diag.Unreadable: true,

	// There is nothing that could be evaluated.
	diag.UnclosedTemplate: true, diag.EmptyTemplate: true, diag.InvalidExpression: true, diag.ExpressionType: true,
	diag.UnknownReference: true, diag.UnknownField: true, diag.UnknownFunction: true, diag.NotBoolean: true, diag.PartialCondition: true,
	diag.UndeclaredVariable: true,

	// There is nothing that could be run, or no place to go.
	diag.UnknownNodeType: true, diag.UnknownVersion: true, diag.UnknownInput: true, diag.UnknownNode: true, diag.TargetIsTrigger: true,

	// What was written is there all the same.
	diag.YAMLNumber: false, diag.YAMLBoolean: false, diag.YAMLDate: false, diag.UnknownKey: false, diag.InvalidName: false,
	diag.ReservedName: false, diag.SimilarName: false, diag.InvalidRetry: false, diag.UndeclaredDigits: false, diag.MisleadingExpression: false, diag.TemplateKey: false,
	diag.RoutedTwice: false, diag.UnknownOutcome: false, diag.OpenOutcome: false, diag.UnreachableNode: false, diag.NoTrigger: false,
	diag.RetryNotIdempotent: false, diag.PauseNotDurable: false, diag.UselessConnection: false, diag.NameClash: false, diag.PathTaken: false, diag.FlowNameTaken: false, diag.TooManyFlows: false,

	// The run will see whether it is wrong.
	diag.NotOnEveryPath: false, diag.MissingInput: false, diag.InvalidInput: false,
	diag.UnknownConnection: false, diag.RefusedCall: false, diag.ExposedSecret: false, diag.EndlessCycle: false, diag.BeyondTimeout: false, diag.ForeignTemplate: false, diag.TemplateVariable: false, diag.OptionalField: false, diag.UselessResponse: false,
	diag.UnknownFlow: false, diag.NotCallable: false, diag.EndlessCalls: false,
}
