package emulator

import (
	"fmt"
	"slices"
)

// Settings are the switches of this emulator: the guesses that a real tenant
// may prove wrong, and the numbers of this one.
type Settings struct {
	// End is the HTTP status of ending a contact: 200, 202 or 204. Defaults to
	// 202, as the siblings of the operation have it.
	End int `json:"end"`
	// Ended is the HTTP status of ending a contact that has ended: 404, 409,
	// 400 or 202. Defaults to 404.
	Ended int `json:"ended"`
	// RefusedKey is the HTTP status of the token endpoints for a wrong or
	// revoked key: 400, 401 or 403. Defaults to 401.
	RefusedKey int `json:"refusedKey"`
	// InactiveUser is the same for the key of a user who is not active.
	// Defaults to 403.
	InactiveUser int `json:"inactiveUser"`
	// TokenSeconds is how long a token lives. Defaults to 3600.
	TokenSeconds int `json:"tokenSeconds"`
	// TenantID is the only tenant that discovery knows. Defaults to wend-tenant.
	TenantID string `json:"tenantId"`
}

func defaults() Settings {
	return Settings{End: 202, Ended: 404, RefusedKey: 401, InactiveUser: 403, TokenSeconds: 3600, TenantID: "wend-tenant"}
}

func (s Settings) check() error {
	for _, status := range []struct {
		name  string
		value int
		known []int
	}{
		{"end", s.End, []int{200, 202, 204}},
		{"ended", s.Ended, []int{202, 400, 404, 409}},
		{"refusedKey", s.RefusedKey, []int{400, 401, 403}},
		{"inactiveUser", s.InactiveUser, []int{400, 401, 403}},
	} {
		if !slices.Contains(status.known, status.value) {
			return fmt.Errorf("%s %d: expected one of %v", status.name, status.value, status.known)
		}
	}
	if s.TokenSeconds < 1 {
		return fmt.Errorf("tokenSeconds %d: expected at least 1", s.TokenSeconds)
	}
	return nil
}
