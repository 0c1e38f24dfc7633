package emulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/wendflow/wend/emulator"
)

// A vendor's package takes a world, builds its API on it and hands both to New.
func ExampleNew() {
	world := emulator.NewWorld(emulator.Config{Seed: 1})
	api := http.NewServeMux()
	api.HandleFunc("POST /orders", func(w http.ResponseWriter, _ *http.Request) {
		emulator.WriteJSON(w, emulator.Inference, http.StatusCreated, map[string]string{"id": world.NewID()})
	})
	vendor, err := emulator.New(world, emulator.API{
		Name:    "acme",
		Port:    9199,
		Handler: api,
		State:   func() any { return nil },
		Reset:   func() {},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = vendor.Close() }()

	for _, fault := range []string{"", "503"} {
		r := httptest.NewRequest(http.MethodPost, "/orders", http.NoBody)
		r.Header.Set("X-Emulator-Fault", fault)
		w := httptest.NewRecorder()
		vendor.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Header().Get("X-Emulator-Basis"), " ", w.Body)
	}
	// Output:
	// 201 inference {"id":"6ae6783f-4fbd-491b-aeb8-8b73a48ed247"}
	// 503 decision {"error":"Service Unavailable"}
}
