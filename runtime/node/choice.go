package node

import (
	"maps"
	"slices"
	"strings"
)

// Choices are the texts that a plugin takes for an input, as "x-choices" in
// the input's schema declares them. They are no enum: which outcome an unknown
// one has is the plugin's to say.
type Choices struct {
	// Values are the usual spellings.
	Values []string
	// Aliases are further words, each with the value that it is taken for.
	Aliases map[string]string
	// AnyCase takes upper for lower case, AnySeparator spaces, "-", "_" and
	// "/" for nothing.
	AnyCase, AnySeparator bool
}

// ChoicesOf reads the choices that a schema declares; ok is false if there are
// none, or if they are not in form.
func ChoicesOf(schema map[string]any) (c Choices, ok bool) {
	if schema["x-choices"] == nil || len(choiceProblems(schema)) > 0 {
		return Choices{}, false
	}
	declared, _ := schema["x-choices"].(map[string]any)
	c.Values = texts(declared["values"])
	c.Aliases = map[string]string{}
	aliases, _ := declared["aliases"].(map[string]any)
	for word, v := range aliases {
		c.Aliases[word], _ = v.(string)
	}
	ignored := texts(declared["ignore"])
	c.AnyCase, c.AnySeparator = slices.Contains(ignored, "case"), slices.Contains(ignored, "separators")
	return c, true
}

// Known tells whether a text is one of the choices, and which.
func (c Choices) Known(text string) (value string, ok bool) {
	word := c.bare(text)
	for _, v := range c.Values {
		if c.bare(v) == word {
			return v, true
		}
	}
	for alias, v := range c.Aliases {
		if c.bare(alias) == word {
			return v, true
		}
	}
	return "", false
}

// String lists the values, and what the aliases stand for, as a sentence.
func (c Choices) String() string {
	parts := []string{"One of " + strings.Join(c.Values, ", ")}
	for _, alias := range slices.Sorted(maps.Keys(c.Aliases)) {
		parts = append(parts, alias+" is taken for "+c.Aliases[alias])
	}
	return strings.Join(parts, "; ") + "."
}

func (c Choices) bare(text string) string {
	if c.AnyCase {
		text = strings.ToLower(text)
	}
	if c.AnySeparator {
		text = strings.NewReplacer(" ", "", "-", "", "_", "", "/", "").Replace(text)
	}
	return text
}

func texts(v any) []string {
	list, _ := v.([]any)
	var all []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// choiceProblems says what is wrong with a declaration of choices.
func choiceProblems(schema map[string]any) []Problem {
	var problems []Problem
	wrong := func(msg string, path ...string) {
		problems = append(problems, Problem{Path: append([]string{"x-choices"}, path...), Msg: msg})
	}
	declared, ok := schema["x-choices"].(map[string]any)
	if !ok {
		wrong("expected a mapping such as { values: [Email, Chat], ignore: [case] }")
		return problems
	}
	for key := range declared {
		if !slices.Contains([]string{"values", "aliases", "ignore"}, key) {
			wrong(`expected one of "values", "aliases", "ignore"`, key)
		}
	}
	values := texts(declared["values"])
	if list, _ := declared["values"].([]any); len(list) == 0 || len(values) < len(list) {
		wrong("expected a list of texts", "values")
	}
	aliases, ok := declared["aliases"].(map[string]any)
	if declared["aliases"] != nil && !ok {
		wrong("expected a mapping from words to values", "aliases")
	}
	for word, v := range aliases {
		if s, ok := v.(string); !ok || !slices.Contains(values, s) {
			wrong("expected one of the values", "aliases", word)
		}
	}
	ignored, ok := declared["ignore"].([]any)
	if declared["ignore"] != nil && !ok {
		wrong(`expected a list of "case" and "separators"`, "ignore")
	}
	for _, v := range ignored {
		if v != "case" && v != "separators" {
			wrong(`expected a list of "case" and "separators"`, "ignore")
		}
	}
	return problems
}
