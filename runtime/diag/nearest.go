package diag

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agext/levenshtein"
)

// Bounds of the search for what was meant, so that a file of thousands of
// mistakes is not held against thousands of names letter by letter. Who is
// beyond them gets a hint for a wrong case or a beginning only.
const (
	comparedWord  = 100 // bytes
	comparedNames = 300
)

// Word is a name in small letters and without signs, in which other products write
// the same in many ways: on_error, onError, "on error".
func Word(name string) string { return signs.Replace(strings.ToLower(name)) }

var signs = strings.NewReplacer("-", "", "_", "", " ", "")

// Nearest returns the entry of known that word was most likely meant to be, or
// "" if none is close: the same but for case, misspelt by a letter in three,
// or a beginning of exactly one entry. Of very many entries only the first are
// searched for misspelt ones.
func Nearest(word string, known []string) string {
	if word == "" {
		return ""
	}
	best, bestDistance := "", len(word)/3+1
	compared := 0
	for _, k := range known {
		if strings.EqualFold(k, word) {
			return k
		}
		if len(word) > comparedWord || compared >= comparedNames || tooFar(word, k, bestDistance) {
			continue
		}
		compared++
		if d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(k), nil); d < bestDistance || d == bestDistance && best == "" && d < len(word) {
			best, bestDistance = k, d
		}
	}
	if best == "" {
		best = onlyWithPrefix(word, known)
	}
	return best
}

// tooFar tells by the lengths alone, in characters, that two words are more
// than distance letters apart.
func tooFar(a, b string, distance int) bool {
	if len(b) > 4*(len(a)+distance) {
		return true // so that a long one need not be counted
	}
	apart := utf8.RuneCountInString(a) - utf8.RuneCountInString(b)
	return max(apart, -apart) > distance
}

func onlyWithPrefix(word string, known []string) string {
	match := ""
	for _, k := range known {
		if len(word) >= 3 && len(k) > 0 && hasFoldedPrefix(k, word) {
			if match != "" {
				return ""
			}
			match = k
		}
	}
	return match
}

func hasFoldedPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// suggestAtMost is how many names a hint lists before it says "…".
const suggestAtMost = 12

// Suggest returns a hint for a word that is none of known: `did you mean "x"?`
// if one is close, else `expected one of "a", "b"`, else "".
func Suggest(word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	var names []string // each once
	for _, k := range known {
		if len(names) > suggestAtMost {
			break
		}
		if !slices.Contains(names, k) {
			names = append(names, k)
		}
	}
	if len(names) == 0 {
		return ""
	}
	if len(names) == 1 {
		return fmt.Sprintf("expected %q", names[0])
	}
	more := ""
	if len(names) > suggestAtMost {
		names, more = names[:suggestAtMost], ", …"
	}
	for i, n := range names {
		names[i] = fmt.Sprintf("%q", n)
	}
	return "expected one of " + strings.Join(names, ", ") + more
}
