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
	// How callers prove who they are, as Client.Proof returns it.
	header, scheme string
	tally          *tally
	ready          atomic.Pointer[conn]
	mu             sync.Mutex // one opens
}

func newSlot(connection Connection, cfg Config, pools *pools, tally *tally) *slot {
	s := &slot{connection: connection, tally: tally, open: func() (*conn, error) { return newConn(connection, cfg, pools, tally) }}
	if v := proves(connection); v != nil {
		s.header, s.scheme = v.proof()
	}
	return s
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

// proves says how callers prove to a connection who they are, which needs no
// secret. It is nil if it checks no callers.
func proves(c Connection) verifier {
	if !c.CanVerify() {
		return nil
	}
	k, err := c.kind()
	if err != nil {
		return nil
	}
	return k.make(&maker{Connection: c, mask: &mask{}}).verifier
}

// find returns a connection that is ready, or the reply to a call with it.
func (c *Client) find(name string) (*conn, *wire.Reply) {
	now := c.now.Load()
	if name == "" {
		return now.anonymous, nil
	}
	s := now.slots[name]
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
	s := c.slot(connection)
	if s == nil {
		return nil
	}
	_, err := s.get()
	return err
}
