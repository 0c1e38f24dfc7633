package outbound

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/wendflow/wend/runtime/secret"
)

const masked = secret.Mask

// mask hides the secrets of one connection in text that leaves it: as they are,
// in hex and base64, and however JSON, a URL or HTML spells any of these.
type mask struct {
	mu    sync.RWMutex
	fixed []string // from the configuration
	moved []string // tokens and cookies, the newest last
	forms *needles // nil: nothing to hide; never changed in place
}

const (
	leastHidden  = 4  // bytes; shorter ones would blot out ordinary text
	leastEncoded = 6  // letters of hex or base64, for the same reason
	leastCookie  = 16 // bytes; shorter ones are settings, not keys
	mostMoved    = 16 // tokens that lapsed longer ago are worth nothing
)

// add hides a secret for good.
func (m *mask) add(secrets ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fixed = merge(m.fixed, secrets)
	m.forms = newNeedles(m.fixed, m.moved)
}

// addPassing hides a token until many newer ones were had.
func (m *mask) addPassing(secrets ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moved = merge(m.moved, secrets)
	m.moved = m.moved[max(0, len(m.moved)-mostMoved):]
	m.forms = newNeedles(m.fixed, m.moved)
}

// addCookie hides a cookie's value like a token, if it can be a key to
// anything. Cookies carry ordinary words too, such as region=europe, and those
// stand in bodies for what they mean.
func (m *mask) addCookie(value string) {
	if looksRandom(value) {
		m.addPassing(value)
	}
}

// looksRandom tells whether text may have been drawn rather than written: it is
// long, and digits stand among its letters, or it is all digits and no number
// that anybody counts with.
func looksRandom(text string) bool {
	letters, digits := 0, 0
	for _, r := range text {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			letters++
		}
	}
	return len(text) >= leastCookie && digits >= 2 && (letters >= 4 || digits > 19)
}

func merge(have, more []string) []string {
	for _, s := range more {
		if len(s) >= leastHidden && !slices.Contains(have, s) {
			have = append(have, s)
		}
	}
	return have
}

func (m *mask) all() *needles {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.forms
}

// hide returns s without the secrets.
func (m *mask) hide(s string) string { return m.all().hide(s) }

// hideName returns a header's name without the secrets. Names have no case of their
// own, so that a secret in one has lost its.
func (m *mask) hideName(name string) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.forms == nil {
		return name
	}
	for _, secret := range slices.Concat(m.fixed, m.moved) {
		if strings.Contains(strings.ToLower(name), strings.ToLower(secret)) {
			return masked
		}
	}
	return m.forms.hide(name)
}

// shows tells whether s holds a secret.
func (m *mask) shows(s string) bool { return m.all().first(s, 0) != nowhere }

// hideBody returns body without the secrets. What was JSON stays JSON: a secret
// is hidden inside text and names, and a number or word that shows one becomes
// text.
func (m *mask) hideBody(body []byte) []byte {
	n := m.all()
	if n == nil {
		return body
	}
	s := string(body)
	switch {
	case n.first(s, 0) == nowhere:
		return body
	case json.Valid(body):
		return []byte(n.hideJSON(s))
	default:
		return []byte(n.hide(s))
	}
}

// needles are what must not be seen, by their first bytes.
type needles struct {
	by [256][]string
	at [256]bool // bytes that one may begin with, escaped or not
}

// newNeedles returns nil for no secrets.
func newNeedles(lists ...[]string) *needles {
	var all []string
	for _, secret := range slices.Concat(lists...) {
		all = append(all, secret)
		all = append(all, encoded(secret)...)
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	n := &needles{}
	for _, s := range slices.Compact(all) {
		n.by[s[0]] = append(n.by[s[0]], s)
		n.at[s[0]] = true
	}
	for _, escape := range []byte(`\%&`) {
		n.at[escape] = true
	}
	if len(n.by[' ']) > 0 {
		n.at['+'] = true
	}
	return n
}

// encoded returns a secret in hex and base64. In base64 the letters depend on
// where in a longer text the secret stands, of three places, and the outermost
// on what stands beside it; those are left out.
func encoded(secret string) []string {
	forms := []string{
		hex.EncodeToString([]byte(secret)),
		strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	for before := range 3 {
		data := append(make([]byte, before), secret...)
		from, to := (before*8+5)/6, len(data)*8/6
		for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			forms = append(forms, alphabet.EncodeToString(data)[from:to])
		}
	}
	return slices.DeleteFunc(forms, func(f string) bool { return len(f) < leastEncoded })
}

// span is a part of a text.
type span struct{ from, to int }

var nowhere = span{-1, -1}

// first returns the first place at or after from that shows a secret, or
// nowhere. Of several that begin there it is the longest.
func (n *needles) first(s string, from int) span {
	if n == nil {
		return nowhere
	}
	for i := from; i < len(s); i++ {
		if !n.at[s[i]] {
			continue
		}
		if to := n.longest(s, i); to > 0 {
			return span{i, to}
		}
	}
	return nowhere
}

// longest returns where the longest secret ends that begins at i, or 0.
func (n *needles) longest(s string, i int) int {
	if !escapes(s[i]) {
		return n.among(n.by[s[i]], s, i)
	}
	end := 0
	for _, r := range readings(s, i) {
		if r.char != "" {
			end = max(end, n.among(n.by[r.char[0]], s, i))
		}
	}
	return end
}

func (n *needles) among(secrets []string, s string, i int) (end int) {
	for _, secret := range secrets {
		// Most are told apart by their second byte.
		if i+1 < len(s) && s[i+1] != secret[1] && !escapes(s[i+1]) && !escapes(s[i]) {
			continue
		}
		m := matcher{text: s, steps: mostSteps}
		end = max(end, m.match(i, secret))
	}
	return end
}

func escapes(c byte) bool { return c == '\\' || c == '%' || c == '&' || c == '+' }

// matcher finds a secret whose parts are plain or escaped.
type matcher struct {
	text  string
	steps int // left
}

// mostSteps bounds what a secret full of backslashes could cost in a text full
// of them. Others need one for each of their characters.
const mostSteps = 100_000

// match returns where secret ends if the text shows it from i on, at its
// longest; else 0.
func (m *matcher) match(i int, secret string) (end int) {
	for ; secret != ""; i, secret = i+1, secret[1:] {
		if i >= len(m.text) || m.steps == 0 {
			return 0
		}
		m.steps--
		if escapes(m.text[i]) {
			for _, r := range readings(m.text, i) {
				if rest, ok := strings.CutPrefix(secret, r.char); ok && r.char != "" {
					end = max(end, m.match(i+r.size, rest))
				}
			}
			return end
		}
		if m.text[i] != secret[0] {
			return 0
		}
	}
	return i
}

// hide returns s without the secrets, those that overlap hidden as one.
func (n *needles) hide(s string) string {
	at := n.first(s, 0)
	if at == nowhere {
		return s
	}
	var b strings.Builder
	done := 0
	for at != nowhere {
		for next := n.first(s, at.from+1); next != nowhere && next.from < at.to; next = n.first(s, next.from+1) {
			at.to = max(at.to, next.to)
		}
		b.WriteString(s[done:at.from])
		b.WriteString(masked)
		done = at.to
		at = n.first(s, done)
	}
	b.WriteString(s[done:])
	return b.String()
}

// hideJSON hides secrets in each text, number and word of valid JSON.
func (n *needles) hideJSON(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		from := i
		switch c := s[i]; {
		case c == '"':
			for i++; s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
			i++
			b.WriteString(n.hideText(s[from:i]))
		case strings.IndexByte("{}[]:, \t\r\n", c) >= 0:
			i++
			b.WriteByte(c)
		default:
			for i < len(s) && strings.IndexByte("{}[]:,\" \t\r\n", s[i]) < 0 {
				i++
			}
			if token := s[from:i]; n.first(token, 0) == nowhere {
				b.WriteString(token)
			} else {
				b.WriteString(`"` + masked + `"`)
			}
		}
	}
	return b.String()
}

// hideText hides secrets in a text of JSON, quotes included. Its escapes are
// undone first, so that none is cut in two.
func (n *needles) hideText(quoted string) string {
	if n.first(quoted, 0) == nowhere {
		return quoted
	}
	var text string
	if err := json.Unmarshal([]byte(quoted), &text); err != nil {
		return `"` + masked + `"` // not reached: the whole was valid
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(n.hide(text)); err != nil {
		return `"` + masked + `"` // not reached either: text can always be written
	}
	return strings.TrimSuffix(b.String(), "\n")
}
