package data

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// What stands beside the child elements of an element, by these names.
const (
	xmlAttribute = "@"     // before the name of an attribute
	xmlText      = "#text" // text of an element that has attributes or children
)

// DecodeXML decodes one XML document into an object whose only property is the
// root element. An element is its text, or an object if it has attributes or
// child elements: children by their names, a list of those that come several
// times, attributes with "@" before their names, and text, without the blanks
// around it, as "#text". All is text; a schema gives types to it. Prefixes of
// names, namespaces, comments and processing instructions are left out, and the
// order of children of different names is. A document type is an error: nothing is
// ever read from elsewhere or made longer. charset is what the document came with;
// without it the document says. The error is an *XMLError.
func DecodeXML(doc []byte, charset string) (map[string]any, error) {
	if charset == "" && (bytes.HasPrefix(doc, []byte("\xfe\xff")) || bytes.HasPrefix(doc, []byte("\xff\xfe"))) {
		charset = "utf-16"
	}
	if charset != "" {
		text, err := DecodeText(doc, charset)
		if err != nil {
			return nil, &XMLError{Msg: err.Error()}
		}
		doc = text
	}
	r := xmlReader{dec: xml.NewDecoder(bytes.NewReader(TrimBOM(doc)))}
	r.dec.CharsetReader = func(said string, rest io.Reader) (io.Reader, error) {
		if charset != "" || isUTF8(strings.ToLower(said)) {
			return rest, nil
		}
		known := charsets[strings.ToLower(said)]
		if known == nil || strings.HasPrefix(strings.ToLower(said), "utf-16") { // which the decoder would not have read so far
			return nil, fmt.Errorf("charset %q: expected one of %s", said, Charsets)
		}
		return known.NewDecoder().Reader(rest), nil
	}
	root, err := r.document()
	if err != nil {
		line, _ := r.dec.InputPos()
		wrong := &XMLError{Msg: err.Error(), Line: line}
		if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
			wrong.Msg, wrong.Line = syntax.Msg, syntax.Line
		}
		return nil, wrong
	}
	return root, nil
}

// XMLError says why a document is not one that is read.
type XMLError struct {
	Msg  string
	Line int // from 1; 0 if the whole is meant
}

func (e *XMLError) Error() string {
	if e.Line == 0 {
		return e.Msg
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Msg)
}

type xmlReader struct{ dec *xml.Decoder }

func (r *xmlReader) document() (map[string]any, error) {
	var root map[string]any
	for {
		token, err := r.dec.Token()
		switch t := token.(type) {
		case nil:
			if errors.Is(err, io.EOF) && root != nil {
				return root, nil
			}
			if errors.Is(err, io.EOF) {
				return nil, errors.New("there is no element in it")
			}
			return nil, err
		case xml.StartElement:
			if root != nil {
				return nil, fmt.Errorf("there is a second root element, %q", t.Name.Local)
			}
			v, err := r.element(t, 1)
			if err != nil {
				return nil, err
			}
			root = map[string]any{t.Name.Local: v}
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return nil, errors.New("there is text outside of the root element")
			}
		case xml.Directive:
			return nil, errDirective
		}
	}
}

var errDirective = errors.New("document types are not read")

// element reads what is inside of an element, up to its end.
func (r *xmlReader) element(start xml.StartElement, depth int) (any, error) {
	if depth >= MaxDepth { // the root is a property of an object
		return nil, fmt.Errorf("nested deeper than %d levels", MaxDepth)
	}
	object := map[string]any{}
	for _, a := range start.Attr {
		if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
			object[xmlAttribute+a.Name.Local] = a.Value
		}
	}
	var text strings.Builder
	for {
		token, err := r.dec.Token()
		switch t := token.(type) {
		case nil:
			return nil, err
		case xml.StartElement:
			v, err := r.element(t, depth+1)
			if err != nil {
				return nil, err
			}
			add(object, t.Name.Local, v)
		case xml.CharData:
			text.Write(t)
		case xml.Directive:
			return nil, errDirective
		case xml.EndElement:
			if len(object) == 0 {
				return text.String(), nil
			}
			if beside := strings.TrimSpace(text.String()); beside != "" {
				object[xmlText] = beside
			}
			return object, nil
		}
	}
}

// add adds a child, which is a text or an object: a list is of several children.
func add(object map[string]any, name string, v any) {
	switch before := object[name].(type) {
	case nil:
		object[name] = v
	case []any:
		object[name] = append(before, v)
	default:
		object[name] = []any{before, v}
	}
}
