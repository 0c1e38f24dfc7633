package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/secret"
)

func runsCommand(std *streams) *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "The runs of a server: list, show, export, retry, resume, cancel",
		Long: `Ask a server about its runs, over its API.

A run is named by its id, by the begin or the end of it (at least 4 characters), or by its key;
what names several runs lists them.

The server is one that "wend serve" started. Its token, if it has one, is read from the
environment variable WEND_TOKEN, or from where --token says.`,
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	r.addFlags(cmd)
	cmd.AddCommand(runsListCommand(std, &r), runsShowCommand(std, &r), runsExportCommand(std, &r), runsRetryCommand(std, &r), runsResumeCommand(std, &r), runsCancelCommand(std, &r))
	return cmd
}

// remote is a server that is asked over its API.
type remote struct {
	server string
	token  string // refers to the token
}

// addFlags lets the commands under cmd be told where the server is.
func (r *remote) addFlags(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&r.server, "server", "http://"+defaultAddr, "address of the server")
	cmd.PersistentFlags().StringVar(&r.token, "token", defaultToken, "where the server's token is: env:NAME or file:PATH")
}

// flags are what another command has to be given to ask the same server, with a
// blank in front.
func (r *remote) flags() string {
	var flags string
	if r.server != "http://"+defaultAddr {
		flags += " --server " + quoted(r.server)
	}
	if r.token != defaultToken {
		flags += " --token " + quoted(r.token)
	}
	return flags
}

// defaultToken is used if it is there.
const defaultToken = "env:WEND_TOKEN"

// call sends a request; body is sent as JSON unless it is nil. An answer that
// is no success is an error. Close the body of the response.
func (r *remote) call(ctx context.Context, method, path string, body any) (*http.Response, error) {
	req, err := r.request(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		if ctx.Err() != nil {
			return nil, wrong(context.Cause(ctx))
		}
		return nil, wrongf("no server answers at %s: %w\nstart one with \"wend serve\", or say with --server where it is", r.server, failed.Err)
	}
	if err != nil {
		return nil, wrong(err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		defer resp.Body.Close()
		return nil, r.refused(resp)
	}
	return resp, nil
}

func (r *remote) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	base, err := url.Parse(r.server)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("--server %q: expected an address such as http://%s", r.server, defaultAddr)
	}
	token, err := readToken(r.token)
	if err != nil {
		return nil, err
	}
	content, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(r.server, "/")+path, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}

// readToken returns the token that ref refers to, "" if there is none.
func readToken(ref string) (string, error) {
	token, err := secret.Sources{Env: os.LookupEnv}.Read(ref)
	switch {
	case errors.Is(err, secret.ErrNone) && ref == defaultToken:
		return "", nil
	case err != nil:
		return "", fmt.Errorf("--token: %w", err)
	default:
		return string(token), nil
	}
}

// refused says why a server did not do what it was asked. A request that does
// not fit comes from the command line.
func (r *remote) refused(resp *http.Response) error {
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return wrong(err)
	}
	var doc struct {
		Detail string
		Errors []problem.Field
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind != problem.ContentType || json.Unmarshal(raw, &doc) != nil {
		return wrongf("%s answers %s, as no Wend server does", r.server, resp.Status)
	}
	p := &problem.Problem{Status: resp.StatusCode, Detail: doc.Detail, Errors: doc.Errors}
	switch resp.StatusCode {
	case http.StatusBadRequest:
		return p
	case http.StatusUnauthorized:
		return wrongf("%s: %w; set WEND_TOKEN, or say with --token where it is", r.server, p)
	default:
		return wrong(p)
	}
}

// ask returns the JSON that a server answers with.
func (r *remote) ask(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	resp, err := r.call(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, wrongf("the answer of %s broke off: %w", r.server, err)
	}
	if !json.Valid(raw) {
		return nil, wrongf("%s answers with no JSON, as no Wend server does", r.server)
	}
	return raw, nil
}

// runPath is the address of a run, or of what is under it.
func runPath(id string, under ...string) string {
	return "/api/v1/runs/" + strings.Join(append([]string{url.PathEscape(id)}, under...), "/")
}

func runsCancelCommand(std *streams, r *remote) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "cancel RUN",
		Short: "End a run where it is",
		Args:  takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.named(cmd.Context(), std, args[0], false, func(id string) error {
				_, err := r.ask(cmd.Context(), http.MethodPost, runPath(id, "cancel"), map[string]string{"reason": reason})
				if err != nil {
					return err
				}
				fmt.Fprintf(std.err, "run %s is cancelled%s\n", id, prefixed(": ", reason))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "what the run's record will say")
	return cmd
}

// prefixed is text with something before it, or nothing if there is none.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// printRaw prints a server's answer, laid out.
func printRaw(w io.Writer, raw json.RawMessage) error {
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(raw), "", "  "); err != nil {
		return wrong(err)
	}
	out.WriteByte('\n')
	_, err := out.WriteTo(w)
	return err
}
