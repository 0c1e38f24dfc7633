package flow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
)

// What other products call our built-in node types and their inputs: hints for people
// who come from them.

// typesElsewhere are the names of steps there, without what a vendor puts before
// them, in lower case and without signs.
var typesElsewhere = map[string]string{
	"if": "evaluate", "switch": "evaluate", "branch": "evaluate", "decision": "evaluate", "choice": "evaluate", "condition": "evaluate",
	"router": "evaluate", "filter": "evaluate", "set": "evaluate", "assign": "evaluate", "variables": "evaluate", "setvariable": "evaluate",
	"change": "evaluate", "editfields": "evaluate", "script": "evaluate", "code": "evaluate", "function": "evaluate", "javascript": "evaluate",
	"python": "evaluate", "transform": "evaluate", "template": "evaluate", "compute": "evaluate",
	"request": "http", "httprequest": "http", "rest": "http", "restapi": "http", "api": "http", "curl": "http", "fetch": "http", "webrequest": "http", "graphql": "http",
	"cron": "schedule", "scheduler": "schedule", "scheduletrigger": "schedule", "interval": "schedule", "timer": "schedule", "inject": "schedule",
	"sleep": "delay", "pause": "delay", "waitfor": "delay",
	"subflow": "call", "subworkflow": "call", "executeworkflow": "call", "callflow": "call", "workflow": "call", "flow": "call", "invoke": "call",
	"executeworkflowtrigger": "called", "linkin": "called",
	"loop": "foreach", "each": "foreach", "map": "foreach", "foritem": "foreach", "iterate": "foreach", "iterator": "foreach", "splitinbatches": "foreach",
	"loopoveritems": "foreach", "forloop": "foreach", "foreachitem": "foreach",
	"fork": "parallel", "merge": "parallel", "join": "parallel", "concurrent": "parallel",
	"receive": "wait", "waitforevent": "wait", "listen": "wait", "onevent": "event", "eventtrigger": "event", "cloudevent": "event",
	"publish": "emit", "send": "emit", "sendevent": "emit", "emitevent": "emit", "produce": "emit",
	"debug": "log", "print": "log", "echo": "log", "logger": "log",
	"response": "respond", "httpresponse": "respond", "respondtowebhook": "respond", "reply": "respond", "return": "respond",
	"stop": "end", "exit": "end", "terminate": "end", "fail": "end", "throw": "end", "raise": "end", "finish": "end", "stopanderror": "end", "succeed": "end",
	"httpin": "webhook", "httptrigger": "webhook", "webhooktrigger": "webhook", "hook": "webhook", "trigger": "webhook", "start": "webhook",
	"manualtrigger": "manual", "form": "manual", "formtrigger": "manual", "button": "manual",
	"kv": "store", "keyvalue": "store", "cache": "store", "redis": "store", "state": "store", "datastore": "store", "data": "store", "database": "store",
}

// vendors are what other products have steps for and we have not: plugins have them,
// or an API that can be called.
var vendors = []string{
	"email", "mail", "smtp", "imap", "slack", "teams", "discord", "telegram", "sms", "twilio", "sql", "query", "mysql", "postgres", "postgresql", "mongodb", "kafka",
	"mqtt", "amqp", "rabbitmq", "s3", "ftp", "sftp", "ssh", "shell", "bash", "command", "commands", "exec", "docker", "lambda", "openai", "salesforce", "jira", "github", "gitlab",
}

// typeElsewhere is the built-in type that does what a step of that name does in other
// products, such as n8n-nodes-base.httpRequest or io.kestra.plugin.core.flow.ForEach; ""
// if none is known.
func typeElsewhere(name string) string {
	last := name[strings.LastIndexAny(name, ".:")+1:]
	if meant := typesElsewhere[diag.Word(last)]; meant != "" || last == name {
		return meant
	}
	return diag.Word(last)
}

// isVendors tells of the name of a step that is about somebody else's product.
func isVendors(name string) bool {
	last := name[strings.LastIndexAny(name, ".:")+1:]
	return slices.Contains(vendors, diag.Word(last))
}

// inputsElsewhere are what inputs are called there, in lower case and without signs; of
// several ours the first is meant that the node type has.
var inputsElsewhere = map[string][]string{
	"uri": {"url", "path"}, "endpoint": {"url", "path"}, "address": {"url"}, "host": {"url"}, "baseurl": {"url"}, "link": {"url"}, "route": {"path"}, "url": {"path"},
	"verb": {"method", "methods"}, "httpmethod": {"method", "methods"}, "requestmethod": {"method"}, "method": {"methods"},
	"json": {"body", "data"}, "data": {"body", "input", "schema"}, "payload": {"body", "data", "input"}, "content": {"body", "message"}, "form": {"body"}, "jsonbody": {"body"},
	"params": {"query", "params", "input"}, "queryparams": {"query"}, "queryparameters": {"query"}, "qs": {"query"}, "parameters": {"query", "input"},
	"statuscode": {"status"}, "httpstatus": {"status"}, "responsecode": {"status"}, "header": {"headers"}, "httpheaders": {"headers"},
	"text": {"message", "body"}, "msg": {"message"}, "value": {"message", "key"}, "level": {"level"},
	"seconds": {"for"}, "minutes": {"for"}, "duration": {"for"}, "amount": {"for"}, "time": {"for", "until", "cron"}, "delay": {"for"}, "ms": {"for"}, "wait": {"for"}, "until": {"until"}, "date": {"until"},
	"crontab": {"cron"}, "cronexpression": {"cron"}, "expression": {"cron", "when"}, "tz": {"timezone"}, "zone": {"timezone"}, "interval": {"every"}, "frequency": {"every"}, "rate": {"every"},
	"topic": {"name", "event"}, "eventname": {"event", "name"}, "event": {"name"}, "name": {"event", "flow"}, "type": {"name", "event"},
	"correlationkey": {"key"}, "correlation": {"key"}, "correlationid": {"key"}, "id": {"key"},
	"list": {"items"}, "array": {"items"}, "in": {"items"}, "over": {"items"}, "values": {"items"}, "collection": {"items"}, "foreach": {"items"}, "batchsize": {"concurrency"},
	"maxconcurrency": {"concurrency"}, "concurrencylimit": {"concurrency"}, "parallelism": {"concurrency"}, "maxparallel": {"concurrency"},
	"steps": {"nodes", "branches"}, "tasks": {"nodes", "branches"}, "do": {"nodes"}, "body": {"nodes", "data"}, "onerror": {"onFailure"}, "failfast": {"onFailure"}, "allowfailure": {"onFailure"},
	"workflow": {"flow"}, "flowid": {"flow"}, "workflowid": {"flow"}, "subflow": {"flow"}, "inputs": {"input"}, "args": {"input"}, "arguments": {"input"},
	"condition": {"when", "branches"}, "next": {"outcome"}, "goto": {"outcome"}, "then": {"outcome"}, "kind": {"type"}, "status": {"failed"}, "conditions": {"branches"}, "rules": {"branches"}, "cases": {"branches"}, "if": {"branches"}, "variables": {"set"}, "vars": {"set"}, "assign": {"set"}, "assignments": {"set"}, "fields": {"set"},
	"action": {"operation"}, "op": {"operation"}, "command": {"operation"}, "ttl": {"for"}, "expires": {"for"}, "expiry": {"for"}, "retention": {"for"},
	"error": {"failed", "reason"}, "errormessage": {"reason"}, "result": {"outputs", "code"}, "exitcode": {"code"}, "return": {"outputs"}, "output": {"outputs"}, "outputs": {"outputs"},
	"schema": {"body", "data", "input"}, "jsonschema": {"body", "data", "input"}, "auth": {"verify"}, "authentication": {"verify"}, "secret": {"verify"}, "signature": {"verify"},
	"response": {"reply"}, "responsemode": {"reply"}, "respond": {"reply"}, "idempotencykey": {"dedupe"}, "deduplicate": {"dedupe"}, "deduplication": {"dedupe"},
}

// inputElsewhere is the input of known that somebody meant by another product's name
// for it, "" if none is known.
func inputElsewhere(name string, known []string) string {
	for _, meant := range inputsElsewhere[diag.Word(name)] {
		if slices.Contains(known, meant) {
			return meant
		}
	}
	return ""
}

// uses says what of a node type is meant where its name alone does not tell.
func uses(name, meant string) string {
	if meant == "evaluate" {
		return fmt.Sprintf(`write "evaluate": it branches by conditions, sets variables and computes outputs, which is what %q does elsewhere`, name)
	}
	return fmt.Sprintf("write %q, which does what %q does elsewhere", meant, name)
}
