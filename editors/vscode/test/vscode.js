// As much of VS Code's API as the extension and its client use: it keeps documents,
// and remembers what is registered and shown. Whatever else is asked for is a class
// that can be extended, so that the client finds its base classes.
"use strict";

const { EventEmitter: Emitter } = require("node:events");
const { URI, Utils } = require("vscode-uri");

class Disposable {
  constructor(dispose) {
    this.dispose = dispose ?? (() => {});
  }
  static from(...all) {
    return new Disposable(() => all.forEach((d) => d.dispose()));
  }
}

class EventEmitter {
  emitter = new Emitter().setMaxListeners(0);
  event = (listener, self) => {
    const call = self ? listener.bind(self) : listener;
    this.emitter.on("event", call);
    return new Disposable(() => this.emitter.off("event", call));
  };
  fire(value) {
    this.emitter.emit("event", value);
  }
  dispose() {
    this.emitter.removeAllListeners();
  }
}

class CancellationTokenSource {
  token = { isCancellationRequested: false, onCancellationRequested: new EventEmitter().event };
  cancel() {}
  dispose() {}
}

class Position {
  constructor(line, character) {
    Object.assign(this, { line, character });
  }
}

class Range {
  constructor(a, b, c, d) {
    this.start = typeof a === "number" ? new Position(a, b) : a;
    this.end = typeof a === "number" ? new Position(c, d) : b;
  }
}

class Document {
  languageId = "yaml";
  version = 1;
  isClosed = false;
  eol = 1;
  constructor(uri, text) {
    Object.assign(this, { uri, text, fileName: uri.fsPath });
  }
  getText() {
    return this.text;
  }
}

class Diagnostic {
  constructor(range, message, severity) {
    Object.assign(this, { range, message, severity });
  }
}

class CompletionItem {
  constructor(label, kind) {
    Object.assign(this, { label, kind });
  }
}

class CompletionList {
  constructor(items, isIncomplete) {
    Object.assign(this, { items, isIncomplete });
  }
}

class CodeActionKind {
  constructor(value) {
    this.value = value;
  }
  append(part) {
    return new CodeActionKind([this.value, part].filter(Boolean).join("."));
  }
  static Empty = new CodeActionKind("");
  static QuickFix = new CodeActionKind("quickfix");
}

class MarkdownString {
  constructor(value = "") {
    this.value = value;
  }
  appendMarkdown(text) {
    this.value += text;
    return this;
  }
}

class Hover {
  constructor(contents, range) {
    Object.assign(this, { contents: [contents].flat(), range });
  }
}

/** Makes an API: what tests look at is under `seen`. */
function make({ settings = {}, folder } = {}) {
  const seen = { providers: new Map(), diagnostics: new Map(), errors: [], output: "", commands: new Map() };
  const events = {};
  const on = (name) => (events[name] ??= new EventEmitter()).event;
  const answers = []; // to what is shown
  const fixed = {
    version: "1.99.0",
    Disposable, EventEmitter, CancellationTokenSource, Position, Range, Diagnostic, CompletionItem, CompletionList, CodeActionKind, MarkdownString, Hover,
    Uri: Object.assign(URI, { joinPath: Utils.joinPath }),
    workspace: {
      textDocuments: [],
      notebookDocuments: [],
      workspaceFolders: folder && [{ uri: URI.file(folder), name: "test", index: 0 }],
      getConfiguration: () => ({ get: (key, otherwise) => settings[key] ?? otherwise, inspect: () => undefined }),
      getWorkspaceFolder: () => undefined,
      createFileSystemWatcher: () => ({
        onDidCreate: new EventEmitter().event, onDidChange: new EventEmitter().event, onDidDelete: new EventEmitter().event, dispose() {},
      }),
    },
    window: {
      visibleTextEditors: [],
      tabGroups: { all: [], onDidChangeTabs: on("tabs"), onDidChangeTabGroups: on("tabGroups") },
      createOutputChannel: () => ({
        append: (text) => (seen.output += text), appendLine: (text) => (seen.output += text + "\n"), show() {}, dispose() {},
        logLevel: 3, onDidChangeLogLevel: on("logLevel"), info() {}, warn() {}, error: (text) => (seen.output += text + "\n"), debug() {}, trace() {},
      }),
      showErrorMessage: (message, ...choices) => {
        seen.errors.push({ message, choices });
        return Promise.resolve(answers.shift());
      },
    },
    languages: {
      createDiagnosticCollection: () => ({
        set: (uri, list) => {
          seen.diagnostics.set(uri.toString(), list);
          (events.diagnostics ??= new EventEmitter()).fire(uri);
        },
        delete: (uri) => seen.diagnostics.delete(uri.toString()),
        clear: () => seen.diagnostics.clear(), dispose() {},
      }),
      match: (selector, document) =>
        [selector].flat().some((s) => (!s.language || s.language === document.languageId) && (!s.scheme || s.scheme === document.uri.scheme)) ? 10 : 0,
    },
    commands: {
      registerCommand: (name, run) => {
        seen.commands.set(name, run);
        return new Disposable();
      },
      executeCommand: (...args) => {
        seen.executed = args;
        return Promise.resolve();
      },
    },
    env: { appName: "test", language: "en", uiKind: 1, clipboard: {} },
    extensions: { getExtension: () => undefined },
  };
  const api = open(fixed, seen, on);
  const fire = (name, value) => events[name]?.fire(value);
  return {
    api, seen, on, fire, answers,
    open(file, text) {
      const document = new Document(URI.file(file), text);
      fixed.workspace.textDocuments.push(document);
      fire("onDidOpenTextDocument", document);
      return document;
    },
  };
}

// open answers for what is not there: events, registrations, and classes.
function open(object, seen, on, where = "") {
  return new Proxy(object, {
    get(target, name) {
      if (name in target || typeof name === "symbol" || name === "then") {
        const value = target[name];
        const plain = value && Object.getPrototypeOf(value) === Object.prototype;
        return plain ? open(value, seen, on, name) : value;
      }
      if (/^on(Did|Will)/.test(name)) {
        return on(name);
      }
      if (/^register.*Provider$/.test(name)) {
        return (selector, provider) => {
          seen.providers.set(name, provider);
          return new Disposable();
        };
      }
      return (target[name] = class {});
    },
    has: () => true,
  });
}

module.exports = { make };
