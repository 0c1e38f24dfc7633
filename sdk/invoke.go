package sdk

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"

	"github.com/wendflow/wend/sdk/wire"
)

// Invoke runs one method once: a document of ABI 1 in, one out. It is what the
// exported function of a guest does, open to hosts and tests that run a plugin
// natively. The error says which promise of the ABI or of this package was
// broken; a panic of the method itself is let through.
func (p Plugin) Invoke(document []byte) ([]byte, error) {
	in, err := Parse(string(document))
	if err != nil {
		return nil, fault("invoke document: " + err.Error())
	}
	if abi := in.Text("abi"); abi != strconv.Itoa(wire.ABI) {
		return nil, fault("abi " + strconv.Quote(abi) + " is not supported, this plugin speaks abi " + strconv.Itoa(wire.ABI))
	}
	name := in.Text("method")
	method, known := p[name]
	if !known {
		return nil, fault("the plugin has no method " + strconv.Quote(name))
	}
	c, err := newCtx(in)
	if err != nil {
		return nil, fault("invoke document: " + err.Error())
	}
	return c.run(name, method)
}

// answerSize is more than most answers take, so that few are moved as they are
// written.
const answerSize = 1024

// run runs the method until it returns or waits for a reply.
func (c *Ctx) run(name string, method Method) (out []byte, err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case suspension:
			out = appendCalls(make([]byte, 0, answerSize), c)
		case fault:
			out, err = nil, fault(name+": "+thrown.Error())
		default:
			// The stack below is still that of the first panic, and is
			// printed with it.
			panic(thrown)
		}
		if c.broken != "" {
			out, err = nil, fault(name+": "+c.broken.Error())
		}
	}()
	result := method(c)
	if c.suspended() && c.broken == "" {
		c.fail("the method went on without a reply: a recover() took the SDK's own panic, it must panic again with what it does not know")
	}
	return appendResult(make([]byte, 0, answerSize), result, c), nil
}

func newCtx(in Value) (c *Ctx, err error) {
	defer func() {
		if f, is := recover().(fault); is {
			err = f
		}
	}()
	context := in.Lookup("context")
	c = &Ctx{
		Input:    in.Lookup("inputs"),
		Settings: in.Lookup("settings"),
		Run:      context.String("run"),
		Node:     context.String("node"),
		Visit:    int(context.Int("visit")),
		Attempt:  int(context.Int("attempt")),
		Key:      context.String("key"),
		Now:      context.String("now"),
		seed:     context.String("seed"),
	}
	for _, reply := range in.List("replies") {
		c.replies = append(c.replies, readReply(reply))
	}
	return c, nil
}

func readReply(v Value) Reply {
	r := wire.Reply{
		Status:  int(v.Int("status")),
		Failure: wire.Failure(v.String("failure")),
		Message: v.String("message"),
		Headers: map[string][]string{},
		Body:    readBody(v),
	}
	for name, values := range v.Lookup("headers").Fields() {
		for _, value := range values.List() {
			r.Headers[name] = append(r.Headers[name], value.String())
		}
	}
	return Reply{r}
}

func readBody(v Value) []byte {
	if !v.Has("bodyBase64") {
		return []byte(v.String("body"))
	}
	body, err := base64.StdEncoding.DecodeString(v.String("bodyBase64"))
	if err != nil {
		panic(fault(`"bodyBase64" of a reply is no base64`))
	}
	return body
}

func appendCalls(b []byte, c *Ctx) []byte {
	b = append(b, `{"calls":`...)
	b = appendList(b, c.asked, appendCall)
	b = append(b, `,"replayed":`...)
	return append(appendList(b, c.replayed, appendString), '}')
}

func appendCall(b []byte, call wire.Call) []byte {
	b = append(b, `{"method":`...)
	b = appendString(b, call.Method)
	b = append(b, `,"url":`...)
	b = appendString(b, call.URL)
	b = append(b, `,"headers":`...)
	b = appendMap(b, call.Headers, appendString)
	switch {
	case len(call.Body) == 0:
	case utf8.Valid(call.Body):
		b = append(b, `,"body":`...)
		b = appendString(b, string(call.Body))
	default:
		b = append(b, `,"bodyBase64":"`...)
		b = base64.StdEncoding.AppendEncode(b, call.Body)
		b = append(b, '"')
	}
	return append(b, '}')
}

func appendResult(b []byte, r Result, c *Ctx) []byte {
	b = append(b, `{"outcome":`...)
	b = appendString(b, r.Outcome)
	b = append(b, `,"outputs":`...)
	b = appendMap(b, r.Outputs, appendJSON)
	b = append(b, `,"message":`...)
	b = appendString(b, r.Message)
	b = append(b, `,"replayed":`...)
	return append(appendList(b, c.replayed, appendString), '}')
}
