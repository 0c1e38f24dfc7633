// Package problem is how Wend tells over HTTP what went wrong: problem
// documents after RFC 9457. It decides nothing; handlers return a *Problem as
// their error, and Handler writes it.
package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

// ContentType is the media type of a problem document.
const ContentType = "application/problem+json"

// Problem is one problem document. Its type is always "about:blank", so its
// title is that of the status.
type Problem struct {
	Status int
	Detail string
	// Errors says which fields are wrong.
	Errors []Field
	// Place is where a body stops being JSON; nil if that is not the problem.
	Place *Place
	// Run is the run that is concerned; nil if none was made.
	Run *Run
	// Header is added to the response's own.
	Header http.Header
}

// Field is one value that is wrong.
type Field struct {
	Field   string `json:"field"` // "sms.senderNumber"; empty for the whole body
	Message string `json:"message"`
}

// Place is a place in a body.
type Place struct {
	Line   int `json:"line"`   // from 1
	Column int `json:"column"` // from 1, in characters
	Offset int `json:"offset"` // in bytes, from 0
}

// Run is how a run ended that the problem is about.
type Run struct {
	ID      string `json:"run"`
	Flow    string `json:"flow"`
	Status  string `json:"runStatus,omitempty"`
	Outcome string `json:"outcome,omitempty"`
	Code    string `json:"code,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// New returns a problem with a status and a detail.
func New(status int, format string, a ...any) *Problem {
	return &Problem{Status: status, Detail: fmt.Sprintf(format, a...), Header: http.Header{}}
}

// Error returns the detail and the fields on one line.
func (p *Problem) Error() string {
	parts := []string{clip(p.Detail)}
	for _, f := range p.fields() {
		parts = append(parts, strings.TrimPrefix(f.Field+": "+f.Message, ": "))
	}
	return strings.Join(parts, "; ")
}

// What callers say is in a document again, so each part of it has an end.
const (
	mostFields  = 21 // the last may say how many more there are
	mostText    = 600
	mostMissing = "… and %d more bytes"
)

func clip(s string) string {
	if len(s) <= mostText {
		return s
	}
	at := mostText
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return s[:at] + fmt.Sprintf(mostMissing, len(s)-at)
}

// fields are the errors that are told.
func (p *Problem) fields() []Field {
	told := make([]Field, 0, min(len(p.Errors), mostFields))
	for i, f := range p.Errors {
		if left := len(p.Errors) - i; len(told) == mostFields-1 && left > 1 {
			return append(told, Field{Message: fmt.Sprintf("and %d more problems", left)})
		}
		told = append(told, Field{clip(f.Field), clip(f.Message)})
	}
	return told
}

// MarshalJSON writes the document. Long texts in it are cut, and of many errors
// the first are told.
func (p *Problem) MarshalJSON() ([]byte, error) {
	about := p.Run
	if about != nil {
		short := *about
		short.Reason = clip(short.Reason)
		about = &short
	}
	return json.Marshal(struct {
		Title  string  `json:"title"`
		Status int     `json:"status"`
		Detail string  `json:"detail,omitempty"`
		Errors []Field `json:"errors,omitempty"`
		*Place
		*Run
	}{http.StatusText(p.Status), p.Status, clip(p.Detail), p.fields(), p.Place, about})
}

// Handler answers with the problem that a handler returned. An error that is
// none of ours is logged and told to nobody: 500.
func Handler(log *slog.Logger) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		if c.Response().Committed {
			return
		}
		p := of(err, c)
		if p.Status == http.StatusInternalServerError && p.Run == nil {
			log.Error("request failed", "method", c.Request().Method, "path", c.Request().URL.Path, "error", err)
		}
		if err := write(c, p); err != nil {
			log.Debug("caller is gone", "error", err)
		}
	}
}

// Status is that of the answer to a handler's error.
func Status(err error) int {
	var p *Problem
	var he *echo.HTTPError
	switch {
	case errors.As(err, &p):
		return p.Status
	case errors.As(err, &he):
		return he.Code
	}
	return http.StatusInternalServerError
}

func of(err error, c echo.Context) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var he *echo.HTTPError
	if errors.As(err, &he) {
		// The router says what it would take.
		if allow := c.Response().Header().Get(echo.HeaderAllow); he.Code == http.StatusMethodNotAllowed && allow != "" {
			methods := strings.TrimPrefix(allow, http.MethodOptions+", ")
			return New(he.Code, "%s is not for %q, expected %s", c.Request().Method, c.Request().URL.Path, methods)
		}
		return New(he.Code, "%s", strings.ToLower(fmt.Sprint(he.Message)))
	}
	return New(http.StatusInternalServerError, "an error of this server; its log says more")
}

func write(c echo.Context, p *Problem) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	header := c.Response().Header()
	for name, values := range p.Header {
		header[name] = values
	}
	return c.Blob(p.Status, ContentType, append(body, '\n'))
}
