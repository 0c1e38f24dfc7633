package data_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/data"
)

func TestDecodeJSON(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want any
		err  string
	}{
		"whole numbers are int":     {`[0, -0, -1, 9223372036854775807, -9223372036854775808]`, []any{0, 0, -1, math.MaxInt64, math.MinInt64}, ""},
		"however they are written":  {`[1.0, 1e3, 25e-1, 9007199254740993.00]`, []any{1, 1000, 2.5, 9007199254740993}, ""},
		"beyond 64 bits":            {`[9223372036854775808, -9223372036854775809, 18446744073709551615.0]`, []any{json.Number("9223372036854775808"), json.Number("-9223372036854775809"), json.Number("18446744073709551615")}, ""},
		"beyond 64 bits as a float": {`[1e19, 10000000000000000000, 1e+21]`, []any{1e19, 1e19, 1e21}, ""},
		"1e21 digit by digit":       {`[1000000000000000000000]`, []any{json.Number("1000000000000000000000")}, ""},
		"fractions":                 {`[1.5, 0.1, 1e-7]`, []any{1.5, 0.1, 1e-7}, ""},
		"deep inside":               {`{"a": [{"b": 1}]}`, map[string]any{"a": []any{map[string]any{"b": 1}}}, ""},
		"not a number":              {`"1"`, "1", ""},
		"null":                      {`null`, nil, ""},
		"a byte order mark":         {"\uFEFF{}", map[string]any{}, ""},
		"empty":                     {" ", nil, "empty, expected a JSON document"},
		"two documents":             {"{} {}", nil, "more than one JSON document"},
		"a bracket too many":        {"{}}", nil, "after the JSON document: invalid character '}' looking for beginning of value"},
		"cut":                       {`{"a": `, nil, "unexpected EOF"},
		"beyond float64":            {`{"a": [1, -1e999]}`, nil, "number -1e999 is out of range"},
		"a long one beyond float64": {strings.Repeat("9", 400), nil, "number " + strings.Repeat("9", 40) + "… is out of range"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := data.DecodeJSON([]byte(test.text))
			msg := ""
			if err != nil {
				msg = err.Error()
			}
			if msg != test.err || !cmp.Equal(test.want, got) {
				t.Errorf("DecodeJSON(%s) = %#v, %q; want %#v, %q", test.text, got, msg, test.want, test.err)
			}
		})
	}
}

// TestOneForm holds that a number comes back from its own text as it went in,
// which is what a run depends on that goes on after a crash.
func TestOneForm(t *testing.T) {
	t.Parallel()
	for _, f := range []float64{
		0, 1, -1, 0.5, 1e-7, 1e6, 2.5e6, 1 << 53, 1<<53 + 2, 1e18, 9223372036854774784, 9223372036854775808, -9223372036854775808,
		1e19, 18446744073709551616, 1e20, 123456789012345678901, 1e21, 1.5e300, 5e-324, math.MaxFloat64,
	} {
		once := data.Float(f)
		text, err := data.Text(once)
		if err != nil {
			t.Errorf("Text(%v): %v", once, err)
			continue
		}
		again, err := data.Number(text)
		if err != nil || again != once {
			t.Errorf("Number(%s) = %#v, %v; want %#v", text, again, err, once)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value any
		want  string
	}{
		{"a\nb", "a\nb"},
		{"", ""},
		{true, "true"},
		{false, "false"},
		{7, "7"},
		{-7, "-7"},
		{2.5e6, "2500000"},
		{1e20, "100000000000000000000"},
		{1e21, "1e+21"},
		{0.000001, "0.000001"},
		{1.5e-7, "1.5e-7"},
		{json.Number("18446744073709551615"), "18446744073709551615"},
		{[]any{1, "a", nil}, `[1,"a",null]`},
		{map[string]any{"id": 7, "a": "<&>"}, `{"a":"<&>","id":7}`},
		{map[string]any{"n": json.Number("18446744073709551615")}, `{"n":18446744073709551615}`},
	}
	for _, test := range tests {
		if got, err := data.Text(test.value); err != nil || got != test.want {
			t.Errorf("Text(%#v) = %q, %v; want %q", test.value, got, err, test.want)
		}
	}
	for _, value := range []any{nil, math.NaN(), math.Inf(1)} {
		if got, err := data.Text(value); err == nil {
			t.Errorf("Text(%#v) = %q, want an error", value, got)
		}
	}
}

// TestAppendFloat holds that numbers are written as encoding/json writes them.
func TestAppendFloat(t *testing.T) {
	t.Parallel()
	for _, f := range []float64{0, math.Copysign(0, -1), 1, -2.5, 1e-6, 1e-7, 1.25e-10, 1e20, 1e21, 1e100, -1e-300, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		want, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(data.AppendFloat(nil, f)); got != string(want) {
			t.Errorf("AppendFloat(%g) = %s, want %s", f, got, want)
		}
	}
}

// FuzzJSON holds that our writer and encoding/json say the same.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{"", "é", "\x00\x1f\x7f", "\"\\\n\r\t/", "\u2028<>&", "\xff\xc0a", "😀"} {
		f.Add(s, 1.5, 7)
	}
	f.Fuzz(func(t *testing.T, s string, x float64, n int) {
		value := map[string]any{s: []any{s, x, n, nil, true, map[string]any{}}, "a": map[string]any{"b": s}}
		got, err := data.JSON(value)
		want, wantErr := json.Marshal(value)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("JSON(%#v): %v, encoding/json: %v", value, err, wantErr)
		}
		if err != nil {
			return
		}
		var a, b any
		if err := json.Unmarshal(got, &a); err != nil {
			t.Fatalf("JSON(%#v) = %s: %v", value, got, err)
		}
		if err := json.Unmarshal(want, &b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, a); diff != "" {
			t.Errorf("JSON(%#v) (-encoding/json +got):\n%s", value, diff)
		}
	})
}
