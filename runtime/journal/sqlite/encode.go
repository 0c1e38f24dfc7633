package sqlite

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/wendflow/wend/runtime/run"
)

// Data of events is the JSON of run.Marshal, which begins with '[', or that
// compressed, behind a byte that says so.
const deflated = 1

// deflateFrom is from which size on compressing costs less than what it saves:
// fewer pages to write twice, once to the log and once to their place.
const deflateFrom = 4 << 10

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is a good one
	}
	return w
}}

func encode(events []run.Event) ([]byte, error) {
	data, err := run.Marshal(events)
	if err != nil || len(data) < deflateFrom {
		return data, err
	}
	small := deflate(data)
	if len(small) > len(data)/4*3 {
		return data, nil // it was compressed before
	}
	return small, nil
}

func deflate(data []byte) []byte {
	out := bytes.NewBuffer(make([]byte, 0, len(data)/4))
	out.WriteByte(deflated)
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(out)
	// A buffer takes all that is written.
	_, _ = w.Write(data)
	_ = w.Close()
	return out.Bytes()
}

// decode returns the events before and those of one append after them.
func decode(before []run.Event, data []byte) ([]run.Event, error) {
	if len(data) == 0 {
		return before, errors.New("an append without data")
	}
	if data[0] != deflated {
		return run.UnmarshalMore(before, data)
	}
	plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(data[1:])))
	if err != nil {
		return before, fmt.Errorf("decompress: %w", err)
	}
	return run.UnmarshalMore(before, plain)
}
