package secret

import (
	"encoding/base64"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Looks tells what secret a text looks like that stands in a file, such as "a
// token of GitHub"; "" if it looks like none. name is the key that it stands
// under: under one such as "password" a text counts that hardly is a word.
// Whoever asks says to people that it looks like one, since it is a guess.
func Looks(name, text string) string {
	if len(text) < 6 {
		return ""
	}
	for _, f := range forms {
		if strings.Contains(text, f.mark) && f.form.MatchString(text) {
			return f.what
		}
	}
	text = strings.TrimSpace(text)
	if what := inQuery(text); what != "" {
		return what
	}
	scheme, value, ok := strings.Cut(text, " ")
	switch value = strings.TrimSpace(value); {
	case ok && strings.EqualFold(scheme, "Bearer") && oneWord.MatchString(value):
		return "a bearer token"
	case ok && strings.EqualFold(scheme, "Basic") && isPair(value):
		return "a user name and a password"
	case isNamed(name) && random(text):
		return "a secret, as " + strconv.Quote(name) + " says"
	}
	return ""
}

// inQuery looks at the query of an address.
func inQuery(text string) string {
	address, query, ok := strings.Cut(text, "?")
	if !ok || !strings.HasPrefix(address, "/") && !strings.Contains(address, "://") {
		return ""
	}
	query, _, _ = strings.Cut(query, "#")
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if len(value) >= 6 && isNamed(name) && random(value) {
			return "a secret, as " + strconv.Quote(name) + " says"
		}
	}
	return ""
}

func isNamed(name string) bool { return named.MatchString(fold.Replace(strings.ToLower(name))) }

// form is how the secrets of one party can be known. mark is a part that all of
// them have.
type form struct {
	what, mark string
	form       *regexp.Regexp
}

var forms = []form{
	{"a private key", "PRIVATE KEY", regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY`)},
	{"a signed token (JWT)", "eyJ", regexp.MustCompile(`\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}`)},
	{"a key of Stripe", "k_", regexp.MustCompile(`\b[sr]k_(live|test)_[0-9A-Za-z]{8,}`)},
	{"a webhook's secret", "whsec_", regexp.MustCompile(`\bwhsec_[0-9A-Za-z+/=]{16,}`)},
	{"a token of GitHub", "gh", regexp.MustCompile(`\bgh[pousr]_[0-9A-Za-z]{16,}`)},
	{"a token of GitHub", "github_pat_", regexp.MustCompile(`\bgithub_pat_\w{20,}`)},
	{"a token of Wend", "wend_", regexp.MustCompile(`\bwend_[\w-]{43}`)},
	{"a token of GitLab", "glpat-", regexp.MustCompile(`\bglpat-[\w-]{16,}`)},
	{"a token of Slack", "xox", regexp.MustCompile(`\bxox[a-z]-[0-9A-Za-z-]{8,}`)},
	{"a token of Slack", "xapp-", regexp.MustCompile(`\bxapp-\d-[0-9A-Za-z-]{16,}`)},
	{"an address of Slack that takes messages from anybody", "hooks.slack.com", regexp.MustCompile(`hooks\.slack\.com/services/T\w+/B\w+/\w{16,}`)},
	{"a key of AWS", "A", regexp.MustCompile(`\b(AKIA|ASIA)[0-9A-Z]{16}\b`)},
	{"a key of Google", "AIza", regexp.MustCompile(`\bAIza[\w-]{35}`)},
	{"a token of Google", "ya29.", regexp.MustCompile(`\bya29\.[\w-]{20,}`)},
	{"a key of OpenAI or Anthropic", "sk-", regexp.MustCompile(`\bsk-(proj-|ant-|svcacct-)?[0-9A-Za-z_-]*[0-9][0-9A-Za-z_-]{15,}`)},
	{"a key of SendGrid", "SG.", regexp.MustCompile(`\bSG\.[\w-]{16,}\.[\w-]{16,}`)},
	{"a key of Twilio", "SK", regexp.MustCompile(`\bSK[0-9a-f]{32}\b`)},
	{"a key of Mailgun", "key-", regexp.MustCompile(`\bkey-[0-9a-f]{32}\b`)},
	{"a token of Shopify", "shp", regexp.MustCompile(`\bshp(at|ca|pa|ss)_[0-9a-fA-F]{32}`)},
	{"a token of DigitalOcean", "do", regexp.MustCompile(`\bdo[opr]_v1_[0-9a-f]{64}`)},
	{"a token of npm", "npm_", regexp.MustCompile(`\bnpm_[0-9A-Za-z]{36}`)},
	{"a token of PyPI", "pypi-", regexp.MustCompile(`\bpypi-[\w-]{40,}`)},
	{"a token of Hugging Face", "hf_", regexp.MustCompile(`\bhf_[0-9A-Za-z]{30,}`)},
	{"a token of HashiCorp Vault", "hvs.", regexp.MustCompile(`\bhvs\.[\w-]{24,}`)},
	{"a password in an address", "://", regexp.MustCompile(`\b[a-z][a-z0-9+.-]*://[^/\s:@$"'<>{}]*:[^/\s:@$"'<>{}]{3,}@[\w.-]`)},
}

var (
	oneWord = regexp.MustCompile(`^[\w.~+/=:-]{3,}$`)
	fold    = strings.NewReplacer("-", "", "_", "", ".", "", " ", "")
	named   = regexp.MustCompile(`(password|passwd|pwd|passphrase|secret|token|apikey|accesskey|authkey|secretkey|privatekey|signingkey|credentials?|authorization|apikey\d|xapikey|clientkey|subscriptionkey)\d?$`)
	// What stands for a secret, or says where one is.
	standIn = regexp.MustCompile(`(?i)^(env|file):|://|\$\(|\$\{|\{\{|<.*>|x{4}|\*{3}|•|changeme|change-me|replace|your[-_]|example|placeholder|dummy|^\d{4}-\d\d-\d\d|^/|^[\w-]+(\.[a-z][\w-]*)+$`)
)

// isPair tells of base64 that holds name:password.
func isPair(text string) bool {
	pair, err := base64.StdEncoding.DecodeString(text)
	return err == nil && strings.Contains(string(pair), ":") && strings.IndexFunc(string(pair), unicode.IsControl) < 0
}

// random tells of a text that is no word, number or name: one without blanks, of
// letters and digits, whose characters vary.
func random(text string) bool {
	if strings.ContainsAny(text, " \t\n") || standIn.MatchString(text) {
		return false
	}
	var lower, upper, digit bool
	seen := map[rune]float64{}
	n := 0.0
	for _, r := range text {
		lower, upper, digit = lower || unicode.IsLower(r), upper || unicode.IsUpper(r), digit || unicode.IsDigit(r)
		seen[r]++
		n++
	}
	bits := 0.0 // of a character
	for _, times := range seen {
		bits -= times / n * math.Log2(times/n)
	}
	mixed := digit && (lower || upper) || lower && upper && n >= 16
	return mixed && bits >= 2.5
}
