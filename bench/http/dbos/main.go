// Command dbos serves the benchmark's flow with DBOS on SQLite: the flow is a
// workflow, the call to the vendor a step. Its arguments are the vendor's URL,
// the database's file and the address to listen on.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite"
)

type message struct {
	From           string `json:"from"`
	ConversationID string `json:"conversationId"`
}

type reply struct {
	TaskID string `json:"taskId"`
}

type answer struct {
	OK   bool   `json:"ok"`
	Task string `json:"task"`
}

// vendor is called over lines that stay open.
type vendor struct {
	url    string
	client *http.Client
}

func (v *vendor) call(ctx context.Context, m message) (r reply, err error) {
	body, err := json.Marshal(map[string]string{"taskId": m.ConversationID, "sender": m.From})
	if err != nil {
		return r, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url, bytes.NewReader(body))
	if err != nil {
		return r, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := v.client.Do(request)
	if err != nil {
		return r, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return r, fmt.Errorf("the vendor answered %s", response.Status)
	}
	return r, json.NewDecoder(response.Body).Decode(&r)
}

func main() {
	log.SetFlags(0)
	v := &vendor{os.Args[1], &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	c, err := dbos.NewContext(context.Background(), dbos.Config{
		AppName: "bench", DatabaseURL: "sqlite:" + os.Args[2], Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	flow := func(c dbos.Context, m message) (answer, error) {
		r, err := dbos.RunAsStep(c, func(ctx context.Context) (reply, error) { return v.call(ctx, m) })
		return answer{err == nil, r.TaskID}, err
	}
	dbos.RegisterWorkflow(c, flow)
	if err := dbos.Launch(c); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /hook", func(w http.ResponseWriter, r *http.Request) {
		a, err := serve(c, flow, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(a)
	})
	log.Fatal(http.ListenAndServe(os.Args[3], nil))
}

// serve runs the workflow and waits for its result.
func serve(c dbos.Context, flow dbos.Workflow[message, answer], r *http.Request) (a answer, err error) {
	var m message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return a, err
	}
	handle, err := dbos.RunWorkflow(c, flow, m)
	if err != nil {
		return a, err
	}
	return handle.GetResult()
}
