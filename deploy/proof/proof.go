// Package proof holds what Wend shows of itself against the programs that look at
// it: the OTLP receiver of the OpenTelemetry collector, and Prometheus, which
// scrapes a server and evaluates the alert rules that ship. It is a module of its
// own, so that Wend does not depend on a collector. It needs prometheus in the path.
//
//	go test .
package proof
