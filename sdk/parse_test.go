package sdk_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/sdk"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct{ document, want string }{
		{`null`, `null`},
		{" \t\r\n true ", `true`},
		{`{}`, `{}`},
		{`[ ]`, `[]`},
		{`[1,[2],{"a":3}]`, `[1,[2],{"a":3}]`},
		{`{"b":1,"a":{"c":[null,false]}}`, `{"b":1,"a":{"c":[null,false]}}`},
		{`123456789012345678901234567890`, `123456789012345678901234567890`},
		{`-0.10e+20`, `-0.10e+20`},
		{`"plain"`, `"plain"`},
		{`"\"\\\/\b\f\n\r\t\u0041"`, `"\"\\/\u0008\u000c\n\r\tA"`},
		{`"é€😀"`, `"é€😀"`},
		{`"\u00e9\u20ac\ud83d\ude00"`, `"é€😀"`},
		{`"\ud83d"`, `"�"`},
		{`"\ud83dx"`, `"�x"`},
		{`"\ud83d\n"`, `"�\n"`},
		{`"\ud83d\u0041"`, `"�A"`},
		{`"\ud83d\ud83d\ude00"`, `"�😀"`},
		{`"\ude00"`, `"�"`},
		{"\"a\xffb\xe2\x82\"", `"a�b��"`},
		{"\"\u2028\x7f\"", "\"\u2028\x7f\""},
	}
	for _, test := range tests {
		v, err := sdk.Parse(test.document)
		if err != nil {
			t.Errorf("Parse(%s) failed: %v", test.document, err)
			continue
		}
		if got := string(sdk.JSON(v)); got != test.want {
			t.Errorf("JSON(Parse(%s)) = %s, want %s", test.document, got, test.want)
		}
	}
}

func TestParseMistakes(t *testing.T) {
	t.Parallel()
	tests := []struct{ document, want string }{
		{``, `byte 0: expected a value`},
		{`  `, `byte 2: expected a value`},
		{"\x00", `byte 0: expected a value`},
		{`nul`, `byte 0: expected a value`},
		{`1 2`, `byte 2: expected the end of the document`},
		{`[1`, `byte 2: expected "," or "]"`},
		{`[1,]`, `byte 3: expected a value`},
		{`{"a":1`, `byte 6: expected "," or "}"`},
		{`{"a":1,}`, `byte 7: expected a name in quotes`},
		{`{a:1}`, `byte 1: expected a name in quotes`},
		{`{"a" 1}`, `byte 5: expected ":"`},
		{`{"a":}`, `byte 5: expected a value`},
		{`-`, `byte 1: expected a digit`},
		{`01`, `byte 1: expected the end of the document`},
		{`1.`, `byte 2: expected a digit`},
		{`1e+`, `byte 3: expected a digit`},
		{`"a`, `byte 2: expected '"'`},
		{`"é`, `byte 3: expected '"'`},
		{"\"a\nb\"", `byte 2: expected an escape instead of a control character`},
		{`"\x"`, `byte 2: expected one of "\/bfnrtu after the backslash`},
		{`"\`, `byte 2: expected one of "\/bfnrtu after the backslash`},
		{`"\u00g0"`, `byte 3: expected four hex digits`},
		{`"\u0`, `byte 3: expected four hex digits`},
		{`"\ud83d\u"`, `byte 9: expected four hex digits`},
		{strings.Repeat("[", 1001), `byte 1000: expected at most 1000 lists and objects in each other`},
	}
	for _, test := range tests {
		_, err := sdk.Parse(test.document)
		if err == nil || err.Error() != test.want {
			t.Errorf("Parse(%.40q) fails with %v, want %s", test.document, err, test.want)
		}
	}
}

func TestParseDepthIsPerBranch(t *testing.T) {
	t.Parallel()
	document := "[" + strings.Repeat("[],", 2000) + "[]]"
	if _, err := sdk.Parse(document); err != nil {
		t.Errorf("Parse of 2001 lists side by side failed: %v", err)
	}
}

// FuzzParse holds Parse and JSON against encoding/json: they accept the same
// documents, and read and write the same values.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"abi":1,"inputs":{"a":[1,-2.5e3,"é\n\ud83d\ude00"],"b":null},"replies":[]}`,
		`"\ud800"`, "\"\xff\"", `[[[]],{"":{}}]`, `1e400`, `-0`, `{"a":1,"a":2}`, `"\u2028<>&"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, document string) {
		got, err := sdk.Parse(document)
		want, theirErr := decode(document)
		if (err == nil) != (theirErr == nil) {
			if err != nil && strings.Contains(err.Error(), "in each other") {
				t.Skip("nested deeper than Parse allows")
			}
			t.Fatalf("Parse(%q) = %v, encoding/json says %v", document, err, theirErr)
		}
		if err != nil {
			return
		}
		if plain := plain(got); !reflect.DeepEqual(plain, want) {
			t.Fatalf("Parse(%q) = %#v, want %#v", document, plain, want)
		}
		written := string(sdk.JSON(got))
		if again, err := decode(written); err != nil || !reflect.DeepEqual(again, want) {
			t.Fatalf("JSON(Parse(%q)) = %q, which reads %#v, %v; want %#v", document, written, again, err, want)
		}
	})
}

func decode(document string) (v any, err error) {
	decoder := json.NewDecoder(strings.NewReader(document))
	decoder.UseNumber()
	if !json.Valid([]byte(document)) {
		return nil, strconv.ErrSyntax
	}
	return v, decoder.Decode(&v)
}

// plain is a value as encoding/json would decode it.
func plain(v sdk.Value) any {
	switch v.Kind() {
	case sdk.Bool:
		return v.Bool()
	case sdk.Number:
		return json.Number(v.Text())
	case sdk.String:
		return v.String()
	case sdk.List:
		list := []any{}
		for _, entry := range v.List() {
			list = append(list, plain(entry))
		}
		return list
	case sdk.Object:
		object := map[string]any{}
		for name, field := range v.Fields() {
			object[name] = plain(field)
		}
		return object
	default:
		return nil
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	parsed, err := sdk.Parse(`{"z":1,"a":[true]}`)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		value any
		want  string
	}{
		{nil, `null`},
		{true, `true`},
		{-1, `-1`},
		{int64(1) << 62, `4611686018427387904`},
		{0.1, `0.1`},
		{1e300, `1e+300`},
		{2.5e6, `2500000`},
		{1e20, `100000000000000000000`},
		{1e-6, `0.000001`},
		{1e-7, `1e-07`},
		{"<é>\x01\xff", `"<é>\u0001�"`},
		{parsed, `{"z":1,"a":[true]}`},
		{sdk.Value{}, `null`},
		{[]string{"a", "b"}, `["a","b"]`},
		{[]string(nil), `[]`},
		{[]sdk.Value{parsed, {}}, `[{"z":1,"a":[true]},null]`},
		{map[string]string{"b": "2", "a": "1"}, `{"a":"1","b":"2"}`},
		{
			map[string]any{"list": []any{1, "x", nil}, "objects": []map[string]any{{"k": 1.5}}, "none": map[string]any(nil)},
			`{"list":[1,"x",null],"none":{},"objects":[{"k":1.5}]}`,
		},
	}
	for _, test := range tests {
		got := string(sdk.JSON(test.value))
		if got != test.want {
			t.Errorf("JSON(%#v) = %s, want %s", test.value, got, test.want)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("JSON(%#v) = %s, which is no JSON", test.value, got)
		}
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	v, err := sdk.Parse(`{
		"text": "x", "empty": "", "int": 9007199254740993, "float": 1.5, "yes": true, "null": null,
		"list": [1, "two"], "object": {"inner": {"deep": "d"}}, "twice": 1, "twice": 2
	}`)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{
		"String":        v.String("text"),
		"String absent": v.String("no"),
		"String null":   v.String("null"),
		"String deep":   v.String("object", "inner", "deep"),
		"String past":   v.String("text", "inner"),
		"Int":           v.Int("int"),
		"Int absent":    v.Int("no"),
		"Float":         v.Float("float"),
		"Float of int":  v.Float("int"),
		"Bool":          v.Bool("yes"),
		"Bool absent":   v.Bool("no"),
		"List":          len(v.List("list")),
		"List absent":   len(v.List("no")),
		"Text number":   v.Text("int"),
		"Text bool":     v.Text("yes"),
		"Text object":   v.Text("object"),
		"Has":           v.Has("empty"),
		"Has null":      v.Has("null"),
		"Has absent":    v.Has("object", "outer"),
		"Lookup twice":  v.Lookup("twice").Int(),
		"Kind":          v.Lookup("list").Kind(),
		"Kind absent":   v.Lookup("list", "0").Kind(),
	}
	want := map[string]any{
		"String": "x", "String absent": "", "String null": "", "String deep": "d", "String past": "",
		"Int": int64(9007199254740993), "Int absent": int64(0),
		"Float": 1.5, "Float of int": 9007199254740993.0,
		"Bool": true, "Bool absent": false,
		"List": 2, "List absent": 0,
		"Text number": "9007199254740993", "Text bool": "true", "Text object": "",
		"Has": true, "Has null": false, "Has absent": false,
		"Lookup twice": int64(2), "Kind": sdk.List, "Kind absent": sdk.Absent,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accessors (-want +got):\n%s", diff)
	}
}

func TestValueMismatch(t *testing.T) {
	t.Parallel()
	v, err := sdk.Parse(`{"text":"secret","n":1.5,"big":92233720368547758080,"huge":1e400,"o":{"list":[true]}}`)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		access func()
		want   string
	}{
		{func() { v.Int("text") }, `"text" is a string, expected a number`},
		{func() { v.String("n") }, `"n" is 1.5, expected a string`},
		{func() { v.Int("n") }, `"n" is 1.5, expected an integer of 64 bits`},
		{func() { v.Int("big") }, `"big" is 92233720368547758080, expected an integer of 64 bits`},
		{func() { v.Float("huge") }, `"huge" is 1e400, expected a number of 64 bits`},
		{func() { v.Bool("o", "list") }, `"o.list" is a list, expected a boolean`},
		{func() { v.List("o") }, `"o" is an object, expected a list`},
		{func() { v.Lookup("o", "list").List()[0].String() }, `the value is true, expected a string`},
		{func() { sdk.JSON(struct{}{}) }, `cannot write a value of this type as JSON; see the documentation of sdk.JSON for those it takes`},
		{func() { sdk.JSON([]any{math.NaN()}) }, `cannot write NaN as JSON`},
	}
	for _, test := range tests {
		if got := thrown(test.access); got != test.want {
			t.Errorf("fault is %q, want %q", got, test.want)
		}
	}
}

func thrown(f func()) (message string) {
	defer func() {
		if err, is := recover().(error); is {
			message = err.Error()
		}
	}()
	f()
	return ""
}
