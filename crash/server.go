package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"time"
)

// server is one life of `wend serve`.
type server struct {
	cmd     *exec.Cmd
	began   time.Time
	address chan string   // gets the address once it listens
	exited  chan struct{} // closed when the process is gone
	err     error         // of the process, once it has exited
}

// life is from when to when a server process was there.
type life struct{ from, to time.Time }

// patience bounds every wait for a server.
const patience = 30 * time.Second

// start runs a server on the data folder of the site. End it with kill or stop.
func (s *site) start(ctx context.Context) (*server, error) {
	log, err := os.OpenFile(s.path("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	p := &server{
		cmd: exec.CommandContext(ctx, s.wend, "serve", s.path("flows"), "--config", s.path("wend.yaml"),
			"--plugins", s.plugins, "--data", s.path("data"), "--addr", "127.0.0.1:0", "--log", "warn"),
		address: make(chan string, 1), exited: make(chan struct{}), began: time.Now(),
	}
	p.cmd.Env = append(os.Environ(), "CCE_TOKEN=cce-admin", "BAD_TOKEN="+badToken, "SIGNER_KEY=signer-key", "XDG_CACHE_HOME="+s.path("cache"))
	p.cmd.Stderr = log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	l := &life{from: p.began}
	s.lives = append(s.lives, l)
	go p.watch(stdout, l)
	s.last = p
	return p, nil
}

var listensOn = regexp.MustCompile(`^listening on (http://\S+)$`)

// watch reads what the server prints until it is gone.
func (p *server) watch(stdout io.Reader, l *life) {
	defer close(p.exited)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if m := listensOn.FindStringSubmatch(lines.Text()); m != nil {
			p.address <- m[1]
		}
	}
	p.err = p.cmd.Wait()
	l.to = time.Now()
}

// errExited is a server that ended by itself.
var errExited = errors.New("the server ended by itself")

// listening waits until the server listens, and returns where.
func (p *server) listening(ctx context.Context) (string, error) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case addr := <-p.address:
		return addr, nil
	case <-p.exited:
		return "", fmt.Errorf("%w: %v", errExited, p.cmd.ProcessState)
	case <-timeout.C:
		return "", fmt.Errorf("the server does not listen within %s", patience)
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// kill ends the server without a word. It fails if it had ended before.
func (p *server) kill() error {
	select {
	case <-p.exited:
		return fmt.Errorf("%w: %v", errExited, p.cmd.ProcessState)
	default:
	}
	err := p.cmd.Process.Kill()
	<-p.exited
	return err
}

// stop ends the server in an orderly way.
func (p *server) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-p.exited:
	case <-timeout.C:
		_ = p.kill()
		return fmt.Errorf("the server does not stop within %s", patience)
	}
	if p.err != nil {
		return fmt.Errorf("the server stopped, but %w", p.err)
	}
	return nil
}
