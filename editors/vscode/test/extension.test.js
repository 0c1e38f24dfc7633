// The extension as it is packed, in Node, with an API of VS Code that is not VS
// Code's and the server that is: wend.
"use strict";

const assert = require("node:assert/strict");
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const Module = require("node:module");
const { tmpdir } = require("node:os");
const path = require("node:path");
const { test } = require("node:test");
const { make } = require("./vscode");
const { find } = require("../src/find");

const wend = process.env.WEND ?? path.resolve(__dirname, "../../../bin/wend");
const bundle = path.resolve(__dirname, "../dist/extension.js");

/** Loads the extension with an API of its own, and activates it. */
async function activate(t, options) {
  const folder = mkdtempSync(path.join(tmpdir(), "wend-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const code = make({ folder, ...options });
  const load = Module._load;
  Module._load = function (name, ...rest) {
    return name === "vscode" ? code.api : load.call(this, name, ...rest);
  };
  delete require.cache[bundle];
  const extension = require(bundle);
  Module._load = load;
  await extension.activate({ subscriptions: [] });
  t.after(() => extension.deactivate());
  return { ...code, folder, extension };
}

/** Waits until something is so: VS Code tells it by an event. */
function until(code, event, so) {
  return new Promise((resolve) => {
    const look = () => so() && resolve(so());
    code.on(event)(look);
    look();
  });
}

/** Waits until mistakes of a document are shown. */
const mistakes = (code, document) =>
  until(code, "diagnostics", () => {
    const list = code.seen.diagnostics.get(document.uri.toString());
    return list?.length > 0 && list;
  });

const flow = `flow: greeting
nodes:
  start: { type: manual, next: say }
  say: { type: log, with: { message: $(start.name) }, next: done, outcomes: { else: dnoe } }
  done: { type: end }
`;

test("a flow is checked, completed and explained", async (t) => {
  const code = await activate(t, { settings: { path: wend } });
  const other = code.open(path.join(code.folder, "compose.yaml"), "services:\n  web: {}\n");
  assert.equal(code.seen.providers.size, 0, "nothing is started for what is no flow");

  const document = code.open(path.join(code.folder, "greeting.yaml"), flow);
  const shown = await mistakes(code, document);
  assert.equal(shown.length, 1);
  assert.match(shown[0].message, /did you mean "done"\?/);
  assert.deepEqual([shown[0].range.start.line, shown[0].source], [3, "wend"]);
  assert.equal(code.seen.diagnostics.get(other.uri.toString())?.length ?? 0, 0);

  const token = new code.api.CancellationTokenSource().token;
  const at = new code.api.Position(3, flow.split("\n")[3].indexOf("$(") + 2);
  const offered = await code.seen.providers.get("registerCompletionItemProvider").provideCompletionItems(document, at, token, { triggerKind: 0 });
  const labels = offered.items.map((i) => i.label);
  assert.ok(labels.includes("start") && labels.includes("upper"), labels.join());

  const hover = await code.seen.providers.get("registerHoverProvider").provideHover(document, new code.api.Position(2, 18), token);
  assert.match(hover.contents.map((c) => c.value).join(), /manual/);
  assert.deepEqual(code.seen.errors, []);

  // Another start is another server.
  code.seen.diagnostics.clear();
  await code.seen.commands.get("wend.restart")();
  await mistakes(code, document);
});

test("a flow that is begun in an empty file is noticed", async (t) => {
  const code = await activate(t, { settings: { path: wend } });
  const document = code.open(path.join(code.folder, "new.yaml"), "");
  document.text = "flow: new\n";
  document.version++;
  code.fire("onDidChangeTextDocument", { document, contentChanges: [] });
  const shown = await mistakes(code, document);
  assert.match(shown[0].message, /nodes/);
});

test("without wend somebody is told what to do", async (t) => {
  const code = await activate(t, { settings: { path: "no-such-wend" } });
  code.answers.push("Open Settings");
  code.open(path.join(code.folder, "a.yaml"), flow);
  code.open(path.join(code.folder, "b.yaml"), flow);
  await code.extension.deactivate();
  assert.equal(code.seen.errors.length, 1, "once");
  assert.match(code.seen.errors[0].message, /"no-such-wend" was not found.*wend\.path/);
  assert.deepEqual(code.seen.executed, ["workbench.action.openSettings", "wend.path"]);
});

test("a configuration that is wrong is what is told", async (t) => {
  const code = await activate(t, { settings: { path: wend } });
  writeFileSync(path.join(code.folder, "wend.yaml"), "conections: {}\n");
  code.open(path.join(code.folder, "a.yaml"), flow);
  await code.extension.deactivate();
  assert.equal(code.seen.errors.length, 1, "once");
  assert.match(code.seen.errors[0].message, /^Flows are not checked: .*wend\.yaml:1:1.*did you mean "connections"\? \[unknown-key\]$/);
});

test("programs are found", (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "wend-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "wend.exe");
  writeFileSync(file, "", { mode: 0o755 });
  writeFileSync(path.join(folder, "plain"), "", { mode: 0o644 });
  const env = { PATH: `/nowhere${path.delimiter}${folder}`, PATHEXT: ".COM;.exe" };
  assert.equal(find("wend.exe", undefined, { env, platform: "linux" }), file);
  assert.equal(find("wend", undefined, { env, platform: "linux" }), undefined);
  assert.equal(find("wend", undefined, { env, platform: "win32" }), file);
  assert.equal(find("./wend.exe", folder, { env: {}, platform: "linux" }), file);
  assert.equal(find(file, undefined, { env: {}, platform: "linux" }), file);
  assert.equal(find("plain", undefined, { env, platform: "linux" }), undefined, "it cannot be run");
  assert.equal(find("./", folder, { env, platform: "linux" }), undefined, "it is a folder");
});

test("the package has what it says", () => {
  const about = JSON.parse(readFileSync(path.resolve(__dirname, "../package.json"), "utf8"));
  const used = readFileSync(path.resolve(__dirname, "../src/extension.js"), "utf8");
  for (const name of Object.keys(about.contributes.configuration.properties)) {
    assert.ok(used.includes(name.replace("wend.", "")), `nobody reads the setting ${name}`);
  }
});
