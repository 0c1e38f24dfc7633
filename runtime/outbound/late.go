package outbound

import (
	"sync"
	"sync/atomic"

	"github.com/wendflow/wend/sdk/wire"
)

// slot is the place of a connection: it is made ready when it is first needed,
// and what could not be had then is looked for again the next time.
type slot struct {
	connection Connection
	open       func() (*conn, error)
	ready      atomic.Pointer[conn]
	mu         sync.Mutex // one opens
}

// get returns the connection, or a joined error of *FieldError that says what
// it lacks.
func (s *slot) get() (*conn, error) {
	if c := s.ready.Load(); c != nil {
		return c, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.ready.Load(); c != nil {
		return c, nil
	}
	c, err := s.open()
	if err != nil {
		return nil, err
	}
	s.ready.Store(c)
	return c, nil
}

// proves says how callers prove to the connection who they are, which needs no
// secret. It is nil if it checks no callers.
func (s *slot) proves() verifier {
	if !s.connection.CanVerify() {
		return nil
	}
	k, err := s.connection.kind()
	if err != nil {
		return nil
	}
	return k.make(&maker{Connection: s.connection, mask: &mask{}}).verifier
}

// find returns a connection that is ready, or the reply to a call with it.
func (c *Client) find(name string) (*conn, *wire.Reply) {
	if name == "" {
		return c.anonymous, nil
	}
	s := c.slots[name]
	if s == nil {
		return nil, &wire.Reply{Failure: wire.Refused, Message: "no connection \"" + name + "\": define it under connections in wend.yaml"}
	}
	conn, err := s.get()
	if err != nil {
		return nil, &wire.Reply{Failure: wire.Unauthorized, Message: err.Error() + fate(false)}
	}
	return conn, nil
}

// Lacks says what a connection cannot do without and has not: a joined error of
// *FieldError, such as for a secret that cannot be read. It is nil for one that
// is ready, and looks again each time for one that is not.
func (c *Client) Lacks(connection string) error {
	s := c.slots[connection]
	if s == nil {
		return nil
	}
	_, err := s.get()
	return err
}
