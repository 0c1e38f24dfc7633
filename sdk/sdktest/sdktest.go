// Package sdktest runs the methods of a plugin natively, on a wire that a test
// makes up. It stands where the host stands: it runs a method, answers the
// calls that it asks for, and runs it again, through the same documents of ABI
// 1. It checks no manifest, has no limits and adds no credentials.
package sdktest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/wendflow/wend/sdk"
	"github.com/wendflow/wend/sdk/wire"
)

// Visit is what a method is run with.
type Visit struct {
	Inputs   map[string]any
	Settings map[string]any
	// Seed is what randomness in the method comes from.
	Seed string
	// Now is the time the method sees, in RFC 3339. Default
	// 2026-11-20T08:00:00.000Z.
	Now string
	// Reply answers the method's calls. A method that makes none needs none.
	Reply func(wire.Call) wire.Reply
}

// Result is how the method ended, and the calls it made, in their order.
type Result struct {
	Outcome string
	Outputs map[string]any // as encoding/json decodes them, but integers as int
	Message string
	Calls   []wire.Call
}

// maxCalls is far beyond what a host allows.
const maxCalls = 1000

// Run runs one method to its end. Each invoke is made twice, and the calls of a
// replay are compared with those made before, so that a method that is not
// deterministic fails here and not in production. The error says that, or which
// promise of the SDK the method broke. A panic of the method is let through.
func Run(p sdk.Plugin, method string, v Visit) (Result, error) {
	s := session{plugin: p, method: method, visit: v}
	for {
		answer, err := s.invoke()
		if err != nil {
			return Result{}, err
		}
		if answer.Outcome != nil {
			return Result{*answer.Outcome, answer.Outputs, answer.Message, s.calls}, nil
		}
		if err := s.answer(answer.Calls); err != nil {
			return Result{}, err
		}
	}
}

// session is a method between its first invoke and its end.
type session struct {
	plugin  sdk.Plugin
	method  string
	visit   Visit
	calls   []wire.Call
	replies []replyDocument
}

// invoke runs the method once, with the replies had so far.
func (s *session) invoke() (answerDocument, error) {
	document, err := json.Marshal(s.document())
	if err != nil {
		return answerDocument{}, fmt.Errorf("inputs or settings: %w", err)
	}
	first, err := s.plugin.Invoke(document)
	if err != nil {
		return answerDocument{}, err
	}
	second, err := s.plugin.Invoke(document)
	if err != nil {
		return answerDocument{}, err
	}
	if string(first) != string(second) {
		return answerDocument{}, fmt.Errorf("the method is not deterministic: the same document was answered by\n%s\nand then by\n%s", first, second)
	}
	return s.read(first)
}

func (s *session) document() invokeDocument {
	now := s.visit.Now
	if now == "" {
		now = "2026-11-20T08:00:00.000Z"
	}
	return invokeDocument{
		ABI:      wire.ABI,
		Method:   s.method,
		Inputs:   orEmpty(s.visit.Inputs),
		Settings: orEmpty(s.visit.Settings),
		Context: contextDocument{
			Run: "0199f3a0-0000-7000-8000-000000000001", Node: "node", Visit: 1, Attempt: 1,
			Key: "key", Now: now, Seed: s.visit.Seed,
		},
		Replies: s.replies,
	}
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// read decodes an answer and checks that the replay asked for the calls that
// were made.
func (s *session) read(document []byte) (answerDocument, error) {
	answer, err := decodeAnswer(document)
	if err != nil {
		return answerDocument{}, fmt.Errorf("the method's answer %s: %w", document, err)
	}
	for i, call := range s.calls {
		made := wire.Fingerprint(call)
		if i >= len(answer.Replayed) {
			return answerDocument{}, fmt.Errorf("the method is not deterministic: it made call %d, %s, and did not on replay", i+1, made)
		}
		if answer.Replayed[i] != made {
			return answerDocument{}, fmt.Errorf("the method is not deterministic: call %d was %s, and on replay %s", i+1, made, answer.Replayed[i])
		}
	}
	return answer, nil
}

// answer has the test answer calls.
func (s *session) answer(calls []callDocument) error {
	if s.visit.Reply == nil {
		return fmt.Errorf("the method asks for %s %s, and Visit.Reply is nil", calls[0].Method, calls[0].URL)
	}
	if len(s.calls)+len(calls) > maxCalls {
		return errors.New("the method makes calls without end")
	}
	for _, document := range calls {
		call := document.call()
		s.calls = append(s.calls, call)
		s.replies = append(s.replies, newReplyDocument(s.visit.Reply(call)))
	}
	return nil
}
