package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/auth"
)

// sessionDoc tells a page who asks. What the session has beside is there only if it
// is one that asks.
type sessionDoc struct {
	Name   string       `json:"name"`
	Scopes []auth.Scope `json:"scopes"`
	Flows  []string     `json:"flows,omitempty"`
	CSRF   string       `json:"csrf,omitempty"`
	Ends   time.Time    `json:"ends,omitzero"`
}

func newSession(who *auth.Identity, s *auth.Session) sessionDoc {
	doc := sessionDoc{Name: who.Name, Scopes: who.Scopes(), Flows: who.Flows()}
	if s != nil {
		doc.CSRF, doc.Ends = s.CSRF, s.Ends
	}
	return doc
}

func (s *Server) showSession(c echo.Context) error {
	return c.JSON(http.StatusOK, newSession(auth.Of(c), s.cfg.Guard.Session(c.Request())))
}

// beginSession gives a browser a cookie in the place of a token, which no script has
// to keep then.
func (s *Server) beginSession(c echo.Context) error {
	begun, err := s.cfg.Guard.Begin(c.Request())
	if err != nil {
		return err
	}
	if begun != nil {
		c.SetCookie(sessionCookie(c, begun.ID, int(begun.Ends.Sub(s.cfg.Clock.Now()).Seconds())))
	}
	return c.JSON(http.StatusOK, newSession(auth.Of(c), begun))
}

func (s *Server) endSession(c echo.Context) error {
	if going := s.cfg.Guard.Session(c.Request()); going != nil {
		s.cfg.Guard.End(going)
	}
	c.SetCookie(sessionCookie(c, "", -1))
	return c.NoContent(http.StatusNoContent)
}

func sessionCookie(c echo.Context, id string, seconds int) *http.Cookie {
	// Whoever says so of a line that is not makes a cookie that is not sent.
	secure := c.IsTLS() || c.Request().Header.Get(echo.HeaderXForwardedProto) == "https"
	return &http.Cookie{
		Name: auth.SessionCookie, Value: id, Path: "/", MaxAge: seconds,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure,
	}
}
