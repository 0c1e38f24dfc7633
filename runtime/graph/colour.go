package graph

// colour is that of a box.
type colour struct{ fill, line string }

// palette is what a picture is drawn in, apart from the kinds of nodes.
type palette struct {
	back, text, muted, faint string
	edge, failure, taken     string
}

var (
	light = palette{back: "#ffffff", text: "#1c2430", muted: "#5c6672", faint: "#c9cfd6", edge: "#5b6675", failure: "#c0625f", taken: "#1f6feb"}
	dark  = palette{back: "#0f1318", text: "#e8ecf1", muted: "#9aa5b1", faint: "#3a424c", edge: "#93a0ae", failure: "#d5807d", taken: "#58a6ff"}
)

var (
	colours = map[Kind]colour{
		Trigger: {"#e4f6ea", "#2f9e5b"},
		Plugin:  {"#e8f0fe", "#3b6fd4"},
		Call:    {"#e1f5f7", "#1b8a99"},
		Decide:  {"#fff3d9", "#c98a10"},
		Child:   {"#fdeaf3", "#c2417f"},
		Wait:    {"#f1eafc", "#7b4fd0"},
		Answer:  {"#e9edf2", "#5b6675"},
		Step:    {"#f6f7f8", "#98a1ab"},
	}
	darkColours = map[Kind]colour{
		Trigger: {"#12301f", "#4cc27e"},
		Plugin:  {"#16243f", "#6f9bf0"},
		Call:    {"#0f2c31", "#45b8c8"},
		Decide:  {"#33270d", "#e0aa3e"},
		Child:   {"#3a1729", "#e77fb0"},
		Wait:    {"#261c3c", "#a684ec"},
		Answer:  {"#242a33", "#93a0ae"},
		Step:    {"#1b1f25", "#6d7782"},
	}
	changeColours = map[Change]colour{
		Added:   {"", "#1a9c4b"},
		Removed: {"", "#d1383d"},
		Changed: {"", "#d98a00"},
	}
)
