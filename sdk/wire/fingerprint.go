package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

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
// Nothing is trimmed, decoded or normalised, and strings are hashed as UTF-8: a
// byte of method, URL or headers that is none counts as U+FFFD, which it is when
// it arrives.
// Whatever the host adds to a call later, credentials first, is not part of it.
func Fingerprint(c Call) string {
	var room [512]byte // most calls need no allocation for what is hashed
	hashed := append(append(room[:0], c.Method...), 0)
	hashed = append(append(hashed, c.URL...), 0)
	hashed = append(appendHeaders(hashed, c.Headers), 0)
	if !isASCII(hashed) && !valid(c) {
		return Fingerprint(clean(c))
	}
	h := fnv1a(fnv1a(fnvOffset, hashed), c.Body)
	name := make([]byte, 0, len(c.Method)+len(c.URL)+len("  #0123456789abcdef"))
	name = append(append(name, c.Method...), ' ')
	name = append(append(name, c.URL...), " #"...)
	return string(appendHex(name, h))
}

// isASCII is a quick way to know that a text is valid UTF-8.
func isASCII(text []byte) bool {
	for len(text) >= 8 {
		if binary.LittleEndian.Uint64(text)&0x8080808080808080 != 0 {
			return false
		}
		text = text[8:]
	}
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// valid tells whether a call arrives as it is.
func valid(c Call) bool {
	for name, value := range c.Headers {
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return false
		}
	}
	return utf8.ValidString(c.Method) && utf8.ValidString(c.URL)
}

// clean makes a call what arrives. Of header names that become equal the last
// is kept, in the order of their bytes, as a host does.
func clean(c Call) Call {
	names := make([]string, 0, len(c.Headers))
	for name := range c.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	headers := make(map[string]string, len(names))
	for _, name := range names {
		headers[toValid(name)] = toValid(c.Headers[name])
	}
	return Call{Method: toValid(c.Method), URL: toValid(c.URL), Headers: headers, Body: c.Body}
}

// toValid makes U+FFFD of each byte that is no UTF-8.
func toValid(s string) string { return string([]rune(s)) }

const (
	fnvOffset uint64 = 0xcbf29ce484222325
	fnvPrime  uint64 = 0x100000001b3
)

// fnv1a takes four bytes at a time: for a guest a turn of the loop costs as much
// as the bytes in it.
func fnv1a(h uint64, data []byte) uint64 {
	for len(data) >= 4 {
		h = (h ^ uint64(data[0])) * fnvPrime
		h = (h ^ uint64(data[1])) * fnvPrime
		h = (h ^ uint64(data[2])) * fnvPrime
		h = (h ^ uint64(data[3])) * fnvPrime
		data = data[4:]
	}
	for i := range len(data) { //nolint:intrange // data is a string too, and its bytes are meant
		h = (h ^ uint64(data[i])) * fnvPrime
	}
	return h
}

// appendHeaders appends the headers' sequences in their order.
func appendHeaders(b []byte, headers map[string]string) []byte {
	if len(headers) == 0 {
		return b
	}
	var few [8][]byte
	var room [256]byte
	sequences, text := few[:0], room[:0]
	for name, value := range headers {
		from := len(text)
		text = append(appendLower(text, name), 0)
		text = append(append(text, value...), 0)
		sequences = append(sequences, text[from:len(text):len(text)])
	}
	sortSequences(sequences)
	for _, sequence := range sequences {
		b = append(b, sequence...)
	}
	return b
}

// sortSequences inserts: calls have few headers, and mostly the first byte tells
// which comes first.
func sortSequences(sequences [][]byte) {
	if len(sequences) > 32 {
		slices.SortFunc(sequences, bytes.Compare)
		return
	}
	for i, s := range sequences {
		at := i
		for ; at > 0; at-- {
			if before := sequences[at-1]; s[0] > before[0] || s[0] == before[0] && bytes.Compare(s, before) >= 0 {
				break
			}
			sequences[at] = sequences[at-1]
		}
		sequences[at] = s
	}
}

// appendLower is not strings.ToLower: that one also lowers letters beyond
// ASCII, by tables that differ from language to language.
func appendLower(b []byte, s string) []byte {
	from := len(b)
	b = append(b, s...)
	for i, c := range b[from:] {
		if 'A' <= c && c <= 'Z' {
			b[from+i] = c + 'a' - 'A'
		}
	}
	return b
}

func appendHex(b []byte, n uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[n>>shift&0xf])
	}
	return b
}
