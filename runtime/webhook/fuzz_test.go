package webhook_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/webhook"
)

// FuzzRequest holds that whatever comes in is answered, and never by an error
// of our own: a request is refused with 4xx, or the flow answers.
func FuzzRequest(f *testing.F) {
	f.Add("/hooks/echo", "application/json", "X-Event-Id", "e-1", "a=1", []byte(`{"a":[1,{"b":null}],"c":1e10}`))
	f.Add("/hooks/echo", "application/x-www-form-urlencoded", "Traceparent", "00", "%", []byte(`a=1&b=%20&a=2`))
	f.Add("/hooks/sms/ended", "application/vnd.x+json; charset=utf-8", "a_b", "\xff", "a=%ff", []byte(`{"sms":{"senderNumber":"+1","serviceNumber":""}}`))
	f.Add("/hooks/orders/changed", "application/json", "Content-Encoding", "br", ";", []byte(`{"order":{"id":{}}}`))
	f.Add("/hooks/signed", "", "X-Signature", "00", "", []byte("\x00"))
	f.Add("/hooks/any", "multipart/form-data; boundary=b", "X", "", "", []byte("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--"))
	f.Add("/hooks/xml", "text/xml", "X", "", "", []byte("<order><total>1</total><line/></order>"))
	f.Add("/hooks/plain", "text/plain; charset=utf-16", "X", "", "", []byte("\xff\xfea\x00"))
	f.Add("/hooks//%2e%2e/", "text/html;", "", "", "", []byte(nil))
	s := serve(f, webhook.Config{MaxBody: 1 << 12, Engine: engine.New(engine.Config{Caller: vendor{}})}, nil)
	f.Fuzz(func(t *testing.T, path, contentType, name, value, query string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.URL = &url.URL{Path: path, RawQuery: query}
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
	})
}
