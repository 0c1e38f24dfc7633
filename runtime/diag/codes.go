package diag

// Mistakes in the YAML itself: what YAML refuses or silently misreads.
const (
	// InvalidYAML: the file is not YAML, so nothing of it can be checked.
	//
	//	flow: broken
	//	nodes: { n1: { type: log
	InvalidYAML Code = "invalid-yaml"

	// YAMLTab: a tab stands where YAML allows only spaces.
	//
	//	flow: tabs
	//	nodes:
	//		n1: { type: log }
	YAMLTab Code = "yaml-tab"

	// YAMLColon: ": " inside an unquoted value; YAML reads a key there. An
	// expression with `? :` needs quotes, or `if x { "a" } else { "b" }`.
	//
	//	flow: colon
	//	nodes:
	//	  n1: { type: webhook, next: n2 }
	//	  n2:
	//	    type: log
	//	    with:
	//	      message: $(n1.vip ? "gold" : "plain")
	YAMLColon Code = "yaml-colon"

	// YAMLComment: " #" begins a comment, even in the middle of a template, and
	// cuts it short.
	//
	//	flow: comment
	//	nodes:
	//	  n1:
	//	    type: log
	//	    with:
	//	      message: $(filter(n2.items, # > 3))
	YAMLComment Code = "yaml-comment"

	// YAMLComma: in { } and [ ] style a comma or a bracket ends an unquoted
	// value, even inside a template.
	//
	//	flow: comma
	//	variables: { a: x, b: y }
	//	nodes:
	//	  n1: { type: log, with: { message: $(max(a, b)) } }
	YAMLComma Code = "yaml-comma"

	// YAMLTag: a leading ! is a tag to YAML, and the value after it is lost.
	//
	//	flow: tag
	//	nodes:
	//	  n1:
	//	    type: evaluate
	//	    with:
	//	      branches:
	//	        - when: !n2.ok
	//	          outcome: bad
	YAMLTag Code = "yaml-tag"

	// YAMLAnchor: anchors, aliases and merge keys are not supported. What a node
	// does is written where the node stands; what many share goes to `variables`
	// or `defaults`.
	//
	//	flow: anchor
	//	nodes:
	//	  n1: &base
	//	    type: log
	//	  n2: *base
	YAMLAnchor Code = "yaml-anchor"

	// YAMLDocuments: a file holds exactly one flow.
	//
	//	flow: first
	//	nodes:
	//	  n1: { type: log }
	//	---
	//	flow: second
	YAMLDocuments Code = "yaml-documents"

	// YAMLCharacter: a character that YAML cannot hold, or an invisible one that
	// makes editors and YAML disagree about line numbers. Here the name holds
	// U+2028 between the words.
	//
	//	flow: character
	//	nodes:
	//	  n1: { type: log, name: "two words" }
	YAMLCharacter Code = "yaml-character"

	// YAMLNumber: the number would lose how it was written: a version 3.10 would
	// become 3.1, a hash 6063e25 a very big number, a PIN 0123 lose its zero.
	// Quote it to keep it as text, or write the number as it will be. Where a
	// number is due, any way to write it will do.
	//
	//	flow: number
	//	variables:
	//	  pin: 0123
	//	nodes:
	//	  n1: { type: log }
	YAMLNumber Code = "yaml-number"

	// YAMLBoolean: yes, no, on and off are text, not true and false.
	//
	//	flow: boolean
	//	variables:
	//	  vip: yes
	//	nodes:
	//	  n1: { type: log }
	YAMLBoolean Code = "yaml-boolean"

	// YAMLDate: a date without quotes is a text here, and a time to other readers
	// of YAML. A warning.
	//
	//	flow: date
	//	variables:
	//	  since: 2026-11-20
	//	nodes:
	//	  n1: { type: log }
	YAMLDate Code = "yaml-date"

	// DuplicateKey: a key occurs twice in one mapping; with node ids, twice the
	// same node.
	//
	//	flow: duplicate
	//	nodes:
	//	  n1: { type: log }
	//	  n1: { type: log }
	DuplicateKey Code = "duplicate-key"

	// InvalidKey: a key is not a piece of text.
	//
	//	flow: key
	//	nodes:
	//	  [a, b]: { type: log }
	InvalidKey Code = "invalid-key"
)

// Mistakes in the shape of a flow.
const (
	// UnknownKey: no such key here.
	//
	//	flow: unknown
	//	nodes:
	//	  n1:
	//	    type: log
	//	    nxt: n2
	UnknownKey Code = "unknown-key"

	// MissingKey: a key that must be there is not.
	//
	//	flow: missing
	//	nodes:
	//	  n1: { name: a node without a type }
	MissingKey Code = "missing-key"

	// EmptyValue: a value that must say something is empty.
	//
	//	flow: empty
	//	nodes: {}
	EmptyValue Code = "empty-value"

	// InvalidName: a flow's name is kebab-case; ids of nodes and names of
	// variables are made of letters, digits and "_".
	//
	//	flow: bad-name
	//	nodes:
	//	  end-task: { type: log }
	InvalidName Code = "invalid-name"

	// ReservedName: the name means something else in templates.
	//
	//	flow: reserved
	//	nodes:
	//	  error: { type: log }
	ReservedName Code = "reserved-name"

	// SimilarName: two names differ only by upper and lower case.
	//
	//	flow: similar
	//	variables: { customerName: a, CustomerName: b }
	//	nodes:
	//	  n1: { type: log }
	SimilarName Code = "similar-name"

	// InvalidDuration: not a length of time such as 200ms, 5s, 1h30m or 2d.
	//
	//	flow: duration
	//	timeout: 30
	//	nodes:
	//	  n1: { type: log }
	InvalidDuration Code = "invalid-duration"

	// InvalidRetry: a retry that can never happen.
	//
	//	flow: retry
	//	nodes:
	//	  n1:
	//	    type: http
	//	    retry: { max: 0 }
	InvalidRetry Code = "invalid-retry"
)

// Mistakes in a template or a condition.
const (
	// UnclosedTemplate: a $( without its ).
	//
	//	flow: unclosed
	//	variables: { a: x }
	//	nodes:
	//	  n1: { type: log, with: { message: "$(a" } }
	UnclosedTemplate Code = "unclosed-template"

	// EmptyTemplate: nothing between $( and ).
	//
	//	flow: empty
	//	nodes:
	//	  n1: { type: log, with: { message: $() } }
	EmptyTemplate Code = "empty-template"

	// InvalidExpression: the text between $( and ) is not an expression.
	//
	//	flow: invalid
	//	variables: { a: x }
	//	nodes:
	//	  n1: { type: log, with: { message: $(a +) } }
	InvalidExpression Code = "invalid-expression"

	// MisleadingExpression: expr reads the expression otherwise than people do, or
	// it cannot come to anything: "//" begins a comment, "??" binds tighter than
	// "+", of two equal keys one is dropped.
	//
	//	flow: misleading
	//	variables: { a: 7 }
	//	nodes:
	//	  n1: { type: log, with: { message: "$(a // 2)" } }
	MisleadingExpression Code = "misleading-expression"

	// ExpressionType: an operator or a function does not take such a value.
	//
	//	flow: mismatch
	//	variables: { a: x }
	//	nodes:
	//	  n1: { type: log, with: { message: $(a - 1) } }
	ExpressionType Code = "expression-type"

	// UnknownReference: no variable and no node has that name.
	//
	//	flow: reference
	//	variables: { domain: example.com }
	//	nodes:
	//	  n1: { type: log, with: { message: $(domian) } }
	UnknownReference Code = "unknown-reference"

	// UnknownField: the value is known to have no such field.
	//
	//	flow: field
	//	nodes:
	//	  n1: { type: log, with: { message: $(run.idd) } }
	UnknownField Code = "unknown-field"

	// UnknownFunction: no function has that name.
	//
	//	flow: function
	//	variables: { a: x }
	//	nodes:
	//	  n1: { type: log, with: { message: $(uper(a)) } }
	UnknownFunction Code = "unknown-function"

	// UndeclaredDigits: $(0042) stands for itself, since no variable of that
	// name is declared.
	//
	//	flow: digits
	//	nodes:
	//	  n1: { type: log, with: { message: $(0042) } }
	UndeclaredDigits Code = "undeclared-digits"

	// TemplateKey: keys are never templates, so this one stays as written.
	//
	//	flow: template-key
	//	variables: { a: x }
	//	nodes:
	//	  n1: { type: log, with: { "$(a)": 1 } }
	TemplateKey Code = "template-key"

	// PartialCondition: a condition is an expression already; $( ) may stand
	// around all of it, but not around a part.
	//
	//	flow: partial
	//	variables: { a: x }
	//	nodes:
	//	  n1:
	//	    type: evaluate
	//	    with:
	//	      branches:
	//	        - { when: $(a) == "x", outcome: yes }
	PartialCondition Code = "partial-condition"

	// NotBoolean: a condition is neither true nor false.
	//
	//	flow: not-boolean
	//	variables: { a: x }
	//	nodes:
	//	  n1:
	//	    type: evaluate
	//	    with:
	//	      branches:
	//	        - { when: a, outcome: yes }
	NotBoolean Code = "not-boolean"
)
