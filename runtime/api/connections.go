package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/outbound"
)

type connectionDoc struct {
	Connection string `json:"connection"`
	Type       string `json:"type"`
	Used       bool   `json:"used"` // since the start
	// Lacking is what a connection in use cannot do without and has not.
	Lacking []string    `json:"lacking,omitempty"`
	Breaker *breakerDoc `json:"breaker,omitempty"`
	// Until is when calls go out again; absent if nothing keeps them back.
	Until         string           `json:"until,omitempty"`
	Running       int              `json:"running"`
	Waiting       int              `json:"waiting"`
	WaitedSeconds float64          `json:"waitedSeconds"`
	KeptBack      map[string]int64 `json:"keptBack"`
}

type breakerDoc struct {
	State       outbound.BreakerState `json:"state"`
	Failures    int                   `json:"failures"`
	LastFailure string                `json:"lastFailure,omitempty"`
}

func (s *Server) listConnections(c echo.Context) error {
	needed := map[string]bool{}
	for _, f := range s.cfg.Flows().Flows() {
		for _, name := range catalog.Connections(f) {
			needed[name] = true
		}
	}
	connections := []connectionDoc{}
	for _, status := range s.cfg.Connections() {
		doc := newConnectionDoc(status)
		if needed[status.Name] {
			if err := s.cfg.Lacks(status.Name); err != nil {
				doc.Lacking = strings.Split(err.Error(), "\n")
			}
		}
		connections = append(connections, doc)
	}
	return c.JSON(http.StatusOK, map[string]any{"connections": connections})
}

func newConnectionDoc(s outbound.Status) connectionDoc {
	doc := connectionDoc{
		Connection: s.Name, Type: s.Type, Used: s.Used, Running: s.UnderWay, Waiting: s.Waiting,
		WaitedSeconds: s.Waited.Seconds(), KeptBack: s.KeptBack,
	}
	if s.Breaker != "" {
		doc.Breaker = &breakerDoc{s.Breaker, s.Failures, s.LastFailure}
	}
	if !s.Until.IsZero() {
		doc.Until = s.Until.UTC().Format(time.RFC3339)
	}
	return doc
}
