// Package config reads wend.yaml: what differs from one environment to the
// next, above all the connections. It checks the shape, the names and what a
// connection says of itself, and gives every mistake its place. It looks up no
// secret, opens nothing, and fills in no default of another package.
package config

import (
	"errors"
	"io/fs"
	"net/netip"
	"time"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/secret/vault"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// Config is a wend.yaml. A zero value anywhere means that the file says
// nothing, and that the default of the part concerned holds.
type Config struct {
	File        string
	Connections []outbound.Connection // in the order of the file
	Outbound    Outbound
	Server      Server
	Vault       Vault
	Limits      Limits
	Telemetry   Telemetry
	// Variables are this environment's values of the flows' variables, by name.
	Variables map[string]any

	doc *yamldoc.Document
}

// Outbound holds for calls that name no connection.
type Outbound struct {
	Allow []string // hosts
}

// Server is how we are reached.
type Server struct {
	Addr string // host:port
	// Token refers to the API's token: "env:NAME", "file:PATH" or "vault:PATH#KEY".
	Token    string
	Requests Requests
	// Retention says which ended runs and versions of flows are forgotten.
	Retention Retention
	// Proxies are believed when they say whom a request comes from.
	Proxies []netip.Prefix
	TLS     ServerTLS
}

// ServerTLS is who we are to callers, and whose word we take for who they are: files
// in PEM. Without CertFile the server speaks plain HTTP.
type ServerTLS struct{ CertFile, KeyFile, ClientCAFile string }

// Vault is where secrets are that are referred to as "vault:PATH#KEY". Its Address
// is empty if there is none.
type Vault struct {
	vault.Config
	TLS outbound.TLS
}

// Telemetry says where what happens is shown, beside the log on stderr and the
// metrics that are scraped.
type Telemetry struct {
	Traces        Traces
	Metrics, Logs Sink
}

// Sink says where metrics or the log go.
type Sink struct {
	Endpoint string // of an OTLP receiver over HTTP; empty: nowhere
}

// Traces says where spans go.
type Traces struct {
	Endpoint string  // of an OTLP receiver over HTTP; empty: nowhere
	Sample   float64 // the part of runs that are traced though no caller asked; 0: all
}

// Retention bounds what is kept of runs that have ended and of flows.
type Retention struct {
	Age      time.Duration
	Size     int64 // bytes of the journal
	Versions int   // of each flow
}

// Requests limits what comes in.
type Requests struct {
	PerSecond float64
	Burst     int
	PerCaller float64 // a second, of one caller
}

// Limits bounds what one request, one plugin, one run and all callers may use.
type Limits struct {
	Body   int64 // bytes of a request that comes in
	Reply  int64 // bytes of a reply to one of our calls
	Plugin Plugin

	// What all callers together may use at one time.
	Requests int   // being answered
	Runs     int   // of one flow, in progress for webhooks
	Queue    int   // requests of one flow that wait until there are fewer; 0: as many as is usual
	Bodies   int64 // bytes of their bodies
	Streams  int   // of events, and exports of runs
	Events   int   // kept for runs that do not wait yet

	Nodes int // of all flows together

	// What one run may take, in bytes.
	Value   int64 // one value, as JSON
	Run     int64 // all its values in memory
	Journal int64 // its part of the journal

	Visits int // of one node in a run, where the flow does not say
	Depth  int // of runs that call each other

	Store Store
}

// Store bounds what flows keep between their runs; sizes are in bytes.
type Store struct {
	Value int64 // of one value
	Keys  int   // of one flow, and of those that all share
	Size  int64 // of all that is kept
}

// Plugin bounds one invoke of a plugin; sizes are in bytes.
type Plugin struct {
	Fuel   int64
	Memory int64
	Calls  int
	Depth  int
	Wall   time.Duration
	Input  int64
	Output int64
	Reply  int64
	Log    int64
}

// The kinds of mistakes that only a wend.yaml can have; the others are
// package diag's.
const (
	// InvalidValue: a setting is out of bounds or out of form.
	//
	//	limits: { body: much }
	InvalidValue diag.Code = "invalid-value"

	// LiteralSecret: a secret stands in the file instead of where it is.
	//
	//	connections:
	//	  vendor: { type: bearer, secrets: { token: abc123 } }
	LiteralSecret diag.Code = "literal-secret"

	// InvalidConnection: a connection contradicts itself or lacks something.
	//
	//	connections:
	//	  vendor: { type: bearer }
	InvalidConnection diag.Code = "invalid-connection"
)

// Load reads the file at path. The Config is nil only if there is no file,
// or it is not YAML or something else altogether; else it holds all that could be understood.
func Load(path string) (*Config, diag.List) {
	src, err := infile.Read(path, infile.MostText)
	if err != nil {
		var list diag.List
		e := list.Errorf(diag.Pos{File: path}, diag.Unreadable, "%s", reason(err))
		if errors.Is(err, fs.ErrNotExist) {
			e.Hint = "name another with --config"
		}
		return nil, list
	}
	return Parse(path, src)
}

// reason leaves out the path, which the position says already.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// Parse reads src as the content of file; the file's name is for positions
// only. It returns what Load returns.
func Parse(file string, src []byte) (*Config, diag.List) {
	doc, mistakes := format.Parse(file, src)
	if doc.Root() == nil && mistakes.HasErrors() {
		return nil, mistakes
	}
	r := &reader{yamldoc.Reader{Mistakes: mistakes, Invalid: InvalidValue}, doc}
	c := &Config{File: file, doc: doc}
	if s, ok := doc.Root().(*yamldoc.Scalar); doc.Root() != nil && (!ok || s.Data != nil) {
		r.config(doc.Root(), c)
	}
	return c, r.Mistakes.Sorted()
}

var format = yamldoc.Format{
	Name: "configuration", Aliases: true,
	Keys:   []string{"connections", "outbound", "server", "vault", "limits", "telemetry", "variables"},
	Begins: `one of "connections:", "outbound:", "server:", "vault:", "limits:", "telemetry:" and "variables:"`,
}

// Pos returns where something is said, or the nearest thing around it that is
// said: "connections.cce.secrets.token", "outbound.allow[0]". Other parts
// place their mistakes with it, such as a secret that cannot be found.
func (c *Config) Pos(path string) diag.Pos { return c.doc.Pos(path) }
