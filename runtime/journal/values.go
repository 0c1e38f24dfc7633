package journal

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/data"
)

// Values keeps what runs of today leave for those of tomorrow: few values, each
// under a key of a scope.
type Values interface {
	// Change changes one value, as one deed. Of many at the same instant each
	// sees what the one before it left. A change of a run is done once: one with
	// the ID of the run's last change does nothing and returns what that one did.
	// The error is ErrConflict if the run has another number of events than
	// c.After, and a *ChangeError if the change cannot be done whoever asks again.
	Change(ctx context.Context, c Change, bounds ValueBounds) (Changed, error)
	// Value returns a value, or ErrNotFound.
	Value(ctx context.Context, scope, key string) (Value, error)
	// Values returns the values that f asks for, by scope and key and without
	// their data. It returns ErrCursor if f.Cursor is not a Next of this driver.
	Values(ctx context.Context, f ValueFilter) (ValuePage, error)
}

// Value is what is kept under a key.
type Value struct {
	Scope   string // a flow's name; empty: of all flows
	Key     string
	Data    json.RawMessage // in the one form that json.Marshal gives it
	Size    int             // of Data, in bytes
	Updated time.Time
	Expires time.Time // zero: never
	Run     string    // that changed it last; empty: no run
}

// ChangeKind is what a Change does.
type ChangeKind int

// The kinds of changes.
const (
	Put    ChangeKind = iota // keeps Data
	Delete                   // forgets the value
	Add                      // adds By to a whole number, which begins as 0
)

// Change is one change of a value.
type Change struct {
	Scope string
	Key   string
	Kind  ChangeKind
	Data  json.RawMessage
	By    int64
	// For is how long the value is kept: from now on for Put, from its beginning
	// for Add. 0 is for ever.
	For time.Duration
	// If, unless nil, is what must be there: these data, or nothing if they are
	// empty. Else nothing is done.
	If *json.RawMessage

	// Run is the run that changes it; empty: none that is in this journal, and
	// then what follows does not count. After is how many events the run has.
	Run   string
	After int
	ID    string // the same whenever this change is asked for
}

// Changed is what came of a change.
type Changed struct {
	Done bool // false: what must be there is not, or there is nothing to delete
	// Data is what is there now; before, of what was deleted.
	Data json.RawMessage
}

func (v *Value) lives(now time.Time) bool { return v.Expires.IsZero() || now.Before(v.Expires) }

// ValueBounds are of what all flows keep together. Its zero fields are no bounds.
type ValueBounds struct {
	Value int   // bytes of one value
	Keys  int   // of one scope
	Size  int64 // bytes of all values and keys
}

// ValueFilter chooses values.
type ValueFilter struct {
	Scope  *string // nil: all
	Cursor string  // Next of the page before
	Limit  int     // values on a page. Defaults to DefaultLimit
}

// ValuePage is a part of the values.
type ValuePage struct {
	Values []Value
	Next   string // the Cursor of the next page; empty: this is the last
}

// ChangeError says why a change cannot be done, with a code that a flow can test.
type ChangeError struct{ Code, Msg string }

func (e *ChangeError) Error() string { return e.Msg }

// The codes of a ChangeError.
const (
	CodeStoreFull  = "store-full"
	CodeNoNumber   = "not-a-number"
	CodeValueLimit = "value-limit"
	CodeInvalidKey = "invalid-key"
)

// Check tells what is wrong with a change whatever is there. For drivers.
func (c *Change) Check(b ValueBounds) error {
	switch {
	case c.Key == "":
		return &ChangeError{CodeInvalidKey, "the key is empty"}
	case len(c.Key) > MaxEventText:
		return &ChangeError{CodeInvalidKey, fmt.Sprintf("the key has %d bytes, expected at most %d", len(c.Key), MaxEventText)}
	case c.Kind == Put && b.Value > 0 && len(c.Data) > b.Value:
		return &ChangeError{CodeValueLimit, fmt.Sprintf("the value of key %q has %s, more than limits.store.value allows (%s)",
			c.Key, data.ShowSize(uint64(len(c.Data))), data.ShowSize(uint64(b.Value)))}
	}
	return nil
}

// On is what the change makes of the value that is there; nil is none, before and
// after. Nothing is to be written unless it is done. For drivers.
func (c *Change) On(old *Value, now time.Time) (made *Value, is Changed, err error) {
	if old != nil && !old.lives(now) {
		old = nil
	}
	if old != nil {
		is.Data = old.Data
	}
	if c.If != nil && !bytes.Equal(is.Data, *c.If) || c.Kind == Delete && old == nil {
		return old, is, nil
	}
	is.Done = true
	if c.Kind == Delete {
		return nil, is, nil
	}
	made = &Value{Scope: c.Scope, Key: c.Key, Data: c.Data, Updated: now, Run: c.Run}
	if c.For > 0 {
		made.Expires = now.Add(c.For)
	}
	if c.Kind == Add {
		if made.Data, err = c.sum(is.Data); err != nil {
			return old, Changed{}, err
		}
		if old != nil {
			made.Expires = old.Expires
		}
	}
	made.Size, is.Data = len(made.Data), made.Data
	return made, is, nil
}

func (c *Change) sum(is json.RawMessage) (json.RawMessage, error) {
	var n int64
	if is != nil {
		var err error
		if n, err = strconv.ParseInt(string(is), 10, 64); err != nil {
			return nil, &ChangeError{CodeNoNumber, fmt.Sprintf("key %q has a value that is no whole number, so nothing can be added to it", c.Key)}
		}
	}
	sum := n + c.By
	if (sum > n) != (c.By > 0) && c.By != 0 {
		return nil, &ChangeError{CodeNoNumber, fmt.Sprintf("key %q is %d, and %d more is beyond what a whole number can be", c.Key, n, c.By)}
	}
	return strconv.AppendInt(nil, sum, 10), nil
}

// Room tells whether there is room for what a change makes of a value, when so
// many keys are in the scope and so many bytes are kept in all, the old one
// among them. For drivers.
func (b ValueBounds) Room(old, made *Value, keys int, size int64) error {
	if made == nil {
		return nil
	}
	added := int64(made.Size)
	if old != nil {
		added -= int64(old.Size)
	} else {
		added += int64(len(made.Key))
	}
	whose := "all flows"
	if made.Scope != "" {
		whose = fmt.Sprintf("flow %q", made.Scope)
	}
	switch {
	case old == nil && b.Keys > 0 && keys >= b.Keys:
		return &ChangeError{CodeStoreFull, fmt.Sprintf("the store of %s has %d keys, as many as limits.store.keys allows, so there is no room for %q; "+
			`see with "wend store list" what they are, or let values expire, such as for: 7d`, whose, keys, made.Key)}
	case b.Size > 0 && added > 0 && size+added > b.Size:
		return &ChangeError{CodeStoreFull, fmt.Sprintf("the store has %s, and with key %q it would have more than limits.store.size allows (%s); "+
			`see with "wend store list" what there is, or let values expire, such as for: 7d`, data.ShowSize(uint64(size)), made.Key, data.ShowSize(uint64(b.Size)))}
	}
	return nil
}

// ValueCursor is the text of the place after a value in their list. For drivers.
func ValueCursor(scope, key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(scope + "\n" + key))
}

// ParseValueCursor returns ErrCursor for a text that is not ValueCursor's. No
// text is the beginning. For drivers.
func ParseValueCursor(text string) (scope, key string, err error) {
	if text == "" {
		return "", "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	scope, key, found := strings.Cut(string(raw), "\n")
	if err != nil || !found {
		return "", "", fmt.Errorf("%q: %w", text, ErrCursor)
	}
	return scope, key, nil
}
