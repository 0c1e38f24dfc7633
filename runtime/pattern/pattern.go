// Package pattern compiles regular expressions that others wrote: in a schema,
// in a template, or in the data of a run. They are RE2's, which take time by the
// length of a text, but a short one may still unfold into millions of steps:
// this package counts them first, and keeps what it compiled within a bound.
package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"sync"
)

// Bounds of one pattern. They are those of a list of some hundred words, or of a
// thousand characters each of some class.
const (
	MaxLength = 4096 // bytes
	MaxCost   = 5000 // steps of what it unfolds to, see Pattern.Cost
)

// maxSteps is how much one match may take, each step being some ten nanoseconds.
const maxSteps = 50_000_000

// Error says why a pattern is none, or is refused, and what to try.
type Error struct {
	Pattern string
	Why     string
	Hint    string
}

// Error returns "the pattern "…" cannot be run: why".
func (e *Error) Error() string {
	text := e.Pattern
	if cut := []rune(text); len(cut) > 80 {
		text = string(cut[:80]) + "…"
	}
	return fmt.Sprintf("the pattern %q cannot be run: %s", text, e.Why)
}

// Pattern is one that can be run. It is compiled when it is first used, and again
// if too many others were used since. Immutable and safe for concurrent use.
type Pattern struct {
	text string
	cost int
}

// String returns what was compiled.
func (p *Pattern) String() string { return p.text }

// Cost is about how many steps the pattern unfolds to. A match takes at most so
// many for every byte of the text, and most take far fewer.
func (p *Pattern) Cost() int { return p.cost }

// MatchString tells whether the pattern fits somewhere in a text. A text that is
// so long that it could take a second fits no pattern.
func (p *Pattern) MatchString(s string) bool {
	return len(s) <= maxSteps/p.cost && known.get(p).MatchString(s)
}

// Compile reads a pattern, which takes time by the length of its text alone. An
// error is an *Error.
func Compile(text string) (*Pattern, error) {
	if len(text) > MaxLength {
		return nil, &Error{text, fmt.Sprintf("it is %d bytes long, expected %d at most", len(text), MaxLength), ""}
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, explain(text, err)
	}
	cost := costOf(tree)
	if cost > MaxCost {
		return nil, &Error{
			text, fmt.Sprintf("its repetitions unfold to more than %d steps", MaxCost),
			"repeat less, or hold the length by other means such as `maxLength`",
		}
	}
	return &Pattern{text, cost}, nil
}

func explain(text string, err error) *Error {
	e := &Error{Pattern: text, Why: err.Error()}
	var wrong *syntax.Error
	if errors.As(err, &wrong) {
		e.Why = fmt.Sprintf("%s: `%s`", wrong.Code, wrong.Expr)
		switch wrong.Code {
		case syntax.ErrInvalidPerlOp, syntax.ErrInvalidNamedCapture, syntax.ErrInvalidEscape:
			e.Hint = "patterns are those of RE2, without lookaround and backreferences, so that none takes for ever"
		default: // the reason says it all
		}
	}
	return e
}

// runesAStep is how many bounds of a class of characters count as a step.
const runesAStep = 100

// costOf counts the steps of a tree before anything of it is unfolded. What is
// beyond the limit is counted no further.
func costOf(re *syntax.Regexp) int {
	cost := 1
	switch re.Op {
	case syntax.OpLiteral:
		cost = len(re.Rune)
	case syntax.OpCharClass:
		cost += len(re.Rune) / runesAStep
	default: // one step, and those of what is in it
	}
	for _, sub := range re.Sub {
		if cost += costOf(sub); cost > MaxCost {
			return MaxCost + 1
		}
	}
	if re.Op == syntax.OpRepeat {
		cost = (cost - 1) * max(re.Max, re.Min+1) // without an end it is Min times and a star
	}
	return min(max(cost, 1), MaxCost+1)
}

// cache keeps what was compiled, as long as all of it has no more than so many
// steps, some 100 bytes each. It forgets at random: who fills it with patterns
// from data can make others be compiled anew, which costs what the first time
// did.
type cache struct {
	mu       sync.RWMutex
	compiled map[string]compiled
	cost     int
	most     int
}

type compiled struct {
	*regexp.Regexp
	price int
}

var known = &cache{compiled: map[string]compiled{}, most: 40 * MaxCost}

func (c *cache) get(p *Pattern) *regexp.Regexp {
	c.mu.RLock()
	found := c.compiled[p.text]
	c.mu.RUnlock()
	if found.Regexp != nil {
		return found.Regexp
	}
	found = compiled{regexp.MustCompile(p.text), 10 + p.cost + len(p.text)/10} // what can be read can be compiled
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.compiled[p.text].Regexp != nil {
		return found.Regexp // somebody was faster
	}
	for text, old := range c.compiled {
		if c.cost+found.price <= c.most {
			break
		}
		delete(c.compiled, text)
		c.cost -= old.price
	}
	c.compiled[p.text] = found
	c.cost += found.price
	return found.Regexp
}
