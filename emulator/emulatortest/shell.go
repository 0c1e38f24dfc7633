package emulatortest

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// shell does as much of sh as the pages need: commands that go on while a
// single quote is open, variables, and curl.
type shell struct {
	t         testing.TB
	addr      string // where curl goes, whatever the URL says
	variables map[string]string
}

// play returns the commands of a block, each with what it prints.
func (sh shell) play(block string) string {
	sh.t.Helper()
	var out strings.Builder
	for _, command := range commands(block) {
		out.WriteString("$ " + command)
		if printed := strings.TrimRight(sh.run(strings.TrimSpace(command)), "\n"); printed != "" {
			out.WriteString(printed + "\n")
		}
	}
	return out.String()
}

// commands are the commands of a block, without what they printed.
func commands(block string) []string {
	var found []string
	open := false
	for line := range strings.Lines(block) {
		command, starts := strings.CutPrefix(line, "$ ")
		switch {
		case open:
			found[len(found)-1] += line
		case starts:
			found = append(found, command)
		default:
			continue
		}
		open = strings.Count(found[len(found)-1], "'")%2 == 1
	}
	return found
}

var (
	assignment = regexp.MustCompile(`^([A-Z]+)=(.*)$`)
	word       = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)
)

func (sh shell) run(command string) string {
	sh.t.Helper()
	if a := assignment.FindStringSubmatch(command); a != nil {
		sh.variables[a[1]] = strings.Trim(a[2], "'")
		return ""
	}
	words := word.FindAllString(command, -1)
	if len(words) == 0 || words[0] != "curl" {
		sh.t.Fatalf("no command %q, only curl and NAME=value", command)
	}
	for i, w := range words {
		words[i] = sh.expand(w)
	}
	c, err := parseCurl(words[1:])
	if err != nil {
		sh.t.Fatalf("%s: %v", command, err)
	}
	printed, err := c.do(sh.t.Context(), sh.addr)
	if err != nil {
		sh.t.Fatalf("%s: %v", command, err)
	}
	return printed
}

// expand takes the quotes off a word. Only single quotes keep a $ as it is.
func (sh shell) expand(word string) string {
	if strings.HasPrefix(word, "'") {
		return strings.Trim(word, "'")
	}
	return os.Expand(strings.Trim(word, `"`), func(name string) string { return sh.variables[name] })
}
