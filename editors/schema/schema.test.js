// What an editor with the YAML language server says of flows, by the schema that
// `wend schema` prints: nothing about those that are right, nothing untrue about
// those that are wrong, and what each node type takes and gives.
"use strict";

const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const { readdirSync, readFileSync } = require("node:fs");
const path = require("node:path");
const { test, before, after } = require("node:test");
const { Server } = require("./server");

const root = path.resolve(__dirname, "../..");
const wend = process.env.WEND ?? path.join(root, "bin/wend");

let server;

before(async () => {
  server = await Server.start();
});

after(() => server.stop());

/** Flows and tests of folders. */
const yamlIn = (...folders) =>
  folders.flatMap((folder) =>
    readdirSync(path.join(root, folder))
      .filter((name) => name.endsWith(".yaml") && name !== "wend.yaml")
      .map((name) => path.join(root, folder, name)),
  );

const vendors = readdirSync(path.join(root, "flows")).map((name) => `flows/${name}`);

// open opens a file, with a first line that names its schema, and returns the text
// and what is wrong with it.
async function open(file, text = readFileSync(file, "utf8")) {
  const schema = file.endsWith(".test.yaml") ? "wend.tests.schema.json" : "wend.schema.json";
  if (!text.startsWith("# yaml-language-server:")) {
    text = `# yaml-language-server: $schema=${path.join(root, schema)}\n${text}`;
  }
  return { text, list: await server.mistakes(file, text) };
}

const line = (d) => `${d.range.start.line + 1}:${d.range.start.character + 1}: ${d.message}`;

test("no mistakes in flows and tests that are right", async () => {
  const files = yamlIn(...vendors, "examples/jobs", "examples/webhooks", "cmd/wend/testdata/ok");
  assert.ok(files.length > 100, `${files.length} files`);
  const wrong = await Promise.all(
    files.map(async (file) => (await open(file)).list.map((d) => `${file}:${line(d)}`)),
  );
  assert.deepEqual(wrong.flat(), []);
});

// A mistake is true if `wend check` tells one there, too: in a line of what it is
// shown under, or in the one beside it, where keys are indented too little.
test("nothing untrue of flows that are wrong", async () => {
  const files = yamlIn("cmd/wend/testdata/err");
  assert.ok(files.length >= 140, `${files.length} pairs`);
  const untrue = [];
  let told = 0;
  await Promise.all(
    files.map(async (file) => {
      const known = readFileSync(file.replace(/yaml$/, "out"), "utf8").matchAll(/^[^\s:]+\.yaml:(\d+):\d+: /gm);
      const { text, list } = await open(file);
      const added = text.split("\n").length - readFileSync(file, "utf8").split("\n").length;
      const lines = [...known].map((m) => Number(m[1]) - 1 + added);
      told += list.length > 0;
      for (const d of list) {
        if (!lines.some((l) => d.range.start.line - 1 <= l && l <= Math.max(endOf(text, d.range.start.line), d.range.end.line) + 1)) {
          untrue.push(`${file}:${line(d)}`);
        }
      }
    }),
  );
  assert.deepEqual(untrue, []);
  console.log(`mistakes are shown in ${told} of ${files.length} wrong flows`);
  assert.ok(told >= 50);
});

// endOf is the last line of what begins in a line: of those that are indented more.
function endOf(text, start) {
  const lines = text.split("\n");
  const indent = (l) => l.search(/[^ ]/);
  let end = start;
  while (end + 1 < lines.length && (lines[end + 1].trim() === "" || indent(lines[end + 1]) > indent(lines[start]))) {
    end++;
  }
  return end;
}

const types = JSON.parse(execFileSync(wend, ["nodes", "--json"], { cwd: root, maxBuffer: 1 << 26 }));
const refs = types.map((t) => t.type);

let typed = 0;

// type opens a text, and returns its file and where the marks ‸ are in it.
async function type(text) {
  const file = path.join(root, "typed", `${typed++}.yaml`);
  const marks = [];
  const parts = text.split("‸");
  parts.slice(0, -1).reduce((before, part) => {
    const lines = (before + part).split("\n");
    marks.push({ line: lines.length, character: lines.at(-1).length }); // one line comes before
    return before + part;
  }, "");
  await open(file, parts.join(""));
  return [file, ...marks];
}

const property = 10; // a kind of completion; snippets are the server's own
const labels = (items) => [...new Set(items.map((i) => i.label.replace(/^"(.*)"$/, "$1")))].sort();
const head = "flow: typed\nnodes:\n  n1:\n";

test("every node type is offered, with what it does", async () => {
  const offered = await server.completions(...(await type(`${head}    type: ‸\n`)));
  for (const [i, ref] of refs.entries()) {
    const item = offered.find((o) => o.label === ref);
    assert.ok(item, `${ref} is not offered`);
    const doc = item.documentation?.value ?? item.documentation ?? "";
    assert.ok(doc.includes(types[i].doc.trim().split("\n")[0]), `${ref}: ${doc}`);
  }
});

const each = (check) => Promise.all(types.map((t) => check(t, Object.entries(t.inputs?.properties ?? {}))));

test("inputs and outcomes of every node type are offered", () =>
  each(async ({ type: ref, outcomes }, inputs) => {
    const [file, input, outcome] = await type(`${head}    type: ${ref}\n    with:\n      ‸\n    outcomes:\n      ‸\n`);
    const offered = await server.completions(file, input);
    assert.deepEqual(labels(offered.filter((o) => o.kind === property)), inputs.map(([name]) => name).sort(), ref);
    const routes = labels(await server.completions(file, outcome));
    for (const o of outcomes) {
      assert.ok(routes.includes(o.outcome), `${ref}: outcome ${o.outcome} is not among ${routes}`);
    }
  }));

test("every node type and input is explained, with the outputs", () =>
  each(async ({ type: ref, doc, outputs }, inputs) => {
    const text = inputs.map(([name]) => `      ${name.slice(0, 1)}‸${name.slice(1)}: $(x)\n`).join("");
    const [file, at, ...marks] = await type(`${head}    type: ‸${ref}\n    with:\n${text}`);
    const said = plain(await server.hover(file, at));
    for (const word of [doc, ...Object.keys(outputs?.properties ?? {})]) {
      assert.ok(said.includes(plain(word)), `${ref}: "${word}" is not in: ${said}`);
    }
    for (const [i, [name, { description, title }]] of inputs.entries()) {
      const shown = plain(await server.hover(file, marks[i]));
      assert.ok(shown.includes(plain(description ?? title ?? "")), `${ref}, ${name}: ${shown}, want ${description ?? title}`);
    }
  }));

test("every node of the flows that ship is explained and can be chosen anew", async () => {
  let seen = 0;
  for (const file of yamlIn(...vendors).filter((file) => !file.endsWith(".test.yaml"))) {
    const text = readFileSync(file, "utf8"); // it is open
    const shift = text.startsWith("# yaml-language-server:") ? 0 : 1;
    await Promise.all(
      text.split("\n").map(async (l, i) => {
        const [, before, ref] = l.match(/^( {4}type: )(\S+)$/) ?? [];
        if (!ref) return;
        seen++;
        const at = { line: i + shift, character: before.length };
        const { doc } = types.find((t) => [t.type, t.name].includes(ref));
        assert.ok(plain(await server.hover(file, at)).includes(plain(doc)), `${file}:${i + 1}`);
        assert.ok(labels(await server.completions(file, at)).includes(ref), `${file}:${i + 1}: ${ref}`);
      }),
    );
  }
  assert.ok(seen > 150, `${seen} nodes`);
});

// plain is a text without what marks it up, and without its layout.
const plain = (text) => text.replace(/\\|&nbsp;|[*`]/g, "").replace(/\s+/g, " ").trim();

test("constants are offered", async () => {
  let tried = 0;
  await each((t, inputs) =>
    Promise.all(
      inputs.map(async ([name, schema]) => {
        const words = schema["x-choices"]?.values ?? schema.enum;
        if (!words) return;
        tried++;
        const offered = labels(await server.completions(...(await type(`${head}    type: ${t.type}\n    with:\n      ${name}: ‸\n`))));
        for (const word of words) {
          assert.ok(offered.includes(String(word)), `${t.type}, ${name}: ${word} is not among ${offered}`);
        }
      }),
    ),
  );
  assert.ok(tried > 10, `${tried} inputs`);
});
