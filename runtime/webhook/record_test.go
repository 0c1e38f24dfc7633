package webhook_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/webhook"
)

// taken is a journal in which another process goes on with every run.
type taken struct{ journal.Driver }

func (j taken) Append(ctx context.Context, id string, after int, events []run.Event) error {
	if after > 0 {
		return journal.Conflict(id, after+1, after)
	}
	return j.Driver.Append(ctx, id, after, events)
}

// A run that is on record goes on, whatever becomes of it here.
func TestARunOnRecordIsPromised(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		eng := engine.New(engine.Config{
			Journal: taken{journal.NewMemory(1)}, Caller: vendor{}, NewID: func() string { return runID },
		})
		w := post(serve(t, webhook.Config{Engine: eng, Wait: time.Hour}, nil), "/hooks/waits")
		diff(t, http.StatusAccepted, w.Code)
		diff(t, "/api/v1/runs/"+runID, w.Header().Get("Location"))
	})
}
