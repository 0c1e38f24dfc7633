package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// told is a mistake as `wend check --json` gives it.
type told struct {
	Line, Column        int
	Code, Message, Hint string
}

// Hints that propose what to write, and what of the file gives way to it. A
// text in quotes that the message has, and that stands at the place of the
// mistake, is what they replace; or the value there.
var (
	meant      = regexp.MustCompile(`did you mean "([^"]+)"\?`)
	writeText  = regexp.MustCompile(`^write "([^"]+)"`)
	writeOther = regexp.MustCompile(`(?:^|; )write (\$\([^…]*?\)|[^\s"$][^\s"]*)(?:, or| instead| if|$)`)
	inQuotes   = regexp.MustCompile(`put (?:quotes around it|it in quotes|the value in quotes)`)
	aDefault   = regexp.MustCompile(`such as \(?(\S+) \?\? ([^\s)]+?)\)?(, and put the whole value in quotes)?(?:;|$)`)
	quoted     = regexp.MustCompile(`"([^"]+)"`)
	valueHere  = regexp.MustCompile(`^(?:"[^"]*"|'[^']*'|[^\s,{}\[\]#][^,{}\[\]\n#]*)`)
)

// TestHintsCanBePasted does what the hints of all golden mistakes say, one by
// one, and holds that the mistake is gone and the file is as good YAML as it was.
func TestHintsCanBePasted(t *testing.T) {
	t.Parallel()
	withoutRace(t)
	done := make(chan int, len(flowFiles(t, "err")))
	t.Run("files", func(t *testing.T) {
		for _, file := range flowFiles(t, "err") {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
				t.Parallel()
				tried := 0
				src := readFile(t, file)
				before := checked(t, file)
				for _, m := range before {
					if pasted, ok := paste(src, m); ok {
						tried++
						holdPasted(t, m, before, pasted)
					}
				}
				done <- tried
			})
		}
	})
	close(done)
	all := 0
	for n := range done {
		all += n
	}
	if all < 100 {
		t.Errorf("%d hints were tried, want the hundred that there are", all)
	}
}

func holdPasted(t *testing.T, m told, before []told, pasted string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "flow.yaml")
	if err := os.WriteFile(file, []byte(pasted), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, after := range checked(t, file) {
		same := func(e told) bool { return e.Code == after.Code && e.Message == after.Message }
		count := func(e told) bool {
			return e.Code == m.Code && e.Message == m.Message && e.Line == m.Line && e.Column == m.Column
		}
		if count(after) {
			t.Errorf("%d:%d: %s; %s\nis still there in\n%s", m.Line, m.Column, m.Message, m.Hint, line(pasted, m.Line))
		}
		broken := strings.HasPrefix(after.Code, "yaml-") || after.Code == "invalid-yaml" || after.Code == "invalid-expression" || after.Code == "unclosed-template"
		if broken && !slices.ContainsFunc(before, same) {
			t.Errorf("%d:%d: %s; %s\nbecomes\n%s\nwhich is: %s", m.Line, m.Column, m.Message, m.Hint, line(pasted, m.Line), after.Message)
		}
	}
}

func checked(t *testing.T, file string) []told {
	t.Helper()
	_, stdout, _ := check(t, "--json", file)
	var list []told
	if err := json.Unmarshal([]byte(stdout), &list); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, stdout)
	}
	return list
}

func line(src string, n int) string { return strings.Split(src, "\n")[n-1] }

// paste does what a hint says; ok is false if it proposes nothing to write.
func paste(src string, m told) (string, bool) {
	if m.Line == 0 {
		return "", false
	}
	lines := strings.Split(src, "\n")
	at := []rune(strings.TrimSuffix(lines[m.Line-1], "\r"))
	if m.Column-1 >= len(at) {
		return "", false
	}
	head, rest := string(at[:m.Column-1]), string(at[m.Column-1:])
	old, text := "", ""
	switch {
	case meant.MatchString(m.Hint):
		old, text = wordAt(rest, m.Message), meant.FindStringSubmatch(m.Hint)[1]
	case writeText.MatchString(m.Hint) && !strings.Contains(m.Hint, " in place of "):
		old, text = wordAt(rest, m.Message), writeText.FindStringSubmatch(m.Hint)[1]
	case inQuotes.MatchString(m.Hint) && !strings.HasPrefix(rest, "$("):
		old = strings.TrimRight(valueHere.FindString(rest), " ")
		text = `"` + old + `"`
	case writeOther.MatchString(m.Hint):
		old, text = wordAt(rest, m.Message), writeOther.FindStringSubmatch(m.Hint)[1]
	case aDefault.MatchString(m.Hint):
		found := aDefault.FindStringSubmatch(m.Hint)
		if old = found[1]; strings.HasPrefix(rest, old) {
			text = strings.TrimSuffix(strings.TrimPrefix(strings.SplitN(found[0], ";", 2)[0], "such as "), found[3])
			if found[3] != "" {
				begin := strings.LastIndexAny(head, ",{[")
				if colon := strings.LastIndex(head, ": "); colon > begin {
					begin = colon + 1
				}
				begin += 1 + len(head[begin+1:]) - len(strings.TrimLeft(head[begin+1:], " "))
				head = head[:begin] + `"` + head[begin:]
				behind := strings.TrimPrefix(rest, old)
				end := strings.IndexAny(behind, ",]}")
				value := strings.TrimRight(behind[:end], " ")
				rest = old + value + `"` + behind[len(value):]
			}
		} else {
			old = ""
		}
	}
	if old == "" {
		return "", false
	}
	lines[m.Line-1] = head + text + strings.TrimPrefix(rest, old)
	return strings.Join(lines, "\n"), true
}

// wordAt is what the message has in quotes and the file has there, or the word
// there.
func wordAt(rest, message string) string {
	for _, q := range quoted.FindAllStringSubmatch(message, -1) {
		for _, word := range []string{q[1], q[1][strings.LastIndex(q[1], ".")+1:]} {
			if word != "" && strings.HasPrefix(rest, word) {
				return word + regexp.MustCompile(`^@[0-9.]*`).FindString(rest[len(word):])
			}
		}
	}
	return regexp.MustCompile(`^"[^"]*"|^[^\s,{}()]+`).FindString(rest)
}
