package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wendflow/wend/emulator"
	ciscocce "github.com/wendflow/wend/plugins/cisco-cce/emulator"
	genesyscs "github.com/wendflow/wend/plugins/genesys-cs/emulator"
	genesysgws "github.com/wendflow/wend/plugins/genesys-gws/emulator"
	luwarelucs "github.com/wendflow/wend/plugins/luware-lucs/emulator"
	nicecxone "github.com/wendflow/wend/plugins/nice-cxone/emulator"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/outbound"
)

// vendors are the emulators that ship, in the order of their ports.
func vendors() []vendor {
	return []vendor{
		{"cisco-cce", ciscocce.New, ciscoConnection, "CCE_TOKEN=cce-admin"},
		{"nice-cxone", nicecxone.New, cxoneConnection, "CXONE_KEY_SECRET=vera-key-secret"},
		{"genesys-cs", genesyscs.New, basicConnection("genesys-cs", "basic", "cs-admin", "cs-admin-password"), "CS_PASSWORD=cs-admin-password"},
		{"genesys-gws", genesysgws.New, gwsConnection, "GWS_PASSWORD=a1-password"},
		{"luware-lucs", luwarelucs.New, lucsConnection, "LUCS_KEY=lucs-admin"},
	}
}

type vendor struct {
	name string
	open func(emulator.Config) (*emulator.Vendor, error)
	// connection is how flows reach the emulator at addr. The secrets are the
	// values themselves. It adds the variables that flows need.
	connection func(addr string, vars map[string]any) outbound.Connection
	// secret is what wend.yaml of this repository refers to.
	secret string
}

func emulateCommand(std *streams) *cobra.Command {
	var faults []string
	var settings string
	var seed uint64
	var host string
	var port int
	cmd := &cobra.Command{
		Use:   "emulate [VENDOR...]",
		Short: "Run local stand-ins of the vendors' systems",
		Long: `Run the emulators named, or all of them, until interrupted.

Each keeps state, answers as the vendor does where that is known, and says in the
header X-Emulator-Basis what an answer rests on. Control it under /_emulator/: journal,
state, faults, settings, clock, reset.`,
		Example: `  wend emulate
  wend emulate cisco-cce --faults 'POST /drapi/v1/tasks/*/close=503*1'
  wend emulate --faults cisco-cce:429*3 --faults luware-lucs:slow:300`,
		RunE: func(cmd *cobra.Command, args []string) error {
			chosen, err := chooseVendors(args)
			if err != nil {
				return err
			}
			cfg := emulator.Config{Seed: seed}
			if settings != "" {
				if len(chosen) != 1 {
					return errors.New("--settings are those of one vendor; name it")
				}
				cfg.Settings = json.RawMessage(settings)
			}
			byVendor, err := parseFaults(faults, chosen)
			if err != nil {
				return err
			}
			return emulate(cmd.Context(), std, chosen, cfg, byVendor, listenAt(host, port))
		},
	}
	cmd.Flags().StringArrayVar(&faults, "faults", nil, `a fault to begin with, as "503*2", "POST /path=timeout" or "VENDOR:drop*1"; may be repeated`)
	cmd.Flags().StringVar(&settings, "settings", "", "the vendor's own switches, as a JSON object")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "make clock and ids the same in every session (0: real ones)")
	cmd.Flags().StringVar(&host, "host", "127.0.0.1", "address to listen on")
	cmd.Flags().IntVar(&port, "port", firstPort, "the first vendor's port; the others follow in their order (0: free ones)")
	return cmd
}

// firstPort is where the emulator of the first vendor listens.
const firstPort = 9101

// listenAt says where the emulator listens that has a port of its own, when the
// first vendor's is another.
func listenAt(host string, first int) func(own int) string {
	return func(own int) string {
		if first == 0 {
			own = 0
		} else {
			own += first - firstPort
		}
		return net.JoinHostPort(host, strconv.Itoa(own))
	}
}

func chooseVendors(names []string) ([]vendor, error) {
	all := vendors()
	if len(names) == 0 {
		return all, nil
	}
	known := make([]string, len(all))
	for i, v := range all {
		known[i] = v.name
	}
	var chosen []vendor
next:
	for _, name := range names {
		for _, v := range all {
			if v.name == name {
				chosen = append(chosen, v)
				continue next
			}
		}
		return nil, fmt.Errorf("no emulator of %q; %s", name, diag.Suggest(name, known))
	}
	return chosen, nil
}

// parseFaults sorts faults by vendor. One without a vendor is for all of them.
func parseFaults(texts []string, chosen []vendor) (map[string][]emulator.Fault, error) {
	byVendor := map[string][]emulator.Fault{}
	for _, text := range texts {
		targets := chosen
		for _, v := range chosen {
			if rest, ok := strings.CutPrefix(text, v.name+":"); ok {
				targets, text = []vendor{v}, rest
				break
			}
		}
		f, err := emulator.ParseFault(text)
		if err != nil {
			return nil, err
		}
		for _, v := range targets {
			byVendor[v.name] = append(byVendor[v.name], f)
		}
	}
	return byVendor, nil
}

func emulate(ctx context.Context, std *streams, chosen []vendor, cfg emulator.Config, faults map[string][]emulator.Fault, addr func(own int) string) error {
	var running []*standIn
	defer func() {
		for _, s := range running {
			s.close()
		}
	}()
	for _, v := range chosen {
		cfg.Faults = faults[v.name]
		s, err := startStandIn(ctx, v, cfg, addr)
		if err != nil {
			return wrong(err)
		}
		running = append(running, s)
		fmt.Fprintf(std.out, "%-12s http://%s\n", v.name, s.addr)
	}
	secrets := make([]string, len(chosen))
	for i, v := range chosen {
		secrets[i] = v.secret
	}
	fmt.Fprintf(std.err, "their credentials: export %s\n", strings.Join(secrets, " "))
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range running {
		group.Go(s.wait)
	}
	group.Go(func() error {
		<-ctx.Done()
		for _, s := range running {
			s.close()
		}
		return nil
	})
	return wrong(group.Wait())
}

// standIn is an emulator that listens.
type standIn struct {
	*emulator.Vendor
	addr   string
	server *http.Server
	served chan error
}

// startStandIn listens where addr says for the vendor's own port.
func startStandIn(ctx context.Context, v vendor, cfg emulator.Config, addr func(own int) string) (*standIn, error) {
	em, err := v.open(cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v.name, err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr(em.Port))
	if err != nil {
		_ = em.Close()
		return nil, fmt.Errorf("%s: %w", v.name, err)
	}
	s := &standIn{
		Vendor: em, addr: l.Addr().String(), served: make(chan error, 1),
		server: &http.Server{Handler: em, ReadHeaderTimeout: 10 * time.Second},
	}
	go func() { s.served <- s.server.Serve(l) }()
	return s, nil
}

func (s *standIn) wait() error {
	if err := <-s.served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *standIn) close() {
	_ = s.Close()
	_ = s.server.Close()
}

// url is an address of the emulator.
func (s *standIn) url(path string) string {
	return "http://" + s.addr + "/" + strings.TrimPrefix(path, "/")
}
