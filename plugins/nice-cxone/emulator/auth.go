package emulator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/wendflow/wend/emulator"
)

// discover answers with where a tenant's services are: all of them here.
func (s *service) discover(w http.ResponseWriter, r *http.Request) {
	tenant := r.URL.Query().Get("tenantId")
	switch {
	case r.Method != http.MethodGet:
		writeAuthError(w, &apiError{http.StatusMethodNotAllowed, "method_not_allowed", "Method Not Allowed", emulator.Decision})
	case tenant == "":
		writeAuthError(w, &apiError{http.StatusBadRequest, "invalid_request", "tenantId is missing", emulator.Decision})
	case tenant != s.settings.Load().TenantID:
		writeAuthError(w, &apiError{http.StatusNotFound, "not_found", "no such tenant", emulator.Decision})
	default:
		here := "http://" + r.Host
		emulator.WriteJSON(w, emulator.Public, http.StatusOK, map[string]any{
			"private": false, "ui_endpoint": here, "auth_endpoint": here, "api_endpoint": here,
			"area": "emulator", "cluster": "e1", "domain": r.Host, "uhDomain": r.Host, "tenantId": tenant,
		})
	}
}

// grant answers the three token endpoints.
func (s *service) grant(w http.ResponseWriter, r *http.Request) {
	t, err := s.ask(r)
	if err != nil {
		writeAuthError(w, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	// Which fields there are is public, how long a token lives is not.
	emulator.WriteJSON(w, emulator.Decision, http.StatusOK, t)
}

// ask gives a token to who proves to be a user.
func (s *service) ask(r *http.Request) (map[string]any, error) {
	if r.Method != http.MethodPost {
		return nil, &apiError{http.StatusMethodNotAllowed, "method_not_allowed", "Method Not Allowed", emulator.Decision}
	}
	fields, err := tokenRequest(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.prove(r, fields)
	if err != nil {
		return nil, err
	}
	cfg := s.settings.Load()
	if !u.Active {
		return nil, &apiError{cfg.InactiveUser, "access_denied", "the user is not active", emulator.Decision}
	}
	t := s.issue(u, s.world.Now(), cfg)
	answer := map[string]any{
		"access_token": t.access, "token_type": "bearer", "refresh_token": t.refresh, "expires_in": cfg.TokenSeconds,
	}
	if strings.EqualFold(r.URL.Path, centralPath) {
		answer["resource_server_base_uri"] = "http://" + r.Host + "/InContactAPI/"
		answer["scope"] = fields.Get("scope")
	} else {
		answer["id_token"] = "id-" + s.world.NewID()
	}
	return answer, nil
}

// prove finds the user that a request for a token proves to come from.
func (s *service) prove(r *http.Request, fields url.Values) (*user, error) {
	if strings.EqualFold(r.URL.Path, accessKeyPath) {
		return s.userOfKey(fields.Get("accessKeyId"), fields.Get("accessKeySecret"))
	}
	central := strings.EqualFold(r.URL.Path, centralPath)
	if err := checkClient(r, fields, central); err != nil {
		return nil, err
	}
	switch grant := fields.Get("grant_type"); {
	case grant == "refresh_token":
		return s.userOfRefresh(fields.Get("refresh_token"))
	case grant != "password":
		return nil, invalidRequest("unsupported_grant_type", "grant_type "+strconv.Quote(grant)+": expected password or refresh_token")
	case central:
		return s.userOfPassword(fields.Get("username"), fields.Get("password"))
	default:
		return s.userOfKey(fields.Get("username"), fields.Get("password"))
	}
}

func (s *service) userOfKey(id, secret string) (*user, error) {
	if id == "" || secret == "" {
		return nil, invalidRequest("invalid_request", "the access key or its secret is missing")
	}
	k := s.key(id)
	if k == nil || k.secret != secret || k.Revoked {
		return nil, s.refusedKey("the access key is unknown or revoked")
	}
	return s.user(k.AgentID), nil
}

func (s *service) userOfPassword(name, password string) (*user, error) {
	u := s.userOf(name)
	if u == nil || u.password != password {
		return nil, s.refusedKey("the user name or the password is wrong")
	}
	return u, nil
}

// userOfRefresh takes a refresh token, once.
func (s *service) userOfRefresh(refresh string) (*user, error) {
	for _, t := range s.tokens {
		if t.refresh == refresh && refresh != "" {
			t.refresh = ""
			return s.user(t.agentID), nil
		}
	}
	return nil, invalidRequest("invalid_grant", "the refresh token is unknown or used")
}

// checkClient looks at the application. It may say who it is in the header or,
// but for the Central flow, in the body.
func checkClient(r *http.Request, fields url.Values, central bool) error {
	id, secret, inHeader := r.BasicAuth()
	if !inHeader && !central {
		id, secret = fields.Get("client_id"), fields.Get("client_secret")
	}
	wantID, wantSecret := clientID, clientSecret
	if central {
		wantID, wantSecret = application, strconv.Itoa(businessUnit)
	}
	if inHeader {
		id, secret = plain(id), plain(secret)
	}
	if id != wantID || secret != wantSecret {
		return &apiError{http.StatusUnauthorized, "invalid_client", "the application is unknown", emulator.Decision}
	}
	return nil
}

// plain undoes what RFC 6749 has clients do before they write a text into Basic.
func plain(text string) string {
	if unescaped, err := url.QueryUnescape(text); err == nil {
		return unescaped
	}
	return text
}

func invalidRequest(code, message string) error {
	return &apiError{http.StatusBadRequest, code, message, emulator.Decision}
}

func (s *service) refusedKey(message string) error {
	return &apiError{s.settings.Load().RefusedKey, "invalid_grant", message, emulator.Decision}
}

// tokenRequest reads the fields of a request for a token: a form at auth/token,
// a JSON object of texts at the others.
func tokenRequest(r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(r.URL.Path, tokenPath) {
		form, err := url.ParseQuery(string(body))
		if err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			return nil, invalidRequest("invalid_request", "expected a form")
		}
		return form, nil
	}
	var object map[string]string
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, invalidRequest("invalid_request", "expected a JSON object of texts")
	}
	fields := url.Values{}
	for name, value := range object {
		fields.Set(name, value)
	}
	return fields, nil
}
