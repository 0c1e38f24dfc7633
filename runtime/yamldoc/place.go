package yamldoc

import (
	"strconv"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
)

// Pos returns where path is, or the nearest thing around it that the file has:
// "connections.cce.secrets.token", "outbound.allow[0]". That is where a person
// looks for it: a scalar itself, but the key of what goes on over several lines.
func (d *Document) Pos(path string) diag.Pos {
	root := d.Root()
	if root == nil {
		return diag.Pos{File: d.File}
	}
	return nearest(root, root.Pos(), path)
}

func nearest(v Value, pos diag.Pos, path string) diag.Pos {
	switch v := v.(type) {
	case *Map:
		if e := v.longest(path); e != nil {
			at := e.Key.Pos
			if s, ok := e.Value.(*Scalar); ok && s.Data != nil {
				at = s.Text.Pos
			}
			return nearest(e.Value, at, strings.TrimPrefix(path[len(e.Key.Value):], "."))
		}
	case *List:
		index, rest, _ := strings.Cut(strings.TrimPrefix(path, "["), "]")
		i, err := strconv.Atoi(index)
		if err == nil && i >= 0 && i < len(v.Items) {
			return nearest(v.Items[i], v.Items[i].Pos(), strings.TrimPrefix(rest, "."))
		}
	case *Scalar:
	}
	return pos
}

// longest finds the entry whose key path begins with; keys may hold dots.
func (m *Map) longest(path string) *Entry {
	var found *Entry
	for i, e := range m.Entries {
		rest, ok := strings.CutPrefix(path, e.Key.Value)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') && (found == nil || len(e.Key.Value) > len(found.Key.Value)) {
			found = &m.Entries[i]
		}
	}
	return found
}

// KeyAt finds the place of the name at path inside a value; otherwise, if it has none.
func KeyAt(v Value, path []string, otherwise diag.Pos) diag.Pos {
	for i, name := range path {
		m, ok := v.(*Map)
		if !ok {
			return otherwise
		}
		for _, e := range m.Entries {
			if e.Key.Value == name && i == len(path)-1 {
				return e.Key.Pos
			}
		}
		v = m.Get(name)
	}
	return otherwise
}

// ValueAt finds the place of what is at path inside a value, or of the nearest thing
// around it; otherwise, if there is none.
func ValueAt(v Value, path []string, otherwise diag.Pos) diag.Pos {
	pos := otherwise
	for {
		if v == nil {
			return pos
		}
		if p := v.Pos(); p.Line > 0 {
			pos = p
		}
		if len(path) == 0 {
			return pos
		}
		switch at := v.(type) {
		case *Map:
			v = at.Get(path[0])
		case *List:
			i, err := strconv.Atoi(path[0])
			if err != nil || i < 0 || i >= len(at.Items) {
				return pos
			}
			v = at.Items[i]
		default:
			return pos
		}
		path = path[1:]
	}
}
