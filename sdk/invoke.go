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
	d, err := parse(string(document))
	if err != nil {
		return nil, fault("invoke document: " + err.Error())
	}
	return p.invoke(d)
}

// invoke runs one method once.
func (p Plugin) invoke(d document) ([]byte, error) {
	c := &Ctx{document: d}
	c.replies, c.replayed, c.asked = c.room.reply[:0], c.room.replayed[:0], c.room.asked[:0]
	in := Value{of: &c.document}
	if abi := in.Text("abi"); abi != strconv.Itoa(wire.ABI) {
		return nil, fault("abi " + strconv.Quote(abi) + " is not supported, this plugin speaks abi " + strconv.Itoa(wire.ABI))
	}
	name := in.Text("method")
	method, known := p[name]
	if !known {
		return nil, fault("the plugin has no method " + strconv.Quote(name))
	}
	if err := c.read(in); err != nil {
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
	if c.left && c.broken == "" {
		c.fail("the method went on without a reply: a recover() took the SDK's own panic, it must panic again with what it does not know")
	}
	return appendResult(make([]byte, 0, answerSize), result, c), nil
}

// read takes over the document of an invoke. It goes through the fields as they
// stand, which costs a guest a third of looking for each.
func (c *Ctx) read(in Value) (err error) {
	defer func() {
		if f, is := recover().(fault); is {
			err = f
		}
	}()
	for v := in.first(); v.of != nil; v = v.next() {
		switch v.name() {
		case "inputs":
			c.Input = v
		case "settings":
			c.Settings = v
		case "context":
			c.readContext(v)
		case "replies":
			c.readReplies(v.must(List, "replies"))
		}
	}
	return nil
}

func (c *Ctx) readContext(context Value) {
	if context.Kind() != Object {
		return
	}
	for v := context.first(); v.of != nil; v = v.next() {
		switch name := v.name(); name {
		case "run":
			c.Run = v.must(String, name).text()
		case "node":
			c.Node = v.must(String, name).text()
		case "visit":
			c.Visit = int(v.must(Number, name).integer(name))
		case "attempt":
			c.Attempt = int(v.must(Number, name).integer(name))
		case "key":
			c.Key = v.must(String, name).text()
		case "now":
			c.Now = v.must(String, name).text()
		case "seed":
			c.seed = v.must(String, name).text()
		}
	}
}

func (c *Ctx) readReplies(list Value) {
	if list.of == nil {
		return
	}
	for v := list.first(); v.of != nil; v = v.next() {
		c.replies = append(c.replies, readReply(v))
	}
}

func readReply(reply Value) Reply {
	r := wire.Reply{Body: []byte{}}
	if reply.Kind() != Object {
		return Reply{r}
	}
	for v := reply.first(); v.of != nil; v = v.next() {
		switch name := v.name(); name {
		case "status":
			r.Status = int(v.must(Number, name).integer(name))
		case "failure":
			r.Failure = wire.Failure(v.must(String, name).text())
		case "message":
			r.Message = v.must(String, name).text()
		case "headers":
			r.Headers = readHeaders(v)
		case "body":
			r.Body = []byte(v.must(String, name).text())
		case "bodyBase64":
			r.Body = decodeBody(v.must(String, name).text())
		}
	}
	return Reply{r}
}

// readHeaders makes one list of all values, and each header's a part of it.
func readHeaders(headers Value) map[string][]string {
	if headers.Kind() != Object || headers.size() == 0 {
		return nil
	}
	values := 0
	for h := headers.first(); h.of != nil; h = h.next() {
		values += h.must(List, h.name()).size()
	}
	read, all := make(map[string][]string, headers.size()), make([]string, 0, values)
	for h := headers.first(); h.of != nil; h = h.next() {
		from := len(all)
		for v := h.first(); v.of != nil; v = v.next() {
			all = append(all, v.must(String).text())
		}
		read[h.name()] = all[from:len(all):len(all)]
	}
	return read
}

func decodeBody(encoded string) []byte {
	body, err := base64.StdEncoding.DecodeString(encoded)
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
