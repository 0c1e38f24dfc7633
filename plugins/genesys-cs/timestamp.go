package main

import "time"

// timestampLayout is the only form that the vendor takes, always in UTC.
const timestampLayout = "2006-01-02T15:04:05.000Z"

// timestamp brings a time of RFC 3339 into the vendor's form; "" where text is
// none. What is finer than a millisecond is cut off.
func timestamp(text string) string {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return ""
	}
	stamp := t.UTC().Format(timestampLayout)
	if len(stamp) != len(timestampLayout) {
		return "" // in UTC it lies beyond the year 9999, or before 0
	}
	return stamp
}
