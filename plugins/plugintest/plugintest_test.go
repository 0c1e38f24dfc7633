package plugintest_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/emulator"
	"github.com/wendflow/wend/emulator/emulatortest"
	"github.com/wendflow/wend/plugins/plugintest"
	"github.com/wendflow/wend/sdk"
	"github.com/wendflow/wend/sdk/sdktest"
)

// TestMain runs all in the folder of a plugin, where a plugin's tests run.
func TestMain(m *testing.M) {
	if err := os.Chdir("testdata/shop"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

var plugin = sdk.Plugin{"order": order, "cancel": cancel}

func order(c *sdk.Ctx) sdk.Result {
	reply := c.Do(sdk.Request{Method: http.MethodPost, URL: c.Settings.String("path") + "/" + c.Input.String("id")})
	outcome := "broken"
	if reply.Status == http.StatusCreated {
		outcome = "done"
	}
	return sdk.Result{Outcome: outcome, Outputs: map[string]any{"status": reply.Status}}
}

func cancel(*sdk.Ctx) sdk.Result { return sdk.Result{Outcome: "done"} }

var tested = plugintest.New(plugin)

// newShop returns the emulator of a vendor that takes orders from those who log
// in, as long as there is stock.
func newShop(t *testing.T, cfg emulator.Config) *emulator.Vendor {
	t.Helper()
	stock := struct {
		Stock int `json:"stock"`
	}{1}
	settings, err := emulator.NewSettings(stock, cfg.Settings, nil)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var orders []string
	shop := http.NewServeMux()
	shop.HandleFunc("POST /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		status := http.StatusCreated
		if _, _, login := r.BasicAuth(); !login {
			status = http.StatusUnauthorized
		} else if len(orders) == settings.Load().Stock {
			status = http.StatusConflict
		} else {
			orders = append(orders, r.PathValue("id"))
		}
		w.WriteHeader(status)
	})
	v, err := emulator.New(emulator.NewWorld(cfg), emulator.API{
		Name: "shop", Handler: shop, Reset: func() {},
		State: func() any { mu.Lock(); defer mu.Unlock(); return orders },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// row is what a vendor of its own makes of a row.
type row struct {
	plugintest.Row `yaml:",inline"`

	Color string
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	m := plugintest.ReadMatrix[row](t)
	if got := m.Rows[0].Color; got != "red" {
		t.Errorf("the first row's own field is %q, want red", got)
	}
	var rows []plugintest.Row
	for _, r := range m.Rows {
		rows = append(rows, r.Row)
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			v := newShop(t, emulatortest.Config(t, r.Emulator, r.Faults))
			link := tested.Connect(t, v, m.Connections[r.Connection].With(r.Settings))
			r.Check(t, link.Visit(t, r.Method, r.Inputs, r.Timeout))
			var orders []string
			emulatortest.Control(t, v, http.MethodGet, "/state", "", &orders)
			if got := strings.Join(orders, " "); got != r.Want.State {
				t.Errorf("orders are %q, want %q", got, r.Want.State)
			}
		})
	}
	for _, want := range []string{"order broken", "cancel done", "cancel broken"} {
		left := fails(func(t testing.TB) { tested.Covered(t, rows[:1]) })
		if !strings.Contains(left, "no row for "+want+"\n") {
			t.Errorf("of the first row alone Covered says %q, want %q missing", left, want)
		}
	}
	if got := fails(func(t testing.TB) { tested.Covered(t, rows) }); got != "testdata/matrix.yaml has no row for cancel broken\n" {
		t.Errorf("Covered says %q", got)
	}
	if got := fails(func(t testing.TB) { tested.Covered(t, append(rows, rows[0])) }); !strings.Contains(got, `two rows are called "ordered"`) {
		t.Errorf("of a row twice Covered says %q", got)
	}
}

func TestReadMatrixFails(t *testing.T) {
	t.Parallel()
	got := fails(func(t testing.TB) { plugintest.ReadMatrix[plugintest.Row](t) })
	if !strings.Contains(got, "field color not found") {
		t.Errorf("with a key that is not known it says %q", got)
	}
}

func TestCheckFails(t *testing.T) {
	t.Parallel()
	r := plugintest.ReadMatrix[row](t).Rows[0]
	got := fails(func(t testing.TB) { r.Check(t, sdktest.Result{Outcome: "broken", Message: "why"}) })
	want := "outcome broken: why; want done\noutput status is <nil>, want 201\n0 calls were made, want 1\n"
	if got != want {
		t.Errorf("Check says %q, want %q", got, want)
	}
}

// TestWith holds that a connection is not changed by what is made of it.
func TestWith(t *testing.T) {
	t.Parallel()
	c := plugintest.Connection{Type: "none", Settings: map[string]any{"a": 1, "b": 2}}
	got := c.With(map[string]any{"b": nil, "c": 3})
	if diff := cmp.Diff(map[string]any{"a": 1, "b": nil, "c": 3}, got.Settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"a": 1, "b": 2}, c.Settings); diff != "" {
		t.Errorf("settings of the first (-want +got):\n%s", diff)
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	tested.Methods(t)
	got := fails(plugintest.New(sdk.Plugin{"order": order, "return": cancel}).Methods)
	if !strings.Contains(got, `"cancel"`) || !strings.Contains(got, `"return"`) {
		t.Errorf("of another method it says %q", got)
	}
	if got := fails(func(t testing.TB) { tested.Method(t, "return") }); got != `plugin.yaml has no method "return"`+"\n" {
		t.Errorf("of a method that is not there it says %q", got)
	}
}

func TestRunFails(t *testing.T) {
	t.Parallel()
	other := plugintest.New(sdk.Plugin{"order": func(*sdk.Ctx) sdk.Result {
		return sdk.Result{Outcome: "gone", Outputs: map[string]any{"status": "410"}}
	}})
	got := fails(func(t testing.TB) { other.Run(t, "order", sdktest.Visit{}) })
	if !strings.Contains(got, `outcome "gone" is not in plugin.yaml`) || !strings.Contains(got, "outputs do not fit plugin.yaml: ") {
		t.Errorf("Run says %q", got)
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	var names []string
	for _, typ := range tested.Types(t) {
		names = append(names, typ.Name)
	}
	if diff := cmp.Diff([]string{"shop/order", "shop/cancel"}, names); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"page.md", "outcomes.md"} {
		tested.Page(t, page)
	}
}

func TestPageFails(t *testing.T) {
	t.Setenv("UPDATE", "")
	tests := []struct{ name, old, text, want string }{
		{"stale", "Of the order.", "Of somebody.", "is stale"},
		{"no place", "<!-- plugin.yaml: cancel -->", "", `no place for the table of "cancel"`},
		{"a method that is not there", "plugin.yaml: cancel", "plugin.yaml: return", `wants a table of "return"`},
		{"a table twice", "plugin.yaml: cancel", "plugin.yaml: order", `wants a table of "order", which plugin.yaml has not, or wants it twice`},
	}
	for _, test := range tests {
		page := edited(t, test.old, test.text)
		if got := fails(func(t testing.TB) { tested.Page(t, page) }); !strings.Contains(got, test.want) {
			t.Errorf("%s: Page says %q, want %q", test.name, got, test.want)
		}
	}
}

func TestConnections(t *testing.T) {
	t.Parallel()
	if n := tested.Connections(t, "page.md"); n != 2 {
		t.Errorf("there are %d connections, want 2", n)
	}
	tests := []struct{ name, old, text, want string }{
		{"a type that is not there", "type: basic", "type: magic", "magic"},
		{"a key that is not there", "type: basic", "kind: basic", "field kind not found"},
		{"a setting that is not there", "path: /v2/orders", "paths: /v2/orders", "settings do not fit plugin.yaml"},
	}
	for _, test := range tests {
		page := edited(t, test.old, test.text)
		if got := fails(func(t testing.TB) { tested.Connections(t, page) }); !strings.Contains(got, test.want) {
			t.Errorf("%s: Connections says %q, want %q", test.name, got, test.want)
		}
	}
}

// edited is the page with one thing changed.
func edited(t *testing.T, old, text string) string {
	t.Helper()
	page, err := os.ReadFile("page.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), old) {
		t.Fatalf("page.md does not hold %q", old)
	}
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte(strings.Replace(string(page), old, text, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// witness is a test that may fail.
type witness struct {
	testing.TB

	said strings.Builder
}

func (*witness) Helper() {}

func (w *witness) Errorf(format string, args ...any) { fmt.Fprintf(&w.said, format+"\n", args...) }

func (w *witness) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	runtime.Goexit()
}

func (w *witness) Fatal(args ...any) { w.Fatalf("%s", fmt.Sprint(args...)) }

// fails returns what check says, a line for each failure.
func fails(check func(t testing.TB)) string {
	w := &witness{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(w)
	}()
	<-done
	return w.said.String()
}
