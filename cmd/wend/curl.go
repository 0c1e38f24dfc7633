package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/environment"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/trigger"
	"github.com/wendflow/wend/runtime/webhook"
)

func curlCommand(std *streams) *cobra.Command {
	var env envFlags
	var base, input string
	cmd := &cobra.Command{
		Use:   "curl PATH...",
		Short: "Print a curl line for each webhook under PATH, signed as its connection demands",
		Long: `Print a curl line for each webhook of the flows under PATH, to be run in this folder:
'wend curl flows/sms.yaml | sh'. The body is NAME.json beside the flow's file, else one made from the schema, in the form that the webhook takes.
A webhook with 'verify' gets the signature or credential by its connection's secret, which the line shows, unless only
the sender can make it; one with 'dedupe' gets a new key in a header or a query.`,
		Args: takes(1, -1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			files, err := catalog.Find(paths)
			if err != nil {
				return wrong(err)
			}
			cfg, flows, err := env.forChecking(cmd.Context(), std)
			if err != nil {
				return err
			}
			set, mistakes := catalog.Load(files, flows)
			if mistakes = append(mistakes, environment.Check(flows.Types, set, cfg)...); mistakes.HasErrors() {
				std.tell(mistakes)
				return errSaid
			}
			hooks := set.Hooks()
			if len(hooks) == 0 {
				return wrongf("no webhook under %q", paths)
			}
			if cfg == nil {
				cfg = &config.Config{}
			}
			base = strings.TrimRight(cmp.Or(base, schemeOf(cfg)+cmp.Or(cfg.Server.Addr, defaultAddr)), "/")
			return printCurl(std, cfg, base, hooks, input)
		},
	}
	env.flags(cmd)
	cmd.Flags().StringVar(&base, "url", "", "where the server is (default http://, or https:// with server.tls, and server.addr of the configuration, or "+defaultAddr+")")
	cmd.Flags().StringVar(&input, "input", "", "the body, a JSON file")
	return cmd
}

func printCurl(std *streams, cfg *config.Config, base string, hooks []catalog.Hook, input string) error {
	store, err := openSafe(cfg, clock.System, slog.New(slog.DiscardHandler))
	if err != nil {
		return wrong(err)
	}
	signer, err := outbound.New(outbound.Config{Connections: cfg.Connections, Late: true, Store: store})
	if err != nil {
		std.tell(environment.Placed(cfg, err))
		return errSaid
	}
	defer signer.Close()
	failed := false
	for _, h := range hooks {
		line, missing, err := curlLine(base, h, input, func(in outbound.Incoming) (map[string]string, error) {
			return signer.Sign(h.Verify, in, clock.System.Now())
		})
		if _, ok := errors.AsType[*outbound.FieldError](err); ok {
			failed = true
			std.tell(environment.Placed(cfg, err))
			continue
		}
		if err != nil {
			return wrong(err)
		}
		if missing != "" {
			fmt.Fprintf(std.err, "wend: /%s: %s\n", h.Path, missing)
		}
		fmt.Fprintln(std.out, line)
	}
	if failed {
		return errSaid
	}
	return nil
}

// curlLine is a command that calls a webhook: with the file that is given, else
// the sample input beside the flow's file if there is one, else one made from
// the schema. missing says what the webhook may refuse. sign is asked for a
// webhook that checks callers.
func curlLine(base string, h catalog.Hook, input string, sign func(outbound.Incoming) (map[string]string, error)) (line, missing string, err error) {
	t, err := newTry(h, input)
	if err != nil {
		return "", "", err
	}
	t.addKey()
	given, err := t.give()
	if err != nil {
		return "", "", err
	}
	missing = t.misfit()
	if h.Verify != "" {
		proof, err := sign(outbound.Incoming{Target: t.address(), Header: t.header(), Body: t.body})
		if errors.Is(err, outbound.ErrUnsignable) {
			missing = strings.TrimPrefix(missing+"; "+err.Error(), "; ")
		} else if err != nil {
			return "", "", err
		}
		maps.Copy(t.headers, proof)
	}
	words := []string{"curl -sS"}
	switch {
	case t.method == http.MethodHead:
		words = append(words, "-I")
	case t.method != http.MethodPost && t.method != http.MethodGet, t.method == http.MethodGet && given != nil:
		words = append(words, "-X "+t.method)
	case t.method == http.MethodPost && given == nil:
		words = append(words, "-X POST")
	}
	words = append(words, quoted(base+t.address()))
	if t.kind != "" && t.kind != node.BodyMultipart { // of which curl says itself what it is
		words = append(words, "-H", quoted("Content-Type: "+webhook.MediaType(t.kind)))
	}
	for _, name := range slices.Sorted(maps.Keys(t.headers)) {
		words = append(words, "-H", quoted(name+": "+t.headers[name]))
	}
	return strings.Join(append(words, given...), " "), missing, nil
}

// try is a request that a webhook is tried with.
type try struct {
	hook     catalog.Hook
	method   string
	params   map[string]any
	query    url.Values
	headers  map[string]string
	file     string // where the body is, or could be
	made     bool   // there is no file
	bodiless bool
	body     []byte        // as it is sent
	kind     node.BodyKind // of it; "" for none
	decoded  any           // what the body says
	unread   bool          // what it says is not known
}

func newTry(h catalog.Hook, input string) (*try, error) {
	t := &try{hook: h, method: h.Methods[0], query: url.Values{}, headers: map[string]string{}, file: cmp.Or(input, sampleFile(h))}
	if slices.Contains(h.Methods, http.MethodPost) {
		t.method = http.MethodPost
	}
	if h.Params != nil {
		t.params, _ = bodyOf(h.Params).(map[string]any)
	}
	if err := t.addQuery(); err != nil {
		return nil, err
	}
	if t.kind = h.Takes[0]; slices.Contains(h.Takes, node.BodyJSON) {
		t.kind = node.BodyJSON
	}
	body, err := infile.Read(t.file, infile.MostText)
	t.made = input == "" && errors.Is(err, os.ErrNotExist)
	switch {
	case t.made:
		t.decoded = bodyOf(h.Body)
	case err != nil:
		return nil, err
	default:
		t.body = body
		if err := json.Unmarshal(body, &t.decoded); err != nil {
			if t.kind == node.BodyJSON {
				return nil, fmt.Errorf("%s is not JSON: %w", t.file, err)
			}
			t.unread = true
		}
	}
	switch t.method {
	case http.MethodGet, http.MethodHead:
		t.bodiless = t.made
	case http.MethodDelete:
		t.bodiless = t.made && h.Body == nil
	}
	return t, nil
}

// give makes the body, and returns the words of the command that give it. A
// sample is JSON, whatever the webhook takes: the data are sent as it takes them.
func (t *try) give() (words []string, err error) {
	object, _ := t.decoded.(map[string]any)
	whole := []string{"--data-binary"}
	switch {
	case t.bodiless:
		t.kind = ""
		return nil, nil
	case t.unread, t.kind == node.BodyJSON && !t.made:
		return append(whole, quoted("@"+t.file)), nil
	case t.kind == node.BodyMultipart:
		for _, name := range slices.Sorted(maps.Keys(object)) {
			for _, v := range listOf(object[name]) {
				words = append(words, "-F", quoted(name+"="+formPart(v)))
			}
		}
		if words == nil {
			words = []string{"-F", "empty="}
		}
		return words, nil
	case t.kind == node.BodyForm:
		values := url.Values{}
		for name, v := range object {
			for _, v := range listOf(v) {
				text, err := data.Text(v)
				if err != nil {
					return nil, err
				}
				values.Add(name, text)
			}
		}
		t.body = []byte(values.Encode())
	case t.kind == node.BodyText:
		text, _ := t.decoded.(string)
		t.body = []byte(text)
	case t.kind == node.BodyXML:
		t.body = xmlOf(object)
	default:
		if t.body, err = json.Marshal(t.decoded); err != nil {
			return nil, err
		}
	}
	return append(whole, quoted(string(t.body))), nil
}

// listOf is what one name has in a form.
func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// formPart is a part of a form as curl takes it.
func formPart(v any) string {
	file, _ := v.(map[string]any)
	name, isFile := file["filename"].(string)
	if !isFile {
		text, _ := data.Text(v) // of a list or an object it is JSON
		return text
	}
	text, _ := file["text"].(string)
	kind, _ := file["contentType"].(string)
	return fmt.Sprintf("%s;filename=%s;type=%s", text, name, cmp.Or(kind, "text/plain"))
}

// xmlOf writes an object as the XML that is read as it.
func xmlOf(object map[string]any) []byte {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(object)) {
		writeElement(&b, name, object[name])
	}
	if b.Len() == 0 {
		b.WriteString("<empty/>")
	}
	return b.Bytes()
}

func writeElement(b *bytes.Buffer, name string, v any) {
	if list, ok := v.([]any); ok {
		for _, v := range list {
			writeElement(b, name, v)
		}
		return
	}
	escaped := func(v any) string {
		var text bytes.Buffer
		s, _ := data.Text(v)
		_ = xml.EscapeText(&text, []byte(s)) // a buffer takes all
		return text.String()
	}
	inside, isObject := v.(map[string]any)
	fmt.Fprintf(b, "<%s", name)
	names := slices.Sorted(maps.Keys(inside))
	for _, attribute := range names {
		if key, ok := strings.CutPrefix(attribute, "@"); ok {
			fmt.Fprintf(b, " %s=\"%s\"", key, escaped(inside[attribute]))
		}
	}
	b.WriteString(">")
	if !isObject {
		b.WriteString(escaped(v))
	}
	for _, child := range names {
		switch {
		case child == "#text":
			b.WriteString(escaped(inside[child]))
		case !strings.HasPrefix(child, "@"):
			writeElement(b, child, inside[child])
		}
	}
	fmt.Fprintf(b, "</%s>", name)
}

// addQuery gives the parameters that the webhook's schema has for its query.
func (t *try) addQuery() error {
	sample, _ := bodyOf(t.hook.Query).(map[string]any)
	for name, v := range sample {
		list, several := v.([]any)
		if !several {
			list = []any{v}
		}
		for _, v := range list {
			text, err := data.Text(v)
			if err != nil {
				return err
			}
			t.query.Add(name, text)
		}
	}
	return nil
}

// header is what is sent beside the proof.
func (t *try) header() http.Header {
	header := http.Header{}
	for name, value := range t.headers {
		header.Set(name, value)
	}
	if t.kind != "" {
		header.Set("Content-Type", webhook.MediaType(t.kind))
	}
	return header
}

// address is the path and the query, escaped.
func (t *try) address() string {
	path := webhook.Prefix + t.hook.Path.String()
	for name, v := range t.params {
		text, err := data.Text(v)
		if err != nil || text == "" {
			text = name
		}
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(text))
	}
	if len(t.query) > 0 {
		path += "?" + t.query.Encode()
	}
	return path
}

// sampleFile is where the sample input of a webhook's flow is, if there is one.
func sampleFile(h catalog.Hook) string {
	return strings.TrimSuffix(h.Flow.File, filepath.Ext(h.Flow.File)) + ".json"
}

// addKey puts a new value where the webhook's dedupe reads its key: into a
// header, the query, or a body that was made up.
func (t *try) addKey() {
	h := t.hook
	if h.Dedupe == nil {
		return
	}
	for _, ref := range flow.EarlyRefs(h.Dedupe.Key) {
		object, _ := t.decoded.(map[string]any)
		switch {
		case ref.Name != h.Node.ID || len(ref.Path) == 0:
		case ref.Path[0] == "request" && len(ref.Path) == 3 && ref.Path[1] == "headers":
			t.headers[strings.ReplaceAll(ref.Path[2], "_", "-")] = uuid.NewString()
		case ref.Path[0] == "request" && len(ref.Path) == 3 && ref.Path[1] == "query":
			t.query.Set(ref.Path[2], uuid.NewString())
		case ref.Path[0] == "request" && len(ref.Path) == 3 && ref.Path[1] == "params":
			addText(t.params, ref.Path[2:], uuid.NewString(), func() bool { return h.Params.Validate(t.params) == nil })
		case ref.Path[0] != "request" && t.made && object != nil:
			addText(object, ref.Path, uuid.NewString(), func() bool { return h.Body.Validate(t.decoded) == nil })
		}
	}
}

// addText puts a text into an object, if that fits then, or where it has nothing.
func addText(object map[string]any, path []string, text string, fits func() bool) {
	for _, name := range path[:len(path)-1] {
		if object[name] == nil {
			object[name] = map[string]any{}
		}
		inner, ok := object[name].(map[string]any)
		if !ok {
			return
		}
		object = inner
	}
	last := path[len(path)-1]
	before := object[last]
	object[last] = text
	if before != nil && !fits() {
		object[last] = before
	}
}

// misfit says why the webhook may refuse the request.
func (t *try) misfit() string {
	h := t.hook
	var why []string
	r := &http.Request{Method: t.method, URL: &url.URL{Path: webhook.Prefix + h.Path.String(), RawQuery: t.query.Encode()}, Header: t.header()}
	request := webhook.Request(r, "")
	if t.params != nil {
		request["params"] = t.params
	}
	if t.unread {
		return ""
	}
	output, err := trigger.Output(h.Hook, t.decoded, request)
	if wrong := h.Body.Validate(t.decoded); wrong != nil {
		why = append(why, fmt.Sprintf("the body does not fit: %s; put one that does into %s",
			node.FormatProblems(wrong), t.file))
	} else if err != nil {
		why = append(why, err.Error())
	} else if h.Dedupe != nil {
		key, err := h.Dedupe.Key.Eval(h.Flow.NamesBefore(h.Node.ID, output), clock.System.Now())
		if err != nil || key == nil || key == "" {
			why = append(why, "the request has no key for the webhook's `dedupe`; give it one")
		}
	}
	return strings.Join(why, "; ")
}

func bodyOf(schema *node.Schema) any {
	if schema == nil {
		return map[string]any{}
	}
	return node.Sample(schema.Raw())
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=-]+$`)

// quoted is text as a word of the shell.
func quoted(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
