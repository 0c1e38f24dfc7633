package route_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/route"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/sms/ended":         "sms/ended",
		"/orders/{id}":       "orders/{id}",
		"/{a}/{b_2}/x.json":  "{a}/{b_2}/x.json",
		"/orders/{id}/{id}":  `path "/orders/{id}/{id}": "{id}" stands in it twice (each has a name of its own)`,
		"orders/{id}":        `path "orders/{id}": expected one such as /sms/ended or /orders/{id} (did you mean "/orders/{id}"?)`,
		"/orders/:id/x":      `path "/orders/:id/x": expected one such as /sms/ended or /orders/{id} (a name stands in { }, with quotes around the path: "/orders/{id}/x")`,
		"/orders/{id}.json":  `path "/orders/{id}.json": "{id}.json" is no parameter (it is one whole segment, with a name of letters, digits and _: /orders/{id})`,
		"/orders/{}":         `path "/orders/{}": "{}" is no parameter (it is one whole segment, with a name of letters, digits and _: /orders/{id})`,
		"/orders/{order-id}": `path "/orders/{order-id}": "{order-id}" is no parameter (it is one whole segment, with a name of letters, digits and _: /orders/{id})`,
		"/a//b":              `path "/a//b": expected one such as /sms/ended or /orders/{id} (letters, digits and . _ ~ - between slashes)`,
		"/a/":                `path "/a/": expected one such as /sms/ended or /orders/{id} (did you mean "/a"?)`,
		"/a/../b":            `path "/a/../b": expected one such as /sms/ended or /orders/{id} (letters, digits and . _ ~ - between slashes)`,
		"":                   `path "": expected one such as /sms/ended or /orders/{id} (letters, digits and . _ ~ - between slashes)`,
		"/caf\u00e9":         `path "/café": expected one such as /sms/ended or /orders/{id} (letters, digits and . _ ~ - between slashes)`,
	} {
		got, err := route.Parse(path)
		text := got.String()
		if wrong := new(route.Error); errors.As(err, &wrong) {
			text = wrong.Msg + " (" + wrong.Hint + ")"
		}
		if text != want {
			t.Errorf("Parse(%q) = %s, want %s", path, text, want)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	type params = map[string]string
	for _, test := range []struct {
		route, path string
		want        params
	}{
		{"/orders/{id}", "orders/7", params{"id": "7"}},
		{"/orders/{id}", "/orders/7/", params{"id": "7"}},
		{"/orders/{id}", "orders/a%2Fb%20c", params{"id": "a/b c"}},
		{"/orders/{id}", "orders", nil},
		{"/orders/{id}", "orders//", nil},
		{"/orders/{id}", "orders/7/x", nil},
		{"/orders/{id}", "Orders/7", nil},
		{"/{a}/{b}", "x/y", params{"a": "x", "b": "y"}},
		{"/sms/ended", "sms/ended", params{}},
		{"/sms/ended", "%73ms/ended", params{}},
		{"/sms/ended", "sms%2Fended", nil},
	} {
		r, err := route.Parse(test.route)
		if err != nil {
			t.Fatal(err)
		}
		segments, err := route.Split(test.path)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := r.Match(segments)
		if d := cmp.Diff(test.want, got); d != "" || ok != (test.want != nil) {
			t.Errorf("%s of %s (-want +got)\n%s", test.path, test.route, d)
		}
	}
	if _, err := route.Split("a/%zz"); err == nil {
		t.Error("Split took %zz")
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b  string
		order int
		ok    bool
	}{
		{"/orders/new", "/orders/{id}", -1, true},
		{"/orders/{id}", "/orders/new", 1, true},
		{"/orders/{id}", "/orders/{number}", 0, false},
		{"/a/{x}", "/{y}/b", 0, false},
		{"/a/{x}", "/{y}/{z}", -1, true},
		{"/a/{x}/c", "/{y}/b/c", 0, false},
		{"/a/{x}/c", "/{y}/b/d", 0, true},
		{"/a", "/a/{x}", 0, true},
		{"/a", "/a", 0, false},
	} {
		a, _ := route.Parse(test.a)
		b, _ := route.Parse(test.b)
		order, ok := route.Order(a, b)
		if order != test.order || ok != test.ok {
			t.Errorf("Order(%s, %s) = %d, %v, want %d, %v", test.a, test.b, order, ok, test.order, test.ok)
		}
	}
}

// FuzzSplit holds that no path of a request breaks anything, and that a route
// that is written comes back as it was.
func FuzzSplit(f *testing.F) {
	f.Add("orders/{id}", "orders/%2e%2e")
	f.Add("//", "%")
	f.Fuzz(func(t *testing.T, path, escaped string) {
		r, err := route.Parse("/" + path)
		if err == nil && r.String() != path {
			t.Errorf("Parse(%q) = %q", "/"+path, r.String())
		}
		segments, err := route.Split(escaped)
		if err != nil {
			return
		}
		if params, ok := r.Match(segments); ok && len(params) != len(r.Names()) {
			t.Errorf("%v of %v", params, r.Names())
		}
	})
}
