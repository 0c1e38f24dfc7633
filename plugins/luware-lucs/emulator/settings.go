package emulator

import (
	"fmt"
	"slices"
	"strings"
)

// The forms in which the id of a new task is sent.
const (
	idAsJSON = "json"
	idAsText = "text"
)

// Settings are the switches of this emulator: the guesses that a real
// installation may prove wrong, and the provocations.
type Settings struct {
	// Keys are the API keys, each with its roles. Defaults to lucs-admin, which
	// may do all, and lucs-reader, which may only read.
	Keys map[string][]string `json:"keys"`
	// DistributeAfterMs is how long a task is at least in the queue. Defaults to
	// 1000.
	DistributeAfterMs int `json:"distributeAfterMs"`
	// NoSelectableAgents lets nobody be selected. Defaults to false.
	NoSelectableAgents bool `json:"noSelectableAgents"`
	// RonaSeconds is how long an agent stays in RONA. Defaults to 0: until the
	// presence is set.
	RonaSeconds int `json:"ronaSeconds"`
	// ForgetSeconds is how long a task that has ended can be read. Defaults to
	// 3600.
	ForgetSeconds int `json:"forgetSeconds"`
	// StrictTerminate refuses to terminate a task that is not established, with
	// 500. Defaults to false.
	StrictTerminate bool `json:"strictTerminate"`
	// SeedQuirks leaves Connected null in an established task, as the vendor's
	// page has it. Defaults to false.
	SeedQuirks bool `json:"seedQuirks"`
	// NewID is the form of the id of a new task: json, a JSON string, or text,
	// bare. Defaults to json.
	NewID string `json:"newId"`
	// Single answers the read of a task with an object. Defaults to false: a list
	// of one, as the vendor's page has it.
	Single bool `json:"single"`
	// MissingAsEmpty answers the read of a task that is not there with an empty
	// list. Defaults to false: with 404.
	MissingAsEmpty bool `json:"missingAsEmpty"`
	// Conflict is the HTTP status of a change that the task's state forbids: 500,
	// as the vendor's page has it, or 409. Defaults to 500.
	Conflict int `json:"conflict"`
}

func defaults() Settings {
	return Settings{
		Keys:              map[string][]string{"lucs-admin": {tasksManage, usersManage}, "lucs-reader": {}},
		DistributeAfterMs: 1000,
		ForgetSeconds:     3600,
		NewID:             idAsJSON,
		Conflict:          500,
	}
}

func (s Settings) check() error {
	for name, value := range map[string]int{
		"distributeAfterMs": s.DistributeAfterMs, "ronaSeconds": s.RonaSeconds, "forgetSeconds": s.ForgetSeconds,
	} {
		if value < 0 {
			return fmt.Errorf("%s %d: expected 0 or more", name, value)
		}
	}
	if !slices.Contains([]string{idAsJSON, idAsText}, s.NewID) {
		return fmt.Errorf("newId %q: expected %s or %s", s.NewID, idAsJSON, idAsText)
	}
	if s.Conflict != 500 && s.Conflict != 409 {
		return fmt.Errorf("conflict %d: expected 500 or 409", s.Conflict)
	}
	for _, roles := range s.Keys {
		for _, role := range roles {
			if role != tasksManage && role != usersManage {
				return fmt.Errorf("role %q: expected %s", role, strings.Join([]string{tasksManage, usersManage}, " or "))
			}
		}
	}
	return nil
}
