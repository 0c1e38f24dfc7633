package main

import (
	"strconv"
	"strings"

	"github.com/wendflow/wend/sdk"
)

// form reads the inputs of a visit and collects what is wrong with them.
type form struct {
	c        *sdk.Ctx
	mistakes []string
}

func (f *form) wrong() bool { return len(f.mistakes) > 0 }

func (f *form) mistake(message string) { f.mistakes = append(f.mistakes, message) }

func (f *form) expected(input string, got sdk.Value, want string) {
	f.mistake(input + " " + strconv.Quote(got.Text()) + ": expected " + want)
}

// refusal tells all mistakes. Nothing was sent.
func (f *form) refusal() verdict {
	return verdict{}.fail(invalidData, invalidData, strings.Join(f.mistakes, "; "))
}

// serviceID is the id of a service as it goes into a path: an integer of 64 bits
// on most pages of the vendor, on others a text such as ABC1235XZY. It is kept as
// it was written.
func (f *form) serviceID() string {
	const want = "a number of 64 bits, or a text of letters, digits, '.', '_' and '-'"
	given := f.c.Input.Lookup("serviceId")
	id := strings.TrimSpace(given.Text())
	if given.Kind() == sdk.Number {
		if _, expected := databaseID(f.c, given); expected != "" {
			f.expected("serviceId", given, want)
		}
		return id
	}
	strange := func(r rune) bool { return r > '~' || !isPlain(byte(r)) }
	// A dot alone, or two, would name another place in the path.
	if strings.Trim(id, ".") == "" || strings.ContainsFunc(id, strange) {
		f.expected("serviceId", given, want)
	}
	return id
}

func (f *form) taskID() int64 {
	given := f.c.Input.Lookup("taskId")
	id, expected := smallID(f.c, given)
	if expected != "" {
		f.expected("taskId", given, expected)
		return 0
	}
	return id.(int64)
}

// event is the body of an event: the fields that are not empty, and the attached
// data beside them.
func (f *form) event(lists ...[]field) map[string]any {
	event := map[string]any{}
	for _, fields := range lists {
		for _, one := range fields {
			f.read(one, event)
		}
	}
	for key, value := range f.c.Input.Lookup("extensions").Fields() {
		if reserved[key] {
			f.mistake("extensions: " + strconv.Quote(key) + " is a field of the vendor's own, attached data cannot have that name")
			continue
		}
		event[key] = value
	}
	return event
}

func (f *form) read(one field, event map[string]any) {
	given := f.c.Input.Lookup(one.input)
	if given.Text() == "" {
		return
	}
	sent, expected := one.read(f.c, given)
	if expected != "" {
		f.expected(one.input, given, expected)
		return
	}
	event[one.name] = sent
}

// names is a list for a parameter of a query: names, or the ids of business
// attributes, with commas between them.
func (f *form) names(input string) string {
	var names []string
	for _, entry := range f.c.Input.List(input) {
		name := entry.Text()
		if name == "" || strings.Contains(name, ",") {
			f.expected(input, entry, "a name without commas, since commas stand between the names")
		}
		names = append(names, escape(name))
	}
	return strings.Join(names, ",")
}
