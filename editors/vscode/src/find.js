"use strict";

const { accessSync, constants, statSync } = require("node:fs");
const path = require("node:path");

/**
 * Finds a program: by a path, which may begin in a folder, or on PATH. Returns
 * undefined if there is none.
 */
function find(name, folder, { env = process.env, platform = process.platform } = {}) {
  const endings = platform === "win32" ? ["", ...(env.PATHEXT ?? ".EXE").split(";")] : [""];
  const folders = /[\\/]/.test(name) ? [folder ?? "."] : (env.PATH ?? "").split(path.delimiter);
  for (const at of folders) {
    for (const ending of endings) {
      const file = path.resolve(at, name) + ending;
      if (isProgram(file)) {
        return file;
      }
    }
  }
  return undefined;
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

module.exports = { find };
