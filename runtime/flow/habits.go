package flow

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// habit is how templates are written elsewhere. What is between is its first
// group.
type habit struct {
	form *regexp.Regexp
	// own tells that the form means other things as well, so that it is one only
	// with a name of the flow in it.
	own bool
	// text tells that it has a meaning in expressions.
	text bool
}

// habits are tried in this order, each on what those before it left.
var habits = []habit{
	{form: regexp.MustCompile(`(?:^=|\$)?\{\{\{?[-~]?([^{}]*?)[-~]?\}?\}\}`)},
	{form: regexp.MustCompile(`<%[=-]?(.*?)-?%>`)},
	{form: regexp.MustCompile(`\$\{([^{}]*)\}`)},
	{form: regexp.MustCompile(`[#%@]\{([^{}]*)\}`), own: true, text: true},
	{form: regexp.MustCompile(`\[\[([^\[\]]*\.[^\[\]]*)\]\]`), own: true, text: true},
	{form: regexp.MustCompile(`\{(\s*[A-Za-z_]\w*(?:\.\w+|\[\d+\])+\s*)\}`), own: true, text: true},
	{form: regexp.MustCompile(`\B(\$\.?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[\d+\])+)`), own: true},
	{form: regexp.MustCompile(`^(\$[A-Za-z_]\w*)$`), own: true},
}

// placeholder is a part of an address's path as descriptions of APIs write it.
var placeholder = regexp.MustCompile(`/(\{[A-Za-z_]\w*\}|:[A-Za-z_]\w*)`)

// mostHabits is how many are told of one text.
const mostHabits = 20

// checkVariables reports templates in the values that variables begin with:
// those are taken as they are.
func (c *compiler) checkVariables() {
	for _, v := range c.spec.Variables {
		c.checkHabits(v.Value)
		yamldoc.Texts("", v.Value, func(_ string, t yamldoc.Text) {
			if i := strings.Index(t.Value, "$("); i >= 0 && !c.stored {
				c.list.Warnf(t.At(i), diag.TemplateVariable, "variables begin with values, not with templates; this one stays as it is").
					Hint = `set it by a node of type "evaluate", under set`
			}
		})
	}
}

// checkHabits reports templates of other languages, which are text here. It
// knows them by a name of this flow in them, or by being all of the text.
func (c *compiler) checkHabits(v yamldoc.Value) {
	if !c.stored {
		yamldoc.Texts("", v, func(_ string, t yamldoc.Text) { c.checkHabit(t, false) })
	}
}

// checkHabit tells whether it reported any. A condition is an expression
// already.
func (c *compiler) checkHabit(t yamldoc.Text, condition bool) bool {
	found := 0
	rest := withoutTemplates(t)
	for _, h := range habits {
		if condition && h.text {
			continue
		}
		for _, at := range h.form.FindAllSubmatchIndex(rest, mostHabits) {
			written, inner := string(rest[at[0]:at[1]]), string(rest[at[2]:at[3]])
			own := c.meant(inner)
			whole := strings.TrimSpace(t.Value) == written && strings.TrimSpace(inner) != ""
			if found == mostHabits || own == "" && (h.own || !whole) {
				continue
			}
			found++
			blank(rest[at[0]:at[1]])
			if condition {
				c.list.Errorf(t.At(at[0]), diag.ForeignTemplate, "%s is no expression here, and needs no signs around it", quoted(written)).
					Hint = "write " + cmp.Or(own, "the names of this flow")
				continue
			}
			c.foreign(t.At(at[0]), written, own)
		}
	}
	return found > 0
}

// checkPlaceholders reports parts of an address's path that nobody fills in.
func (c *compiler) checkPlaceholders(t yamldoc.Text) {
	path, _, _ := bytes.Cut(withoutTemplates(t), []byte("?"))
	for _, at := range placeholder.FindAllSubmatchIndex(path, mostHabits) {
		written := string(path[at[2]:at[3]])
		c.foreign(t.At(at[2]), written, c.meant(strings.Trim(written, "{:}")))
	}
}

// foreign reports a template of another language, and what to write if that is
// known.
func (c *compiler) foreign(at diag.Pos, written, own string) {
	e := c.list.Errorf(at, diag.ForeignTemplate, "%s is no template here and stays as it is; templates are $( )", quoted(written))
	if own == "" {
		e.Severity = diag.SeverityWarning
		e.Hint = "write $(…) with the names of this flow"
		return
	}
	e.Hint = fmt.Sprintf("write $(%s)", own)
	if !strings.ContainsAny(written, "\"\n") {
		e.Hint += fmt.Sprintf(`, or $("%s") for the text itself`, written)
	}
}

func quoted(written string) string {
	if strings.Contains(written, `"`) {
		return written
	}
	return `"` + written + `"`
}

// withoutTemplates is the text with blanks for its templates.
func withoutTemplates(t yamldoc.Text) []byte {
	pieces, open := t.Pieces()
	text := []byte(t.Value)
	for _, p := range pieces {
		if p.Template {
			blank(text[p.Offset-len("$(") : p.Offset+len(p.Text)+len(")")])
		}
	}
	if open >= 0 {
		blank(text[open:])
	}
	return text
}

func blank(text []byte) {
	for i := range text {
		text[i] = ' '
	}
}

// What stands before a name, and behind it, in other languages.
var (
	aheadOfName = regexp.MustCompile(`^(?:steps?|nodes?|vars?|variables|this|ctx|context|outputs?|data)(?:\.|\[["'])`)
	afterName   = regexp.MustCompile(`^(\w+)(?:["']\])?\.(?:outputs?|data|json|item\.json|result)\b`)
	filter      = regexp.MustCompile(`\|\s*(\w+)\s*$`)
	root        = regexp.MustCompile(`^[A-Za-z_]\w*`)
)

// meant returns the expression that the inside of a foreign template means, or
// "" if it names nothing of this flow.
func (c *compiler) meant(inner string) string {
	text := strings.TrimLeft(strings.TrimSpace(inner), "$.")
	short := aheadOfName.ReplaceAllString(text, "")
	tries := []string{text, short, afterName.ReplaceAllString(text, "$1"), filter.ReplaceAllString(text, "| $1()")}
	if short != text {
		tries = slices.Insert(tries, 1, afterName.ReplaceAllString(short, "$1"))
	}
	own := func(text string) bool {
		name := root.FindString(text)
		_, known := c.scope.Names[name]
		return known && (!slices.Contains(engineNames, name) || strings.Contains(text, "."))
	}
	tries = slices.DeleteFunc(tries, func(text string) bool { return !own(text) })
	for _, text := range tries {
		if _, mistakes := expand.Compile(yamldoc.Text{Value: "$(" + text + ")"}, c.scope); len(mistakes) == 0 {
			return text
		}
	}
	if len(tries) == 0 {
		return ""
	}
	return root.FindString(tries[0]) + "…"
}
