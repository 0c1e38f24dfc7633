package webhook

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"regexp"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
)

// Of handshakes that prove nothing one caller may make these.
const (
	handshakesPerSecond = 10
	handshakesBurst     = 20
)

// asked answers a handshake that comes in the query, before anybody is asked for
// a proof: its sender has none to give, or has it in the query. done tells that
// the request was one; then err is why it is refused, if it is.
func (h *Handler) asked(c echo.Context, found call) (done bool, err error) {
	if found.hook == nil || !found.hook.Handshake.Reads(c.Request().Method) {
		return false, nil
	}
	shake, query := found.hook.Handshake, c.Request().URL.Query()
	switch shake.Type {
	case node.HandshakeHub:
		if !query.Has("hub.challenge") || query.Get("hub.mode") != "subscribe" {
			return false, nil
		}
		if err := h.checkToken(shake.Connection, query.Get("hub.verify_token")); err != nil {
			return true, h.refuse(h.live(), c.Request(), err)
		}
		return true, echoed(c, query.Get("hub.challenge"))
	case node.HandshakeCRC:
		if !query.Has("crc_token") {
			return false, nil
		}
		return true, h.answerCRC(c, shake.Connection, query.Get("crc_token"))
	case node.HandshakeEcho:
		if !query.Has(shake.Parameter) {
			return false, nil
		}
		if err := h.shakes.take(callerOf(c.Request()), h.cfg.Clock.Now()); err != nil {
			return true, err
		}
		return true, echoed(c, query.Get(shake.Parameter))
	default:
		return false, nil // it is in the body, see answered
	}
}

func (h *Handler) checkToken(connection, token string) error {
	if h.cfg.Verifier == nil {
		return errNoVerifier
	}
	return h.cfg.Verifier.CheckToken(connection, token)
}

// signable is what is signed for anybody, and so proves nothing as a body that is
// signed with the same key.
var signable = regexp.MustCompile(`^[A-Za-z0-9+/_=-]{1,256}$`)

var errNotSignable = errors.New("crc_token is no text that is signed for anybody: expected up to 256 letters, digits and + / _ = -")

var errSignedForAnybody = errors.New("the body is a text that anybody can have signed, by the handshake crc of this connection")

func (h *Handler) answerCRC(c echo.Context, connection, token string) error {
	if err := h.shakes.take(callerOf(c.Request()), h.cfg.Clock.Now()); err != nil {
		return err
	}
	if !signable.MatchString(token) {
		return h.refuse(h.live(), c.Request(), errNotSignable)
	}
	mac, err := h.mac(connection, token)
	if err != nil {
		return h.refuse(h.live(), c.Request(), err)
	}
	return c.JSON(http.StatusOK, map[string]string{"response_token": "sha256=" + base64.StdEncoding.EncodeToString(mac)})
}

func (h *Handler) mac(connection, text string) ([]byte, error) {
	if h.cfg.Verifier == nil {
		return nil, errNoVerifier
	}
	return h.cfg.Verifier.MAC(connection, text)
}

// answered answers a handshake that comes as a body, from a caller who has been
// let in. done tells that the request was one.
func (h *Handler) answered(c echo.Context, found call) (done bool, err error) {
	shake := found.hook.Handshake
	if !shake.Reads(c.Request().Method) {
		return false, nil
	}
	switch shake.Type {
	case node.HandshakeSlack:
		if body := objectWith(found.raw, "url_verification"); body != nil && body["type"] == "url_verification" {
			challenge, ok := body["challenge"].(string)
			if !ok {
				return true, problem.New(http.StatusBadRequest, "the body is a url_verification without a challenge")
			}
			return true, echoed(c, challenge)
		}
	case node.HandshakeZoom:
		if body := objectWith(found.raw, "endpoint.url_validation"); body != nil && body["event"] == "endpoint.url_validation" {
			payload, _ := body["payload"].(map[string]any)
			token, ok := payload["plainToken"].(string)
			if !ok {
				return true, problem.New(http.StatusBadRequest, "the body is an endpoint.url_validation without a plainToken")
			}
			mac, err := h.mac(shake.Connection, token)
			if err != nil {
				return true, h.refuse(h.live(), c.Request(), err)
			}
			return true, c.JSON(http.StatusOK, map[string]string{"plainToken": token, "encryptedToken": hex.EncodeToString(mac)})
		}
	default: // it is in the query, see asked
	}
	return false, nil
}

// objectWith decodes a body that may be a handshake, which it is not without the
// word; nil if it is none.
func objectWith(raw []byte, word string) map[string]any {
	if !bytes.Contains(raw, []byte(word)) {
		return nil
	}
	v, err := data.DecodeJSON(raw)
	if err != nil {
		return nil
	}
	object, _ := v.(map[string]any)
	return object
}

// longestChallenge is how many bytes are sent back.
const longestChallenge = 4 << 10

// echoed sends a text back, as one that no browser takes for a page.
func echoed(c echo.Context, text string) error {
	if len(text) > longestChallenge {
		return problem.New(http.StatusBadRequest, "the challenge has more than %d bytes", longestChallenge)
	}
	c.Response().Header().Set("X-Content-Type-Options", "nosniff")
	return c.Blob(http.StatusOK, "text/plain; charset=utf-8", []byte(valid(text)))
}
