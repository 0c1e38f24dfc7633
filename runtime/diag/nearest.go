package diag

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the entry of known that word was most likely meant to be, or
// "" if none is close: the same but for case, misspelt by a letter in three,
// or a beginning of exactly one entry.
func Nearest(word string, known []string) string {
	if word == "" {
		return ""
	}
	best, bestDistance := "", len(word)/3+1
	for _, k := range known {
		if strings.EqualFold(k, word) {
			return k
		}
		if d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(k), nil); d < bestDistance || d == bestDistance && best == "" && d < len(word) {
			best, bestDistance = k, d
		}
	}
	if best == "" {
		best = onlyWithPrefix(word, known)
	}
	return best
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
