package expand

import (
	"regexp"
	"strings"
)

// wording maps expr's messages to ours; the first pattern that matches wins.
var wording = []struct {
	pattern *regexp.Regexp
	ours    string
}{
	{regexp.MustCompile(`^unexpected token EOF$`), "the expression ends too early"},
	{regexp.MustCompile(`^unexpected end of expression$`), "the expression ends too early"},
	{regexp.MustCompile(`^unexpected token \w+\("?(.*?)"?\)$`), `unexpected "$1"`},
	{regexp.MustCompile(`^invalid integer literal: .* parsing "(.*)": value out of range$`), "the number $1 is beyond 64 bits"},
	{regexp.MustCompile(`^invalid argument for (\w+) \(type (.*)\)$`), "the function does not take $2"},
	{regexp.MustCompile(`^literal not terminated$`), "a quote is never closed"},
	{regexp.MustCompile(`^unrecognized character: U\+\w+ '(.*)'$`), `unexpected "$1"`},
	{regexp.MustCompile(`^Operator \((.*)\) and coalesce expressions.*`), `"??" cannot be mixed with "$1"; put parentheses around it`},
	{regexp.MustCompile(`^cannot fetch (-?\d+) from (.*)$`), "the value is $2 and has no item $1"},
	{regexp.MustCompile(`^cannot fetch (.*) from <nil>$`), `the value is nil and has no field "$1"; give a default with ??`},
	{regexp.MustCompile(`^cannot fetch (.*) from (.*)$`), `the value is $2 and has no field "$1"`},
	{regexp.MustCompile(`^unknown field (.*)$`), `no field "$1" in the value`},
	{regexp.MustCompile(`^type (.*) has no field (.*)$`), `the value is $1 and has no field "$2"`},
	{regexp.MustCompile(`^interface conversion: interface \{\} is (.*), not (.*)$`), "the value is $1, expected $2"},
	{regexp.MustCompile(`^invalid operation: int\((.*)\)$`), `cannot make an integer of "$1"`},
	{regexp.MustCompile(`^invalid operation: float\((.*)\)$`), `cannot make a number of "$1"`},
	{regexp.MustCompile(`^invalid operation: (.*) \(mismatched types? (.*)\)$`), `"$1" does not work with $2`},
	{regexp.MustCompile(`^invalid operation: (.+) ([-+*/%<>=!^]+) (.+)$`), `"$2" does not work with $1 and $3`},
	{regexp.MustCompile(`^reflect: call of reflect\.Value\.\w+ on zero Value$`), "the value is nil, expected an array"},
	{regexp.MustCompile(`^reflect: call of reflect\.Value\.\w+ on (\w+) Value$`), "the value is $1, expected an array"},
	{regexp.MustCompile(`^runtime error: integer divide by zero$`), "division by zero"},
	{regexp.MustCompile(`^memory budget exceeded$`), "the expression builds too much data"},
	{regexp.MustCompile(`^compilation failed: expression exceeds maximum allowed nodes$`), "the expression is too long"},
	{regexp.MustCompile(`^(not enough|too many) arguments to call \$?(\w+)$`), `$1 arguments for $2()`},
	{regexp.MustCompile(`^cannot use (.*) as argument \(type (.*)\) to call \$?(\w+)\s*$`), "$3() takes $2, not $1"},
	{regexp.MustCompile(`^builtin (\w+) takes only array \(got (.*)\)$`), "$1() takes array, not $2"},
	{regexp.MustCompile(`^predicate should return boolean \(got (.*)\)$`), "the condition inside is $1, neither true nor false"},
	{regexp.MustCompile(`^non-bool expression \(type (.*)\) used as condition$`), "the condition is $1, neither true nor false"},
}

// typeWords are Go's types as flows call them. Order matters: the longer first.
var typeWords = strings.NewReplacer(
	"map[string]interface {}", "object", "map[interface {}][]interface {}", "object", "[]interface {}", "array",
	"map[string]any", "object", "[]any", "array", "[]string", "array", "[]int", "array",
	"interface {}", "any value", "float64", "number", "json.Number", "a whole number beyond 64 bits", "expand.digest", "bytes", "time.Time", "a time", "time.Duration", "a duration", "<nil>", "nil",
)

var (
	bareTypes = regexp.MustCompile(`\b(int|bool|slice|map)\b`)
	anType    = regexp.MustCompile(`\b(is|takes|expected|not) (integer|array|object)\b`)
	aType     = regexp.MustCompile(`\b(is|takes|expected|not) (string|number|boolean)\b`)
)

// inOurWords rewords a message of expr, whose types are Go's.
func inOurWords(msg string) string {
	for _, w := range wording {
		if w.pattern.MatchString(msg) {
			msg = w.pattern.ReplaceAllString(msg, w.ours)
			break
		}
	}
	msg = typeWords.Replace(msg)
	msg = bareTypes.ReplaceAllStringFunc(msg, func(word string) string {
		switch word {
		case "int":
			return "integer"
		case "bool":
			return "boolean"
		case "slice":
			return "array"
		default:
			return "object"
		}
	})
	return aType.ReplaceAllString(anType.ReplaceAllString(msg, "$1 an $2"), "$1 a $2")
}

// operatorsElsewhere are forms of other languages, as the source of an expression has
// them, and what to write. The first that fits wins.
var operatorsElsewhere = []struct {
	form *regexp.Regexp
	hint string
}{
	{regexp.MustCompile(`=>|->`), "# is the item inside filter(), map() and the like, such as map(list, #.name)"},
	{regexp.MustCompile(`=~`), `a text is held against a pattern by "matches"`},
	{regexp.MustCompile(`<>`), `what differs is told by "!="`},
	{regexp.MustCompile(`\?:`), `"??" gives a default, such as name ?? "nobody"`},
	{regexp.MustCompile(`\w\.\?\w`), `write "?." for a field of what may be missing`},
	{regexp.MustCompile(`[“”„‘’«»]`), `write plain quotes, " or '`},
	{regexp.MustCompile(`\b(?:AND|OR|NOT|IN)\b`), `operators are in small letters: and, or, not, in`},
	{regexp.MustCompile(`\b(?:contains|startsWith|endsWith|matches)\s*\(`), `it is an operator and stands between, such as name contains "x"`},
	{regexp.MustCompile(`\|\s*\w+\s*$`), "a function behind | has brackets, such as name | upper()"},
	{regexp.MustCompile(`\bif\b[^{}]*\{[^{}]*\}\s*$`), "an if has an else: if x { a } else { b }"},
	{regexp.MustCompile(`\w\.[0-9]`), "an item is read by its number in brackets, such as list[0]"},
	{regexp.MustCompile(`\+\+|--`), "nothing is changed in an expression; write n + 1"},
}

// syntaxHint says what to write instead of what another language has.
func syntaxHint(msg, source string) string {
	for _, o := range operatorsElsewhere {
		if o.form.MatchString(blankQuoted(source)) {
			return o.hint
		}
	}
	switch {
	case strings.HasSuffix(msg, `unexpected "="`):
		return `compare with "=="`
	case strings.HasSuffix(msg, `unexpected "&"`):
		return `write "and" or "&&"`
	case strings.HasSuffix(msg, `unexpected "#"`):
		return `"#" stands for an item inside filter(), map() and the like`
	default:
		return ""
	}
}

// blankQuoted is the source with blanks in the place of what is in quotes.
func blankQuoted(source string) string {
	text := []byte(source)
	for i := 0; i < len(text); i++ {
		n := quoted(source[i:])
		for k := 1; k < n-1; k++ {
			text[i+k] = ' '
		}
		i += max(0, n-1)
	}
	return string(text)
}
