package expand

import (
	"maps"
	"slices"
)

// Function is one that templates may call.
type Function struct {
	Name string
	Form string // as it is called, and what it gives: "join(list, separator?) string"
	Doc  string // one line
}

// Functions returns all functions, by name.
func Functions() []Function {
	out := make([]Function, 0, len(forms))
	for _, name := range slices.Sorted(maps.Keys(forms)) {
		out = append(out, Function{Name: name, Form: name + forms[name][0], Doc: forms[name][1]})
	}
	return out
}

// forms are the functions as people know them. In a predicate, # is the item and
// .field one of its fields.
var forms = map[string][2]string{
	"abs":           {"(number) number", "The number without its sign."},
	"all":           {"(list, predicate) boolean", "Whether the predicate is true of every item."},
	"any":           {"(list, predicate) boolean", "Whether the predicate is true of an item."},
	"base64":        {"(value) string", "The text of the value, or the bytes of sha256 and hmac, in base64."},
	"bitand":        {"(a, b) integer", "The bits that both have."},
	"bitnand":       {"(a, b) integer", "The bits of a that b has not."},
	"bitnot":        {"(a) integer", "All bits turned round."},
	"bitor":         {"(a, b) integer", "The bits that one of them has."},
	"bitshl":        {"(a, n) integer", "The bits moved up by n; an error if some leave 64 bits."},
	"bitshr":        {"(a, n) integer", "The bits moved down by n, with the sign."},
	"bitushr":       {"(a, n) integer", "The bits moved down by n, without the sign."},
	"bitxor":        {"(a, b) integer", "The bits that only one of them has."},
	"ceil":          {"(number) number", "The next whole number up."},
	"concat":        {"(lists…) list", "The items of all lists."},
	"count":         {"(list, predicate?) integer", "How many items the predicate is true of, or how many are true."},
	"date":          {"(text, layout?, zone?) time", "The time that a text says, as RFC 3339 or in a layout of Go."},
	"duration":      {"(text) duration", "A length of time: \"90s\", \"1d12h\"."},
	"filter":        {"(list, predicate) list", "The items that the predicate is true of."},
	"find":          {"(list, predicate) item", "The first item that the predicate is true of, or nil."},
	"findIndex":     {"(list, predicate) integer", "Where the first such item stands, or nil."},
	"findLast":      {"(list, predicate) item", "The last item that the predicate is true of, or nil."},
	"findLastIndex": {"(list, predicate) integer", "Where the last such item stands, or nil."},
	"first":         {"(list) item", "The first item, or nil."},
	"flatten":       {"(list) list", "The items of the lists in a list."},
	"float":         {"(value) number", "The number that a text or a number is."},
	"floor":         {"(number) number", "The next whole number down."},
	"fromBase64":    {"(text) string", "The text behind base64."},
	"fromJSON":      {"(text) value", "The value that JSON says."},
	"fromXML":       {"(text) value", "The tree that an XML document says: elements by their names, attributes with @, text beside them as #text."},
	"fromPairs":     {"(list) object", "An object of [key, value] pairs."},
	"get":           {"(value, key) value", "A field or an item, or nil if there is none."},
	"groupBy":       {"(list, predicate) object", "The items, in lists by what the predicate gives."},
	"hasPrefix":     {"(text, prefix) boolean", "Whether the text begins so."},
	"hasSuffix":     {"(text, suffix) boolean", "Whether the text ends so."},
	"hex":           {"(value) string", "The text of the value, or the bytes of sha256 and hmac, in hexadecimal."},
	"hmac":          {"(value, key, \"sha256\"?) bytes", "The keyed digest of a text; hex or base64 makes text of it."},
	"htmlEscape":    {"(value) string", "The text, safe inside HTML."},
	"indexOf":       {"(text, part) integer", "Where the part stands first, -1 if nowhere."},
	"int":           {"(value) integer", "The whole number that a text or a number is."},
	"join":          {"(list, separator?) string", "The texts of a list, one after the other."},
	"keys":          {"(object) list", "The keys, sorted."},
	"last":          {"(list) item", "The last item, or nil."},
	"lastIndexOf":   {"(text, part) integer", "Where the part stands last, -1 if nowhere."},
	"len":           {"(value) integer", "How many characters, items or keys."},
	"lower":         {"(text) string", "The text in lower case."},
	"map":           {"(list, predicate) list", "What the predicate gives for each item."},
	"max":           {"(numbers…) number", "The largest."},
	"mean":          {"(numbers…) number", "The average."},
	"median":        {"(numbers…) number", "The middle one."},
	"min":           {"(numbers…) number", "The smallest."},
	"none":          {"(list, predicate) boolean", "Whether the predicate is true of no item."},
	"now":           {"() time", "When the attempt began, by the run's record."},
	"one":           {"(list, predicate) boolean", "Whether the predicate is true of exactly one item."},
	"pathEscape":    {"(value) string", "The text as one segment of a path."},
	"queryEscape":   {"(value) string", "The text as one value of a query."},
	"reduce":        {"(list, predicate, start?) value", "What the predicate makes of #acc and each item."},
	"repeat":        {"(text, n) string", "The text n times."},
	"replace":       {"(text, old, new) string", "The text with another in place of a part."},
	"reverse":       {"(list) list", "The items in the other order."},
	"round":         {"(number) number", "The nearest whole number."},
	"sha256":        {"(value) bytes", "The digest of a text; hex or base64 makes text of it."},
	"sort":          {"(list, \"desc\"?) list", "The items in order."},
	"sortBy":        {"(list, predicate, \"desc\"?) list", "The items in the order of what the predicate gives."},
	"split":         {"(text, separator, n?) list", "The parts between separators."},
	"splitAfter":    {"(text, separator, n?) list", "The parts, each with its separator."},
	"string":        {"(value) string", "The text of a value: JSON of objects and lists."},
	"sum":           {"(list, predicate?) number", "The sum of the items, or of what the predicate gives."},
	"take":          {"(list, n) list", "The first n items."},
	"timezone":      {"(name) zone", "A time zone, such as \"Europe/Zurich\"."},
	"toBase64":      {"(text) string", "The text in base64."},
	"toJSON":        {"(value) string", "The value as indented JSON."},
	"toPairs":       {"(object) list", "The [key, value] pairs of an object."},
	"trim":          {"(text, characters?) string", "The text without blanks, or these characters, at its ends."},
	"trimPrefix":    {"(text, prefix) string", "The text without that beginning."},
	"trimSuffix":    {"(text, suffix) string", "The text without that end."},
	"type":          {"(value) string", "The kind of a value: \"string\", \"int\", \"map\", …"},
	"uniq":          {"(list) list", "The items, each once."},
	"upper":         {"(text) string", "The text in upper case."},
	"uuid":          {"(value) string", "A UUID as it is, and of another text a UUID of version 5, always the same."},
	"values":        {"(object) list", "The values, in the order of the keys."},
	"xmlEscape":     {"(value) string", "The text, safe inside XML."},
}
