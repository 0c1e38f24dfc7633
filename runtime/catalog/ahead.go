package catalog

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
)

// ahead is what a file comes to that needs no other to be read.
type ahead struct {
	size int // of the file, in bytes
	flow *flow.Flow
	list diag.List
}

// readAhead reads files side by side, as far as all flow files together may be large
// and have mistakes. What it does not read, and the flows that call others, are left
// to be read one after the other.
func readAhead(files []string, cfg flow.Config) map[string]ahead {
	if len(files) < 2 {
		return nil
	}
	var next, mistakes, size atomic.Int64
	most := int64(newRoom(cfg, nil, nil).bytes)
	read := make([]ahead, len(files))
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		workers.Go(func() {
			for mistakes.Load() < maxMistakes {
				i := int(next.Add(1)) - 1
				if i >= len(files) {
					return
				}
				src, list := source(files[i])
				if list != nil || size.Add(int64(len(src))) > most {
					continue
				}
				read[i] = alone(files[i], src, cfg)
				mistakes.Add(int64(len(read[i].list)))
			}
		})
	}
	workers.Wait()
	done := make(map[string]ahead, len(files))
	for i, file := range files {
		if read[i].size > 0 {
			done[file] = read[i]
		}
	}
	return done
}

// alone reads a file, or nothing if its flow calls another.
func alone(file string, src []byte, cfg flow.Config) ahead {
	calls := false
	cfg.Callee = func(string) (*flow.Signature, *diag.Error) {
		calls = true
		return nil, nil
	}
	f, list := flow.Load(file, src, cfg)
	if calls {
		return ahead{}
	}
	return ahead{len(src), f, list}
}
