package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/run"
)

// followRun prints the events of a run until it has ended.
func followRun(ctx context.Context, std *streams, r *remote, id string, asJSON bool) error {
	resp, err := r.call(ctx, http.MethodGet, runPath(id, "events"), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	stream := bufio.NewReader(resp.Body)
	for {
		m, err := readMessage(stream)
		switch {
		case ctx.Err() != nil:
			return errSaid // interrupted; the run goes on
		case errors.Is(err, io.EOF):
			return wrongf("the server has ended the stream before the run ended; the run may go on")
		case err != nil:
			return wrongf("the stream of %s broke off: %w", r.server, err)
		}
		if m.event == nowMessage {
			if err := printNow(std, m.data, asJSON); err != nil {
				return err
			}
			continue
		}
		e, err := m.decode()
		if err != nil {
			return wrongf("event %s of the run: %w", m.id, err)
		}
		if asJSON {
			fmt.Fprintf(std.out, `{"id":%s,"event":%q,"data":%s}`+"\n", m.id, m.event, m.data)
		} else {
			printEvent(std.out, e)
		}
		switch e := e.(type) {
		case run.RunCancelled:
			return errSaid
		case run.RunEnded:
			if e.Status != run.Completed {
				return errSaid
			}
			return nil
		default: // more will come
		}
	}
}

// withEvents adds to the report of a run that has ended all its events.
func (r *remote) withEvents(ctx context.Context, id string, report json.RawMessage) (json.RawMessage, error) {
	var is struct{ Status run.Status }
	if err := json.Unmarshal(report, &is); err != nil {
		return nil, wrong(err)
	}
	if !is.Status.Ended() {
		return nil, wrongf("run %s is %s; its events are complete once it has ended", id, is.Status)
	}
	resp, err := r.call(ctx, http.MethodGet, runPath(id, "events"), nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var events []run.Event
	stream := bufio.NewReader(resp.Body)
	for {
		m, err := readMessage(stream)
		if errors.Is(err, io.EOF) {
			return recorded(report, events)
		}
		if err != nil {
			return nil, wrongf("the stream of %s broke off: %w", r.server, err)
		}
		e, err := m.decode()
		if err != nil {
			return nil, wrongf("event %s of the run: %w", m.id, err)
		}
		events = append(events, e)
	}
}

// recorded is a report with the events that it was made of, all of the report
// as it was.
func recorded(report json.RawMessage, events []run.Event) (json.RawMessage, error) {
	list, err := run.Marshal(events)
	if err != nil {
		return nil, wrong(err)
	}
	open, ok := bytes.CutSuffix(bytes.TrimSpace(report), []byte("}"))
	if !ok {
		return nil, wrongf("the report of the run is no JSON object")
	}
	return slices.Concat(open, []byte(`,"events":`), list, []byte("}")), nil
}

// message is one server-sent event.
type message struct{ id, event, data string }

// readMessage reads the next message, past signs of life.
func readMessage(r *bufio.Reader) (message, error) {
	var m message
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return message{}, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			m.id = value
		case "event":
			m.event = value
		case "data":
			m.data = value
		case "":
			if m.data != "" {
				return m, nil
			}
		}
	}
}

// decode makes a run's event of it, as the journal would.
func (m message) decode() (run.Event, error) {
	list, err := json.Marshal([]map[string]any{{"type": m.event, "event": json.RawMessage(m.data)}})
	if err != nil {
		return nil, err
	}
	events, err := run.Unmarshal(list)
	if err != nil {
		return nil, err
	}
	return events[0], nil
}

// nowMessage is a message that is no event: where the run is at this moment.
const nowMessage = "now"

// printNow prints where a run is. That is talk beside its events, unless it is for
// a program.
func printNow(std *streams, data string, asJSON bool) error {
	if asJSON {
		fmt.Fprintf(std.out, `{"event":%q,"data":%s}`+"\n", nowMessage, data)
		return nil
	}
	var now engine.Now
	if err := json.Unmarshal([]byte(data), &now); err != nil {
		return wrongf("where the run is: %w", err)
	}
	line := fmt.Sprintf("now at %s (%s)", now.Node, now.Type)
	if now.Visit > 1 {
		line += fmt.Sprintf(", visit %d", now.Visit)
	}
	if now.Attempt > 1 {
		line += fmt.Sprintf(", attempt %d", now.Attempt)
	}
	parts := []string{line + " since " + clockTime(now.Since)}
	for _, c := range now.Calls {
		parts = append(parts, fmt.Sprintf("%s %s since %s", c.Method, c.URL, clockTime(c.Since)))
	}
	fmt.Fprintln(std.err, strings.Join(parts, ", "))
	return nil
}

func clockTime(t time.Time) string { return t.Local().Format(time.TimeOnly) }

func printEvent(w io.Writer, e run.Event) {
	const precise = "2006-01-02T15:04:05.000Z07:00"
	fmt.Fprintf(w, "%s  %-14s  %s\n", e.When().Local().Format(precise), run.Name(e), said(e))
}

// said is what an event says, for people.
func said(e run.Event) string {
	switch e := e.(type) {
	case run.RunStarted:
		return fmt.Sprintf("flow %s, by %s%s%s%s", e.Flow, e.Trigger, prefixed(", key ", reason(e.Key, "")), prefixed(", again after run ", e.RetryOf), prefixed(" from ", e.From))
	case run.CallStarted:
		return fmt.Sprintf("%s: %s %s", e.Node, e.Method, e.URL)
	case run.CallReplied:
		if e.Reply.Failure != "" {
			return fmt.Sprintf("%s: %s%s", e.Node, e.Reply.Failure, prefixed(": ", reason(e.Reply.Message, "")))
		}
		return fmt.Sprintf("%s: %d", e.Node, e.Reply.Status)
	case run.TimerSet:
		return fmt.Sprintf("%s: %s until %s", e.Node, e.Kind, e.Due.Local().Format(time.RFC3339))
	case run.TimerFired:
		return fmt.Sprintf("%s: %s is over", e.Node, e.Kind)
	case run.EventAwaited:
		return fmt.Sprintf("%s: %s %q", e.Node, e.Name, e.Key)
	case run.EventReceived:
		return fmt.Sprintf("%s: %s %q%s", e.Node, e.Name, e.Key, prefixed("  ", shortMap(e.Data)))
	case run.NodeFinished:
		return fmt.Sprintf("%s: %s%s", e.Node, e.Outcome, prefixed(": ", reason(e.Message, e.Code)))
	case run.RunResponded:
		return fmt.Sprintf("%d%s", e.Status, prefixed("  ", short(e.Body)))
	case run.RunPaused:
		return fmt.Sprintf("%s: %s", e.Node, reason(e.Reason(), e.Code))
	case run.RunResumed:
		if e.GiveUp {
			return e.Node + ": leaves by its outcome"
		}
		return e.Node
	case run.RunEnded:
		return fmt.Sprintf("%s%s%s", e.Status, prefixed(", ", e.Outcome), prefixed(": ", reason(e.Reason, e.Code)))
	case run.RunCancelled:
		return reason(e.Reason, "")
	}
	return ""
}
