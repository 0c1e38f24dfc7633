package expand

import (
	"fmt"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
)

// What other languages and products have for our names, functions and operators: hints
// for people who come from them. Keys are in lower case.

// namesElsewhere are roots under which other products have what we have by its own
// name.
var namesElsewhere = map[string]string{
	"trigger": triggerHint, "inputs": triggerHint, "input": triggerHint, "event": triggerHint, "payload": triggerHint, "body": triggerHint,
	"request": triggerHint, "json": triggerHint, "data": triggerHint, "msg": triggerHint, "message": triggerHint, "params": triggerHint,
	"query": triggerHint, "headers": triggerHint, "form": triggerHint,
	"steps": nodeHint, "step": nodeHint, "nodes": nodeHint, "node": nodeHint, "tasks": nodeHint, "task": nodeHint, "outputs": nodeHint,
	"output": nodeHint, "jobs": nodeHint, "result": nodeHint, "results": nodeHint, "activity": nodeHint,
	"vars": variableHint, "var": variableHint, "variables": variableHint, "variable": variableHint, "globals": variableHint, "global": variableHint,
	"this": runHint, "self": runHint, "context": runHint, "ctx": runHint, "execution": runHint, "workflow": runHint, "taskrun": runHint,
	"items": itemHint, "element": itemHint, "each": itemHint, "loop": itemHint, "it": itemHint, "current": itemHint,
	"i": indexHint, "iteration": indexHint,
	"err": errorHint, "exception": errorHint, "failure": errorHint,
	"math": mathHint,
}

const (
	triggerHint  = "what a trigger gives is read by the id of its node, as n1.name"
	nodeHint     = "what a node gives is read by its id alone, as n2.status"
	variableHint = "a variable is read by its name alone"
	runHint      = "of the run there are run.id and run.startedAt, of the flow flow.name"
	itemHint     = `inside "foreach" the element is item, and inside filter(), map() and the like it is #`
	indexHint    = `inside "foreach" the number of the element is index, from 0`
	errorHint    = "the last failure is error, with error.message, error.code, error.node and error.outcome"
	mathHint     = "functions stand alone, such as round(x), max(a, b)"
)

// functionsElsewhere say what to write for a function; %s stands for its first
// argument, or for what stands before the dot of a method.
var functionsElsewhere = map[string]string{
	"length": "len(%s)", "size": "len(%s)", "count": "len(%s)", "strlen": "len(%s)",
	"touppercase": "upper(%s)", "uppercase": "upper(%s)", "ucase": "upper(%s)", "toupper": "upper(%s)",
	"tolowercase": "lower(%s)", "lowercase": "lower(%s)", "lcase": "lower(%s)", "tolower": "lower(%s)",
	"tostring": "string(%s)", "str": "string(%s)", "text": "string(%s)", "stringify": "toJSON(%s)", "tojsonstring": "toJSON(%s)",
	"parseint": "int(%s)", "toint": "int(%s)", "tointeger": "int(%s)", "integer": "int(%s)", "number": "float(%s)", "tonumber": "float(%s)", "parsefloat": "float(%s)", "tofloat": "float(%s)",
	"parse": "fromJSON(%s)", "parsejson": "fromJSON(%s)", "json": "fromJSON(%s)", "jsonparse": "fromJSON(%s)",
	"substring": "%s[0:3]", "substr": "%s[0:3]", "slice": "%s[0:3]", "left": "%s[0:3]", "mid": "%s[0:3]", "charat": "%s[0]",
	"includes": `"x" in %s for a list, %s contains "x" for a text`, "contains": `%s contains "x" for a text, "x" in %s for a list`,
	"startswith": `%s startsWith "x"`, "endswith": `%s endsWith "x"`, "matches": `%s matches "^x"`, "match": `%s matches "^x"`, "test": `%s matches "^x"`,
	"regexmatch": `%s matches "^x"`, "replaceall": `replace(%s, "a", "b")`, "strip": "trim(%s)",
	"isempty": `%s == ""`, "empty": `%s == ""`, "isnull": "%s == nil", "isnil": "%s == nil", "isundefined": "%s == nil", "exists": "%s != nil", "defined": "%s != nil", "isdefined": "%s != nil",
	"default": `%s ?? "x"`, "coalesce": `%s ?? "x"`, "ifnull": `%s ?? "x"`, "nvl": `%s ?? "x"`, "ifempty": `%s ?? "x"`, "ornull": `%s ?? nil`,
	"if": "%s ? a : b", "iif": "%s ? a : b", "ternary": "%s ? a : b", "not": "not %s", "and": "a and b", "or": "a or b", "equals": `%s == "x"`, "eq": `%s == "x"`,
	"encodeuricomponent": "queryEscape(%s)", "urlencode": "queryEscape(%s)", "encodeuri": "pathEscape(%s)",
	"btoa": "base64(%s)", "base64encode": "base64(%s)", "tobase64string": "base64(%s)", "atob": "fromBase64(%s)", "base64decode": "fromBase64(%s)",
	"format": `x.Format("2006-01-02"), in which that day stands for any`, "formatdate": `date(%s).Format("2006-01-02")`, "dateformat": `date(%s).Format("2006-01-02")`,
	"todate": "date(%s)", "parsedate": "date(%s)", "strftime": `date(%s).Format("2006-01-02")`, "toisostring": "string(%s)", "today": `now().Format("2006-01-02")`,
	"utcnow": "now()", "currenttimestamp": "now()", "gettime": "%s.Unix()", "timestamp": "now().Unix()",
	"random": "uuid(run.id), which is the same whenever the run is replayed", "rand": "uuid(run.id), which is the same whenever the run is replayed",
	"guid": "uuid(run.id)", "newguid": "uuid(run.id)", "randomuuid": "uuid(run.id)", "uuid4": "uuid(run.id)",
	"push": "concat(%s, [x])", "append": "concat(%s, [x])", "add": "concat(%s, [x])", "unique": "uniq(%s)", "distinct": "uniq(%s)", "foreach": "map(%s, #.name)",
	"some": "any(%s, # > 1)", "every": "all(%s, # > 1)", "where": "filter(%s, # > 1)", "select": "map(%s, #.name)", "pluck": "map(%s, .name)", "orderby": "sortBy(%s, .name)",
	"tofixed": "round(%s)", "pow": "%s ** 2", "mod": "%s % 2", "div": "%s / 2", "avg": "mean(%s)", "average": "mean(%s)",
	"haskey": `"x" in %s`, "has": `"x" in %s`, "hasownproperty": `"x" in %s`,
	"md5": "hex(sha256(%s))", "sha1": "hex(sha256(%s))", "hash": "hex(sha256(%s))", "hmacsha256": "hmac(…)",
}

// functionElsewhere is a hint for a function that there is not, called for a subject,
// "" if none is known.
func functionElsewhere(name, subject string) string {
	form := functionsElsewhere[diag.Word(name)]
	if form == "" {
		return ""
	}
	if subject == "" {
		subject = "x"
	}
	return "here that is " + strings.ReplaceAll(form, "%s", subject)
}

// fieldElsewhere is a hint for a property that other languages have of every list or
// text.
func fieldElsewhere(name, subject string) string {
	switch strings.ToLower(name) {
	case "length", "size", "count":
		return fmt.Sprintf("write len(%s)", subject)
	case "first", "last", "keys", "values":
		return fmt.Sprintf("write %s(%s)", strings.ToLower(name), subject)
	default:
		return ""
	}
}
