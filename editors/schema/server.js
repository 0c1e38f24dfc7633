// The YAML language server of npm, as editors run it, on standard input and
// output.
"use strict";

const { spawn } = require("node:child_process");
const { pathToFileURL } = require("node:url");
const rpc = require("vscode-languageserver-protocol/node");

/** A server that says what it thinks of texts. Stop it. */
class Server {
  static async start() {
    const s = new Server();
    s.diagnostics = new Map();
    s.waiting = new Map();
    const main = require.resolve("yaml-language-server/bin/yaml-language-server");
    s.child = spawn(process.execPath, [main, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
    s.link = rpc.createMessageConnection(new rpc.StreamMessageReader(s.child.stdout), new rpc.StreamMessageWriter(s.child.stdin));
    s.link.onNotification(rpc.PublishDiagnosticsNotification.type, ({ uri, diagnostics }) => {
      s.diagnostics.set(uri, diagnostics);
      s.waiting.get(uri)?.(diagnostics);
    });
    s.link.onRequest(rpc.RegistrationRequest.type, () => {});
    s.link.listen();
    await s.link.sendRequest(rpc.InitializeRequest.type, {
      processId: process.pid,
      rootUri: null,
      capabilities: {
        textDocument: {
          completion: { completionItem: { documentationFormat: ["markdown"] } },
          hover: { contentFormat: ["markdown"] },
        },
      },
    });
    await s.link.sendNotification(rpc.InitializedNotification.type, {});
    await s.link.sendNotification(rpc.DidChangeConfigurationNotification.type, {
      settings: { yaml: { validate: true, hover: true, completion: true, schemaStore: { enable: false } } },
    });
    return s;
  }

  /** Opens a text and returns what is wrong with it. */
  mistakes(file, text) {
    const uri = pathToFileURL(file).href;
    const told = new Promise((resolve) => this.waiting.set(uri, resolve));
    this.link.sendNotification(rpc.DidOpenTextDocumentNotification.type, {
      textDocument: { uri, languageId: "yaml", version: 1, text },
    });
    return told;
  }

  /** Returns what is offered at a place of a text that is open. */
  async completions(file, position) {
    const list = await this.link.sendRequest(rpc.CompletionRequest.type, { textDocument: { uri: pathToFileURL(file).href }, position });
    return list?.items ?? [];
  }

  /** Returns what is said of a place of a text that is open, "" if nothing. */
  async hover(file, position) {
    const hover = await this.link.sendRequest(rpc.HoverRequest.type, { textDocument: { uri: pathToFileURL(file).href }, position });
    return hover?.contents?.value ?? "";
  }

  async stop() {
    await this.link.sendRequest(rpc.ShutdownRequest.type);
    await this.link.sendNotification(rpc.ExitNotification.type);
    this.link.dispose();
  }
}

module.exports = { Server };
