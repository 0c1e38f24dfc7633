// Makes graphviz.wasm.gz of a release of @viz-js/viz, which carries Graphviz as
// WebAssembly inside of a script:
//
//   npm pack @viz-js/viz@3.31.0 && tar xzf viz-js-viz-3.31.0.tgz
//   node extract.mjs ./package/lib/backend.js graphviz.wasm.gz
//
// It prints the SHA-256 of the module, which the tests hold. With another release
// the short names of its imports and exports are others: they stand in backend.js
// behind "wasmImports=" and Module["_viz_…"], and in graphviz.go.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

let module;
WebAssembly.instantiateStreaming = undefined;
WebAssembly.instantiate = async (bytes) => {
  module = new Uint8Array(bytes);
  throw new Error("this is all that was wanted");
};
const { default: backend } = await import(pathToFileURL(resolve(process.argv[2])));
await backend().catch(() => {});
writeFileSync(process.argv[3], gzipSync(module, { level: 9 }));
console.log(createHash("sha256").update(module).digest("hex"));
