package main

import (
	"io"

	"github.com/wendflow/wend/emulator"
)

// Program is main, for the stories that run it as a process of its own.
var Program = main

// Vendors are the names of the emulators that are wired.
func Vendors() []string {
	var names []string
	for _, v := range vendors() {
		names = append(names, v.name)
	}
	return names
}

// OpenEmulator opens the emulator of a vendor.
func OpenEmulator(name string, cfg emulator.Config) (*emulator.Vendor, error) {
	chosen, err := chooseVendors([]string{name})
	if err != nil {
		return nil, err
	}
	return chosen[0].open(cfg)
}

// Harmless is what all output goes through.
func Harmless(w io.Writer) io.Writer { return &harmless{w: w} }

// Behind is what the server's handlers are behind.
var Behind = behind
