// Package plugin measures what one invoke of a plugin costs, side by side with
// the peer, Extism's Go SDK, in one process and one run. It holds benchmarks
// only:
//
//	go test ./plugin -bench . -benchtime 30x
//
// Contenders run by turns, in blocks of some milliseconds, so that all meet the
// same noise; what is reported is the median of the blocks.
package plugin
