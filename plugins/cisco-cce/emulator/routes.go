package emulator

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wendflow/wend/emulator"
)

// handler makes a handler of a function that may fail.
func (s *service) handler(do func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := do(w, r); err != nil {
			writeError(w, err)
		}
	})
}

// create answers a create, which is keyed by the task's id: a task that is
// open already is not made again, and one that was transferred goes back to
// its queue.
func (s *service) create(w http.ResponseWriter, r *http.Request) error {
	req, err := parseRequest(r.Body, s.settings.Load())
	if err != nil {
		return err
	}
	if err := req.checkCreate(); err != nil {
		return err
	}
	id := strings.ToLower(req.TaskID)
	err = s.locked(func(now time.Time, cfg Settings) error {
		return s.tasks.create(id, req, now, cfg)
	})
	if err != nil {
		return err
	}
	w.Header().Set("Location", tasksPath+"/"+id)
	writeID(w, emulator.Inference, http.StatusCreated, id)
	return nil
}

func (ts *tasks) create(id string, req request, now time.Time, cfg Settings) error {
	old := ts.byID[id]
	if old != nil && old.state != Closed && old.state != Transferred {
		return taskExists(cfg.Existing)
	}
	media := queueOf(req.MediaType)
	if cfg.full(media, ts.waiting(media)) {
		return queueLimit(media)
	}
	if old != nil && old.state == Transferred {
		old.merge(req)
		old.enter(Queued, "", now)
		return nil
	}
	t := &task{id: id}
	t.merge(req)
	ts.add(t, now)
	return nil
}

// end answers a close.
func (s *service) end(w http.ResponseWriter, r *http.Request) error {
	req, err := parseRequest(r.Body, s.settings.Load())
	if err != nil {
		return err
	}
	id := strings.ToLower(r.PathValue("id"))
	if err := req.checkClose(id); err != nil {
		return err
	}
	err = s.locked(func(now time.Time, cfg Settings) error {
		return s.tasks.end(id, req, now, cfg)
	})
	if err != nil {
		return err
	}
	writeID(w, emulator.Decision, http.StatusOK, id)
	return nil
}

// end closes a task. A close that comes again changes nothing.
func (ts *tasks) end(id string, req request, now time.Time, cfg Settings) error {
	t := ts.byID[id]
	switch {
	case t == nil && cfg.Adopt && isUUID(id):
		t = &task{id: id, adopted: true}
		t.merge(req)
		ts.add(t, now)
	case t == nil:
		return noTask(id)
	case t.state == Closed && cfg.Closed == http.StatusBadRequest:
		return badRequest("task %q is closed already", id)
	case t.state == Closed:
		return nil
	default:
		t.merge(req)
	}
	t.enter(Closed, cmp.Or(req.DispositionCode, t.closeCode()), now)
	ts.settle()
	return nil
}

func (s *service) get(w http.ResponseWriter, r *http.Request) error {
	id := strings.ToLower(r.PathValue("id"))
	var found resource
	err := s.locked(func(time.Time, Settings) error {
		t := s.tasks.byID[id]
		if t == nil {
			return noTask(id)
		}
		found = t.resource()
		return nil
	})
	if err != nil {
		return err
	}
	emulator.WriteJSON(w, emulator.Inference, http.StatusOK, map[string]any{"data": found})
	return nil
}

// list answers with the tasks created at from, in milliseconds since 1970, or
// later.
func (s *service) list(w http.ResponseWriter, r *http.Request) error {
	var from time.Time
	if text := r.URL.Query().Get("from"); text != "" {
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return badRequest("from %q: expected milliseconds since 1970", text)
		}
		from = time.UnixMilli(ms)
	}
	found := []resource{}
	err := s.locked(func(time.Time, Settings) error {
		for _, t := range s.tasks.all() {
			if !t.created.Before(from) {
				found = append(found, t.resource())
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	emulator.WriteJSON(w, emulator.Inference, http.StatusOK, map[string]any{"data": found})
	return nil
}

// writeID answers with a task's id in the 56 bytes that logs of the real
// service show for a create.
func writeID(w http.ResponseWriter, b emulator.Basis, status int, id string) {
	emulator.SetBasis(w, b)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"data": {"id": %q}}`, id)
}
