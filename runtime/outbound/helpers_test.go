package outbound_test

import (
	"context"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

// env is what the tests' secrets refer to.
var env = map[string]string{
	"TOKEN": "tok-4f9a17", "PASSWORD": "s3cret-pass", "KEY": "key-77aa01", "OLD_KEY": "key-old-99", "ACCESS": "access-secret-5",
}

func lookup(name string) (string, bool) { v, ok := env[name]; return v, ok }

// quiet is for servers whose clients are meant to hang up on them.
var quiet = log.New(io.Discard, "", 0)

func newClient(tb testing.TB, cfg outbound.Config) *outbound.Client {
	tb.Helper()
	if cfg.Env == nil {
		cfg.Env = lookup
	}
	c, err := outbound.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// connect returns a client with the one connection "c".
func connect(tb testing.TB, c outbound.Connection) *outbound.Client {
	tb.Helper()
	c.Name = "c"
	return newClient(tb, outbound.Config{Connections: []outbound.Connection{c}})
}

func serve(tb testing.TB, h http.HandlerFunc) *httptest.Server {
	tb.Helper()
	s := httptest.NewServer(h)
	tb.Cleanup(s.Close)
	return s
}

func get(url string) outbound.Request {
	return outbound.Request{Connection: "c", Call: wire.Call{Method: "GET", URL: url}}
}

func post(url string) outbound.Request {
	return outbound.Request{Connection: "c", Call: wire.Call{Method: "POST", URL: url, Body: []byte(`{}`)}, Key: "key-1"}
}

// seen records the requests that a server got.
type seen struct {
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

func (s *seen) note(r *http.Request) int {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.bodies = append(s.requests, r), append(s.bodies, string(body))
	return len(s.requests)
}

func (s *seen) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func (s *seen) last() (*http.Request, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.requests) - 1
	return s.requests[n], s.bodies[n]
}

// fakeDNS answers every question for an A record with answer(n), n counting
// from 1, and knows no AAAA record.
func fakeDNS(answer func(n int) netip.Addr) *net.Resolver {
	var mu sync.Mutex
	asked := 0
	next := func() netip.Addr {
		mu.Lock()
		defer mu.Unlock()
		asked++
		return answer(asked)
	}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go answerDNS(far, next)
		return near, nil
	}}
}

// answerDNS speaks DNS as over TCP, which is what Go takes a pipe for.
func answerDNS(conn net.Conn, next func() netip.Addr) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(query) != nil || len(m.Questions) != 1 {
			return
		}
		m.Response, m.Additionals = true, nil
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
				Body:   &dnsmessage.AResource{A: next().As4()},
			}}
		}
		reply, err := m.Pack()
		if err != nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}
