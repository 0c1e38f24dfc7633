package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/node"
)

type typeDoc struct {
	Type       string       `json:"type"` // as a flow writes it
	Name       string       `json:"name"`
	Version    string       `json:"version,omitempty"`
	Title      string       `json:"title"`
	Doc        string       `json:"doc"`
	Trigger    bool         `json:"trigger"`
	Connects   bool         `json:"connects"`
	Idempotent bool         `json:"idempotent"`
	Inputs     *node.Schema `json:"inputs"`
	Outputs    *node.Schema `json:"outputs"`
	Settings   *node.Schema `json:"settings,omitempty"`
	Outcomes   []outcomeDoc `json:"outcomes"`
	Digest     string       `json:"digest,omitempty"`
}

type outcomeDoc struct {
	Outcome string `json:"outcome"`
	Doc     string `json:"doc"`
	Success bool   `json:"success,omitempty"`
	Fault   bool   `json:"fault,omitempty"`
}

func (s *Server) listNodes(c echo.Context) error {
	types := []typeDoc{}
	for _, t := range s.cfg.Types().All() {
		doc := typeDoc{
			Type: t.Ref(), Name: t.Name, Version: t.Version, Title: t.Title, Doc: t.Doc,
			Trigger: t.Starts(), Connects: t.Connects, Idempotent: t.Idempotent,
			Inputs: t.Inputs, Outputs: t.Outputs, Settings: t.Settings, Digest: t.Digest,
		}
		for _, o := range t.Outcomes.All {
			doc.Outcomes = append(doc.Outcomes, outcomeDoc{
				Outcome: o.Name, Doc: o.Doc,
				Success: o.Name == t.Outcomes.Success, Fault: o.Name == t.Outcomes.Fault,
			})
		}
		types = append(types, doc)
	}
	return c.JSON(http.StatusOK, map[string]any{"nodes": types})
}
