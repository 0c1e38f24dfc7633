package main

import (
	"slices"
	"strconv"
	"strings"
)

// What CCE takes, in bytes of Latin-1.
const (
	maxCallVariable  = 40
	maxUserName      = 32
	maxUserValue     = 210
	maxUserValues    = 2000 // of all user variables together
	maxUserVariables = 2500 // the same with their names
)

const (
	callPrefix = "cv_"
	userPrefix = "user"
)

// callVariables are the names of the ten call variables.
var callVariables = []string{"cv_1", "cv_2", "cv_3", "cv_4", "cv_5", "cv_6", "cv_7", "cv_8", "cv_9", "cv_10"}

// variableTypes has the only type that the vendor's pages show. A variable that
// names none is of this one.
var variableTypes = []choice{{"String", []string{"string"}}}

// copyVariables puts all three kinds of variables into a request's body, which
// has them in one object, told apart by their names.
func (f *form) copyVariables(body map[string]any) {
	f.callVariables()
	f.userVariables()
	f.extensionVariables()
	if len(f.variables) > 0 {
		body["variables"] = f.variables
	}
}

// set keeps one variable for the body.
func (f *form) set(name, value string) {
	if f.variables == nil {
		f.variables = map[string]string{}
	}
	f.variables[name] = value
}

func (f *form) callVariables() {
	for name, value := range f.input.Lookup("callVariables").Fields() {
		if !slices.Contains(callVariables, name) {
			f.badData("call variable " + strconv.Quote(name) + ": expected cv_1 to cv_10")
			continue
		}
		f.checkLatin1("call variable "+strconv.Quote(name), value.Text(), maxCallVariable)
		f.set(name, value.Text())
	}
}

func (f *form) userVariables() {
	values, names := 0, 0
	for _, v := range f.keyed("userVariables", "user variable") {
		name := userName(v.key)
		if name == userPrefix {
			f.badData(v.label + `: expected a name beside "` + userPrefix + `"`)
			continue
		}
		names += f.checkLatin1("the name of "+v.label, name, maxUserName)
		values += f.checkLatin1(v.label, v.value, maxUserValue)
		f.add(name, v)
	}
	if values > maxUserValues {
		f.badData("user variables: " + bytesOf(values, maxUserValues))
	}
	if values+names > maxUserVariables {
		f.badData("user variables with their names: " + bytesOf(values+names, maxUserVariables))
	}
}

// userName gives the name of a user variable the one prefix that CCE's names
// have, whether it comes with the prefix or without.
func userName(key string) string {
	for strings.HasPrefix(key, userPrefix) {
		key = strings.TrimPrefix(key, userPrefix)
	}
	return userPrefix + key
}

func (f *form) extensionVariables() {
	for _, v := range f.keyed("extensionVariables", "extension variable") {
		if strings.HasPrefix(v.key, callPrefix) || strings.HasPrefix(v.key, userPrefix) {
			f.badData(v.label + `: a name that begins with "` + callPrefix + `" or "` + userPrefix + `" belongs to another kind of variable`)
			continue
		}
		f.add(v.key, v)
	}
}

// variable is one entry of a list of variables.
type variable struct{ label, key, value string }

// keyed reads the entries of a list of variables that have a key and a type.
func (f *form) keyed(input, kind string) []variable {
	var variables []variable
	for i, entry := range f.input.List(input) {
		key := strings.TrimSpace(entry.Text("key"))
		if key == "" {
			f.badData(kind + " " + strconv.Itoa(i+1) + ": has no key")
			continue
		}
		v := variable{kind + " " + strconv.Quote(key), key, entry.Text("value")}
		f.choice("type of "+v.label, entry.Text("type"), variableTypes)
		variables = append(variables, v)
	}
	return variables
}

func (f *form) add(name string, v variable) {
	if _, twice := f.variables[name]; twice {
		f.badData(v.label + ": is given twice")
	}
	f.set(name, v.value)
}

// checkLatin1 holds a text to the only alphabet that CCE has, and to a size in
// its bytes, which it returns.
func (f *form) checkLatin1(label, text string, limit int) int {
	size := 0
	for _, r := range text {
		if r > 0xff {
			f.badData(label + ": " + strconv.QuoteRune(r) + " is no character of Latin-1")
			return 0
		}
		size++
	}
	if size > limit {
		f.badData(label + ": " + bytesOf(size, limit))
	}
	return size
}

func bytesOf(size, limit int) string {
	return strconv.Itoa(size) + " bytes, expected at most " + strconv.Itoa(limit)
}
