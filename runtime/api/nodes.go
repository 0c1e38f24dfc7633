package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/node"
)

func (s *Server) listNodes(c echo.Context) error {
	q := newQuery(c.Request())
	page, next := pageOf(q, s.cfg.Types().All(), func(t *node.Type) string { return t.Name + "@" + t.Version })
	if err := q.problem(); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		Nodes []*node.Type `json:"nodes"`
		Next  string       `json:"next,omitempty"`
	}{page, next})
}
