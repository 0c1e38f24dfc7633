package wire_test

import (
	"hash/fnv"
	"strconv"
	"testing"

	"github.com/wendflow/wend/sdk/wire"
)

func TestFingerprint(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		call   wire.Call
		hashed string // the bytes that the promise says are hashed
		want   string
	}{
		"empty": {
			hashed: "\x00\x00\x00",
			want:   "  #",
		},
		"get": {
			call:   wire.Call{Method: "GET", URL: "https://h/p"},
			hashed: "GET\x00https://h/p\x00\x00",
			want:   "GET https://h/p #",
		},
		"headers are lowered and sorted": {
			call: wire.Call{
				Method: "POST", URL: "https://h/p",
				Headers: map[string]string{"TrackingID": "T1", "accept": "a/b", "ÄB": "x"},
				Body:    []byte(`{"a":1}`),
			},
			hashed: "POST\x00https://h/p\x00accept\x00a/b\x00trackingid\x00T1\x00Äb\x00x\x00\x00" + `{"a":1}`,
			want:   "POST https://h/p #",
		},
		"equal names are sorted by value": {
			call:   wire.Call{Method: "GET", URL: "/p", Headers: map[string]string{"A": "2", "a": "1"}},
			hashed: "GET\x00/p\x00a\x001\x00a\x002\x00\x00",
			want:   "GET /p #",
		},
		"a body that is no text": {
			call:   wire.Call{Method: "PUT", URL: "/p", Body: []byte{0, 0xff, 10}},
			hashed: "PUT\x00/p\x00\x00\x00\xff\n",
			want:   "PUT /p #",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := fnv.New64a()
			h.Write([]byte(test.hashed))
			want := test.want + hex16(h.Sum64())
			if got := wire.Fingerprint(test.call); got != want {
				t.Errorf("Fingerprint(%+v) = %q, want %q", test.call, got, want)
			}
		})
	}
}

// TestFingerprintVectors holds the values that an SDK in another language can
// be checked against; docs/abi.md prints them.
func TestFingerprintVectors(t *testing.T) {
	t.Parallel()
	vectors := []struct {
		call wire.Call
		want string
	}{
		{wire.Call{Method: "GET", URL: "/"}, "GET / #889bc0906a911dbe"},
		{wire.Call{Method: "GET", URL: "https://h/p"}, "GET https://h/p #be9f0870c5c8179d"},
		{wire.Call{Method: "POST", URL: "https://h/p", Headers: map[string]string{"Content-Type": "application/json", "Accept": "*/*"}, Body: []byte("{}")}, "POST https://h/p #28d3566b86c40e29"},
	}
	for _, vector := range vectors {
		if got := wire.Fingerprint(vector.call); got != vector.want {
			t.Errorf("Fingerprint(%+v) = %q, want %q", vector.call, got, vector.want)
		}
	}
}

func TestFingerprintTellsCallsApart(t *testing.T) {
	t.Parallel()
	calls := []wire.Call{
		{Method: "GET", URL: "/p"},
		{Method: "GET", URL: "/p", Body: []byte("x")},
		{Method: "GET", URL: "/p", Headers: map[string]string{"x": ""}},
		{Method: "GET", URL: "/p", Headers: map[string]string{"": "x"}},
		{Method: "GET", URL: "/p", Headers: map[string]string{"a": "b", "c": "d"}},
		{Method: "GET", URL: "/p", Headers: map[string]string{"a": "bc", "": "d"}},
		{Method: "GET", URL: "/q"},
	}
	seen := map[string]wire.Call{}
	for _, call := range calls {
		fingerprint := wire.Fingerprint(call)
		if other, twice := seen[fingerprint]; twice {
			t.Errorf("Fingerprint(%+v) = Fingerprint(%+v) = %q", call, other, fingerprint)
		}
		seen[fingerprint] = call
	}
}

func hex16(n uint64) string {
	s := strconv.FormatUint(n, 16)
	return "0000000000000000"[len(s):] + s
}
