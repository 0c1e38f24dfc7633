// Package record is the form in which runs leave their journal: one JSON object for
// each run that no other made, with all events of it and of the runs that it had
// made, and without what looks like a secret if that is wanted.
package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

// Run is a run that no other run made. Its events are not changed.
type Run struct {
	ID     string
	Flow   string
	Status run.Status
	Events []run.Event // all of the run; none if Missing says why
	// Children are the events of each run that it had made, and of those that these
	// had made, in no order.
	Children [][]run.Event
	// Masked says that words stand in the place of what looked like secrets, the same
	// for the same.
	Masked  bool
	Missing string
}

// doc is the stable form of a run. That of `wend runs show --json --events` has the
// same names.
type doc struct {
	Run      string            `json:"run"`
	Flow     string            `json:"flow"`
	Status   run.Status        `json:"status"`
	Masked   bool              `json:"masked,omitempty"`
	Missing  string            `json:"missing,omitempty"`
	Events   json.RawMessage   `json:"events,omitempty"`
	Children []json.RawMessage `json:"children,omitempty"`
}

func (d *doc) write(w io.Writer) error {
	line, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("write run %s: %w", d.Run, err)
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// Read reads the runs of a source one after the other. After an error there are no
// more.
func Read(src io.Reader) iter.Seq2[*Run, error] {
	return func(yield func(*Run, error) bool) {
		for d, err := range docs(src) {
			var r *Run
			if err == nil {
				r, err = d.run()
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

func docs(src io.Reader) iter.Seq2[*doc, error] {
	return func(yield func(*doc, error) bool) {
		dec := json.NewDecoder(src)
		for nr := 1; ; nr++ {
			var d doc
			err := dec.Decode(&d)
			if errors.Is(err, io.EOF) {
				return
			}
			switch {
			case errors.Is(err, io.ErrUnexpectedEOF):
				err = fmt.Errorf("run %d is cut off", nr)
			case err != nil:
				err = fmt.Errorf("run %d: %s; expected what `wend runs export` writes", nr, notRun(err))
			case d.Run == "":
				err = fmt.Errorf("run %d: it has no \"run\", which is its id; expected what `wend runs export` writes", nr)
			}
			if !yield(&d, err) || err != nil {
				return
			}
		}
	}
}

// notRun says in the words of JSON why a value is no run.
func notRun(err error) string {
	wrong, isType := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case !isType:
		return fmt.Sprintf("it is not JSON (%s)", err)
	case wrong.Field == "":
		return "it is of type " + wrong.Value
	default:
		return fmt.Sprintf("%q is of type %s", wrong.Field, wrong.Value)
	}
}

func (d *doc) run() (*Run, error) {
	r := &Run{ID: d.Run, Flow: d.Flow, Status: d.Status, Masked: d.Masked, Missing: d.Missing}
	if len(d.Events) == 0 {
		if r.Missing == "" && d.Status.Ended() {
			r.Missing = "its events are not on record; `wend runs export` and `wend runs show --json --events` write them"
		}
		return r, nil
	}
	for _, raw := range append([]json.RawMessage{d.Events}, d.Children...) {
		events, err := run.Unmarshal(raw)
		if _, unknown := errors.AsType[*run.UnknownError](err); unknown {
			r.Events, r.Children, r.Missing = nil, nil, err.Error()
			return r, nil
		}
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", d.Run, err)
		}
		if len(events) == 0 {
			continue
		}
		if _, begins := events[0].(run.RunStarted); !begins {
			return nil, fmt.Errorf("run %s: its events do not begin with its start", d.Run)
		}
		if r.Events == nil {
			r.Events = events
		} else {
			r.Children = append(r.Children, events)
		}
	}
	return r, nil
}

// Source has runs and their events, as *engine.Engine.
type Source interface {
	Runs(ctx context.Context, durable bool, f journal.Filter) (journal.Page, error)
	Events(ctx context.Context, id string) ([]run.Event, error)
}

const (
	onPage = 100
	// mostBytes is how large a run may be, with those that it had made.
	mostBytes = 64 << 20
)

// Export writes the runs that a filter chooses, but for those that others made, the
// newest first, out of one of the two lists. It holds one at a time. One that has not
// ended, or has more than 64 MB with those that it had made, is written without
// events.
func Export(ctx context.Context, w io.Writer, src Source, durable bool, f journal.Filter) error {
	f.Limit = onPage
	for {
		page, err := src.Runs(ctx, durable, f)
		if err != nil {
			return err
		}
		for _, s := range page.Runs {
			if s.Parent != nil {
				continue
			}
			d, err := whole(ctx, src, durable, s)
			if errors.Is(err, journal.ErrNotFound) {
				continue // it was removed since
			}
			if err == nil {
				err = d.write(w)
			}
			if err != nil {
				return err
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return nil
		}
	}
}

// whole is a run with those that it had made.
func whole(ctx context.Context, src Source, durable bool, s journal.Summary) (*doc, error) {
	d := &doc{Run: s.ID, Flow: s.Flow, Status: s.Status}
	if !s.Status.Ended() {
		return d, nil
	}
	err := (&collector{doc: d, src: src, durable: durable}).run(ctx, s.ID)
	_, unknown := errors.AsType[*run.UnknownError](err)
	if unknown || errors.Is(err, errLarge) {
		d.Events, d.Children, d.Missing = nil, nil, err.Error()
		return d, nil
	}
	return d, err
}

var errLarge = fmt.Errorf("it has more than %s, with the runs that it had made", data.ShowSize(mostBytes))

// collector gathers a run and those that it had made, as they are written.
type collector struct {
	*doc
	src     Source
	durable bool
	size    int
}

func (c *collector) run(ctx context.Context, id string) error {
	events, err := c.src.Events(ctx, id)
	if err != nil {
		return err
	}
	raw, err := run.Marshal(events)
	if err != nil {
		return fmt.Errorf("write run %s: %w", id, err)
	}
	if c.size += len(raw); c.size > mostBytes {
		return errLarge
	}
	if c.Events == nil {
		c.Events = raw
	} else {
		c.Children = append(c.Children, raw)
	}
	if !slices.ContainsFunc(events, func(e run.Event) bool { _, spawns := e.(run.ChildrenStarted); return spawns }) {
		return nil
	}
	f := journal.Filter{Parent: id, Limit: onPage}
	for {
		page, err := c.src.Runs(ctx, c.durable, f)
		if err != nil {
			return err
		}
		for _, s := range page.Runs {
			if err := c.run(ctx, s.ID); err != nil {
				return err
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return nil
		}
	}
}
