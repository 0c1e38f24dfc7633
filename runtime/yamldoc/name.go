package yamldoc

import "regexp"

var (
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	digits     = regexp.MustCompile(`^[0-9]+$`)
	kebabCase  = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	dashed     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
)

// IsKebab tells whether s may name a flow, a plugin or a method: lower-case
// words joined by "-".
func IsKebab(s string) bool { return kebabCase.MatchString(s) }

// IsIdentifier tells whether s may name a node: letters, digits and "_".
func IsIdentifier(s string) bool { return identifier.MatchString(s) }

// IsVariable tells whether s may name a variable: an identifier, or digits
// only.
func IsVariable(s string) bool { return IsIdentifier(s) || digits.MatchString(s) }

// IsConnection tells whether s may name a connection: an identifier that may
// hold "-".
func IsConnection(s string) bool { return dashed.MatchString(s) }
