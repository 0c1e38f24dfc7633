package sdk

import (
	"math/rand/v2"
	"strings"
	"unicode/utf8"

	"github.com/wendflow/wend/sdk/wire"
)

// Request is a call that a method asks the host to make. Without a Method it is
// a GET. It carries no credentials: the host adds those of the node's
// connection.
type Request = wire.Call

// Reply is what came back for a Request.
type Reply struct{ wire.Reply }

// Ctx is what a method knows and can do in one invoke. It is not safe for
// concurrent use, and of no use once the method has returned.
type Ctx struct {
	// Input is the method's input, Settings the settings of the node's
	// connection: objects, as the manifest describes them.
	Input    Value
	Settings Value

	Run     string // id of the run
	Node    string // id of the node
	Visit   int    // how often the run has entered the node, from 1
	Attempt int    // how often the visit was tried, from 1
	Key     string // the same at every attempt of this visit, and at no other
	Now     string // the time of the attempt, in RFC 3339; it stands still

	seed     string
	pcg      rand.PCG
	rand     *rand.Rand // draws from pcg; nil until it is wanted
	seeded   bool       // pcg is
	document document
	replies  []Reply
	replayed []string  // fingerprints of the calls answered from replies
	asked    []Request // calls that have no reply yet
	left     bool      // the method was left, since it asked
	broken   fault     // set where going on would be wrong
	room     struct {  // for one each, so that a method of one call makes no slices
		reply    [1]Reply
		replayed [1]string
		asked    [1]Request
	}
}

// Do makes one call and returns its reply.
//
// Every answer is a reply, HTTP 4xx and 5xx too. Where there was none, Status
// is 0 and Failure says why.
func (c *Ctx) Do(r Request) Reply {
	reply := c.next(r)
	if reply == nil {
		c.leave()
	}
	return *reply
}

// DoAll makes calls side by side and returns their replies in the same order.
func (c *Ctx) DoAll(requests ...Request) []Reply {
	replies := make([]Reply, 0, len(requests))
	for _, r := range requests {
		if reply := c.next(r); reply != nil {
			replies = append(replies, *reply)
		}
	}
	if len(c.asked) > 0 {
		c.leave()
	}
	return replies
}

// next is the reply to the method's next call, or nil: then it is asked for.
func (c *Ctx) next(r Request) *Reply {
	if c.left {
		c.fail("Do was called while the method was being left: from a deferred function, or after a recover() that took the SDK's own panic")
	}
	if r.Method == "" {
		r.Method = "GET"
	}
	answered := len(c.replayed)
	if answered == len(c.replies) {
		c.asked = append(c.asked, r)
		return nil
	}
	c.replayed = append(c.replayed, wire.Fingerprint(r))
	return &c.replies[answered]
}

// suspension leaves a method that waits for a reply.
type suspension struct{ of *Ctx }

// Error is read only where a recover() took the suspension for something else.
func (suspension) Error() string {
	return "the method waits for a reply; a recover() must panic again with what it does not know"
}

// leave leaves the method, which waits for a reply.
func (c *Ctx) leave() {
	c.left = true
	panic(suspension{c})
}

// fail ends the invoke, even where a recover() takes the panic.
func (c *Ctx) fail(message string) {
	c.broken = fault(message)
	panic(c.broken)
}

func validUTF8(s string) string {
	if isASCII(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// Rand is a source of randomness that is seeded by the attempt: every invoke of
// it draws the same numbers in the same order. Not for secrets.
func (c *Ctx) Rand() *rand.Rand {
	if c.rand == nil {
		c.rand = rand.New(c.source())
	}
	return c.rand
}

func (c *Ctx) source() *rand.PCG {
	if !c.seeded {
		c.seeded = true
		c.pcg.Seed(fnv1a(c.seed, 1), fnv1a(c.seed, 2))
	}
	return &c.pcg
}

// UUID draws a random UUID, version 4, from Rand.
func (c *Ctx) UUID() string {
	source := c.source()
	high, low := source.Uint64(), source.Uint64()
	high = high&^0xf000 | 0x4000
	low = low&^(0b11<<62) | 0b10<<62
	text := [36]byte{8: '-', 13: '-', 18: '-', 23: '-'}
	for i, at := range [...]uint8{34, 32, 30, 28, 26, 24, 21, 19} {
		putHex(text[at:], low>>(8*i))
	}
	for i, at := range [...]uint8{16, 14, 11, 9, 6, 4, 2, 0} {
		putHex(text[at:], high>>(8*i))
	}
	return string(text[:])
}

// putHex writes the lowest byte of n.
func putHex(into []byte, n uint64) {
	const digits = "0123456789abcdef"
	into[0], into[1] = digits[n>>4&0xf], digits[n&0xf]
}

// fnv1a makes a number of a text, another one for each salt.
func fnv1a(text string, salt uint64) uint64 {
	h := 0xcbf29ce484222325 ^ salt
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 0x100000001b3
	}
	return h
}

// Log writes a line for people into the host's log. A line that is written
// again because the method ran again is shown once.
func (c *Ctx) Log(line string) {
	print(line + "\n") // the runtime's own: package os would cost a guest 0.4 MB
}

// Reason says for people why there is no response: in the host's words, or else
// by the name of the failure. It is "" where there is a response.
func (r Reply) Reason() string {
	if r.Failure == "" || r.Message != "" {
		return r.Message
	}
	return "the call had no response: " + string(r.Failure)
}

// Header is the first value of the header name, in any case, or "".
func (r Reply) Header(name string) string {
	for _, value := range r.Headers[strings.ToLower(name)] {
		return value
	}
	return ""
}

// JSON reads the body as JSON.
func (r Reply) JSON() (Value, error) { return Parse(string(r.Body)) }

// Text is the text of the scalar at a path of the body, as Value.Text has it;
// "" where the body is no JSON.
func (r Reply) Text(path ...string) string {
	v, _ := r.JSON()
	return v.Text(path...)
}

// Clip cuts a text to limit bytes, between two characters. What is no UTF-8 in
// it becomes U+FFFD first, as the host would make of it.
func Clip(text string, limit int) string {
	text = validUTF8(text)
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
