package pluginhost

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/sdk/wire"
)

// writer writes what guests are invoked with. It is used again and again, or
// writing would make as much garbage as all the rest of an invoke.
type writer struct {
	table table
	out   []byte
}

var writers = sync.Pool{New: func() any { return new(writer) }}

// release lets the writer be used again, and with it what it has written.
func (w *writer) release() {
	const most = 256 << 10 // what a writer may keep; larger documents are rare
	if cap(w.out)+cap(w.table.texts) <= most {
		writers.Put(w)
	}
}

// document is what a guest is invoked with, in the form that it takes. It is
// good until the next.
func (w *writer) document(g *guest, method string, v node.Visit) []byte {
	if g.tables {
		w.out = w.table.append(w.out[:0], method, v)
	} else {
		w.out = appendInput(w.out[:0], method, v)
	}
	return w.out
}

// table is a document as a guest can use it without parsing. docs/abi.md has
// its layout.
type table struct {
	entries []tableEntry
	texts   []byte
}

type tableEntry struct{ kind, name, nameSize, text, textSize, next uint32 }

const tableEntrySize = 24

const (
	kindNull   uint32 = 1
	kindBool   uint32 = 2
	kindNumber uint32 = 3
	kindString uint32 = 4
	kindList   uint32 = 5
	kindObject uint32 = 6
)

// append is appendInput as a table: the same names and values.
func (t *table) append(b []byte, method string, v node.Visit) []byte {
	t.entries, t.texts = append(t.entries[:0], tableEntry{}), t.texts[:0]
	root := t.open(0, kindObject)
	t.int(root.add("abi"), wire.ABI)
	t.string(root.add("method"), method)
	t.object(root.add("inputs"), v.Inputs)
	t.object(root.add("settings"), v.Settings)
	t.context(root.add("context"), v)
	replies := t.open(root.add("replies"), kindList)
	for _, r := range v.Replies {
		t.reply(replies.add(""), r)
	}
	return t.appendTo(b)
}

func (t *table) context(at int, v node.Visit) {
	c := t.open(at, kindObject)
	t.string(c.add("run"), v.Run)
	t.string(c.add("node"), v.Node)
	t.int(c.add("visit"), v.Visit)
	t.int(c.add("attempt"), v.Attempt)
	t.string(c.add("key"), v.Key)
	t.text(c.add("now"), kindString, v.Now.UTC().AppendFormat(t.texts, timeFormat))
	t.string(c.add("seed"), v.Seed)
}

func (t *table) reply(at int, r wire.Reply) {
	o := t.open(at, kindObject)
	if r.Failure != "" {
		t.string(o.add("failure"), string(r.Failure))
		t.string(o.add("message"), r.Message)
		return
	}
	t.int(o.add("status"), r.Status)
	headers := t.open(o.add("headers"), kindObject)
	var few [24]string
	for _, name := range sortedNames(few[:0], r.Headers) {
		values := t.open(headers.add(name), kindList)
		for _, value := range r.Headers[name] {
			t.string(values.add(""), value)
		}
	}
	if utf8.Valid(r.Body) {
		body := o.add("body")
		t.text(body, kindString, append(t.texts, r.Body...))
	} else {
		body := o.add("bodyBase64")
		t.text(body, kindString, base64.StdEncoding.AppendEncode(t.texts, r.Body))
	}
}

// appendTo writes the table as the guest has it.
func (t *table) appendTo(b []byte) []byte {
	b = slices.Grow(b, 4+tableEntrySize*len(t.entries)+len(t.texts))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(t.entries)))
	at := len(b)
	b = b[:at+tableEntrySize*len(t.entries)]
	for i := range t.entries {
		e, into := &t.entries[i], b[at:at+tableEntrySize]
		binary.LittleEndian.PutUint32(into[0:], e.kind)
		binary.LittleEndian.PutUint32(into[4:], e.name)
		binary.LittleEndian.PutUint32(into[8:], e.nameSize)
		binary.LittleEndian.PutUint32(into[12:], e.text)
		binary.LittleEndian.PutUint32(into[16:], e.textSize)
		binary.LittleEndian.PutUint32(into[20:], e.next)
		at += tableEntrySize
	}
	return append(b, t.texts...)
}

// members is a list or an object that is being written.
type members struct {
	t        *table
	of, last int
}

func (t *table) open(at int, kind uint32) members {
	t.entries[at].kind = kind
	return members{t: t, of: at}
}

// add makes the place of one more value. Values are written in the order of
// their places.
func (m *members) add(name string) int {
	t := m.t
	at := len(t.entries)
	if m.last > 0 {
		t.entries[m.last].next = uint32(at)
	}
	m.last = at
	t.entries[m.of].textSize++
	from := len(t.texts)
	t.texts = appendValid(t.texts, name)
	t.entries = append(t.entries, tableEntry{name: uint32(from), nameSize: uint32(len(t.texts) - from)})
	return at
}

// text sets the text of an entry: all that has been appended to the texts.
func (t *table) text(at int, kind uint32, texts []byte) {
	e := &t.entries[at]
	e.kind, e.text, e.textSize = kind, uint32(len(t.texts)), uint32(len(texts)-len(t.texts))
	t.texts = texts
}

func (t *table) string(at int, s string) { t.text(at, kindString, appendValid(t.texts, s)) }

func (t *table) int(at, n int) { t.text(at, kindNumber, strconv.AppendInt(t.texts, int64(n), 10)) }

func (t *table) object(at int, m map[string]any) {
	o := t.open(at, kindObject)
	var few [24]string // most objects need no allocation for their names
	for _, name := range sortedNames(few[:0], m) {
		t.value(o.add(name), m[name])
	}
}

// value writes data of a flow, as data.AppendJSON does.
func (t *table) value(at int, v any) {
	switch v := v.(type) {
	case nil:
		t.entries[at].kind = kindNull
	case string:
		t.string(at, v)
	case bool:
		t.text(at, kindBool, strconv.AppendBool(t.texts, v))
	case int:
		t.int(at, v)
	case float64:
		t.float(at, v)
	case json.Number:
		t.text(at, kindNumber, append(t.texts, v...))
	case map[string]any:
		t.object(at, v)
	case []any:
		list := t.open(at, kindList)
		for _, v := range v {
			t.value(list.add(""), v)
		}
	case time.Time:
		t.text(at, kindString, v.AppendFormat(t.texts, time.RFC3339Nano))
	default:
		t.value(at, throughJSON(v))
	}
}

func (t *table) float(at int, f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		t.entries[at].kind = kindNull
		return
	}
	t.text(at, kindNumber, data.AppendFloat(t.texts, f))
}

// throughJSON makes plain data of what encoding/json can write, and nil of the
// rest.
func throughJSON(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var plain any
	_ = d.Decode(&plain) // what Marshal wrote can be read
	return plain
}

// appendValid makes U+FFFD of each byte that is no valid UTF-8.
func appendValid(b []byte, s string) []byte {
	if utf8.ValidString(s) {
		return append(b, s...)
	}
	for _, r := range s {
		b = utf8.AppendRune(b, r)
	}
	return b
}

func sortedNames[T any](names []string, m map[string]T) []string {
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
