package graph

import (
	"fmt"
	"slices"
	"strings"
)

// Mermaid writes the graph as a flowchart of Mermaid.
func (g *Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	for _, n := range g.Nodes {
		open, end := mermaidShape(n)
		lines := []string{mermaidText(n.title()), "<small>" + mermaidText(n.subtitle()) + "</small>"}
		if note := n.note(); note != "" {
			lines = append(lines, "<small>"+mermaidText(note)+"</small>")
		}
		fmt.Fprintf(&b, "    n_%s%s\"%s\"%s:::is_%s\n", n.ID, open, strings.Join(lines, "<br/>"), end, mermaidClass(g, n))
	}
	var styles strings.Builder
	define := func(class, style string) {
		if slices.ContainsFunc(g.Nodes, func(n Node) bool { return mermaidClass(g, n) == class }) {
			fmt.Fprintf(&b, "    classDef is_%s %s\n", class, style)
		}
	}
	for i, e := range g.Edges {
		line := "-->"
		switch {
		case e.Taken > 0:
			line = "==>"
		case e.Kind == Error:
			line = "-.->"
		}
		lines := e.ways()
		for i := range lines {
			lines[i] = mermaidText(lines[i])
		}
		fmt.Fprintf(&b, "    n_%s %s|\"%s\"| n_%s\n", e.From, line, strings.Join(lines, "<br/>"), e.To)
		if style := mermaidLine(e); style != "" {
			fmt.Fprintf(&styles, "    linkStyle %d %s\n", i, style)
		}
	}
	for _, k := range kinds {
		define(string(k), fmt.Sprintf("fill:%s,stroke:%s,color:%s", colours[k].fill, colours[k].line, light.text))
	}
	define("unvisited", fmt.Sprintf("fill:%s,stroke:%s,color:%s", light.back, light.faint, light.muted))
	for _, c := range []Change{Added, Removed, Changed} {
		define(string(c), fmt.Sprintf("fill:%s,stroke:%s,color:%s,stroke-width:2px", light.back, changeColours[c].line, light.text))
	}
	b.WriteString(styles.String())
	return b.String()
}

func mermaidShape(n Node) (open, end string) {
	switch {
	case n.Kind == Trigger:
		return "([", "])"
	case n.Kind == Decide:
		return "{{", "}}"
	case n.Kind == Child:
		return "[[", "]]"
	case n.Ends:
		return "(", ")"
	default:
		return "[", "]"
	}
}

func mermaidClass(g *Graph, n Node) string {
	switch {
	case n.Change != "":
		return string(n.Change)
	case g.Run != nil && n.Visits == 0:
		return "unvisited"
	default:
		return string(n.Kind)
	}
}

func mermaidLine(e Edge) string {
	switch {
	case e.Change != "":
		return "stroke:" + changeColours[e.Change].line
	case e.Taken > 0:
		return "stroke:" + light.taken
	case e.Kind == Error:
		return "stroke:" + light.failure
	default:
		return ""
	}
}

// mermaidText writes a text between double quotes. Mermaid takes no escapes
// there, but entities with # for &; a backquote would begin Markdown.
func mermaidText(text string) string {
	return mermaidEscapes.Replace(text)
}

var mermaidEscapes = strings.NewReplacer(
	"#", "#35;", "&", "#amp;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "`", "#96;", `\`, "#92;", "*", "#42;", "_", "#95;", "|", "#124;", "$", "#36;",
)
