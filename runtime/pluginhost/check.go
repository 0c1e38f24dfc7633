package pluginhost

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/node"
)

// settle finds how the plugin gets fresh state: by an image, where restoring it
// is enough and proves so. A guest that cannot even begin is an error.
func (p *Plugin) settle() error {
	if len(p.guest.hazards) > 0 {
		p.reason = strings.Join(p.guest.hazards, "; ")
		return p.tryFresh()
	}
	img, err := p.guest.takeImage()
	if err != nil {
		return fmt.Errorf("does not start: %w", err)
	}
	if p.reason = p.guest.distrust(img, p.trials()); p.reason != "" {
		img.memory.free()
		return nil
	}
	p.image = img
	return nil
}

func (p *Plugin) tryFresh() error {
	i, err := p.guest.instantiate(nil)
	if err != nil {
		return fmt.Errorf("does not start: %w", err)
	}
	i.close()
	return nil
}

// trials are documents to try a guest with: each method once, with inputs that
// look like what the manifest describes.
func (p *Plugin) trials() [][]byte {
	docs := make([][]byte, len(p.manifest.Methods))
	for n, m := range p.manifest.Methods {
		inputs, _ := node.Sample(m.Inputs).(map[string]any) // schemas of objects
		settings, _ := node.Sample(p.manifest.Settings).(map[string]any)
		docs[n] = new(writer).document(p.guest, m.Name, node.Visit{
			Run: "trial", Node: "trial", Visit: 1, Attempt: 1, Now: initTime, Seed: "trial", Key: "trial",
			Inputs: inputs, Settings: settings,
		})
	}
	return docs
}

// trial is what came of one document.
type trial struct {
	out  []byte
	code string // of the fault, if it was one
	fuel uint64
}

const trialFuel = 10_000_000

// distrust tries an image: a document has to give the same answer, for the
// same fuel, in a new instance and in one that was restored. It returns why
// the image cannot be relied on, or "".
func (g *guest) distrust(img *image, docs [][]byte) string {
	i, err := g.instantiate(img)
	if err != nil {
		return err.Error()
	}
	defer func() { i.close() }()
	for _, doc := range docs {
		var trials [2]trial
		for n := range trials {
			trials[n] = i.try(doc)
			if trials[n].code == "" && i.restorable() {
				i.restore()
				continue
			}
			i.close()
			if i, err = g.instantiate(img); err != nil {
				return err.Error()
			}
		}
		if first, second := trials[0], trials[1]; !first.equal(second) {
			return fmt.Sprintf("a trial answered %s for %d fuel, and after a restore %s for %d", first, first.fuel, second, second.fuel)
		}
	}
	return ""
}

// try runs doc once under a small budget.
func (i *instance) try(doc []byte) trial {
	b := i.guest.startBudget()
	b.fuel = min(b.fuel, trialFuel)
	i.begin(b, initTime, "trial", nil)
	out, err := i.exchange(doc)
	t := trial{out: slices.Clone(out)}
	t.fuel = i.end()
	if f, ok := errors.AsType[*failure](err); ok {
		t.code = f.code
	}
	return t
}

func (t trial) equal(other trial) bool {
	return bytes.Equal(t.out, other.out) && t.code == other.code && t.fuel == other.fuel
}

func (t trial) String() string {
	if t.code != "" {
		return fmt.Sprintf("with the fault %q", t.code)
	}
	return excerpt(t.out)
}
