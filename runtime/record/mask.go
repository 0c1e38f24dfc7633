package record

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/secret"
)

// Mask copies the runs of a source, one after the other, with words in the place of
// texts that look like secrets, wherever these stand in the run. It calls each with
// every run that it has written.
func Mask(to io.Writer, src io.Reader, each func(masked bool)) error {
	for d, err := range docs(src) {
		if err != nil {
			return err
		}
		if err := d.mask(); err != nil {
			return fmt.Errorf("run %s: %w", d.Run, err)
		}
		if err := d.write(to); err != nil {
			return err
		}
		each(d.Masked)
	}
	return nil
}

func (d *doc) mask() error {
	found := secrets{}
	all := []*json.RawMessage{&d.Events}
	for i := range d.Children {
		all = append(all, &d.Children[i])
	}
	for _, raw := range all {
		if len(*raw) == 0 {
			continue
		}
		v, err := data.DecodeJSON(*raw)
		if err != nil {
			return err
		}
		found.look("", v)
	}
	if len(found) == 0 {
		return nil
	}
	d.Masked = true
	for _, raw := range all {
		*raw = found.replace(*raw)
	}
	return nil
}

// secrets are texts and the words in their place.
type secrets map[string]string

// look finds secrets in plain data; name is the key that it stands under.
func (s secrets) look(name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, e := range v {
			s.look(key, e)
		}
	case []any:
		for _, e := range v {
			s.look(name, e)
		}
	case string:
		if len(v) > 1 && (v[0] == '{' || v[0] == '[') { // a body
			if inner, err := data.DecodeJSON([]byte(v)); err == nil {
				s.look(name, inner)
				return
			}
		}
		if secret.Looks(name, v) != "" {
			s[v] = ""
		}
	}
}

// replace puts words in the place of all secrets, also where they are part of a
// longer text. The words do not depend on the order in which secrets were found.
func (s secrets) replace(raw []byte) []byte {
	texts := make([]string, 0, len(s))
	for text := range s {
		texts = append(texts, text)
	}
	slices.SortFunc(texts, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	for i, text := range texts {
		word := []byte(fmt.Sprintf("secret-%d", i+1))
		for _, form := range written(text) {
			raw = bytes.ReplaceAll(raw, form, word)
		}
	}
	return raw
}

// written are the ways in which a text stands in JSON, and in JSON inside of it.
func written(text string) [][]byte {
	once := quoted(text)
	twice := quoted(string(once))
	if bytes.Equal(once, twice) {
		return [][]byte{once}
	}
	return [][]byte{twice, once}
}

func quoted(text string) []byte {
	raw, err := json.Marshal(text)
	if err != nil {
		return []byte(text)
	}
	return raw[1 : len(raw)-1]
}

var words = regexp.MustCompile(`\bsecret-\d+\b`)

// HasWord tells whether a text has a word in it that stands for a secret.
func HasWord(text string) bool { return words.MatchString(text) }
