package graph

import (
	"fmt"
	"strings"
)

// DOT writes the graph in the language of Graphviz.
func (g *Graph) DOT() string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n", dotText(g.Flow))
	b.WriteString("  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=12, penwidth=1.2]\n")
	b.WriteString("  edge [fontname=\"Helvetica\", fontsize=10, arrowsize=0.7]\n")
	for _, n := range g.Nodes {
		lines := []string{n.title(), n.subtitle()}
		if note := n.note(); note != "" {
			lines = append(lines, note)
		}
		c, style := colours[n.Kind], "rounded,filled"
		line, pen, text := c.line, "1.2", light.text
		switch {
		case n.Change != "":
			line, pen = changeColours[n.Change].line, "2.4"
		case g.Run != nil && n.Visits == 0:
			c, line, text = colour{fill: light.back}, light.faint, light.muted
		}
		if n.Change == Removed {
			style += ",dashed"
		}
		shape := "box"
		switch n.Kind {
		case Trigger:
			shape = "cds"
		case Child:
			shape = "box3d"
		default: // the others do not start or run flows
		}
		fmt.Fprintf(&b, "  %s [label=%s, shape=%s, style=%q, fillcolor=%q, color=%q, penwidth=%s, fontcolor=%q]\n",
			dotText(n.ID), dotText(lines...), shape, style, c.fill, line, pen, text)
	}
	for _, e := range g.Edges {
		line, pen, style := light.edge, "1.2", "solid"
		if e.Kind == Error {
			line, style = light.failure, "dashed"
		}
		switch {
		case e.Change != "":
			line, pen = changeColours[e.Change].line, "2"
		case e.Taken > 0:
			line, pen, style = light.taken, "2.4", "solid"
		}
		fmt.Fprintf(&b, "  %s -> %s [label=%s, tooltip=%s, weight=%d, style=%s, color=%q, fontcolor=%q, penwidth=%s]\n",
			dotText(e.From), dotText(e.To), dotText(e.ways()...), dotText(e.all()), weight(e), style, line, light.muted, pen)
	}
	b.WriteString("}\n")
	return b.String()
}

// weight says how straight and short a line is to be: what leads to failures
// goes around.
func weight(e Edge) int {
	switch e.Kind {
	case Success:
		return 10
	case Branch:
		return 4
	default:
		return 1
	}
}

// dotText writes lines in double quotes. Graphviz takes \N and the like there
// for names, so a backslash is written as two.
func dotText(lines ...string) string {
	escaped := make([]string, len(lines))
	for i, l := range lines {
		escaped[i] = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;").Replace(oneLine(l))
	}
	return `"` + strings.Join(escaped, `\n`) + `"`
}
