package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wendflow/wend/emulator"
	"github.com/wendflow/wend/runtime/casefile"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/webhook"
)

func demoCommand(std *streams) *cobra.Command {
	var plugins string
	var log logFlag
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run every vendor's flows once against the emulators",
		Long: `Start the emulators and a server on free ports of this machine, call the webhook of each
flow of a vendor under flows/ over HTTP, and print what became of it beside the emulator's own record.
The exit status is 1 if one is not as it should be.`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			logger, err := log.logger(std)
			if err != nil {
				return err
			}
			return demo(cmd.Context(), std, plugins, logger)
		},
	}
	cmd.Flags().StringVar(&plugins, "plugins", defaultPlugins, "folder of the plugins")
	log.flags(cmd, "error")
	return cmd
}

// scene is one line of the demo: a flow, its input, and what must come of it.
type scene struct {
	flow  string // file under flows/, without .yaml; its input lies beside it
	fault string // set at the emulator for this scene
	node  string // that calls the vendor last
	then  []next // what happens while the run waits
	want  struct {
		status  casefile.Want // of the webhook's answer
		outcome casefile.Want // of the node
		record  casefile.Want // the emulator's own state of what the flow is about
	}
}

// next is a webhook that tells a waiting run what became of its task.
type next struct {
	flow  string
	after string // how far the emulator's clock goes before it
}

// demo plays all scenes and prints the table.
func demo(ctx context.Context, std *streams, pluginDir string, log *slog.Logger) error {
	scenes, err := readScenes()
	if err != nil {
		return err
	}
	stage, err := setStage(ctx, std, pluginDir, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return stage.server.Run(ctx) })
	failed := 0
	group.Go(func() error {
		defer cancel()
		var err error
		failed, err = stage.play(ctx, std.out, scenes)
		return err
	})
	err = group.Wait()
	stage.close(context.WithoutCancel(ctx))
	switch {
	case err != nil && !errors.Is(err, context.Canceled):
		return err
	case failed > 0:
		return wrongf("%d of %d flows did not end as they should", failed, len(scenes))
	default:
		return nil
	}
}

// stage is a server with all emulators behind it.
type stage struct {
	kit    *kit
	server *server
	stands map[string]*standIn
}

func setStage(ctx context.Context, std *streams, pluginDir string, log *slog.Logger) (*stage, error) {
	if files, _ := filepath.Glob(filepath.Join(pluginDir, "*.wasm")); len(files) == 0 {
		return nil, wrongf("no plugins in %q, `make plugins` builds them", pluginDir)
	}
	s := &stage{stands: map[string]*standIn{}}
	for _, v := range vendors() {
		stand, err := startStandIn(ctx, v, emulator.Config{Seed: 1}, func(int) string { return "127.0.0.1:0" })
		if err != nil {
			s.close(ctx)
			return nil, wrong(err)
		}
		s.stands[v.name] = stand
	}
	cfg, cleanup, err := s.config()
	if err != nil {
		s.close(ctx)
		return nil, err
	}
	defer cleanup() // secrets are read once
	s.kit, err = openKit(ctx, cfg, pluginDir, 0, log)
	if err == nil {
		err = s.kit.connect(std, cfg.Connections)
	}
	if err != nil {
		s.close(ctx)
		return nil, err
	}
	quiet := &streams{in: std.in, out: io.Discard, err: io.Discard}
	s.server, err = newServer(ctx, s.kit, serverConfig{paths: []string{defaultFlows}, addr: "127.0.0.1:0"}, quiet, log)
	if err == nil && len(s.server.live.Mistakes()) > 0 {
		s.server.Close()
		err = wrongf("the shipped flows are wrong, see `wend check %s`", defaultFlows)
	}
	if err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

func (s *stage) close(ctx context.Context) {
	if s.kit != nil {
		s.kit.Close(ctx)
	}
	for _, stand := range s.stands {
		stand.close()
	}
}

// config is an environment of emulators. The credentials are theirs; they go
// through files because that is how secrets come.
func (s *stage) config() (cfg *config.Config, cleanup func(), err error) {
	dir, err := os.MkdirTemp("", "wend-demo-")
	if err != nil {
		return nil, nil, wrong(err)
	}
	cleanup = func() { _ = os.RemoveAll(dir) }
	cfg = &config.Config{Variables: map[string]any{}}
	for _, v := range vendors() {
		conn := v.connection(s.stands[v.name].addr, cfg.Variables)
		for name, value := range conn.Secrets {
			file := filepath.Join(dir, v.name+"-"+name)
			if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
				cleanup()
				return nil, nil, wrong(err)
			}
			conn.Secrets[name] = "file:" + file
		}
		cfg.Connections = append(cfg.Connections, conn)
	}
	return cfg, cleanup, nil
}

// play calls each flow's webhook and prints a line for each.
func (s *stage) play(ctx context.Context, w io.Writer, scenes []scene) (failed int, err error) {
	var base string
	select {
	case addr := <-s.server.ready:
		base = "http://" + addr
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if err := s.introduce(ctx, base); err != nil {
		return 0, wrong(err)
	}
	begin := time.Now()
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "FLOW\tFAULT\tHTTP\tOUTCOME\tVENDOR'S RECORD\t")
	for _, sc := range scenes {
		got, err := s.playScene(ctx, base, sc)
		if err != nil {
			return failed, wrongf("%s: %w", sc.flow, err)
		}
		mark := "ok"
		if wrong := sc.wrong(got); wrong != "" {
			mark = "WRONG: " + wrong
			failed++
		}
		fmt.Fprintf(tw, "%s\t%s\t%d\t%s\t%s\t%s\n",
			sc.flow, cmp.Or(sc.fault, "-"), got.status, got.outcome, cmp.Or(got.record, "-"), mark)
	}
	if err := tw.Flush(); err != nil {
		return failed, err
	}
	fmt.Fprintf(w, "%d flows over HTTP in %s\n", len(scenes), time.Since(begin).Round(time.Millisecond))
	return failed, nil
}

// act is how a scene went.
type act struct {
	status          int
	outcome, record string
}

func (s *stage) playScene(ctx context.Context, base string, sc scene) (act, error) {
	stand := s.stands[sc.vendor()]
	if sc.fault != "" {
		f, err := emulator.ParseFault(sc.fault)
		if err != nil {
			return act{}, err
		}
		if err := stand.post(ctx, "/_emulator/faults", f); err != nil {
			return act{}, err
		}
		defer stand.clearFaults(ctx)
	}
	f, hook, err := s.find(sc.flow)
	if err != nil {
		return act{}, err
	}
	input, err := infile.Read(filepath.Join(defaultFlows, sc.flow+".json"), infile.MostText)
	if err != nil {
		return act{}, err
	}
	status, runID, body, err := fire(ctx, base+webhook.Prefix+hook, input)
	if err != nil {
		return act{}, err
	}
	for _, n := range sc.then {
		if err := s.goOn(ctx, base, stand, n, body); err != nil {
			return act{}, err
		}
	}
	report, err := s.server.report(ctx, f, runID)
	if err != nil {
		return act{}, err
	}
	got := act{status: status}
	for _, n := range report.Nodes {
		if n.Node == sc.node {
			got.outcome = n.Outcome
		}
	}
	got.record, err = s.recordOf(ctx, sc, report)
	return got, err
}

// goOn calls the webhook that a waiting run waits for, with the id of the task
// that the first webhook answered.
func (s *stage) goOn(ctx context.Context, base string, stand *standIn, n next, answer []byte) error {
	if n.after != "" {
		if err := stand.post(ctx, "/_emulator/clock", map[string]string{"advance": n.after}); err != nil {
			return err
		}
	}
	var task struct {
		ID string `json:"taskId"`
	}
	if err := json.Unmarshal(answer, &task); err != nil {
		return err
	}
	_, hook, err := s.find(n.flow)
	if err != nil {
		return err
	}
	input, err := json.Marshal(map[string]string{"taskId": task.ID})
	if err != nil {
		return err
	}
	_, _, _, err = fire(ctx, base+webhook.Prefix+hook, input)
	return err
}

// fire calls a webhook and returns the answer and the run's id.
func fire(ctx context.Context, url string, input []byte) (status int, run string, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(input))
	if err != nil {
		return 0, "", nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", nil, err
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		return 0, "", nil, err
	}
	run = resp.Header.Get(webhook.RunHeader)
	if run == "" {
		return resp.StatusCode, "", nil, fmt.Errorf("no run was made: %d %s", resp.StatusCode, strings.TrimSpace(string(body)))
	}
	return resp.StatusCode, run, body, nil
}

func (s *standIn) post(ctx context.Context, path string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = s.ask(ctx, http.MethodPost, path, body)
	return err
}

func (s *standIn) clearFaults(ctx context.Context) {
	_, _ = s.ask(ctx, http.MethodDelete, "/_emulator/faults", nil)
}

// ask calls the emulator's control surface, as anybody can.
func (s *standIn) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url(path), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, answer)
	}
	return answer, err
}
