package yamldoc

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
)

var (
	wholeNumber = regexp.MustCompile(`^[-+]?[0-9]+$`)
	grouped     = regexp.MustCompile(`^[-+]?[0-9]+(_[0-9]+)+$`)
	otherRadix  = regexp.MustCompile(`^[-+]?0(o[0-7]+|x[0-9a-fA-F]+|b[01]+)$`)
	realNumber  = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	notFinite   = regexp.MustCompile(`^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$`)
	zerosBefore = regexp.MustCompile(`^[-+]?0[0-9_]+$`)
	coreRadix   = regexp.MustCompile(`^0o[0-7]+$|^0x[0-9a-fA-F]+$`)
	dateOrTime  = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?$`)
)

// plainData is what an unquoted text means by YAML 1.2's core schema. It does
// not ask the library, which still reads 0123 as octal and dates as times.
func plainData(s string) any {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	}
	if c := s[0]; c > '9' {
		return s
	}
	switch {
	case wholeNumber.MatchString(s):
		if i, err := strconv.Atoi(s); err == nil {
			return i
		}
		if n, err := data.Number(strings.TrimPrefix(s, "+")); err == nil {
			return n
		}
		return s
	case coreRadix.MatchString(s):
		if i, err := strconv.ParseInt(s, 0, 64); err == nil {
			return int(i)
		}
		return s
	case !realNumber.MatchString(s):
		return s
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	return f
}

// looksLikeNumber tells whether people or readers of YAML, old or new, take an
// unquoted text for a number.
func looksLikeNumber(s string) bool {
	if s == "" || s[0] > '9' {
		return false
	}
	return wholeNumber.MatchString(s) || realNumber.MatchString(s) || grouped.MatchString(s) || otherRadix.MatchString(s) || notFinite.MatchString(s)
}

// Number returns the number that an unquoted text stands for where a number is
// due, in any of the ways to write one: 42, +5, 1_000, 0x1F, 2.50, 1e3. It is
// an int if it is whole and fits, else as package data has it. A number with
// zeros before it may be an octal one, and a fraction with more digits than fit
// is another number: both are none.
func (s *Scalar) Number() (n any, ok bool) {
	if s.style == unknownStyle { // it was made of data
		switch s.Data.(type) {
		case int, float64, json.Number:
			return s.Data, true
		}
		return nil, false
	}
	if s.style != plain || !looksLikeNumber(s.Value) || zerosBefore.MatchString(s.Value) {
		return nil, false
	}
	return exactNumber(s.Value)
}

func exactNumber(s string) (n any, ok bool) {
	if grouped.MatchString(s) {
		s = strings.ReplaceAll(s, "_", "")
	}
	if otherRadix.MatchString(s) || wholeNumber.MatchString(s) {
		base := 10
		if otherRadix.MatchString(s) {
			base = 0
		}
		if i, err := strconv.ParseInt(s, base, 64); err == nil {
			return int(i), true
		}
		if base == 10 {
			n, err := data.Number(strings.TrimPrefix(s, "+"))
			return n, err == nil
		}
	}
	if !realNumber.MatchString(s) {
		return nil, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, false
	}
	if digits, exponent := decimal(s); true {
		if d, e := decimal(strconv.FormatFloat(f, 'e', -1, 64)); d != digits || e != exponent {
			return nil, false
		}
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int(f), true
	}
	return f, true
}

// decimal takes a number apart into its digits, without zeros at either end,
// and the power of ten of the last; two numbers are equal if both are.
func decimal(s string) (digits string, exponent int) {
	mantissa, power, _ := strings.Cut(strings.ToLower(strings.TrimLeft(s, "+-")), "e")
	exponent, _ = strconv.Atoi(power) // a float64 was read, so it is small or the digits are zero
	whole, fraction, _ := strings.Cut(mantissa, ".")
	exponent -= len(fraction)
	digits = strings.TrimLeft(whole+fraction, "0")
	kept := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(kept)
	if kept == "" {
		exponent = 0
	}
	return kept, exponent
}

// written is how a number is written in JSON.
func written(n any) string {
	text, err := data.JSON(n)
	if err != nil {
		return ""
	}
	return string(text)
}

// CheckNumber reports an unquoted text that would not be the same any more once
// it was read as a number and written again, as a version 3.10 or a hash
// 6063e25. It is for places that take any data; where a number is due Number
// says more.
func (s *Scalar) CheckNumber(l *diag.List) {
	if s.style != plain || !looksLikeNumber(s.Value) {
		return
	}
	number := func(hint, format string, a ...any) {
		l.Errorf(s.Text.Pos, diag.YAMLNumber, format, a...).Hint = hint
	}
	const quote = "put it in quotes to keep it as text"
	v := s.Value
	n, exact := exactNumber(v)
	as := written(n)
	switch {
	case zerosBefore.MatchString(v):
		number(quote, "as a number %s would lose its leading zeros", v)
	case !exact && realNumber.MatchString(v) && fits(v):
		number(quote, "the number %s has more digits than can be kept", v)
	case !exact:
		number(quote, "the number %s cannot be represented", v)
	case as == v, as == strings.Replace(v, "e", "e+", 1), v == "0.0": // 0.0 is where a sum that is no whole number begins
	case wholeNumber.MatchString(v) && v[0] == '+':
		number(quote, "as a number %s would lose its plus sign", v)
	default:
		number(fmt.Sprintf("write %s if the number is meant, or %q in quotes to keep the text", as, v), "as a number %s would become %s", v, as)
	}
}

// fits tells whether a number has a float64 near to it.
func fits(s string) bool {
	f, err := strconv.ParseFloat(s, 64)
	return err == nil && f != 0
}

// checkWord warns of an unquoted text that other readers of YAML, or the one
// who wrote it, take for something else.
func (s *Scalar) checkWord(l *diag.List) {
	switch v := s.Value; {
	case s.style != plain:
	case isOldBoolean(v):
		mistake := l.Warnf(s.Text.Pos, diag.YAMLBoolean, "%s is the text %q here, not a boolean", v, v)
		mistake.Hint = "write true or false, or put it in quotes if the text is meant"
	case dateOrTime.MatchString(v):
		mistake := l.Warnf(s.Text.Pos, diag.YAMLDate, "%s is a text here, and a time to other readers of YAML", v)
		mistake.Hint = "put it in quotes"
	}
}

// isOldBoolean tells whether YAML 1.1 would read s as a boolean, and 1.2 not.
func isOldBoolean(s string) bool {
	switch strings.ToLower(s) {
	case "yes", "no", "on", "off":
		return true
	}
	return false
}

// CheckNumbers reports, for every scalar in v, what CheckNumber does.
func CheckNumbers(v Value, l *diag.List) {
	for s := range scalars(v) {
		if !s.lost { // of which its tag was told
			s.CheckNumber(l)
		}
	}
}

// CheckWords warns, for every scalar in v, of words and dates that are text and
// may be meant as something else.
func CheckWords(v Value, l *diag.List) {
	for s := range scalars(v) {
		s.checkWord(l)
	}
}
