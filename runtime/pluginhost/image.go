package pluginhost

import "bytes"

// image is the state in which every invoke begins: memory and globals as they
// were after the guest had initialised itself.
type image struct {
	memory  *snapshot
	globals []uint64
}

// block is the unit in which memory is restored: a page of the machine.
const block = 4096

// restoreByCompare makes dst equal to src. It writes only where they differ:
// reading both is half as dear as writing one.
func restoreByCompare(dst, src []byte) {
	for at := 0; at < len(src); at += block {
		end := min(at+block, len(src))
		if d, s := dst[at:end], src[at:end]; !bytes.Equal(d, s) {
			copy(d, s)
		}
	}
}

var zeros [block]byte

// eachUsed calls f for each run of blocks that are not all zero.
func eachUsed(memory []byte, f func(at, end int) error) error {
	for at := 0; at < len(memory); {
		end := at
		for end < len(memory) && !bytes.Equal(memory[end:min(end+block, len(memory))], zeros[:min(block, len(memory)-end)]) {
			end = min(end+block, len(memory))
		}
		if end == at {
			at += block
			continue
		}
		if err := f(at, end); err != nil {
			return err
		}
		at = end
	}
	return nil
}
