package graph

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Around and between the parts of a picture, in points.
const (
	margin     = 20.0
	headStep   = 20.0
	markWidth  = 16.0 // of the mark that a trigger has
	swatch     = 10.0
	legendGap  = 16.0
	legendStep = 18.0
	typeface   = `ui-sans-serif, system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif`
)

// SVG writes a graph that is placed as a picture, in light or dark as the reader
// has it. It has no scripts and loads nothing.
func (g *Graph) SVG() string {
	p := &picture{g: g}
	legend, legendHeight := p.legend()
	wide := max(g.Width, p.headWidth(), p.legendWidth) + 2*margin
	top := margin + headStep + 8
	high := top + g.Height + 18 + legendHeight + margin

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %s %s" role="img">`+"\n", num(wide), num(high), num(wide), num(high))
	fmt.Fprintf(&b, "<title>%s</title>\n", text(p.head()))
	b.WriteString("<style>\n" + styles() + "</style>\n")
	b.WriteString("<defs>\n")
	for _, kind := range []string{"edge", "failure", "taken", "added", "removed"} {
		fmt.Fprintf(&b, `<marker id="tip-%s" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><path class="tip %s" d="M0,0.8 L8,4 L0,7.2 Z"/></marker>`+"\n", kind, kind)
	}
	b.WriteString("</defs>\n")
	fmt.Fprintf(&b, `<rect class="back" width="%s" height="%s" rx="8"/>`+"\n", num(wide), num(high))
	fmt.Fprintf(&b, `<text class="head" x="%s" y="%s">%s</text>`+"\n", num(margin), num(margin+12), text(oneLine(g.Flow)))
	if beside := p.beside(); beside != "" {
		fmt.Fprintf(&b, `<text class="beside" x="%s" y="%s">%s</text>`+"\n", num(margin+headWidth(g.Flow)), num(margin+12), text(beside))
	}
	fmt.Fprintf(&b, `<g transform="translate(%s,%s)">`+"\n", num((wide-g.Width)/2), num(top))
	for _, e := range p.order() {
		p.edge(&b, &e)
	}
	for i := range g.Nodes {
		p.node(&b, &g.Nodes[i])
	}
	b.WriteString("</g>\n")
	fmt.Fprintf(&b, `<g transform="translate(%s,%s)">`+"\n%s</g>\n</svg>\n", num(margin), num(top+g.Height+18), legend)
	return b.String()
}

// picture is a graph while it is drawn.
type picture struct {
	g           *Graph
	legendWidth float64
}

// order puts the edges that count most on top.
func (p *picture) order() []Edge {
	edges := slices.Clone(p.g.Edges)
	rank := func(e Edge) int {
		switch {
		case e.Taken > 0 || e.Change != "":
			return 2
		case e.Kind == Error:
			return 0
		default:
			return 1
		}
	}
	slices.SortStableFunc(edges, func(a, b Edge) int { return rank(a) - rank(b) })
	return edges
}

func (p *picture) head() string {
	return strings.TrimSpace(oneLine(p.g.Flow) + " " + p.beside())
}

// beside says what else than the flow is shown.
func (p *picture) beside() string {
	switch r := p.g.Run; {
	case r != nil && r.Outcome != "" && r.Outcome != r.Status:
		return fmt.Sprintf("run %s · %s (%s) · %s", oneLine(r.ID), oneLine(r.Status), cut(r.Outcome, longestWay), length(r.Millis))
	case r != nil:
		return fmt.Sprintf("run %s · %s · %s", oneLine(r.ID), oneLine(r.Status), length(r.Millis))
	case p.g.Diff:
		return "what changed"
	default:
		return ""
	}
}

func (p *picture) headWidth() float64 {
	return headWidth(p.g.Flow) + textWidth(p.beside(), 11.5)
}

func headWidth(name string) float64 { return textWidth(oneLine(name), 15)*1.13 + 14 }

// kindOfLine is how an edge is drawn.
func kindOfLine(e *Edge) string {
	switch {
	case e.Change != "":
		return string(e.Change)
	case e.Taken > 0:
		return "taken"
	case e.Kind == Error:
		return "failure"
	default:
		return "edge"
	}
}

func (p *picture) edge(b *strings.Builder, e *Edge) {
	if len(e.Points) == 0 {
		return
	}
	kind := kindOfLine(e)
	class := "line " + kind
	if e.Kind == Error {
		class += " dashed"
	}
	if p.g.Run != nil && e.Taken == 0 {
		class += " aside"
	}
	var d strings.Builder
	fmt.Fprintf(&d, "M%s", e.Points[0])
	for i := 1; i+2 < len(e.Points); i += 3 {
		fmt.Fprintf(&d, " C%s %s %s", e.Points[i], e.Points[i+1], e.Points[i+2])
	}
	if e.Tip != nil {
		fmt.Fprintf(&d, " L%s", *e.Tip)
	}
	fmt.Fprintf(b, `<g class="%s"><title>%s</title><path d="%s" marker-end="url(#tip-%s)"/>`, class, text(e.From+" by "+e.all()+" to "+e.To), d.String(), kind)
	if e.Short != nil {
		w, h := p.g.shortSize(*e)
		fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s" rx="9"/><text x="%s" y="%s">%s</text>`,
			num(e.Short.X-w/2), num(e.Short.Y-h/2), num(w), num(h), num(e.Short.X), num(e.Short.Y+waySize*0.36), text(p.g.Node(e.To).title()))
	}
	if e.Label != nil {
		lines := e.ways()
		y := e.Label.Y - wayStep*float64(len(lines)-1)/2 + waySize*0.36
		for i, line := range lines {
			fmt.Fprintf(b, `<text x="%s" y="%s">%s</text>`, num(e.Label.X), num(y+wayStep*float64(i)), text(line))
		}
	}
	b.WriteString("</g>\n")
}

func (p *picture) node(b *strings.Builder, n *Node) {
	class := "node " + string(n.Kind)
	if n.Change != "" {
		class += " " + string(n.Change)
	}
	switch {
	case n.At:
		class += " at"
	case p.g.Run != nil && n.Visits == 0:
		class += " aside"
	}
	radius := 6.0
	if n.Ends {
		radius = n.Height / 2
	}
	fmt.Fprintf(b, `<g class="%s"><title>%s</title>`, class, text(n.tooltip()))
	if n.Kind == Child { // there is more below it
		fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s" rx="%s"/>`, num(n.X+4), num(n.Y+4), num(n.Width), num(n.Height), num(radius))
	}
	fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s" rx="%s"/>`,
		num(n.X), num(n.Y), num(n.Width), num(n.Height), num(radius))
	middle := n.X + n.Width/2
	if n.Kind == Trigger {
		x, y := n.X+12, n.Y+n.Height/2
		fmt.Fprintf(b, `<path class="mark" d="M%s,%s l9,5.5 l-9,5.5 Z"/>`, num(x), num(y-5.5))
		middle += markWidth / 2
	}
	y := n.Y + boxTop + nameSize - 1
	fmt.Fprintf(b, `<text class="name" x="%s" y="%s">%s</text>`, num(middle), num(y), text(n.title()))
	fmt.Fprintf(b, `<text class="type" x="%s" y="%s">%s</text>`, num(middle), num(y+lineStep), text(n.subtitle()))
	if note := n.note(); note != "" {
		fmt.Fprintf(b, `<text class="note" x="%s" y="%s">%s</text>`, num(middle), num(y+2*lineStep), text(note))
	}
	b.WriteString("</g>\n")
}

// tooltip is all that is known of a node.
func (n *Node) tooltip() string {
	all := n.ID + " (" + n.Type + ")"
	if n.Name != "" {
		all = n.Name + ": " + all
	}
	if len(n.Open) > 0 {
		all += "; the run ends by " + strings.Join(n.Open, ", ")
	}
	if len(n.Changed) > 0 {
		all += "; changed: " + strings.Join(n.Changed, ", ")
	}
	return oneLine(all)
}

// legend explains the colours and lines that are there.
func (p *picture) legend() (string, float64) {
	var b strings.Builder
	x := 0.0
	item := func(mark, label string) {
		fmt.Fprintf(&b, `%s<text class="legend" x="%s" y="9">%s</text>`+"\n", mark, num(x+swatch+6), text(label))
		x += swatch + 6 + textWidth(label, 10.5) + legendGap
	}
	for _, k := range kinds {
		if slices.ContainsFunc(p.g.Nodes, func(n Node) bool { return n.Kind == k }) {
			item(fmt.Sprintf(`<g class="node %s"><rect x="%s" width="%s" height="%s" rx="2.5"/></g>`, k, num(x), num(swatch), num(swatch)), string(k))
		}
	}
	lines := []struct{ kind, label string }{{"failure", "failure"}, {"taken", "taken"}, {"added", "added"}, {"removed", "removed"}}
	for _, l := range lines {
		if slices.ContainsFunc(p.g.Edges, func(e Edge) bool { return kindOfLine(&e) == l.kind }) {
			class := "line " + l.kind
			if l.kind == "failure" {
				class += " dashed"
			}
			item(fmt.Sprintf(`<g class="%s"><path d="M%s,5 h%s"/></g>`, class, num(x-3), num(swatch+4)), l.label)
		}
	}
	p.legendWidth = x - legendGap
	return b.String(), legendStep - 4
}

// styles are the colours, for light and for dark.
func styles() string {
	return fmt.Sprintf("text { font-family: %s }\n", typeface) +
		".head { font-size: 15px; font-weight: 600 }\n.beside { font-size: 11.5px }\n.legend { font-size: 10.5px }\n" +
		".node text, .line text { text-anchor: middle }\n" +
		".name { font-size: 13px; font-weight: 600 }\n.type, .note { font-size: 11px }\n.note { font-weight: 600 }\n" +
		".node rect { stroke-width: 1.2 }\n.node.at rect { stroke-width: 2.6; stroke-dasharray: 6 3 }\n" +
		".node.added rect, .node.changed rect, .node.removed rect { stroke-width: 2.4 }\n.node.removed rect { stroke-dasharray: 5 3 }\n" +
		".line path { fill: none; stroke-width: 1.3 }\n.line text { font-size: 10.5px }\n" +
		".line.taken path, .line.added path { stroke-width: 2.4 }\n.line.removed path { stroke-width: 2 }\n" +
		".line.failure path { stroke-width: 1 }\n.dashed path { stroke-dasharray: 4 3 }\n.line.taken.dashed path { stroke-dasharray: none }\n.aside { opacity: 0.42 }\n" +
		scheme(light, colours) +
		"@media (prefers-color-scheme: dark) {\n" + scheme(dark, darkColours) + "}\n"
}

func scheme(p palette, kindColours map[Kind]colour) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".back { fill: %s }\n.head, .name { fill: %s }\n.beside, .type, .legend, .line text { fill: %s }\n", p.back, p.text, p.muted)
	fmt.Fprintf(&b, ".note { fill: %s }\n", p.taken)
	// Where labels lie on lines, the ground shows around them.
	fmt.Fprintf(&b, ".line text { stroke: %s; stroke-width: 3; paint-order: stroke; stroke-linejoin: round }\n", p.back)
	for _, k := range kinds {
		c := kindColours[k]
		fmt.Fprintf(&b, ".%s rect { fill: %s; stroke: %s } .%s .mark { fill: %s }\n", k, c.fill, c.line, k, c.line)
	}
	for _, l := range []struct{ name, colour string }{{"edge", p.edge}, {"failure", p.failure}, {"taken", p.taken}} {
		fmt.Fprintf(&b, ".line.%s path { stroke: %s } .tip.%s { fill: %s }\n", l.name, l.colour, l.name, l.colour)
	}
	fmt.Fprintf(&b, ".line.failure text { fill: %s } .line rect { fill: %s; stroke: %s }\n", p.failure, p.back, p.failure)
	for _, c := range []Change{Added, Removed, Changed} {
		line := changeColours[c].line
		fmt.Fprintf(&b, ".line.%s path, .node.%s rect { stroke: %s } .tip.%s, .%s .note { fill: %s }\n", c, c, line, c, c, line)
	}
	return b.String()
}

// String is the point as a path of SVG has it.
func (p Point) String() string { return num(p.X) + "," + num(p.Y) }

func num(f float64) string { return strconv.FormatFloat(round(f), 'f', -1, 64) }

// text is what XML has for a text.
func text(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes all
	return b.String()
}
