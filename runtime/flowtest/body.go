package flowtest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"mime"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"slices"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/webhook"
)

// sent is the body of a request as it is sent, and its Content-Type; "" is none.
// An object is sent as what the test says, or else as what the webhook takes: as
// JSON, a form or a form of parts.
func (g *given) sent(hook *node.Hook) (body []byte, contentType string, err error) {
	kinds := []node.BodyKind{node.BodyJSON, node.BodyForm, node.BodyMultipart}
	kind, params := node.BodyKind(""), map[string]string{}
	if said := g.header("content-type"); said != "" {
		media, more, err := mime.ParseMediaType(said)
		if err != nil {
			return g.body, said, nil //nolint:nilerr // the webhook says what is wrong with it
		}
		contentType, params = said, more
		kind = kinds[max(slices.IndexFunc(kinds, func(k node.BodyKind) bool { return webhook.MediaType(k) == media }), 0)]
	} else if i := slices.IndexFunc(kinds, func(k node.BodyKind) bool { return slices.Contains(hook.Takes, k) }); i >= 0 {
		kind = kinds[i]
	}
	switch {
	case g.object != nil && kind == node.BodyForm:
		form, err := formOf(g.object)
		return []byte(form.Encode()), webhook.MediaType(kind), err
	case g.object != nil && kind == node.BodyMultipart:
		return partsOf(g.object, params["boundary"])
	case contentType == "" && kind == node.BodyJSON && len(g.body) > 0:
		contentType = webhook.MediaType(kind)
	}
	return g.body, contentType, nil
}

func formOf(object map[string]any) (url.Values, error) {
	form := url.Values{}
	for name, v := range object {
		for _, one := range several(v) {
			text, err := field(name, one)
			if err != nil {
				return nil, err
			}
			form.Add(name, text)
		}
	}
	return form, nil
}

// several are the values of a field, which is given once for each.
func several(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func field(name string, v any) (string, error) {
	switch v.(type) {
	case map[string]any, []any:
		return "", fmt.Errorf("field %q of the form is no text", name)
	}
	return data.Text(v)
}

// partsOf writes a form of parts. A file is an object as flows see it: filename,
// contentType, and text or base64.
func partsOf(object map[string]any, boundary string) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if boundary == "" {
		boundary = "wend-test"
	}
	if err := w.SetBoundary(boundary); err != nil {
		return nil, "", err
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		for _, one := range several(object[name]) {
			if err := addPart(w, name, one); err != nil {
				return nil, "", err
			}
		}
	}
	err = w.Close()
	return b.Bytes(), w.FormDataContentType(), err
}

func addPart(w *multipart.Writer, name string, v any) error {
	file, isFile := v.(map[string]any)
	if !isFile {
		text, err := field(name, v)
		if err != nil {
			return err
		}
		return w.WriteField(name, text)
	}
	filename, named := file["filename"].(string)
	if !named {
		return fmt.Errorf("field %q of the form is no text, and no file: that has a filename", name)
	}
	disposition := map[string]string{"name": name, "filename": filename}
	head := textproto.MIMEHeader{"Content-Disposition": {mime.FormatMediaType("form-data", disposition)}}
	if kind, ok := file["contentType"].(string); ok {
		head.Set("Content-Type", kind)
	}
	text, _ := file["text"].(string)
	content := []byte(text)
	if coded, ok := file["base64"].(string); ok {
		var err error
		if content, err = base64.StdEncoding.DecodeString(coded); err != nil {
			return fmt.Errorf("file %q is no base64: %w", name, err)
		}
	}
	part, err := w.CreatePart(head)
	if err != nil {
		return err
	}
	_, err = part.Write(content)
	return err
}
