package webhook

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/wendflow/wend/runtime/node"
)

// remember is how long a browser may go by the answer to a preflight.
const remember = 10 * time.Minute

// exposed are the headers of our own that a page may read.
var exposed = []string{RunHeader, RepeatedHeader, echo.HeaderLocation, echo.HeaderRetryAfter}

// crossOrigin tells browsers that pages of these origins may call a webhook, and
// answers what they ask before.
func crossOrigin(h *node.Hook) echo.MiddlewareFunc {
	headers := h.CORS.Headers
	if len(headers) == 0 {
		headers = []string{echo.HeaderContentType}
	}
	cfg := middleware.CORSConfig{
		AllowMethods: h.Methods, AllowHeaders: headers, ExposeHeaders: exposed,
		AllowCredentials: h.CORS.Credentials, MaxAge: int(remember.Seconds()),
	}
	if slices.Contains(h.CORS.Origins, "*") {
		cfg.AllowOrigins = []string{"*"}
	} else { // by a function: a list is one of patterns
		cfg.AllowOriginFunc = func(origin string) (bool, error) { return slices.Contains(h.CORS.Origins, origin), nil }
	}
	return middleware.CORSWithConfig(cfg)
}

// preflight returns the method that a browser asks for before it sends a page's
// request; "" if this is none such.
func preflight(r *http.Request) string {
	if r.Method != http.MethodOptions {
		return ""
	}
	return r.Header.Get(echo.HeaderAccessControlRequestMethod)
}

// forPage finds the webhook that a page of another site may call by a request.
func (h *hooks) forPage(r *http.Request) (found call, ok bool) {
	origin := r.Header.Get(echo.HeaderOrigin)
	if origin == "" {
		return call{}, false
	}
	found = h.find(r, cmp.Or(preflight(r), r.Method))
	if found.hook == nil || found.others != nil || found.hook.CORS == nil {
		return call{}, false
	}
	allowed := found.hook.CORS.Origins
	return found, slices.Contains(allowed, origin) || slices.Contains(allowed, "*")
}

// TakesPage tells whether a request is one that a page of another site may have
// its browser send, since it is for a webhook that says so of the page's origin.
func (h *Handler) TakesPage(r *http.Request) bool {
	_, ok := h.live().forPage(r)
	return ok
}

// forgetPages takes back what crossOrigin says of a webhook: who is refused as on
// a path that is not served is not to see it.
func forgetPages(header http.Header) {
	for _, name := range []string{
		echo.HeaderVary, echo.HeaderAccessControlAllowOrigin, echo.HeaderAccessControlAllowCredentials, echo.HeaderAccessControlExposeHeaders,
	} {
		header.Del(name)
	}
}
