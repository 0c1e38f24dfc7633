// A plugin as a program: one JSON document from standard input, one to standard
// output. The host runs it anew for each step, so nothing needs to be freed.
import "./fail"; // named by the build, in package.json
import { Value, parse, quote } from "./json";
import { fingerprint } from "./fingerprint";
import { readAll, write } from "./wasi";

export function _start(): void {
  const document = parse(readAll(0));
  const method = document.get("method").text;
  if (method != "greet") {
    throw new Error("no method " + method);
  }
  write(1, greet(document));
}

// greet asks for one call, and ends when its reply is there.
function greet(document: Value): string {
  const url = document.get("settings").get("peoplePath").text + "/" + encodeURIComponent(document.get("inputs").get("id").text);
  const replies = document.get("replies").items;
  if (replies.length == 0) {
    return '{"calls":[{"method":"GET","url":' + quote(url) + ',"headers":{"Accept":"application/json"}}]}';
  }
  const replayed = fingerprint("GET", url, ["accept", "application/json"], "");
  const reply = replies[0];
  if (reply.get("status").text == "404") {
    return end("unknown", "{}", "nobody has the id " + document.get("inputs").get("id").text, replayed);
  }
  if (reply.get("status").text != "200") {
    return end("onError", "{}", reply.get("failure").text + " " + reply.get("status").text, replayed);
  }
  const person = parse(reply.get("body").text);
  const hello = person.get("language").text == "de" ? "Guten Tag, " : "Hello, ";
  write(2, "greeting " + person.get("name").text + "\n");
  return end("greeted", '{"greeting":' + quote(hello + person.get("name").text + "!") + "}", "", replayed);
}

function end(outcome: string, outputs: string, message: string, replayed: string): string {
  return '{"outcome":' + quote(outcome) + ',"outputs":' + outputs + ',"message":' + quote(message) + ',"replayed":[' + quote(replayed) + "]}";
}
