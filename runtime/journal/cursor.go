package journal

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Cursor is a place in the list of runs, which is ordered by the time of
// start and then by Nr, the newest first. Drivers give its text to callers.
type Cursor struct {
	StartedAt time.Time
	Nr        int64 // tells runs apart that started at the same time
}

// String is what ParseCursor reads.
func (c Cursor) String() string {
	return strconv.FormatInt(c.StartedAt.UnixNano(), 36) + "." + strconv.FormatInt(c.Nr, 36)
}

// ParseCursor returns ErrCursor for a text that is not a cursor's. No text is
// the zero cursor.
func ParseCursor(text string) (Cursor, error) {
	if text == "" {
		return Cursor{}, nil
	}
	at, nr, _ := strings.Cut(text, ".")
	nanos, err := strconv.ParseInt(at, 36, 64)
	if err != nil {
		return Cursor{}, fmt.Errorf("%q: %w", text, ErrCursor)
	}
	n, err := strconv.ParseInt(nr, 36, 64)
	if err != nil {
		return Cursor{}, fmt.Errorf("%q: %w", text, ErrCursor)
	}
	return Cursor{time.Unix(0, nanos), n}, nil
}

// compare is negative if c comes before d in the list.
func (c Cursor) compare(d Cursor) int {
	return cmp.Or(d.StartedAt.Compare(c.StartedAt), cmp.Compare(d.Nr, c.Nr))
}

// LetterCursor is the text of a place in the list of the mailbox: the number of
// the letter before it, as they came. For drivers.
func LetterCursor(nr int64) string { return strconv.FormatInt(nr, 36) }

// ParseLetterCursor returns ErrCursor for a text that is not LetterCursor's. No
// text is the beginning, 0. For drivers.
func ParseLetterCursor(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	nr, err := strconv.ParseInt(text, 36, 64)
	if err != nil {
		return 0, fmt.Errorf("%q: %w", text, ErrCursor)
	}
	return nr, nil
}
