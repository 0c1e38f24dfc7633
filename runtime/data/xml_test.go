package data_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/data"
)

func TestDecodeXML(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	for name, test := range map[string]struct {
		doc, charset string
		want         m
		err          string
	}{
		"text":               {doc: "<a>b</a>", want: m{"a": "b"}},
		"empty":              {doc: "<a/>", want: m{"a": ""}},
		"blanks are kept":    {doc: "<a> b\n</a>", want: m{"a": " b\n"}},
		"children":           {doc: "<?xml version=\"1.0\"?>\n<o>\n <id>7</id>\n <to>x</to>\n</o>\n", want: m{"o": m{"id": "7", "to": "x"}}},
		"children by name":   {doc: "<o><i>1</i><x/><i>2</i><i>3</i></o>", want: m{"o": m{"i": []any{"1", "2", "3"}, "x": ""}}},
		"attributes":         {doc: `<o id="7" unit="kg">5</o>`, want: m{"o": m{"@id": "7", "@unit": "kg", "#text": "5"}}},
		"attributes alone":   {doc: `<o id="7"/>`, want: m{"o": m{"@id": "7"}}},
		"text and children":  {doc: "<p>one <b>two</b> three</p>", want: m{"p": m{"b": "two", "#text": "one  three"}}},
		"namespaces":         {doc: `<s:E xmlns:s="urn:s" xmlns="urn:d" s:v="1"><s:B><x/></s:B></s:E>`, want: m{"E": m{"@v": "1", "B": m{"x": ""}}}},
		"entities and CDATA": {doc: "<a>&lt;&#233;&amp;<![CDATA[<b>&amp;]]></a>", want: m{"a": "<é&<b>&amp;"}},
		"comments":           {doc: "<!-- x --><a><!-- y -->1<?php echo ?></a><!-- z -->", want: m{"a": "1"}},
		"byte order mark":    {doc: "\uFEFF<a/>", want: m{"a": ""}},
		"latin 1 said":       {doc: "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>", want: m{"a": "é"}},
		"latin 1 came with":  {doc: "<a>\xe9\x80</a>", charset: "iso-8859-1", want: m{"a": "é€"}},
		"the header is right": {
			doc: "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>é</a>", charset: "UTF-8", want: m{"a": "é"},
		},
		"UTF-16":            {doc: "\xff\xfe<\x00a\x00/\x00>\x00", want: m{"a": ""}},
		"document type":     {doc: "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", err: "line 1: document types are not read"},
		"unknown entity":    {doc: "<a>&x;</a>", err: "line 1: invalid character entity &x;"},
		"not closed":        {doc: "<a>\n<b>", err: "line 2: unexpected EOF"},
		"closed otherwise":  {doc: "<a></b>", err: "line 1: element <a> closed by </b>"},
		"two roots":         {doc: "<a/>\n<b/>", err: `line 2: there is a second root element, "b"`},
		"text before":       {doc: "x<a/>", err: "line 1: there is text outside of the root element"},
		"nothing":           {doc: " ", err: "line 1: there is no element in it"},
		"unknown charset":   {doc: "<?xml version=\"1.0\" encoding=\"EBCDIC\"?><a/>", err: `line 1: xml: opening charset "EBCDIC": charset "EBCDIC": expected one of utf-8, us-ascii, iso-8859-1, iso-8859-15, windows-1252, utf-16`},
		"not UTF-8":         {doc: "<a>\xe9</a>", err: "line 1: invalid UTF-8"},
		"not what came":     {doc: "<a>\xe9</a>", charset: "utf-8", err: "it is not UTF-8"},
		"as deep as may be": {doc: strings.Repeat("<a>", data.MaxDepth-1) + strings.Repeat("</a>", data.MaxDepth-1), want: deep(data.MaxDepth - 1)},
		"too deep":          {doc: strings.Repeat("<a>", data.MaxDepth), err: "line 1: nested deeper than 500 levels"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := data.DecodeXML([]byte(test.doc), test.charset)
			msg := ""
			if err != nil {
				msg = err.Error()
			}
			if msg != test.err {
				t.Errorf("error %q, want %q", msg, test.err)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func deep(n int) map[string]any {
	var v any = ""
	for range n {
		v = map[string]any{"a": v}
	}
	return v.(map[string]any)
}

// FuzzDecodeXML holds that what can be read is data that flows can keep.
func FuzzDecodeXML(f *testing.F) {
	f.Add([]byte(`<?xml version="1.0" encoding="ISO-8859-1"?><a b="c">d<e/><e>&#1;</e></a>`), "")
	f.Add([]byte("\xff\xfe<\x00a\x00/\x00>\x00"), "utf-16")
	f.Add([]byte("<a>\xe9</a>"), "latin1")
	f.Fuzz(func(t *testing.T, doc []byte, charset string) {
		v, err := data.DecodeXML(doc, charset)
		if err != nil {
			return
		}
		text, err := data.JSON(v)
		if err != nil {
			t.Fatal(err)
		}
		back, err := data.DecodeJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(any(v), back); d != "" {
			t.Errorf("not what JSON keeps of it (-want +got)\n%s", d)
		}
	})
}

func TestDecodeText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ raw, charset, want, err string }{
		{"é", "", "é", ""},
		{"\uFEFFé", "UTF-8", "é", ""},
		{"\xe9", "", "", "it is not UTF-8"},
		{"\xe9 \x80", "ISO-8859-1", "é €", ""},
		{"\xa4", "iso-8859-15", "€", ""},
		{"\x81", "windows-1252", "", "it is not WINDOWS-1252"},
		{"\xfe\xff\x00\xe9", "utf-16", "é", ""},
		{"\xe9\x00", "utf-16le", "é", ""},
		{"\xe9", "utf-16le", "", "it is not UTF-16LE"},
		{"a", "shift_jis", "", `charset "shift_jis": expected one of utf-8, us-ascii, iso-8859-1, iso-8859-15, windows-1252, utf-16`},
	} {
		got, err := data.DecodeText([]byte(test.raw), test.charset)
		msg := ""
		if err != nil {
			msg = err.Error()
		}
		if string(got) != test.want || msg != test.err {
			t.Errorf("DecodeText(%q, %q) = %q, %s, want %q, %s", test.raw, test.charset, got, msg, test.want, test.err)
		}
		if known := data.KnowsCharset(test.charset); known != (test.charset != "shift_jis") {
			t.Errorf("KnowsCharset(%q) = %v", test.charset, known)
		}
	}
}
