package expand

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // vendors sign with it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"hash"
	"html"
	"net/url"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/data"
)

// digest is bytes that are no text before hex or base64 makes one of them.
type digest []byte

var digestType = reflect.TypeFor[digest]()

// textFunctions are ours, under the names that authors write, with the form
// that the checker sees. Those that take any value take its text.
var textFunctions = map[string]struct {
	form reflect.Type
	call func(f *frame, args []any) (any, error)
}{
	"uuid":        {reflect.TypeFor[func(any) string](), newUUID},
	"pathEscape":  ofText("pathEscape", func(s string) (any, error) { return escapeSegment(s), nil }),
	"queryEscape": ofText("queryEscape", func(s string) (any, error) { return url.QueryEscape(s), nil }),
	"htmlEscape":  ofText("htmlEscape", func(s string) (any, error) { return html.EscapeString(s), nil }),
	"xmlEscape":   ofText("xmlEscape", escapeXML),
	"base64":      ofText("base64", func(s string) (any, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil }),
	"hex":         ofText("hex", func(s string) (any, error) { return hex.EncodeToString([]byte(s)), nil }),
	"sha256": {reflect.TypeFor[func(any) digest](), func(f *frame, args []any) (any, error) {
		s, err := textArg("sha256", f, args[0])
		sum := sha256.Sum256([]byte(s))
		return digest(sum[:]), err
	}},
	"fromXML": {reflect.TypeFor[func(any) any](), fromXML},
	"hmac":    {reflect.TypeFor[func(any, any, ...string) digest](), newHMAC},
}

func ofText(name string, change func(string) (any, error)) struct {
	form reflect.Type
	call func(f *frame, args []any) (any, error)
} {
	return struct {
		form reflect.Type
		call func(f *frame, args []any) (any, error)
	}{reflect.TypeFor[func(any) string](), func(f *frame, args []any) (any, error) {
		s, err := textArg(name, f, args[0])
		if err != nil {
			return nil, err
		}
		v, err := change(s)
		if err != nil {
			return nil, err
		}
		return v, grown(f, v)
	}}
}

// textArg is the text of an argument; bytes are taken as they are.
func textArg(function string, f *frame, v any) (string, error) {
	s, err := textOf(f, v)
	if err != nil {
		return "", fmt.Errorf("%s: %w", function, err)
	}
	return s, f.spend(1 + len(s)/bytesPerWork)
}

func textOf(f *frame, v any) (string, error) {
	switch v := v.(type) {
	case digest:
		return string(v), nil
	case []byte:
		return string(v), nil
	}
	v, err := plain(v, f)
	if err != nil {
		return "", err
	}
	return data.Text(v)
}

// escapeSegment writes a text so that it is one segment of a path, whatever it
// holds: url.PathEscape leaves signs alone that some servers cut at.
func escapeSegment(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func escapeXML(s string) (any, error) {
	var b bytes.Buffer
	err := xml.EscapeText(&b, []byte(s))
	return b.String(), err
}

// fromXML makes of an XML document what a webhook makes of one.
func fromXML(f *frame, args []any) (any, error) {
	s, err := textArg("fromXML", f, args[0])
	if err != nil {
		return nil, err
	}
	if err := f.spend(1 + len(s)); err != nil {
		return nil, err
	}
	v, err := data.DecodeXML([]byte(s), "utf-8")
	if err != nil {
		return nil, fmt.Errorf("fromXML: not XML: %w", err)
	}
	return v, nil
}

func toText(f *frame, args []any) (any, error) {
	if _, ok := args[0].(digest); ok {
		return nil, errDigest
	}
	return textArg("string", f, args[0])
}

var errDigest = errors.New("the bytes are not a text; write hex(…) or base64(…)")

var hashes = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}

// newHMAC is of a text, with a key, and by sha256 if nothing is said.
func newHMAC(f *frame, args []any) (any, error) {
	text, err := textArg("hmac", f, args[0])
	if err != nil {
		return nil, err
	}
	key, err := textArg("hmac: the key", f, args[1])
	if err != nil {
		return nil, err
	}
	algorithm := "sha256"
	if len(args) > 2 {
		algorithm, _ = args[2].(string)
	}
	made, ok := hashes[algorithm]
	if !ok {
		return nil, fmt.Errorf(`hmac: no algorithm %q, expected "sha1", "sha256" or "sha512"`, algorithm)
	}
	mac := hmac.New(made, []byte(key))
	mac.Write([]byte(text))
	return digest(mac.Sum(nil)), nil
}

func fromBase64(f *frame, args []any) (any, error) {
	s, err := stringArg("fromBase64", args, 0)
	if err != nil {
		return nil, err
	}
	if err := f.spend(1 + len(s)/bytesPerWork); err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("fromBase64: %w", err)
	case !utf8.Valid(b):
		return nil, errors.New("fromBase64: the bytes are not a text")
	}
	return string(b), nil
}

// indexOf and lastIndexOf count characters, as len does.
func indexOf(name string, find func(s, part string) int) func(*frame, []any) (any, error) {
	return func(f *frame, args []any) (any, error) {
		s, err := stringArg(name, args, 0)
		if err != nil {
			return nil, err
		}
		part, err := stringArg(name, args, 1)
		if err != nil {
			return nil, err
		}
		if err := f.spend(1 + len(s)/bytesPerWork); err != nil {
			return nil, err
		}
		i := find(s, part)
		if i > 0 {
			i = utf8.RuneCountInString(s[:i])
		}
		return i, nil
	}
}
