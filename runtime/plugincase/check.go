package plugincase

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/casefile"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/sdk/wire"
)

// Verdict is what playing a case in every way has shown.
type Verdict struct {
	Said     Transcript
	Mistakes diag.List // what differs from the case
	Fuel     uint64    // of the whole conversation
	// Errors are differences between plays that must be equal: a plugin with
	// any cannot be replayed after a crash.
	Errors []string
	Notes  []string // worth a look
}

// otherSeed is appended to the case's own.
const otherSeed = " (another)"

// Check plays the case twice with each of two seeds, in instances that are
// restored and in ones that are fresh. Nobody else may use the plugin
// meanwhile, for its fuel is counted. The list is one of Find.
func (c *Case) Check(ctx context.Context, p *pluginhost.Plugin) (*Verdict, diag.List) {
	name := p.Manifest().Plugin
	restored, wrong := c.Find(name, p.Types())
	if restored == nil {
		return nil, wrong
	}
	fresh, _ := c.Find(name, p.FreshTypes())
	v := &Verdict{}
	seeds := []string{c.Visit.Seed, c.Visit.Seed + otherSeed}
	said := make([]Transcript, len(seeds))
	for i, seed := range seeds {
		seeded := *c
		seeded.Visit.Seed = seed
		first, fuel := seeded.measure(ctx, p, restored)
		again, fuelAgain := seeded.measure(ctx, p, restored)
		said[i] = first
		v.expectSame(fmt.Sprintf("seed %q, played again", seed), first, again)
		if fuel != fuelAgain && len(v.Errors) == 0 {
			v.errorf("seed %q, played again: used %d fuel, and then %d", seed, fuel, fuelAgain)
		}
		if i == 0 {
			v.Said, v.Fuel = first, fuel
		}
		for range 2 {
			v.expectSame(fmt.Sprintf("seed %q, in a fresh instance", seed), first, seeded.Play(ctx, fresh))
		}
	}
	if c.want.outcome != nil {
		v.Mistakes = c.Compare(v.Said)
	}
	v.noteSameRandom(c, said[0], said[1])
	return v, nil
}

func (c *Case) measure(ctx context.Context, p *pluginhost.Plugin, t *node.Type) (Transcript, uint64) {
	before := p.Status().Fuel
	said := c.Play(ctx, t)
	return said, p.Status().Fuel - before
}

func (v *Verdict) errorf(format string, a ...any) {
	if text := fmt.Sprintf(format, a...); !slices.Contains(v.Errors, text) {
		v.Errors = append(v.Errors, text)
	}
}

func (v *Verdict) expectSame(what string, a, b Transcript) {
	if diff := Difference(a, b); diff != "" {
		v.errorf("%s: %s", what, diff)
	}
}

// Difference says where b first differs from a, or is "".
func Difference(a, b Transcript) string {
	for i := range min(len(a.Calls), len(b.Calls)) {
		if x, y := wire.Fingerprint(a.Calls[i]), wire.Fingerprint(b.Calls[i]); x != y {
			return fmt.Sprintf("call %d was %s, and then %s: %s", i+1, x, y, callDifference(a.Calls[i], b.Calls[i]))
		}
	}
	switch {
	case len(a.Calls) != len(b.Calls):
		return fmt.Sprintf("asked for %d calls, and then for %d", len(a.Calls), len(b.Calls))
	case a.Outcome != b.Outcome || a.Code != b.Code:
		return fmt.Sprintf("left by %q%s, and then by %q%s", a.Outcome, why(a), b.Outcome, why(b))
	case a.Message != b.Message:
		return fmt.Sprintf("its message was %q, and then %q", a.Message, b.Message)
	case !reflect.DeepEqual(a.Outputs, b.Outputs):
		return fmt.Sprintf("its outputs were %s, and then %s", casefile.Show(a.Outputs), casefile.Show(b.Outputs))
	case !slices.Equal(a.Log, b.Log):
		return fmt.Sprintf("it logged %q, and then %q", a.Log, b.Log)
	default:
		return ""
	}
}

// callDifference names the part of a call that differs.
func callDifference(a, b wire.Call) string {
	switch {
	case a.Method != b.Method || a.URL != b.URL:
		return "another method or URL"
	case !reflect.DeepEqual(a.Headers, b.Headers):
		return fmt.Sprintf("headers %s, and then %s", casefile.Show(a.Headers), casefile.Show(b.Headers))
	default:
		return fmt.Sprintf("body %s, and then %s", casefile.Show(string(a.Body)), casefile.Show(string(b.Body)))
	}
}

// random is what looks like it was drawn: a UUID of version 4, or long hex.
var random = regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b|\b[0-9a-f]{16,}\b`)

// noteSameRandom finds what looks random, did not come from outside, and is the
// same under two seeds: a generator that was seeded before the host kept the
// state of the plugin draws the same for every run.
func (v *Verdict) noteSameRandom(c *Case, a, b Transcript) {
	given, other := c.given(), b.said()
	for _, word := range random.FindAllString(a.said(), -1) {
		if !strings.Contains(given, word) && strings.Contains(other, word) {
			note := fmt.Sprintf("%q is the same under two seeds: if it is meant to be random, draw it from the attempt's seed", word)
			if !slices.Contains(v.Notes, note) {
				v.Notes = append(v.Notes, note)
			}
		}
	}
}

// given is all that the method got, as one text.
func (c *Case) given() string {
	v := c.Visit
	parts := []string{text(v.Inputs), text(v.Settings), v.Run, v.Key, v.Seed}
	for _, x := range c.Calls {
		parts = append(parts, text(x.Reply.Headers), string(x.Reply.Body))
	}
	return strings.Join(parts, "\n")
}

// said is all that the method said, as one text.
func (said Transcript) said() string {
	parts := []string{text(said.Outputs), said.Message}
	for _, call := range said.Calls {
		parts = append(parts, call.URL, text(call.Headers), string(call.Body))
	}
	return strings.Join(parts, "\n")
}

func text(v any) string {
	b, err := data.JSON(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
