// Package wire is the only code that a plugin shares with its host: the
// documents they exchange under ABI 1, and the fingerprint of a call. It
// encodes nothing itself and imports next to nothing, so that it costs a guest
// no space.
package wire

// ABI is the version of the contract between guest and host.
const ABI = 1

// Call is one HTTP exchange that a node asks the host to make.
type Call struct {
	Method string // "GET", "POST", …
	// URL is absolute, or a path that the host resolves against the
	// connection's baseURL.
	URL     string
	Headers map[string]string
	Body    []byte
}

// Reply is what came back for a Call: a status with headers and body, or a
// Failure when no complete response was had. HTTP 4xx and 5xx are replies
// like any other.
type Reply struct {
	Status  int                 // HTTP status, 0 with a Failure
	Headers map[string][]string // names in lower case
	Body    []byte
	Failure Failure // empty when Status is set
	Message string  // says more about a Failure, for people
}

// Failure says why a call has no response.
type Failure string

// The failures a guest can meet.
const (
	Timeout      Failure = "timeout"      // no complete response within the call's time
	Unreachable  Failure = "unreachable"  // no connection: DNS, TLS, refused, reset
	Refused      Failure = "refused"      // our own policy forbids the call
	Unauthorized Failure = "unauthorized" // no credential could be had
	Interrupted  Failure = "interrupted"  // sent, then we crashed: whether it happened is unknown
)
