package trigger

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
)

// mostParts bounds a form: each part costs more than its bytes.
const mostParts = 1000

// parseMultipart makes an object of the parts: fields as those of a form, files
// as objects. A file input in which nothing was chosen is left out.
func parseMultipart(h *node.Hook, raw []byte, boundary string) (any, error) {
	refuse := func(format string, a ...any) (any, error) {
		return nil, problem.New(http.StatusBadRequest, "the body is not a form of parts: "+format, a...)
	}
	if boundary == "" {
		return refuse("its Content-Type has no boundary")
	}
	parts := multipart.NewReader(bytes.NewReader(raw), boundary)
	form := fields{}
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return h.Body.ReadTexts(form.object()), nil
		case err != nil:
			return refuse("%s", strings.TrimPrefix(err.Error(), "multipart: "))
		case n == mostParts:
			return refuse("it has more than %d parts", mostParts)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return refuse("part %d: %s", n+1, strings.TrimPrefix(err.Error(), "multipart: "))
		}
		if err := form.addPart(part, content); err != nil {
			return refuse("part %d: %s", n+1, err)
		}
	}
}

func (f fields) addPart(part *multipart.Part, content []byte) error {
	_, disposition, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	name := disposition["name"]
	if err != nil || name == "" {
		return errors.New("it has no name")
	}
	if _, err := data.DecodeText([]byte(name), ""); err != nil {
		return fmt.Errorf("its name: %w", err)
	}
	kind, media, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err != nil {
		kind, media = "", nil
	}
	filename, isFile := disposition["filename"]
	switch {
	case !isFile:
		text, err := data.DecodeText(content, media["charset"])
		if err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
		f[name] = append(f[name], string(text))
	case filename != "" || len(content) > 0:
		f[name] = append(f[name], file(filename, kind, media["charset"], content))
	}
	return nil
}

// file is one as flows see it: text if its type is one of texts, and the bytes
// are, else base64. Of the name only the last part is taken, as some browsers
// send a whole path.
func file(name, kind, charset string, content []byte) map[string]any {
	if kind == "" {
		kind = "application/octet-stream"
	}
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), "\\", "/"))
	seen := map[string]any{"filename": name, "contentType": kind}
	if isText(kind) {
		if text, err := data.DecodeText(content, charset); err == nil {
			seen["text"] = string(text)
			return seen
		}
	}
	seen["base64"] = base64.StdEncoding.EncodeToString(content)
	return seen
}

func isText(kind string) bool {
	return strings.HasPrefix(kind, "text/") || data.IsJSON(kind) || data.IsXML(kind)
}
