//go:build race

package meter_test

// underRace leaves out what the race detector makes a hundred times slower and
// has nothing to find in: whole Go guests compiled and run on one goroutine.
// `make test` runs these without it.
const underRace = true
