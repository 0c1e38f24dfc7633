package api

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

func (s *Server) listNodes(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]any{"nodes": s.cfg.Types().All()})
}
