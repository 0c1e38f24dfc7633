// The Wend extension: it starts `wend lsp` when a flow is opened, and says what to
// do when that cannot be.
"use strict";

const { spawn } = require("node:child_process");
const vscode = require("vscode");
const { CloseAction, LanguageClient, RevealOutputChannelOn } = require("vscode-languageclient/node");
const { find } = require("./find");

// A file is a flow if it has one of these keys at its top; the server says the
// same. Before there is one, no server is started.
const flow = /^["']?(?:flow|nodes)["']? *:/m;

/** @type {LanguageClient | undefined} */
let client;
/** What is started or stopped is so one after the other. */
let turn = Promise.resolve();

function activate(context) {
  const output = vscode.window.createOutputChannel("Wend", { log: true });
  const started = () => client !== undefined;
  const look = (document) => {
    if (!started() && document.languageId === "yaml" && flow.test(document.getText())) {
      return next(() => started() || start(output));
    }
  };
  context.subscriptions.push(
    output,
    vscode.workspace.onDidOpenTextDocument(look),
    vscode.workspace.onDidChangeTextDocument((change) => look(change.document)),
    vscode.commands.registerCommand("wend.restart", () => next(() => restart(output))),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("wend") && started()) {
        next(() => restart(output));
      }
    }),
  );
  return Promise.all(vscode.workspace.textDocuments.map(look));
}

function deactivate() {
  return next(stop);
}

function next(step) {
  turn = turn.then(step);
  return turn;
}

async function restart(output) {
  await stop();
  await start(output);
}

async function stop() {
  const was = client;
  client = undefined;
  // A server that never ran cannot be stopped.
  await was?.stop().catch(() => {});
}

async function start(output) {
  const settings = vscode.workspace.getConfiguration("wend");
  const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const program = find(settings.get("path"), cwd);
  let ran = false;
  class Client extends LanguageClient {
    // Why it did not start is told below, and once.
    error(message, data, show) {
      super.error(message, data, ran && show);
    }
  }
  // It stays, also if it does not run: each flow would ask again.
  client = new Client("wend", "Wend", () => run(program, settings, cwd), {
    documentSelector: [
      { scheme: "file", language: "yaml" },
      { scheme: "untitled", language: "yaml" },
    ],
    outputChannel: output,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationFailedHandler: () => false, // no question whether to try again
    errorHandler: {
      error: (...args) => usual.error(...args),
      // One that never ran will not do so the next time.
      closed: () => (ran ? usual.closed() : { action: CloseAction.DoNotRestart, handled: true }),
    },
  });
  const usual = client.createDefaultErrorHandler();
  if (!program) {
    complain(
      `Flows are not checked: the program "${settings.get("path")}" was not found. Install Wend, or say in the setting wend.path where it is.`,
      "Open Settings",
      () => vscode.commands.executeCommand("workbench.action.openSettings", "wend.path"),
    );
    return;
  }
  try {
    await client.start();
    ran = true;
  } catch (err) {
    server?.kill(); // a client that did not start stops nothing
    const why = [err.message, said].map((text) => text.trim().split("\n")[0]).filter(Boolean).join("; ");
    complain(`Flows are not checked: ${program} lsp did not start: ${why}`, "Show Output", () => output.show());
  }
}

/** The server that was started last, and what it said of itself. */
let server;
let said = "";

async function run(program, settings, cwd) {
  const args = ["lsp"];
  for (const flag of ["config", "plugins"]) {
    if (settings.get(flag)) {
      args.push(`--${flag}`, settings.get(flag));
    }
  }
  server = spawn(program, args, { cwd });
  said = "";
  server.stderr.on("data", (text) => {
    said += text;
  });
  return server;
}

// complain does not wait for somebody to answer.
function complain(message, answer, then) {
  vscode.window.showErrorMessage(message, answer).then((chosen) => chosen === answer && then());
}

module.exports = { activate, deactivate };
