package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// requestBody is what the webhook gets; the answer must hold the vendor's id.
const (
	requestBody = `{"from":"+4915112345678","text":"hello","conversationId":"c-1"}`
	taskID      = "t-1"
)

// loadResult is what the load generator saw.
type loadResult struct {
	Requests, Errors int
	Took             time.Duration
	P50, P99, Max    time.Duration
	FirstError       string
}

func (r loadResult) perSecond() float64 { return float64(r.Requests) / r.Took.Seconds() }

// load runs the load generator as a process of its own.
func (b *bench) load(ctx context.Context, url string, clients int, length time.Duration) (r loadResult, err error) {
	cmd := exec.CommandContext(ctx, b.self, "load", "-url", url, "-clients", strconv.Itoa(clients), "-time", length.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("load: %w", err)
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return r, err
	}
	if r.Errors > 0 && r.Requests == 0 {
		return r, fmt.Errorf("every request failed: %s", r.FirstError)
	}
	return r, nil
}

func loadMain(args []string) {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	url := flags.String("url", "", "where to send requests")
	clients := flags.Int("clients", 1, "each has one request under way")
	length := flags.Duration("time", 10*time.Second, "when to stop")
	once := flags.Bool("once", false, "each client sends one request")
	total := flags.Int("total", 0, "stop after so many requests of all clients")
	want := flags.String("want", taskID, "what an answer must hold")
	_ = flags.Parse(args) // ends the process on errors
	switch {
	case *once:
		*total = *clients
	case *total == 0:
		*total = math.MaxInt
	}
	r := closedLoop(*url, *want, *clients, *total, *length)
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		log.Fatal(err)
	}
}

// closedLoop lets clients send one request after the other. They write to their
// connections themselves, since net/http's client would take as much of the
// machine as what is measured.
func closedLoop(url, want string, clients, total int, length time.Duration) loadResult {
	host, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	request := fmt.Appendf(nil, "POST /%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, host, len(requestBody), requestBody)
	var (
		mu     sync.Mutex
		result loadResult
		took   []time.Duration
		wg     sync.WaitGroup
		left   atomic.Int64 // requests
	)
	left.Store(int64(total))
	began := time.Now()
	for range clients {
		wg.Go(func() {
			c := &client{host: host, request: request, want: []byte(want), left: &left}
			mine, failed, first := c.run(began.Add(length))
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
			result.Errors += failed
			if result.FirstError == "" && first != nil {
				result.FirstError = first.Error()
			}
		})
	}
	wg.Wait()
	result.Requests, result.Took = len(took), time.Since(began)
	if len(took) > 0 {
		slices.Sort(took)
		result.P50, result.P99, result.Max = at(took, 50), at(took, 99), took[len(took)-1]
	}
	return result
}

func at(sorted []time.Duration, percent int) time.Duration {
	return sorted[len(sorted)*percent/100].Round(10 * time.Microsecond)
}

// client is one caller with one connection.
type client struct {
	host    string
	request []byte
	want    []byte
	left    *atomic.Int64 // requests that all clients may send yet
	conn    net.Conn
	in      *bufio.Reader
}

func (c *client) run(until time.Time) (took []time.Duration, failed int, first error) {
	for c.left.Add(-1) >= 0 && time.Now().Before(until) {
		began := time.Now()
		if err := c.exchange(); err != nil {
			failed++
			first = err
			if c.conn != nil {
				_ = c.conn.Close()
				c.conn = nil
			}
			time.Sleep(time.Millisecond) // or a system that is down is flooded
			continue
		}
		took = append(took, time.Since(began))
	}
	if c.conn != nil {
		_ = c.conn.Close()
	}
	return took, failed, first
}

func (c *client) exchange() error {
	if c.conn == nil {
		conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", c.host)
		if err != nil {
			return err
		}
		c.conn, c.in = conn, bufio.NewReaderSize(conn, 2048)
	}
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 || !bytes.Contains(body, c.want) {
		return errors.New(response.Status + ": " + string(body))
	}
	return nil
}
