package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program under way. It is stopped with stop.
type process struct {
	cmd   *exec.Cmd
	lines chan string // of its standard output
	ended chan error
	addr  string // host:port
	url   string // of its webhook
}

// spawn starts a program; env is added to ours.
func (b *bench) spawn(ctx context.Context, env []string, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, name, args...), lines: make(chan string, 64), ended: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = b.logFile
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.read(out)
		p.ended <- p.cmd.Wait()
	}()
	return p, nil
}

// read keeps the first lines and lets the others go.
func (p *process) read(out io.Reader) {
	defer close(p.lines)
	for s := bufio.NewScanner(out); s.Scan(); {
		select {
		case p.lines <- s.Text():
		default:
		}
	}
}

// orStopped returns the process, or stops it if it did not get ready.
func (p *process) orStopped(err error) (*process, error) {
	if err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// waitFor returns what follows prefix in the line that begins with it.
func (p *process) waitFor(prefix string) (string, error) {
	for line := range p.lines {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return rest, nil
		}
	}
	return "", fmt.Errorf("%s ended before it was ready; its messages are in the log", p.cmd.Path)
}

// waitReady returns when the process listens at addr.
func (p *process) waitReady(ctx context.Context, addr string) error {
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case err := <-p.ended:
			p.ended <- err
			return fmt.Errorf("%s ended before it was ready: %w", p.cmd.Path, err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// stop ends the process, in an orderly way if it likes.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// cpu is the processor time that the process has used.
func (p *process) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	// The name may hold anything; what follows it does not.
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	const tick = 10 * time.Millisecond
	return time.Duration(user+system) * tick
}

// memory is a size in KB: VmRSS is what the process has, VmHWM the most it had.
func (p *process) memory(name string) int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb
		}
	}
	return 0
}

// freePort is one that nobody has at the moment.
func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// machine says where and when this was measured.
func machine() string {
	cpu := "unknown processor"
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			cpu = strings.Trim(name, "\t :\n")
			break
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%s, %d × %s, Linux %s, %s, load average %s", time.Now().Format(time.DateOnly),
		runtime.NumCPU(), cpu, strings.TrimSpace(string(kernel)), runtime.Version(), loadAverage())
}
