package engine

import (
	"errors"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

// unfinishedChildren is the last attempt at a node if it had children of which one
// did not complete, with how many did and how many did not. A retry of the run goes
// on with them; where all completed, all are made again: somebody wants that.
func unfinishedChildren(events []run.Event, id string) (at *run.Place, completed, others int) {
	for _, e := range events {
		switch e := e.(type) {
		case run.ChildrenStarted:
			if at = nil; e.Node == id {
				at, completed, others = &e.Place, 0, e.Count
			}
		case run.ChildEnded:
			if at != nil && e.Place == *at && e.Status == run.Completed {
				completed, others = completed+1, others-1
			}
		case run.NodeFinished:
			if at != nil && e.Node == id && e.Place != *at {
				at = nil // a later attempt had none made
			}
		}
	}
	if at == nil || others == 0 {
		return nil, 0, 0
	}
	return at, completed, others
}

// earlier are the children of an earlier run with which those of a retry go on.
type earlier struct {
	run     string
	changed bool // the retry has another version of the flow
	started run.ChildrenStarted
	ended   map[int]run.ChildEnded
}

// findAgain reads the children of an earlier run from the journal. It is nil if
// there are none, if that run is not kept any more, or if the node wants another
// number of children now: then all are made anew.
func (r *Run) findAgain(of *run.ChildrenOf, count int) (*earlier, error) {
	if of == nil {
		return nil, nil
	}
	events, err := r.journal.Events(r.engine.ctx, of.Run)
	if errors.Is(err, journal.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a := &earlier{run: of.Run, ended: map[int]run.ChildEnded{}}
	for _, e := range events {
		switch e := e.(type) {
		case run.RunStarted:
			a.changed = e.FlowDigest != r.state.Flow.Digest
		case run.ChildrenStarted:
			if e.Place == of.Place {
				a.started = e
			}
		case run.ChildEnded:
			if e.Place == of.Place {
				a.ended[e.Index] = e
			}
		}
	}
	if a.started.Count != count {
		return nil, nil
	}
	return a, nil
}

// completed is the end of a child that completed before.
func (a *earlier) completed(index int) (run.ChildEnded, bool) {
	if a == nil {
		return run.ChildEnded{}, false
	}
	end, ended := a.ended[index]
	return end, ended && end.Status == run.Completed
}

// takenUp makes the first event of a child that takes up another where it failed. f
// is nil if there is none to take up, or if it cannot go on: then the child begins
// anew.
func (r *Run) takenUp(index int, child node.Child) (first run.RunStarted, f *flow.Flow, err error) {
	a, e := r.brood.again, r.engine
	if a == nil {
		return first, nil, nil
	}
	s, err := r.journal.Find(e.ctx, a.started.Child(a.run, index))
	if errors.Is(err, journal.ErrNotFound) || err == nil && !s.Status.Ended() {
		return first, nil, nil
	}
	if err != nil {
		return first, nil, err
	}
	var h Retry
	if a.changed {
		h.Flow = r.brood.flows[child.Flow]
		if child.Flow == "" {
			h.Flow = r.state.Flow.BodyOf(r.state.At.Node, child.Body)
		}
	}
	f, first, _, err = e.goOn(e.ctx, s, r.journal, h)
	var cannot *RetryError
	if errors.As(err, &cannot) || errors.Is(err, journal.ErrNotFound) {
		return run.RunStarted{}, nil, nil
	}
	if err != nil {
		return first, nil, err
	}
	if s.Parent != nil {
		first.Parent = &run.Parent{Body: s.Parent.Body}
	}
	first.Flow, first.FlowDigest, first.Plugins = f.Name, f.Digest, f.Plugins()
	return first, f, nil
}
