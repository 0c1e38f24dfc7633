package wire

import "slices"

// Fingerprint names a call, so that host and guest can see whether a replay
// asks for the same calls as before. It reads
//
//	POST https://host/path #91f0c2a6b7d80e13
//
// that is: the method, a space, the URL, a space, "#", and 16 lower-case hex
// digits of the FNV-1a 64 hash (offset basis cbf29ce484222325, prime
// 100000001b3) over these bytes, in this order:
//
//  1. the method, then a zero byte
//  2. the URL, then a zero byte
//  3. for each header: its name with A–Z lowered to a–z, a zero byte, its
//     value, a zero byte; these sequences are sorted, compared byte by byte
//  4. a zero byte, then the body
//
// Nothing is trimmed, decoded or normalised, and strings are hashed as UTF-8.
// Whatever the host adds to a call later, credentials first, is not part of it.
func Fingerprint(c Call) string {
	h := fnv1a(fnvOffset, c.Method+"\x00"+c.URL+"\x00")
	for _, header := range sortedHeaders(c.Headers) {
		h = fnv1a(h, header)
	}
	h = fnv1a(h, "\x00")
	h = fnv1a(h, c.Body)
	return string(appendHex([]byte(c.Method+" "+c.URL+" #"), h))
}

const (
	fnvOffset uint64 = 0xcbf29ce484222325
	fnvPrime  uint64 = 0x100000001b3
)

func fnv1a[T string | []byte](h uint64, data T) uint64 {
	for i := range len(data) {
		h = (h ^ uint64(data[i])) * fnvPrime
	}
	return h
}

func sortedHeaders(headers map[string]string) []string {
	sorted := make([]string, 0, len(headers))
	for name, value := range headers {
		sorted = append(sorted, lowerASCII(name)+"\x00"+value+"\x00")
	}
	slices.Sort(sorted)
	return sorted
}

// lowerASCII is not strings.ToLower: that one also lowers letters beyond
// ASCII, by tables that differ from language to language.
func lowerASCII(s string) string {
	lowered := []byte(s)
	for i, b := range lowered {
		if 'A' <= b && b <= 'Z' {
			lowered[i] = b + 'a' - 'A'
		}
	}
	return string(lowered)
}

func appendHex(b []byte, n uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[n>>shift&0xf])
	}
	return b
}
