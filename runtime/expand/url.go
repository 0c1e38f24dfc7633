package expand

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// CompileURL compiles a text that is an address. What a template in it comes to
// is escaped by its place: inside the path it is the text of one segment,
// inside the query of one value. One that is the whole address, or with which
// it begins, is taken as it is. Evaluating fails if the address would lead
// elsewhere than it reads: through an empty segment, or one of dots.
func CompileURL(t yamldoc.Text, s *Scope) (*Template, diag.List) {
	tmpl, list := Compile(t, s)
	tmpl.url = true
	return tmpl, list
}

// KnownURL is what is known of an address before its templates have values:
// the text, with two digits for each template, and whether its host is all
// written out. It is "" if nothing can be said: a template may say where the
// address leads.
func KnownURL(text string) (known string, host bool) {
	pieces, open := yamldoc.Text{Value: text}.Pieces()
	if open >= 0 {
		return "", false
	}
	host = true
	var b strings.Builder
	for _, p := range pieces {
		if !p.Template {
			b.WriteString(p.Text)
			continue
		}
		switch before := b.String(); {
		case !strings.ContainsAny(before, ":/?#"):
			return "", false
		case !hostEnds(before):
			host = false
		}
		b.WriteString("11")
	}
	return b.String(), host
}

// hostEnds tells whether the host of an address is complete in its beginning,
// if it has one.
func hostEnds(before string) bool {
	i := strings.IndexAny(before, ":/?#")
	if i < 0 || before[i] != ':' {
		return i >= 0
	}
	rest, ok := strings.CutPrefix(before[i:], "://")
	return ok && strings.ContainsAny(rest, "/?#")
}

// place is a part of an address.
type place uint8

const (
	atStart place = iota // no "/", "?" or "#" was seen yet
	inHost
	inPath
	inQuery
	inFragment
)

// address is a URL that is being written.
type address struct {
	text    []byte
	place   place
	segment int   // where the path's last segment begins
	filled  *part // the last template that stands in that segment
	base    *part // the template that the address begins with, until the first "/" behind it
}

func (t *Template) evalURL(e Env) (any, error) {
	var most [128]byte // bytes of most addresses
	a := address{text: most[:0]}
	for i := range t.parts {
		p := &t.parts[i]
		if p.expr == nil {
			if err := a.literal(p.literal.(string)); err != nil {
				return nil, err
			}
			continue
		}
		v, err := p.expr.eval(e)
		if err != nil {
			return nil, err
		}
		s, err := data.Text(v)
		if err == nil {
			err = a.value(p, s)
		}
		if err != nil {
			return nil, p.expr.fail(err)
		}
	}
	if err := a.closeSegment(); err != nil {
		return nil, err
	}
	return string(a.text), nil
}

// literal adds what the author wrote.
func (a *address) literal(s string) error {
	if a.base != nil {
		if err := a.afterBase(s); err != nil {
			return a.base.expr.fail(err)
		}
		a.base = nil
	}
	return a.add(s)
}

// afterBase tells whether an address that begins with a value can go on with s.
func (a *address) afterBase(s string) error {
	switch base := string(a.text); {
	case strings.HasPrefix(s, "://"):
		if base != "http" && base != "https" {
			return fmt.Errorf("the scheme is %q, expected http or https", base)
		}
	case strings.HasPrefix(s, "/") && a.place >= inQuery:
		return fmt.Errorf(`it holds "?" or "#", and the path %q cannot follow that`, s)
	}
	return nil
}

// value adds what a template came to.
func (a *address) value(p *part, s string) error {
	if len(a.text) == 0 {
		a.base = p
		return a.add(s)
	}
	switch a.place {
	case inHost:
		if i := strings.IndexFunc(s, notOfHost); i >= 0 {
			return fmt.Errorf("%q has no place in a host's name", s)
		}
		a.text = append(a.text, s...)
	case inQuery:
		a.text = append(a.text, url.QueryEscape(s)...)
	default:
		a.filled = p
		a.text = append(a.text, escapeSegment(s)...)
	}
	return nil
}

// notOfHost lets letters beyond ASCII pass: who dials says how to write them.
func notOfHost(r rune) bool {
	return r <= ' ' || r < 0x80 && strings.ContainsRune("/\\?#@%\"'`<>{}|^&=;,!$()*+~\x7f", r)
}

// add appends text that is part of an address already, and follows where it
// leads.
func (a *address) add(s string) error {
	for i := range len(s) {
		c := s[i]
		switch {
		case a.place < inFragment && c == '#':
			if err := a.closeSegment(); err != nil {
				return err
			}
			a.place = inFragment
		case a.place < inQuery && c == '?':
			if err := a.closeSegment(); err != nil {
				return err
			}
			a.place = inQuery
		case a.place < inQuery && c == '/':
			if err := a.slash(); err != nil {
				return err
			}
		}
		a.text = append(a.text, c)
	}
	return nil
}

// slash is before "/" is added.
func (a *address) slash() error {
	n := len(a.text)
	switch {
	case a.place == inHost && n > 0 && a.text[n-1] == '/' && a.segment == n:
		a.segment = n + 1 // the second of "//"
		return nil
	case a.place == atStart && n > 0 && a.text[n-1] == ':':
		a.place, a.segment = inHost, n+1
		return nil
	}
	if err := a.closeSegment(); err != nil {
		return err
	}
	a.place, a.segment = inPath, n+1
	return nil
}

// closeSegment refuses a segment of the path that templates made something
// else than a segment.
func (a *address) closeSegment() error {
	if a.filled == nil || a.place == inHost {
		return nil
	}
	switch segment := string(a.text[a.segment:]); segment {
	case "":
		return a.filled.expr.fail(errors.New("it is empty, and the address would lead elsewhere without this part of its path"))
	case ".", "..":
		return a.filled.expr.fail(fmt.Errorf("it makes %q of a part of the path, and the address would lead elsewhere", segment))
	}
	a.filled = nil
	return nil
}
