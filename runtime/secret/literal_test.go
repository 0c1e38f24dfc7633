package secret_test

import (
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/secret"
)

// TestLooks holds what is taken for a secret, and what is not. The texts are put
// together here, so that nobody who searches for secrets finds them.
func TestLooks(t *testing.T) {
	t.Parallel()
	letters := "abcDEF0123456789abcDEF0123456789abcDEF0123456789"
	tests := []struct{ name, text, want string }{
		{"note", "sk_" + "live_" + letters[:24], "a key of Stripe"},
		{"note", "key: sk_" + "test_" + letters[:24] + " of ours", "a key of Stripe"},
		{"note", "gh" + "p_" + letters[:36], "a token of GitHub"},
		{"note", "github" + "_pat_" + letters[:40], "a token of GitHub"},
		{"note", "we" + "nd_" + letters[:43], "a token of Wend"},
		{"note", "we" + "nd_" + letters[:42], ""},
		{"note", "gl" + "pat-" + letters[:20], "a token of GitLab"},
		{"note", "xox" + "b-123456789012-" + letters[:24], "a token of Slack"},
		{"url", "https://hooks.slack.com/" + "services/T00000000/B00000000/" + letters[:24], "an address of Slack that takes messages from anybody"},
		{"note", "AK" + "IAIOSFODNN7ABCDEFG", "a key of AWS"},
		{"note", "AI" + "za" + letters[:35], "a key of Google"},
		{"note", "sk" + "-proj-" + letters[:40], "a key of OpenAI or Anthropic"},
		{"note", "sk" + "-ant-api03-" + letters[:40], "a key of OpenAI or Anthropic"},
		{"note", "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0." + letters[:43], "a signed token (JWT)"},
		{"note", "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE", "a private key"},
		{"note", "-----BEGIN " + "PRIVATE KEY-----", "a private key"},
		{"X-Auth", "Bearer xyz", "a bearer token"},
		{"X-Auth", "bearer " + letters[:20], "a bearer token"},
		{"X-Auth", "Basic YW5uOnNlY3JldA==", "a user name and a password"},
		{"dsn", "postgres://ann:" + "secret@db.example.com/x", "a password in an address"},
		{"password", "Wint3r2026", `a secret, as "password" says`},
		{"dbPassword", "hunter2", `a secret, as "dbPassword" says`},
		{"X-Api-Key", letters[:24], `a secret, as "X-Api-Key" says`},
		{"client_secret", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", `a secret, as "client_secret" says`},
		{"token", strings.ToLower(letters[:16]), `a secret, as "token" says`},
		{"url", "/b?page=2&api_key=" + strings.ToLower(letters[:16]) + "&x=1#top", `a secret, as "api_key" says`},
		{"base", "https://example.com/b?token=" + letters[:24], `a secret, as "token" says`},

		{"url", "/b?token=$(n1.token)&page=abcd1234", ""},
		{"url", "/b?token=next#" + letters, ""},
		{"note", "what? token=" + letters[:24], ""},
		{"note", letters, ""},
		{"note", "Bearer of good news", ""},
		{"plan", "Basic customers", ""},
		{"plan", "Basic plan", ""},
		{"note", "Bearer $(token)", ""},
		{"password", "$(n1.password)", ""},
		{"password", "${PASSWORD_1}", ""},
		{"password", "", ""},
		{"password", "changeme123", ""},
		{"password", "your-password-1", ""},
		{"password", "<password1>", ""},
		{"password", "xxxxxxxx1", ""},
		{"token", "env:CRM_TOKEN_1", ""},
		{"token", "file:/run/secrets/crm1", ""},
		{"token", "expired or wrong, code 7", ""},
		{"token", "access.token.v1", ""},
		{"tokenURL", "https://login.example.com/oauth2/v1", ""},
		{"token", "11111111", ""},
		{"secret", "sesame", ""},
		{"passwordHint", "Wint3r2026", ""},
		{"account", "AC0123456789abcdef0123456789abcdef", ""},
		{"id", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", ""},
		{"text", "risk-assessment-of-2026-and-later-years", ""},
		{"url", "https://example.com:8443/a@b", ""},
		{"url", "mailto:ann@example.com", ""},
		{"time", "https://example.com/?at=12:30@noon", ""},
	}
	for _, test := range tests {
		t.Run(test.name+" "+test.text, func(t *testing.T) {
			t.Parallel()
			if got := secret.Looks(test.name, test.text); got != test.want {
				t.Errorf("Looks(%q, %q) = %q, want %q", test.name, test.text, got, test.want)
			}
		})
	}
}

func FuzzLooks(f *testing.F) {
	f.Add("password", "Wint3r2026")
	f.Add("note", "Basic YW5uOnNlY3JldA==")
	f.Fuzz(func(t *testing.T, name, text string) {
		if what := secret.Looks(name, text); what != "" && len(text) < 6 {
			t.Errorf("%q looks like %q", text, what)
		}
	})
}
