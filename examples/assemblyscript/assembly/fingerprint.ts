// The name of a call, by which the host sees that a replay asks for the same.

// fingerprint takes headers as names in lower case, each followed by its value,
// sorted.
export function fingerprint(method: string, url: string, headers: string[], body: string): string {
  let text = method + "\0" + url + "\0";
  for (let i = 0; i < headers.length; i++) {
    text += headers[i] + "\0";
  }
  text += "\0" + body;
  return method + " " + url + " #" + hex(fnv1a(Uint8Array.wrap(String.UTF8.encode(text))));
}

function fnv1a(bytes: Uint8Array): u64 {
  let hash: u64 = 0xcbf29ce484222325;
  for (let i = 0; i < bytes.length; i++) {
    hash = (hash ^ bytes[i]) * 0x100000001b3;
  }
  return hash;
}

function hex(n: u64): string {
  return n.toString(16).padStart(16, "0");
}
