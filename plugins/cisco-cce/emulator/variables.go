package emulator

import (
	"maps"
	"slices"
	"strings"
)

// What the router can carry, in bytes of Latin-1.
const (
	maxCallVariable = 40
	maxUserName     = 32
	maxUserVariable = 210
	maxUserValues   = 2000 // of all user variables of one request
	maxUserPayload  = 2500 // with their names
)

const (
	callPrefix = "cv_"
	userPrefix = "user"
)

// callVariables are the names of the ten call variables.
var callVariables = [...]string{"cv_1", "cv_2", "cv_3", "cv_4", "cv_5", "cv_6", "cv_7", "cv_8", "cv_9", "cv_10"}

// checkVariables says what is wrong with the variables of a request. defined
// are the user variables that the site knows; none stands for all.
func checkVariables(variables map[string]string, defined []string) error {
	values, payload := 0, 0
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		size, err := checkVariable(name, variables[name], defined)
		if err != nil {
			return err
		}
		if strings.HasPrefix(name, userPrefix) {
			values += size
			payload += size + len(name)
		}
	}
	if values > maxUserValues || payload > maxUserPayload {
		return badRequest("user variables of %d bytes, %d with their names: expected at most %d and %d",
			values, payload, maxUserValues, maxUserPayload)
	}
	return nil
}

// checkVariable checks one variable and returns the size of its value, which
// counts for user variables only.
func checkVariable(name, value string, defined []string) (size int, err error) {
	switch {
	case name == "":
		return 0, badRequest("variable without a name")
	case strings.HasPrefix(name, callPrefix):
		return 0, checkCallVariable(name, value)
	case strings.HasPrefix(name, userPrefix):
		return checkUserVariable(name, value, defined)
	default:
		return 0, nil // an extension variable is stored, never sent to the router
	}
}

func checkCallVariable(name, value string) error {
	if !slices.Contains(callVariables[:], name) {
		return badRequest("no call variable %q; expected cv_1 to cv_10", name)
	}
	_, err := latin1("call variable", name, value, maxCallVariable)
	return err
}

func checkUserVariable(name, value string, defined []string) (size int, err error) {
	switch {
	case name == userPrefix:
		return 0, badRequest("user variable %q: expected a name after %q", name, userPrefix)
	case len(name) > maxUserName:
		return 0, badRequest("the name of user variable %q has %d bytes; expected at most %d", name, len(name), maxUserName)
	case len(defined) > 0 && !strings.HasPrefix(name, "user_DR_") && !slices.Contains(defined, name):
		return 0, badRequest("user variable %q is not defined in CCE", name)
	}
	return latin1("user variable", name, value, maxUserVariable)
}

// latin1 returns the size of a value in Latin-1, which is at most limit.
func latin1(kind, name, value string, limit int) (size int, err error) {
	for _, r := range value {
		if r > 0xFF {
			return 0, badRequest("%s %q: expected characters of Latin-1 only", kind, name)
		}
		size++
	}
	if size > limit {
		return 0, badRequest("%s %q has %d bytes; expected at most %d", kind, name, size, limit)
	}
	return size, nil
}
